// Package sink hands rows to the outside: Spec writes a table through its
// connector, Collect hands a SELECT's rows to the caller.
//
// The sink operator hands rows to the connector's Writer, which does the rest. A checkpoint, and the end of the job, reach it through
// Prepare, which the task calls; what it answers is committed by the job.
package sink

import (
	"context"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Spec writes its input, which has exactly the sink's columns, into a table.
type Spec struct {
	Table     string // for EXPLAIN and messages
	Sink      connectors.Sink
	In        *types.Schema
	Key       []int // primary key, columns of In
	Overwrite bool
	Job       string
	Takes     batch.Changes // what the sink said it takes
	At        sqlerr.Span

	exact bool // the input's rows are identified by just the primary key
}

// Name is Sink.
func (s *Spec) Name() string { return "Sink" }

// Args are the table and its columns.
func (s *Spec) Args() []operators.Arg {
	all := make([]int, s.In.Len())
	for i := range all {
		all[i] = i
	}
	args := []operators.Arg{{Name: "table", Value: "[" + s.Table + "]"}, {Name: "fields", Value: operators.Columns(s.In, all)}}
	if g, ok := s.Sink.(connectors.Guarantor); ok {
		args = append(args, operators.Arg{Name: "guarantee", Value: "[" + g.Guarantee() + "]"})
	}
	return args
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes refuses what the connector can't take, in words that name the way out.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	takes := s.Sink.Changes(in[0])
	s.exact = false
	for _, k := range keys[0].Upsert {
		s.exact = s.exact || len(k) == len(s.Key) && operators.HasKey([][]int{k}, s.Key)
	}
	missing := in[0].Kinds &^ takes.Kinds &^ batch.UpdateBefore.Set()
	if missing != 0 {
		what := "update"
		switch {
		case missing.Has(batch.Delete) && missing.Has(batch.UpdateAfter):
			what = "update and delete"
		case missing.Has(batch.Delete):
			what = "delete"
		}
		return in[0], operators.Keys{}, sqlerr.New(sqlerr.Invalid, s.At, "table sink %q doesn't support consuming %s changes", s.Table, what).
			WithHint("write to a table that takes changes (a primary key with an upsert connector, or a changelog format), or make the query append-only with a window")
	}
	return in[0], operators.Keys{}, nil
}

// Needs: a sink that takes no -U needs none, unless it has a key that isn't the
// input's: then a row may move from one of its rows to another.
func (s *Spec) Needs(_ int, _ operators.Need) operators.Need {
	return operators.Need{Before: s.Takes.Kinds.Has(batch.UpdateBefore) || len(s.Key) > 0 && !s.exact, FullDeletes: len(s.Key) == 0}
}

// Distribution is by the table's key, so that one writer sees all changes of a
// row; without one each subtask writes what it has.
func (s *Spec) Distribution(int) operators.Distribution {
	if len(s.Key) == 0 {
		return operators.Distribution{Kind: operators.Anywhere}
	}
	return operators.Keyed(s.Key)
}

// New makes the operator.
func (s *Spec) New() operators.Operator { return &Operator{spec: s} }

// Operator is the live sink.
type Operator struct {
	spec   *Spec
	writer connectors.Writer
	ctx    context.Context
}

// Open opens the connector's writer.
func (o *Operator) Open(env *operators.Env, _ operators.Output) error {
	o.ctx = env.Context
	if o.spec.Overwrite && env.Restored == 0 {
		t, ok := o.spec.Sink.(connectors.Truncater)
		if !ok {
			return sqlerr.New(sqlerr.Invalid, o.spec.At, "INSERT OVERWRITE: table %q can't be overwritten", o.spec.Table)
		}
		if err := t.Overwrite(o.ctx); err != nil {
			return connectors.OfTable("sink", o.spec.Table, err)
		}
	}
	w, err := o.spec.Sink.Open(o.ctx, connectors.WriterEnv{Job: o.spec.Job, Subtask: env.Subtask, Of: env.Of, Restored: env.Restored, Session: env.Session, Now: env.Now})
	if err != nil {
		return connectors.OfTable("sink", o.spec.Table, err)
	}
	o.writer = w
	return nil
}

// Process writes.
func (o *Operator) Process(_ int, b *batch.Batch) error {
	if err := o.writer.Write(b); err != nil {
		return connectors.OfTable("sink", o.spec.Table, err)
	}
	return nil
}

// Watermark passes nothing: a sink is the end.
func (o *Operator) Watermark(ms int64) (int64, error) { return ms, nil }

// End does nothing: the task calls Prepare.
func (o *Operator) End(int) error { return nil }

// Flush does nothing: rows go out with Write.
func (o *Operator) Flush() error { return nil }

// Prepare closes the writer's transaction n and returns what Commit needs, nil
// for nothing.
func (o *Operator) Prepare(n uint64) ([]byte, error) {
	p, err := o.writer.Prepare(o.ctx, n)
	if err != nil {
		return nil, connectors.OfTable("sink", o.spec.Table, err)
	}
	return p, nil
}

// Sink is where to commit.
func (o *Operator) Sink() connectors.Sink { return o.spec.Sink }

// Close closes the writer.
func (o *Operator) Close() error {
	if o.writer == nil {
		return nil
	}
	return o.writer.Close()
}
