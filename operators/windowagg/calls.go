package windowagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// calls computes the aggregates over the rows of a table in state: one row per key
// and slice, or per session. Cell 0 is the number of input rows.
type calls struct {
	operators.Stateless
	spec     *Spec
	env      *operators.Env
	late     *operators.Late
	layout   groupagg.Layout
	accs     []functions.Accumulator
	distinct []int // per call: the multiset of its distinct values, -1 for none

	key   []state.Column // the grouping keys
	keyTs []types.Type
	inTs  []types.Type
	outTs []types.Type
	keys  []batch.Vector // of the batch in hand
	own   []batch.Vector // keys that were read from state
	args  []batch.Vector

	hashes []uint64
	ids    []uint32
	fresh  []bool
	signs  []int8
	sel    []int32
	part   batch.Batch
	out    batch.Batch
}

// open binds the calls.
func (o *calls) open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	if o.accs, o.distinct, err = o.layout.Open(s.In, s.Calls, s.retract, env.Session); err != nil {
		return err
	}
	for _, k := range s.Keys {
		o.keyTs = append(o.keyTs, s.In.Fields[k].Type)
		o.key = append(o.key, state.Column{Type: s.In.Fields[k].Type, Meaning: s.In.Fields[k].Name})
	}
	o.inTs, o.outTs = s.In.Types(), s.Out.Types()
	o.out.Cols = make([]batch.Vector, len(o.outTs))
	o.part.Cols = make([]batch.Vector, len(o.inTs))
	o.grow(batch.MaxRows)
	return nil
}

// grow makes room for n rows.
func (o *calls) grow(n int) {
	if cap(o.hashes) < n {
		o.hashes, o.ids, o.fresh, o.signs = make([]uint64, n), make([]uint32, n), make([]bool, n), make([]int8, n)
	}
	o.hashes, o.ids, o.fresh, o.signs = o.hashes[:n], o.ids[:n], o.fresh[:n], o.signs[:n]
}

// fold adds the rows of in to the rows ids of t.
func (o *calls) fold(t state.Table, in *batch.Batch) error {
	t.Touch(o.ids)
	count := t.I64(0)
	for i, id := range o.ids {
		o.signs[i] = in.Kind(i).Sign()
		*count.At(id) += int64(o.signs[i])
	}
	for c, call := range o.spec.Calls {
		r := functions.Rows{N: in.Len, IDs: o.ids, Reset: o.fresh, Sel: o.counting(t, c, in)}
		if o.spec.retract {
			r.Signs = o.signs
		}
		o.args = o.args[:0]
		for _, a := range call.Args {
			o.args = append(o.args, in.Cols[a])
		}
		if err := o.accs[c].Fold(o.layout.Cells(t, c), r, o.args); err != nil {
			return err
		}
	}
	return nil
}

// counting are the rows that count for a call: those its FILTER lets through, and
// for DISTINCT the first of each value. nil: all.
func (o *calls) counting(t state.Table, c int, b *batch.Batch) []int32 {
	call := o.spec.Calls[c]
	if call.Filter < 0 && !call.Distinct {
		return nil
	}
	if o.sel == nil {
		o.sel = make([]int32, 0, batch.MaxRows)
	}
	o.sel, o.args = o.sel[:0], o.args[:0]
	for _, a := range call.Args {
		o.args = append(o.args, b.Cols[a])
	}
	for i := 0; i < b.Len; i++ {
		if f := call.Filter; f >= 0 && (b.Cols[f].Null(i) || b.Cols[f].I64[i] == 0) {
			continue
		}
		if call.Distinct {
			n := t.Multiset(o.distinct[c]).Add(o.ids[i], o.args, i, int64(o.signs[i]))
			if o.signs[i] > 0 && n != 1 || o.signs[i] < 0 && n != 0 {
				continue
			}
		}
		o.sel = append(o.sel, int32(i))
	}
	return o.sel
}

// merge adds rows src of one table to rows ids of another.
func (o *calls) merge(into state.Table, ids []uint32, fresh []bool, from state.Table, src []uint32) error {
	into.Touch(ids)
	rows, add := into.I64(0), from.I64(0)
	for i := range ids {
		*rows.At(ids[i]) += *add.At(src[i])
	}
	for c, call := range o.spec.Calls {
		if call.Distinct {
			if err := o.mergeDistinct(c, into, ids, fresh, from, src); err != nil {
				return err
			}
			continue
		}
		a, b := o.layout.Cells(into, c), o.layout.Cells(from, c)
		if err := o.accs[c].Merge(a, ids, fresh, b, src); err != nil {
			return err
		}
	}
	return nil
}

// mergeDistinct adds the values that the other rows don't have.
func (o *calls) mergeDistinct(c int, into state.Table, ids []uint32, fresh []bool, from state.Table, src []uint32) error {
	set, other := into.Multiset(o.distinct[c]), from.Multiset(o.distinct[c])
	cells := o.layout.Cells(into, c)
	for i, id := range ids {
		reset := []bool{fresh[i]}
		var err error
		other.Each(src[i], func(v []batch.Vector, n int64) bool {
			sel := []int32{}
			if set.Count(id, v, 0) == 0 {
				sel = append(sel, 0)
			}
			set.Add(id, v, 0, n)
			err = o.accs[c].Fold(cells, functions.Rows{N: 1, IDs: []uint32{id}, Reset: reset, Sel: sel}, v)
			reset = []bool{false}
			return err == nil
		})
		if err == nil && reset[0] {
			v := make([]batch.Vector, len(o.spec.Calls[c].Args))
			for k, a := range o.spec.Calls[c].Args {
				v[k].Prepare(o.inTs[a], 1)
			}
			err = o.accs[c].Fold(cells, functions.Rows{N: 1, IDs: []uint32{id}, Reset: reset, Sel: []int32{}}, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// emit sends rows ids of t, whose keys are in the output already, as those of the
// window.
func (o *calls) emit(t state.Table, ids []uint32, at window.Span) error {
	if err := o.results(t, ids); err != nil {
		return err
	}
	k := len(o.spec.Keys)
	for i, p := range o.spec.Props {
		col := k + len(o.accs) + i
		v := &o.out.Cols[col]
		v.Prepare(o.outTs[col], len(ids))
		micros := o.border(p, at, o.outTs[col])
		for r := range ids {
			v.I64[r] = micros
		}
	}
	o.out.Len, o.out.Kinds, o.out.Sel = len(ids), nil, nil
	return o.Out.Emit(&o.out)
}

// border is a window column's value, in microseconds.
func (o *calls) border(p Prop, at window.Span, t types.Type) int64 {
	micros := [...]int64{at.Start, at.End, at.End - 1}[p] * 1000
	switch {
	case p == Time && o.spec.Window.Proctime:
		return o.env.Now().UnixMicro()
	case t.Kind == types.TimestampLTZ:
		return types.FromLocal(micros, o.env.Session.Zone)
	}
	return micros
}

// results writes the calls' results for rows ids of t to the output, behind the
// keys.
func (o *calls) results(t state.Table, ids []uint32) error {
	k := len(o.spec.Keys)
	for c := range o.accs {
		v := &o.out.Cols[k+c]
		v.Prepare(o.outTs[k+c], len(ids))
		if err := o.accs[c].Result(o.layout.Cells(t, c), ids, v); err != nil {
			return err
		}
	}
	return nil
}
