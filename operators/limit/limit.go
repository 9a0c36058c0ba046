// Package limit passes the first rows: LIMIT and OFFSET without an order. Over an
// input that takes rows back it is a Top-N in arrival order, which package topn
// does.
package limit

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Spec passes rows Offset.. Offset+Limit-1 of an insert-only input.
type Spec struct {
	In            *types.Schema
	Offset, Limit int64 // Limit < 0: no end
}

// Name is Limit.
func (s *Spec) Name() string { return "Limit" }

// Args are offset and fetch.
func (s *Spec) Args() []operators.Arg {
	return []operators.Arg{{Name: "offset", Value: fmt.Sprintf("[%d]", s.Offset)}, {Name: "fetch", Value: fmt.Sprintf("[%d]", s.Limit)}}
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes takes inserts only.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	return in[0], keys[0], operators.RefuseUpdates(s.Name(), in[0])
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution: rows are counted in one place.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(nil) }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec  *Spec
	table state.Table // one row: the number of rows seen
	id    [1]uint32
	sel   []int32
	out   batch.Batch
}

// Open opens the count.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out = out
	o.table, err = env.State.Table(state.Spec{Name: "seen", Row: []state.Column{{Type: types.BigIntType, Meaning: "rows"}}})
	return err
}

// Process passes the rows that are wanted, and is done after the last.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.table.Upsert(nil, []uint64{0}, o.id[:], []bool{false})
	o.table.Touch(o.id[:])
	seen := o.table.I64(0).At(o.id[0])
	from := o.spec.Offset - *seen
	to := from + o.spec.Limit
	if o.spec.Limit < 0 {
		to = int64(b.Len)
	}
	*seen += int64(b.Len)
	from, end := max(from, 0), min(to, int64(b.Len))
	if from == 0 && end == int64(b.Len) {
		if err := o.Out.Emit(b); err != nil {
			return err
		}
	} else if from < end {
		o.sel = o.sel[:0]
		for i := from; i < end; i++ {
			o.sel = append(o.sel, int32(i))
		}
		part := *b
		part.Sel = o.sel
		if err := o.Out.Emit(part.Compact(o.spec.In.Types(), &o.out)); err != nil {
			return err
		}
	}
	if o.spec.Limit >= 0 && to <= int64(b.Len) {
		return operators.Done
	}
	return nil
}
