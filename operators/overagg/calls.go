package overagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// calls computes the calls for rows as they pass, the state of each partition in
// one row of a table: the aggregates' cells, then the ranks' (rank.go).
type calls struct {
	operators.Stateless
	spec     *Spec
	env      *operators.Env
	layout   groupagg.Layout
	accs     []functions.Accumulator
	distinct []int // per aggregate: its set of values, -1
	aggs     []int // per aggregate: its place in spec.Calls
	ranks    []rank

	after []batch.Vector // of spec.Calls, per row of the last step
	args  []batch.Vector
	sel   []int32
	inTs  []types.Type
	outTs []types.Type
	out   batch.Batch
	part  batch.Batch
}

// open binds the calls and lays out their state. retract: rows will leave.
func (o *calls) open(env *operators.Env, out operators.Output, retract bool) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	o.inTs, o.outTs = s.In.Types(), s.Out.Types()
	var aggs []groupagg.Call
	for i, c := range s.Calls {
		if c.Rank == "" {
			o.aggs, aggs = append(o.aggs, i), append(aggs, c.Call)
		}
	}
	if o.accs, o.distinct, err = o.layout.Open(s.In, aggs, retract, env.Session); err != nil {
		return err
	}
	o.after = make([]batch.Vector, len(s.Calls))
	o.out.Cols = make([]batch.Vector, len(o.outTs))
	o.part.Cols = make([]batch.Vector, len(o.outTs))
	return nil
}

// step sends rows 0..n-1 through the aggregates of their partitions ids in t, and
// leaves the result after each in after. cols are the columns of the input; signs
// nil: all come; reset: the partition is new. live are the rows that count, nil:
// all.
func (o *calls) step(t state.Table, cols []batch.Vector, n int, ids []uint32, signs []int8, reset []bool, live []int32) error {
	for k, c := range o.aggs {
		call := o.spec.Calls[c]
		o.args = o.args[:0]
		for _, a := range call.Args {
			o.args = append(o.args, cols[a])
		}
		r := functions.Rows{N: n, IDs: ids, Signs: signs, Reset: reset, Sel: live}
		if call.Distinct {
			r.Sel = o.firsts(t.Multiset(o.distinct[k]), n, ids, signs, reset, live)
		}
		o.after[c].Prepare(call.Result, n)
		if err := o.accs[k].Step(o.layout.Cells(t, k), r, o.args, nil, &o.after[c]); err != nil {
			return err
		}
	}
	return nil
}

// firsts are the live rows whose value is the first of its kind to come or the last
// to go.
func (o *calls) firsts(set state.Multiset, n int, ids []uint32, signs []int8, reset []bool, live []int32) []int32 {
	if o.sel == nil {
		o.sel = []int32{}
	}
	o.sel = o.sel[:0]
	at := 0
	for i := range n {
		if reset != nil && reset[i] {
			set.Clear(ids[i])
		}
		if live != nil {
			if at >= len(live) || int(live[at]) != i {
				continue
			}
			at++
		}
		sign := int64(1)
		if signs != nil {
			sign = int64(signs[i])
		}
		if c := set.Add(ids[i], o.args, i, sign); sign > 0 && c == 1 || sign < 0 && c == 0 {
			o.sel = append(o.sel, int32(i))
		}
	}
	return o.sel
}

// emit sends rows of the input columns with results, both of n rows.
func (o *calls) emit(cols, results []batch.Vector, n int, kinds []batch.Kind) error {
	k := len(o.inTs)
	copy(o.out.Cols[:k], cols[:k])
	copy(o.out.Cols[k:], results)
	o.out.Len, o.out.Kinds, o.out.Sel = n, kinds, nil
	if n <= batch.MaxRows {
		if n == 0 {
			return nil
		}
		return o.Out.Emit(&o.out)
	}
	for from := 0; from < n; from += batch.MaxRows {
		o.sel = o.sel[:0]
		for i := from; i < min(from+batch.MaxRows, n); i++ {
			o.sel = append(o.sel, int32(i))
		}
		p := o.out
		p.Sel = o.sel
		if err := o.Out.Emit(p.Compact(o.outTs, &o.part)); err != nil {
			return err
		}
	}
	return nil
}
