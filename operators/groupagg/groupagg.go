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
	out, plain    batch.Batch // plain: columns of others
	hold          bool        // batch mode: all rows are held until the end
	mini          bool        // mini-batch: changes are held until Flush
	bundle        bundle
	gone          []uint32 // groups that a batch has emptied
	images        []image  // the rows to send
	from          []int32  // scratch: the input row of each
	both          []both   // per call: what before and after lie in, for numbers
	pick          []int32  // scratch: the place of each image in both
	differs       []bool   // rows whose results changed
	sets          []set    // of distinct values, when no row is taken back
	counting      bool     // some result changes with every row: COUNT(*)
}

// Open opens the group table.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	o.layout.Shared = !s.retract
	if o.accs, o.distinct, err = o.layout.Open(s.In, s.Calls, s.retract, env.Session); err != nil {
		return err
	}
	if o.hold, o.mini = env.Session.Batch, env.MiniBatch && !env.Session.Batch; o.mini {
		o.layout.Row = append(o.layout.Row, state.Column{Type: types.BigIntType, Meaning: "place in the bundle"})
	}
	spec := state.Spec{Name: "groups", TTL: s.TTL, Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists}
	for _, k := range s.Keys {
		o.keyTs = append(o.keyTs, s.In.Fields[k].Type)
		spec.Key = append(spec.Key, state.Column{Type: s.In.Fields[k].Type, Meaning: s.In.Fields[k].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.keys, o.outTs = make([]batch.Vector, len(s.Keys)), s.Out.Types()
	o.before, o.after, o.both = make([]batch.Vector, len(s.Calls)), make([]batch.Vector, len(s.Calls)), make([]both, len(s.Calls))
	for _, c := range s.Calls {
		o.counting = o.counting || c.Fn.Name == "COUNT" && len(c.Args) == 0 && c.Filter < 0 && !c.Distinct
	}
	if !s.retract {
		o.sets = newSets(s.Calls, o.distinct)
	}
	o.out.Reset(o.outTs)
	n := len(s.Calls)
	o.bundle = bundle{before: make([]batch.Vector, n), got: make([]batch.Vector, n), after: make([]batch.Vector, n), keys: make([]batch.Vector, len(s.Keys))}
	return o.Flush()
}

// Process steps through the rows and sends each one's change.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.find(b)
	o.count(b)
	o.mark(b)
	if o.mini {
		if err := o.touch(b.Len); err != nil {
			return err
		}
	}
	for c, call := range o.spec.Calls {
		rows := functions.Rows{N: b.Len, IDs: o.ids, Reset: o.reset, Sel: o.rows(c, b)}
		if o.spec.retract {
			rows.Signs = o.signs
		}
		o.args = o.args[:0]
		for _, a := range call.Args {
			o.args = append(o.args, b.Cols[a])
		}
		if o.hold || o.mini {
			if err := o.fold(c, rows); err != nil {
				return err
			}
			continue
		}
		before := o.prepare(c, b.Len)
		if err := o.accs[c].Step(o.layout.Cells(o.table, c), rows, o.args, before, &o.after[c]); err != nil {
			return err
		}
	}
	if o.hold || o.mini {
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
	if !o.spec.retract {
		reset, counts := o.reset[:len(o.ids)], o.counts[:len(o.ids)]
		for i, id := range o.ids {
			cell := rows.At(id)
			before := *cell
			*cell = before + 1
			reset[i], counts[i] = before == 0, [2]int64{before, before + 1}
		}
		return
	}
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
	if call.Distinct && !o.spec.retract {
		return o.firsts(c)
	}
	if f := call.Filter; f >= 0 && !o.spec.retract {
		return o.filtered(&b.Cols[f], b.Len)
	}
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

// filtered are the rows of n that are TRUE in a FILTER's column, chosen without
// branches.
func (o *operator) filtered(v *batch.Vector, n int) []int32 {
	if cap(o.sel) < n+1 {
		o.sel = make([]int32, 0, max(n, batch.MaxRows)+1)
	}
	sel, k := o.sel[:n+1], 0
	if len(v.Valid) == 0 {
		for i, x := range v.I64[:n] {
			sel[k] = int32(i)
			k += int(x & 1)
		}
	} else {
		for i, x := range v.I64[:n] {
			if sel[k] = int32(i); !v.Null(i) {
				k += int(x & 1)
			}
		}
	}
	o.sel = sel[:k]
	return o.sel
}

// equal says that row i of results a and row j of b are the same.
func (o *operator) equal(a []batch.Vector, i int, b []batch.Vector, j int) bool {
	for c, call := range o.spec.Calls {
		if !batch.Equal(call.Result, &a[c], i, &b[c], j) {
			return false
		}
	}
	return true
}

// emit sends the key in row i of keys with row j of the results.
func (o *operator) emit(keys []batch.Vector, i int, results []batch.Vector, j int, kind batch.Kind) error {
	n := o.out.Len
	for k := range keys {
		o.out.Cols[k].Append(o.outTs[k], n, &keys[k], i)
	}
	for c := range results {
		k := len(o.spec.Keys) + c
		o.out.Cols[k].Append(o.outTs[k], n, &results[c], j)
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
	return o.table.Scan(o.final) // in the order of arrival: none was deleted
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

// final sends groups of t, the table or rows of it that lie on disk.
func (o *operator) final(t state.Table, ids []uint32) error {
	var out batch.Batch
	out.Cols = make([]batch.Vector, len(o.outTs))
	out.Len = len(ids)
	t.Keys(ids, out.Cols[:len(o.spec.Keys)])
	for c := range o.accs {
		v := &out.Cols[len(o.spec.Keys)+c]
		v.Prepare(o.outTs[len(o.spec.Keys)+c], len(ids))
		if err := o.accs[c].Result(o.layout.Cells(t, c), ids, v); err != nil {
			return err
		}
	}
	return o.Out.Emit(&out)
}
