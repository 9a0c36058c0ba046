package types

import (
	"math/rand"
	"strings"
	"time"
)

// Schema is an ordered list of named columns.
type Schema struct{ Fields []Field }

// NewSchema makes a schema of the fields.
func NewSchema(fields ...Field) *Schema { return &Schema{Fields: fields} }

// Len is the number of columns.
func (s *Schema) Len() int { return len(s.Fields) }

// Index is the position of the column of that exact name, -1 if there is none.
func (s *Schema) Index(name string) int {
	for i, f := range s.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// Names are the columns' names.
func (s *Schema) Names() []string {
	n := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		n[i] = f.Name
	}
	return n
}

// Types are the columns' types.
func (s *Schema) Types() []Type {
	t := make([]Type, len(s.Fields))
	for i, f := range s.Fields {
		t[i] = f.Type
	}
	return t
}

// Select is the schema of the columns at cols.
func (s *Schema) Select(cols []int) *Schema {
	f := make([]Field, len(cols))
	for i, c := range cols {
		f[i] = s.Fields[c]
	}
	return &Schema{Fields: f}
}

// Row is the schema as one ROW type.
func (s *Schema) Row() Type { return Type{Kind: Row, NotNull: true, Fields: s.Fields} }

func (s *Schema) String() string {
	var b strings.Builder
	for i, f := range s.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name + " " + f.Type.String())
	}
	return b.String()
}

// Session is what a running query may know of its session. It is made once per
// query and never changes.
type Session struct {
	Zone    *time.Location    // table.local-time-zone
	Batch   bool              // execution.runtime-mode = batch
	Start   time.Time         // when the query started: CURRENT_TIMESTAMP in batch mode
	Now     func() time.Time  // the clock
	Seed    int64             // of every random number; set by millrace.seed
	Options map[string]string // every SET, for rarely asked keys
}

// NewSession is a session in UTC with the given clock and no options.
func NewSession(now func() time.Time) *Session {
	return &Session{Zone: time.UTC, Start: now(), Now: now, Options: map[string]string{}}
}

// Option is the value of a SET key, or def.
func (s *Session) Option(key, def string) string {
	if v, ok := s.Options[key]; ok {
		return v
	}
	return def
}

// Rand is a generator seeded by the session's seed and a name, so that each
// user of randomness has a stream of its own that a replay repeats.
func (s *Session) Rand(name string) *rand.Rand {
	h := uint64(s.Seed) ^ 0x9e3779b97f4a7c15
	for i := 0; i < len(name); i++ {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return rand.New(rand.NewSource(int64(h)))
}
