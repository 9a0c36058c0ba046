// Package datagen makes rows up: random values or sequences, per field.
//
// A cell is a function of the session's seed, the table, the column and the row
// number, so that a restart and any parallelism give the same rows. fields.go
// turns the fields.* options into a generator per column, fill.go runs them;
// datagen.go is the source: which rows are due, and when.
package datagen

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is datagen.
var Connector = &connectors.Connector{
	Name: "datagen", Doc: "Makes rows up: random values or sequences.", Inner: true,
	Options: []formats.Option{
		{Name: "rows-per-second", Type: formats.IntOption, Default: "10000", Doc: "How many rows a second."},
		{Name: "number-of-rows", Type: formats.IntOption, Doc: "How many rows in all; none: no end."},
		{Name: "scan.parallelism", Type: formats.IntOption, Doc: "Parallelism of the source."},
		{Name: "fields.", Prefix: true, Doc: "fields.NAME.kind (random, sequence), .min, .max, .max-past, .length, .var-len, .start, .end, .null-rate; nested fields by NAME.FIELD, NAME.element, NAME.key, NAME.value."},
	},
	Source:              open,
	NoWatermarkPushDown: true,
	Narrows:             true,
}

type source struct {
	types []types.Type
	gens  []gen
	seed  uint64
	rate  int64
	num   int64 // rows in all, -1: no end
}

func open(t connectors.Table) (connectors.Source, error) {
	s := &source{types: t.Schema.Types(), num: -1, rate: t.Options.Int("rows-per-second")}
	if t.Options.Has("number-of-rows") {
		s.num = max(t.Options.Int("number-of-rows"), 0)
	}
	if s.rate <= 0 {
		return nil, fmt.Errorf("datagen: option 'rows-per-second' is %d, must be positive", s.rate)
	}
	o := &fieldOptions{values: t.Options, used: map[string]bool{}}
	wanted := map[string]gen{}
	for c, f := range t.Full.Fields {
		g, err := o.field(f.Type, "fields."+f.Name, uint64(c)+1, false)
		if err != nil {
			return nil, fmt.Errorf("datagen: %w", err)
		}
		if g.sequence { // one that isn't read ends the table all the same
			if n := max(g.end-g.start+1, 0); s.num < 0 || n < s.num {
				s.num = n
			}
		}
		wanted[f.Name] = g
	}
	if err := o.unused(); err != nil {
		return nil, fmt.Errorf("datagen: %w", err)
	}
	for _, f := range t.Schema.Fields {
		s.gens = append(s.gens, wanted[f.Name])
	}
	s.seed = uint64(t.Session.Rand("datagen " + t.Path).Int63())
	return s, nil
}

func (s *source) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (s *source) Bounded() bool          { return s.num >= 0 }

// RowCount is exact for a bounded table.
func (s *source) RowCount() (int64, bool) { return s.num, s.num >= 0 }

// Splits deals the rows out: split i of n has rows i, i+n, ...
func (s *source) Splits(_ context.Context, known []connectors.Split, parallelism int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return nil, nil
	}
	out := make([]connectors.Split, max(parallelism, 1))
	for i := range out {
		out[i] = connectors.Split{Name: strconv.Itoa(i), Data: fmt.Appendf(nil, "%d/%d", i, len(out)), Bounded: s.num >= 0}
	}
	return out, nil
}

func (s *source) Read(_ context.Context, sp connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	r := &reader{source: s, env: env, out: batch.Batch{Cols: make([]batch.Vector, len(s.types))}}
	if _, err := fmt.Sscanf(string(sp.Data), "%d/%d", &r.next, &r.step); err != nil || r.step < 1 {
		return nil, fmt.Errorf("datagen: split %q: %w", sp.Data, err)
	}
	if from != nil {
		n, err := strconv.ParseInt(string(from), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("datagen: position of split %s: %w", sp.Name, err)
		}
		r.next = n
	}
	r.first = r.next
	return r, nil
}

type reader struct {
	*source
	env               connectors.ReadEnv
	next, first, step int64
	start             time.Time
	timer             *time.Timer
	out               batch.Batch
}

func (r *reader) Position() []byte { return strconv.AppendInt(nil, r.next, 10) }

func (r *reader) Close() error {
	if r.timer != nil {
		r.timer.Stop()
	}
	return nil
}

// Next gives the rows that are due by the clock.
func (r *reader) Next() (*batch.Batch, error) {
	if r.num >= 0 && r.next >= r.num {
		return nil, io.EOF
	}
	now := r.env.Now()
	if r.start.IsZero() {
		r.start = now
	}
	n := int64(max(1, min(r.env.Rows, batch.MaxRows)))
	if r.num >= 0 {
		n = min(n, (r.num-r.next+r.step-1)/r.step)
	}
	passed := now.Sub(r.start)
	due := r.first + r.step + int64(passed.Seconds()*float64(r.rate)) // the first row is due at once
	if n = min(n, (due-r.next+r.step-1)/r.step); n <= 0 {
		wait := time.Duration(float64(r.next-r.first)/float64(r.rate)*float64(time.Second)) - passed
		r.timer = time.AfterFunc(max(wait, time.Millisecond), r.env.Wake)
		return nil, connectors.ErrNotReady
	}
	for c := range r.gens {
		r.out.Cols[c].Prepare(r.types[c], 0)
		r.gens[c].fill(&r.out.Cols[c], int(n), r.next, r.step, r.seed, now)
	}
	r.out.Len = int(n)
	r.next += n * r.step
	return &r.out, nil
}
