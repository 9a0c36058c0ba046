package groupagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live aggregation.
type operator struct {
	operators.Stateless
	spec     *Spec
	env      *operators.Env
	table    state.Table
	layout   Layout
	accs     []functions.Accumulator
	distinct []int // per call: the multiset of its distinct values, -1
	keyTs    []types.Type
	outTs    []types.Type
	keys     []batch.Vector
	hashes   []uint64
	ids      []uint32
	fresh    []bool

	signs         []int8
	reset         []bool
	counts        [][2]int64 // rows of the group before and after each row
	before, after []batch.Vector
	args          []batch.Vector
	sel           []int32
	out           batch.Batch
	hold          bool
}

// Open opens the group table.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	if o.accs, o.distinct, err = o.layout.Open(s.In, s.Calls, s.retract, env.Session); err != nil {
		return err
	}
	spec := state.Spec{Name: "groups", Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists}
	for _, k := range s.Keys {
		o.keyTs = append(o.keyTs, s.In.Fields[k].Type)
		spec.Key = append(spec.Key, state.Column{Type: s.In.Fields[k].Type, Meaning: s.In.Fields[k].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.keys, o.outTs = make([]batch.Vector, len(s.Keys)), s.Out.Types()
	o.before, o.after = make([]batch.Vector, len(s.Calls)), make([]batch.Vector, len(s.Calls))
	o.out.Reset(o.outTs)
	o.hold = env.Session.Batch
	return nil
}

// Process steps through the rows and sends each one's change.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.find(b)
	o.count(b)
	for c, call := range o.spec.Calls {
		rows := functions.Rows{N: b.Len, IDs: o.ids, Reset: o.reset, Sel: o.rows(c, b)}
		if o.spec.retract {
			rows.Signs = o.signs
		}
		o.args = o.args[:0]
		for _, a := range call.Args {
			o.args = append(o.args, b.Cols[a])
		}
		cells := o.layout.Cells(o.table, c)
		if o.hold {
			if err := o.accs[c].Fold(cells, rows, o.args); err != nil {
				return err
			}
			continue
		}
		o.before[c].Prepare(call.Result, b.Len)
		o.after[c].Prepare(call.Result, b.Len)
		if err := o.accs[c].Step(cells, rows, o.args, &o.before[c], &o.after[c]); err != nil {
			return err
		}
	}
	if o.hold {
		return nil
	}
	return o.changes(b)
}

func (o *operator) find(b *batch.Batch) {
	for i, k := range o.spec.Keys {
		o.keys[i] = b.Cols[k]
	}
	if n := b.Len; cap(o.hashes) < n {
		o.hashes, o.ids, o.fresh = make([]uint64, n), make([]uint32, n), make([]bool, n)
		o.signs, o.reset, o.counts = make([]int8, n), make([]bool, n), make([][2]int64, n)
	}
	n := b.Len
	o.hashes, o.ids, o.fresh, o.signs, o.reset, o.counts = o.hashes[:n], o.ids[:n], o.fresh[:n], o.signs[:n], o.reset[:n], o.counts[:n]
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
}

// count keeps the number of rows of each group: it alone says whether +I, -D or an
// update comes out. A row taken back from a group that doesn't exist is dropped.
func (o *operator) count(b *batch.Batch) {
	o.table.Touch(o.ids)
	rows := o.table.I64(0)
	for i := 0; i < b.Len; i++ {
		cell := rows.At(o.ids[i])
		before, sign := *cell, b.Kind(i).Sign()
		o.reset[i] = before == 0
		if before == 0 && sign < 0 {
			sign = 0
			o.env.Metrics.Dropped.Add(1)
		}
		*cell += int64(sign)
		o.signs[i], o.counts[i] = sign, [2]int64{before, *cell}
	}
}

// rows are those that count for call c: FILTER, DISTINCT; nil for all.
func (o *operator) rows(c int, b *batch.Batch) []int32 {
	call := o.spec.Calls[c]
	if call.Filter < 0 && !call.Distinct && !o.spec.retract {
		return nil
	}
	o.sel = o.sel[:0]
	var set state.Multiset
	var values []batch.Vector
	if call.Distinct {
		set = o.table.Multiset(o.distinct[c])
		for _, a := range call.Args {
			values = append(values, b.Cols[a])
		}
	}
	for i := 0; i < b.Len; i++ {
		if o.signs[i] == 0 {
			continue
		}
		if call.Distinct && o.reset[i] {
			set.Clear(o.ids[i])
		}
		if f := call.Filter; f >= 0 && (b.Cols[f].Null(i) || b.Cols[f].I64[i] == 0) {
			continue
		}
		if call.Distinct {
			n := set.Add(o.ids[i], values, i, int64(o.signs[i]))
			if o.signs[i] > 0 && n != 1 || o.signs[i] < 0 && n != 0 {
				continue
			}
		}
		o.sel = append(o.sel, int32(i))
	}
	if o.sel == nil {
		return []int32{}
	}
	return o.sel
}

// changes sends, row by row, what became of its group.
func (o *operator) changes(b *batch.Batch) error {
	for i := 0; i < b.Len; i++ {
		before, after := o.counts[i][0], o.counts[i][1]
		var err error
		switch {
		case before == 0 && after == 0:
		case before == 0:
			err = o.emit(b, i, o.after, batch.Insert)
		case after == 0:
			err = o.emit(b, i, o.before, batch.Delete)
			if o.last(b, i) {
				o.table.Delete(o.ids[i : i+1])
			}
		case o.same(i):
		default:
			if o.spec.before {
				err = o.emit(b, i, o.before, batch.UpdateBefore)
			}
			if err == nil {
				err = o.emit(b, i, o.after, batch.UpdateAfter)
			}
		}
		if err != nil {
			return err
		}
	}
	return o.flush()
}

// last says that no later row of the batch is of row i's group.
func (o *operator) last(b *batch.Batch, i int) bool {
	for k := i + 1; k < b.Len; k++ {
		if o.ids[k] == o.ids[i] {
			return false
		}
	}
	return true
}

// same says that row i changed no result.
func (o *operator) same(i int) bool {
	for c, call := range o.spec.Calls {
		if !batch.Equal(call.Result, &o.before[c], i, &o.after[c], i) {
			return false
		}
	}
	return true
}

func (o *operator) emit(b *batch.Batch, i int, results []batch.Vector, kind batch.Kind) error {
	n := o.out.Len
	for k, c := range o.spec.Keys {
		o.out.Cols[k].Append(o.outTs[k], n, &b.Cols[c], i)
	}
	for c := range results {
		k := len(o.spec.Keys) + c
		o.out.Cols[k].Append(o.outTs[k], n, &results[c], i)
	}
	o.out.AppendKind(kind)
	if o.out.Len >= batch.MaxRows {
		return o.flush()
	}
	return nil
}

func (o *operator) flush() error {
	if o.out.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.outTs)
	return err
}

