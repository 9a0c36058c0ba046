// Package setop is INTERSECT and EXCEPT, distinct and ALL, of two changing tables.
//
// One row of state for each distinct row holds how often either side has it; how
// often it is in the result follows from the two, and what comes out is the change
// of that. NULLs are equal. Start with Spec, then Process.
package setop

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Spec is a set operation on two inputs of one schema.
type Spec struct {
	Except bool // else INTERSECT
	All    bool // rows count as often as they occur
	Out    *types.Schema
}

// Name is Flink's for the operation.
func (s *Spec) Name() string {
	if s.Except {
		return "Minus"
	}
	return "Intersect"
}

// Args are the form and the columns.
func (s *Spec) Args() []operators.Arg {
	return []operators.Arg{{Name: "all", Value: map[bool]string{true: "[true]", false: "[false]"}[s.All]}, {Name: "select", Value: operators.Columns(s.Out, s.every())}}
}

func (s *Spec) every() []int {
	out := make([]int, s.Out.Len())
	for i := range out {
		out[i] = i
	}
	return out
}

// Schema is that of both inputs.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes: rows come and go, but for INTERSECT of rows that only come.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	kinds := batch.InsertOnly | batch.Delete.Set()
	if !s.Except && in[0].InsertOnly() && in[1].InsertOnly() {
		kinds = batch.InsertOnly
	}
	var k operators.Keys
	if !s.All {
		k = operators.Keys{Unique: [][]int{s.every()}, Upsert: [][]int{s.every()}}
	}
	return batch.Changes{Kinds: kinds}, k, nil
}

// Needs: rows are counted by all their columns.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the whole row.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.every()) }

// Placement is the inputs'.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec   *Spec
	table  state.Table
	ts     []types.Type
	hashes []uint64
	ids    []uint32
	fresh  []bool
	out    batch.Batch
	hold   bool // batch mode: only the end counts
	seen   []uint32
	ended  int
}

func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.ts, o.hold = out, o.spec.Out.Types(), env.Session.Batch
	spec := state.Spec{Name: "rows", Row: []state.Column{{Type: types.BigIntType, Meaning: "left"}, {Type: types.BigIntType, Meaning: "right"}}}
	for i, f := range o.spec.Out.Fields {
		spec.Key = append(spec.Key, state.Column{Type: o.ts[i], Meaning: f.Name})
	}
	o.table, err = env.State.Table(spec)
	o.out.Reset(o.ts)
	return err
}

// Process counts a side's rows and sends what changes.
func (o *operator) Process(input int, b *batch.Batch) error {
	if cap(o.ids) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, 2*b.Len), make([]uint32, 2*b.Len), make([]bool, 2*b.Len)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len]
	cols := b.Cols[:len(o.ts)]
	batch.Hash(o.ts, cols, b.Len, o.hashes)
	o.table.Upsert(cols, o.hashes, o.ids, o.fresh)
	o.table.Touch(o.ids)
	left, right := o.table.I64(0), o.table.I64(1)
	for i, id := range o.ids {
		l, r := left.At(id), right.At(id)
		if o.fresh[i] && o.hold {
			o.seen = append(o.seen, id)
		}
		before := o.times(*l, *r)
		if input == 0 {
			*l += int64(b.Kind(i).Sign())
		} else {
			*r += int64(b.Kind(i).Sign())
		}
		if o.hold {
			continue
		}
		if err := o.emit(b, i, o.times(*l, *r)-before); err != nil {
			return err
		}
	}
	if !o.hold {
		o.forget()
	}
	return o.flush()
}

// forget deletes the batch's rows that neither side has any more.
func (o *operator) forget() {
	left, right := o.table.I64(0), o.table.I64(1)
	gone := slices.DeleteFunc(o.ids, func(id uint32) bool { return *left.At(id) != 0 || *right.At(id) != 0 })
	slices.Sort(gone)
	if gone = slices.Compact(gone); len(gone) > 0 {
		o.table.Delete(gone)
	}
}

// times is how often a row is in the result that the sides have so often.
func (o *operator) times(l, r int64) int64 {
	l, r = max(l, 0), max(r, 0)
	switch {
	case o.spec.All && o.spec.Except:
		return max(l-r, 0)
	case o.spec.All:
		return min(l, r)
	case l > 0 && (r > 0) != o.spec.Except:
		return 1
	}
	return 0
}

// emit sends row i n times, or takes it back -n times.
func (o *operator) emit(b *batch.Batch, i int, n int64) error {
	kind := batch.Insert
	if n < 0 {
		kind, n = batch.Delete, -n
	}
	for range n {
		o.out.AppendRow(o.ts, kind, b, i)
		if o.out.Len >= batch.MaxRows {
			if err := o.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *operator) flush() error {
	if o.out.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.ts)
	return err
}

// End sends batch mode's rows in the order of arrival.
func (o *operator) End(int) error {
	if o.ended++; o.ended < 2 || !o.hold {
		return nil
	}
	key := batch.Batch{Len: 1, Cols: make([]batch.Vector, len(o.ts))}
	var one [1]uint32
	for _, id := range o.seen {
		one[0] = id
		o.table.Keys(one[:], key.Cols)
		if err := o.emit(&key, 0, o.times(*o.table.I64(0).At(id), *o.table.I64(1).At(id))); err != nil {
			return err
		}
	}
	o.seen = nil
	return o.flush()
}
