package sqltest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/types"
)

// swap is a connector whose options, checks and changes are the real one's, and
// whose rows are the case's.
func (t *trial) swap(c *connectors.Connector) *connectors.Connector {
	out := *c
	if c.Source != nil {
		out.Source = func(table connectors.Table) (connectors.Source, error) {
			real, err := c.Source(table)
			if err != nil {
				return nil, err
			}
			return &source{trial: t, table: &table, changes: real.Changes(), bounded: real.Bounded() || t.ends()}, nil
		}
		out.Lookup = func(table connectors.Table) (connectors.Lookup, error) {
			return &lookup{trial: t, table: &table}, nil
		}
	}
	if c.Sink != nil {
		out.Sink = func(table connectors.Table) (connectors.Sink, error) {
			real, err := c.Sink(table)
			if err != nil {
				return nil, err
			}
			return t.sink(&table, real.Changes), nil
		}
	}
	return &out
}

// ends says that the case has its sources end.
func (t *trial) ends() bool {
	return slices.ContainsFunc(t.c.Steps, func(s Step) bool { return s.Kind == End })
}

type source struct {
	trial   *trial
	table   *connectors.Table
	changes batch.Changes
	bounded bool
	listed  bool
}

func (s *source) Changes() batch.Changes { return s.changes }
func (s *source) Bounded() bool          { return s.bounded }

// Splits is one, which says that a reader will come.
func (s *source) Splits(context.Context, []connectors.Split, int) ([]connectors.Split, error) {
	if x := s.trial.script; !s.listed {
		s.listed = true
		x.mu.Lock()
		x.sources++
		x.mu.Unlock()
	}
	return []connectors.Split{{Name: "test", Bounded: s.bounded}}, nil
}

func (s *source) Read(_ context.Context, _ connectors.Split, _ []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	return newReader(s.trial.script, s.table, s.bounded, env), nil
}

// sink keeps what a table was given.
type sink struct {
	table   *connectors.Table
	changes func(batch.Changes) batch.Changes

	trial *trial
	mu    sync.Mutex
	ts    []types.Type
	rows  []change
	owner *script     // of the job that writes
	marks map[int]int // after how many steps there were how many changes
}

type change struct {
	kind batch.Kind
	row  []byte
	key  string
}

func (s *sink) Changes(query batch.Changes) batch.Changes { return s.changes(query) }
func (s *sink) Open(context.Context, connectors.WriterEnv) (connectors.Writer, error) {
	s.owner = s.trial.script
	return s, nil
}
func (s *sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }
func (s *sink) Flush(context.Context) error                     { return nil }
func (s *sink) Prepare(context.Context, uint64) ([]byte, error) { return nil, nil }
func (s *sink) Close() error                                    { return nil }
func (s *sink) Overwrite(context.Context) error                 { s.rows = nil; return nil }

func (s *sink) Write(b *batch.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := func(i int) {
		c := change{kind: b.Kind(i), row: batch.AppendRow(nil, s.ts, b.Cols, i)}
		if len(s.table.Key) > 0 {
			var key []byte
			for _, k := range s.table.Key {
				key = batch.AppendRow(key, s.ts[k:k+1], b.Cols[k:k+1], i)
			}
			c.key = string(key)
		}
		s.rows = append(s.rows, c)
	}
	if b.Sel != nil {
		for _, i := range b.Sel {
			one(int(i))
		}
		return nil
	}
	for i := 0; i < b.Len; i++ {
		one(i)
	}
	return nil
}

// until is the changes there were after so many steps.
func (s *sink) until(steps int) []change {
	if n, ok := s.marks[steps]; ok {
		return s.rows[:n]
	}
	return s.rows // the job's end
}

func (s *sink) mark(steps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[steps] = len(s.rows)
}