// End sends the final rows of batch mode; a global aggregation has one even over
// no rows.
func (o *operator) End(int) error {
	if !o.hold {
		return nil
	}
	if len(o.spec.Keys) == 0 && o.table.Len() == 0 {
		id, fresh := make([]uint32, 1), make([]bool, 1)
		o.table.Upsert(nil, make([]uint64, 1), id, fresh)
		for c := range o.accs {
			if err := o.accs[c].Fold(o.layout.Cells(o.table, c), functions.Rows{N: 1, IDs: id, Reset: []bool{true}, Sel: []int32{}}, o.nothing(c)); err != nil {
				return err
			}
		}
	}
	var order []uint32 // of arrival: none was deleted
	o.table.Each(func(id uint32) bool { order = append(order, id); return true })
	for at := 0; at < len(order); at += batch.MaxRows {
		if err := o.final(order[at:min(at+batch.MaxRows, len(order))]); err != nil {
			return err
		}
	}
	return nil
}

// nothing is arguments of one row that doesn't count.
func (o *operator) nothing(c int) []batch.Vector {
	args := make([]batch.Vector, len(o.spec.Calls[c].Args))
	for i, a := range o.spec.Calls[c].Args {
		args[i].Prepare(o.spec.In.Fields[a].Type, 1)
		args[i].SetNull(0)
	}
	return args
}

func (o *operator) final(ids []uint32) error {
	var out batch.Batch
	out.Cols = make([]batch.Vector, len(o.outTs))
	out.Len = len(ids)
	o.table.Keys(ids, out.Cols[:len(o.spec.Keys)])
	for c := range o.accs {
		v := &out.Cols[len(o.spec.Keys)+c]
		v.Prepare(o.outTs[len(o.spec.Keys)+c], len(ids))
		if err := o.accs[c].Result(o.layout.Cells(o.table, c), ids, v); err != nil {
			return err
		}
	}
	return o.Out.Emit(&out)
}
