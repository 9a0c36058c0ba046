package join

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live join.
type operator struct {
	operators.Stateless
	spec  *Spec
	now   func() time.Time
	meter *operators.Metrics
	table state.Table
	rest  *expr.Program
	sides [2]side
	final *final // batch mode

	hashes  []uint64
	ids     []uint32
	fresh   []bool
	probe   []int32
	entries []state.Entry
	outTs   []types.Type
	out     batch.Batch
	joined  batch.Batch
	pass    []int32
	one     [1]state.Entry
	empty   []uint32 // scratch: keys without rows
	cells   [writtenCell + 1]int64
	cursor  state.Cursor
	found   []state.Entry
	send    emitter // of joins that go row by row
}

// side is one input.
type side struct {
	ts    []types.Type
	cols  []int
	list  state.List
	keys  []batch.Vector
	keyTs []types.Type
	first int // of its columns in the output
	outer bool
	one   bool           // it has one row a key
	got   []batch.Vector // rows gathered from its list
}

// pairs is how many matches are gathered at a time.
const pairs = 512

// Open opens the one table.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.now, o.meter = out, env.Now, env.Metrics
	s := o.spec
	spec := state.Spec{Name: "join", TTL: s.keyTTL()}
	for i, schema := range []*types.Schema{s.Left, s.Right} {
		sd := &o.sides[i]
		sd.ts, sd.outer, sd.one = schema.Types(), s.outer(i), s.One[i]
		var row []state.Column
		for c, t := range sd.ts {
			sd.cols = append(sd.cols, c)
			row = append(row, state.Column{Type: t, Meaning: schema.Fields[c].Name})
		}
		for _, k := range s.Keys[i] {
			sd.keyTs = append(sd.keyTs, sd.ts[k].Nullable())
		}
		sd.keys = make([]batch.Vector, len(s.Keys[i]))
		sd.got = make([]batch.Vector, len(sd.ts))
		cells := 1 // how many partners it has
		if s.Kind == Inner && !env.Session.Batch {
			cells = 0
		}
		if s.expiring(i) {
			cells = writtenCell + 1
		}
		spec.Lists = append(spec.Lists, state.ListSpec{Row: row, Cells: cells, Inline: sd.one})
	}
	o.sides[1].first = s.Left.Len()
	for i, t := range o.sides[0].keyTs {
		spec.Key = append(spec.Key, state.Column{Type: t, Meaning: s.Left.Fields[s.Keys[0][i]].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.sides[0].list, o.sides[1].list = o.table.List(0), o.table.List(1)
	if s.Rest != nil {
		if o.rest, err = expr.Compile([]expr.Expr{s.Rest}, env.Session); err != nil {
			return err
		}
	}
	o.outTs, o.send.o = s.Out.Types(), o
	o.entries, o.probe = make([]state.Entry, pairs), make([]int32, pairs)
	if env.Session.Batch {
		o.final = newFinal(s, env)
	}
	return nil
}

// Process joins a batch of one side with the other side's rows.
func (o *operator) Process(input int, b *batch.Batch) error {
	if o.final != nil {
		return o.once(input, b)
	}
	return o.join(input, b)
}

func (o *operator) join(input int, b *batch.Batch) error {
	o.find(input, b)
	o.expire()
	step := o.others
	if o.spec.Kind == Inner {
		step = o.inner
	}
	if err := step(input, b); err != nil {
		return err
	}
	o.forgetKeys(b)
	return nil
}

// find resolves the key of each row. A row whose key can't match has id 0.
func (o *operator) find(input int, b *batch.Batch) {
	sd := &o.sides[input]
	for i, k := range o.spec.Keys[input] {
		sd.keys[i] = b.Cols[k]
	}
	if cap(o.hashes) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, b.Len, 2*b.Len), make([]uint32, b.Len, 2*b.Len), make([]bool, b.Len, 2*b.Len)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len]
	batch.Hash(sd.keyTs, sd.keys, b.Len, o.hashes)
	if o.final != nil && o.final.build >= 0 && input != o.final.build {
		o.table.Find(sd.keys, o.hashes, o.ids)
	} else {
		o.table.Upsert(sd.keys, o.hashes, o.ids, o.fresh)
	}
	for i := range sd.keys {
		if o.spec.NullSafe[i] || len(sd.keys[i].Valid) == 0 {
			continue
		}
		for r := 0; r < b.Len; r++ {
			if sd.keys[i].Null(r) && o.ids[r] != 0 {
				o.ids[r] = 0
				o.meter.NullKeys.Add(1)
			}
		}
	}
}