// final is the rows that the changes leave, in the order they came: by key when the
// table has one, else each taken away once.
func (s *sink) final(changes []change) (out []change) {
	live := map[string][]int{}
	var rows []*change
	for _, c := range changes {
		id := string(c.row)
		if c.key != "" {
			id = c.key
		}
		at := live[id]
		switch {
		case c.kind == batch.UpdateBefore && c.key != "": // its +U or -D follows
		case c.kind.Sign() > 0 && c.key != "" && len(at) > 0:
			rows[at[0]] = &c
		case c.kind.Sign() > 0:
			live[id] = append(at, len(rows))
			rows = append(rows, &c)
		case len(at) > 0:
			rows[at[0]] = nil
			live[id] = at[1:]
		}
	}
	for _, c := range rows {
		if c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// lookup answers by key from the rows that have come in so far.
type lookup struct {
	trial  *trial
	table  *connectors.Table
	keys   []int
	ticket uint64
	rows   batch.Batch
	origin []int32
	ready  bool
}

// OpenLookup is told the key columns.
func (l *lookup) OpenLookup(_ context.Context, keys []int) (connectors.Lookup, error) {
	return &lookup{trial: l.trial, table: l.table, keys: keys}, nil
}

// Start answers at once.
func (l *lookup) Start(keys *batch.Batch, wake func()) (uint64, error) {
	ts := l.table.Schema.Types()
	l.rows.Reset(ts)
	l.origin = l.origin[:0]
	have, err := l.have(ts)
	if err != nil {
		return 0, err
	}
	keyTs := make([]types.Type, len(l.keys))
	cols := make([]batch.Vector, len(l.keys))
	for i, k := range l.keys {
		keyTs[i], cols[i] = ts[k], have.Cols[k]
	}
	for k := 0; k < keys.Len; k++ {
		want := batch.AppendRow(nil, keyTs, keys.Cols, k)
		for i := 0; i < have.Len; i++ {
			if bytes.Equal(want, batch.AppendRow(nil, keyTs, cols, i)) {
				l.rows.AppendRow(ts, batch.Insert, have, i)
				l.origin = append(l.origin, int32(k))
			}
		}
	}
	l.ticket++
	l.ready = true
	wake()
	return l.ticket, nil
}

// have is the table now: of the steps up to this one, by primary key when it has
// one.
func (l *lookup) have(ts []types.Type) (*batch.Batch, error) {
	s := l.trial.script
	s.mu.Lock()
	defer s.mu.Unlock()
	var b batch.Batch
	b.Reset(ts)
	for i := 0; i <= s.at && i < len(s.steps); i++ {
		step := &s.steps[i]
		if step.Kind != Input || !names(l.table.Path, step.Table) {
			continue
		}
		for _, row := range step.Rows {
			if err := changelogjson.AppendRow(&b, l.table.Schema, row.Values, row.Kind); err != nil {
				return nil, &rowError{line: row.Line, table: l.table.Path, err: err}
			}
		}
	}
	if len(l.table.Key) == 0 {
		return &b, nil
	}
	last := map[string]int{} // a later row of a key takes the place of an earlier one
	at := make([]string, b.Len)
	for i := range at {
		var key []byte
		for _, k := range l.table.Key {
			for c, f := range l.table.Schema.Fields {
				if f.Name == l.table.Full.Fields[k].Name {
					key = batch.AppendRow(key, ts[c:c+1], b.Cols[c:c+1], i)
				}
			}
		}
		at[i] = string(key)
		last[at[i]] = i
	}
	var out batch.Batch
	out.Reset(ts)
	for i, k := range at {
		if last[k] == i && b.Kind(i).Sign() > 0 {
			out.AppendRow(ts, batch.Insert, &b, i)
		}
	}
	return &out, nil
}

// Poll is the answer.
func (l *lookup) Poll() (uint64, *batch.Batch, []int32, error) {
	if !l.ready {
		return 0, nil, nil, connectors.ErrNotReady
	}
	l.ready = false
	return l.ticket, &l.rows, l.origin, nil
}

// Close does nothing.
func (l *lookup) Close() error { return nil }

// rowError is a row of the test file that doesn't fit its table.
type rowError struct {
	line  int
	table string
	err   error
}

func (e *rowError) Error() string {
	return fmt.Sprintf("line %d: this row doesn't fit table %s: %v", e.line, e.table, e.err)
}