// inner meets the whole batch with the other side, then stores it.
func (o *operator) inner(input int, b *batch.Batch) error {
	if err := o.meet(input, b); err != nil {
		return err
	}
	o.store(input, b)
	return nil
}

// meet sends the pairs of the batch with the other side.
func (o *operator) meet(input int, b *batch.Batch) error {
	other := o.sides[1-input].list
	var at state.Cursor
	for {
		n := other.Match(o.ids, &at, o.probe, o.entries)
		if n == 0 {
			break
		}
		if err := o.emitPairs(input, b, n); err != nil {
			return err
		}
	}
	return nil
}

// emitPairs sends the pairs in probe and entries, with the kind of the probing
// row.
func (o *operator) emitPairs(input int, b *batch.Batch, n int) error {
	o.pair(input, b, n)
	out := &o.out
	out.Kinds = out.Kinds[:0]
	if b.Kinds != nil {
		for _, p := range o.probe[:n] {
			out.Kinds = append(out.Kinds, b.Kinds[p])
		}
	} else {
		out.Kinds = nil
	}
	if o.rest == nil {
		return o.Out.Emit(out)
	}
	sel, err := o.rest.Filter(out, nil, o.pass[:0])
	if err != nil {
		return err
	}
	if o.pass = sel; len(sel) == 0 {
		return nil
	}
	if len(sel) < n {
		o.out.Sel = sel
		return o.Out.Emit(o.out.Compact(o.bothTs(), &o.joined))
	}
	return o.Out.Emit(out)
}

// pair makes o.out the n pairs, all columns of both sides.
func (o *operator) pair(input int, b *batch.Batch, n int) {
	me, you := &o.sides[input], &o.sides[1-input]
	width := len(o.sides[0].ts) + len(o.sides[1].ts)
	if len(o.out.Cols) < width {
		o.out.Cols = make([]batch.Vector, width)
	}
	o.out.Len, o.out.Sel = n, nil
	for c := range me.ts {
		o.out.Cols[me.first+c].Take(me.ts[c], &b.Cols[c], o.probe[:n])
	}
	you.list.Gather(o.entries[:n], you.cols, o.out.Cols[you.first:you.first+len(you.ts)])
}

func (o *operator) bothTs() []types.Type {
	return append(append([]types.Type(nil), o.sides[0].ts...), o.sides[1].ts...)
}

// store puts the rows that add into the side's list and takes the others out.
func (o *operator) store(input int, b *batch.Batch) {
	list := o.sides[input].list
	if o.sides[input].one {
		list.Update(o.ids, b, o.spec.replaces(input), o.stamps(input))
		return
	}
	if b.Kinds == nil {
		if cap(o.entries) < b.Len {
			o.entries, o.probe = make([]state.Entry, b.Len), make([]int32, b.Len)
		}
		list.Append(o.ids, b, o.entries[:b.Len])
		o.stamp(input, o.entries[:b.Len])
		return
	}
	for i := 0; i < b.Len; i++ {
		if o.ids[i] == 0 {
			continue
		}
		if b.Kinds[i].Sign() > 0 {
			o.one[0] = list.Add(o.ids[i], b, i)
			o.stamp(input, o.one[:])
			continue
		}
		list.RemoveEqual(o.ids[i], b, i)
	}
}

// Close frees the condition, and what a job that failed has kept.
func (o *operator) Close() error {
	if o.final != nil {
		o.final.close()
	}
	if o.rest != nil {
		return o.rest.Close()
	}
	return nil
}
