package multijoin

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live join.
type operator struct {
	operators.Stateless
	spec   *Spec
	meter  *operators.Metrics
	table  state.Table
	inputs []input

	hashes  []uint64
	ids     []uint32
	fresh   []bool
	entries []state.Entry
	empty   []uint32
	out     batch.Batch
}

// input is one of the tables.
type input struct {
	ts, keyTs []types.Type
	list      state.List
	keys      []batch.Vector
	cols, to  []int          // columns that come out, and where
	got       []batch.Vector // those, of stored rows

	// of its level: combinations of a row of the batch and entries of the inputs so far
	ids     []uint32
	probe   []int32
	rows    []int32
	entries [][]state.Entry
}

// pairs is how many combinations are made at a time.
const pairs = 512

// Open opens the one table.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.meter = out, env.Metrics
	s, first := o.spec, 0
	spec := state.Spec{Name: "join"}
	o.inputs = make([]input, len(s.In))
	for i, schema := range s.In {
		in := &o.inputs[i]
		in.ts = schema.Types()
		var row []state.Column
		for c, t := range in.ts {
			row = append(row, state.Column{Type: t, Meaning: schema.Fields[c].Name})
		}
		for _, k := range s.Keys[i] {
			in.keyTs = append(in.keyTs, in.ts[k].Nullable())
		}
		in.keys = make([]batch.Vector, len(s.Keys[i]))
		spec.Lists = append(spec.Lists, state.ListSpec{Row: row, Inline: s.One[i]})
		for to, c := range s.Cols {
			if c >= first && c < first+len(in.ts) {
				in.cols, in.to = append(in.cols, c-first), append(in.to, to)
			}
		}
		first += len(in.ts)
		in.got = make([]batch.Vector, len(in.cols))
		in.ids, in.probe, in.rows = make([]uint32, pairs), make([]int32, pairs), make([]int32, pairs)
		for range s.In {
			in.entries = append(in.entries, make([]state.Entry, pairs))
		}
	}
	for k, t := range o.inputs[0].keyTs {
		spec.Key = append(spec.Key, state.Column{Type: t, Meaning: s.In[0].Fields[s.Keys[0][k]].Name})
	}
	o.out.Cols = make([]batch.Vector, s.Out.Len())
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	for i := range o.inputs {
		o.inputs[i].list = o.table.List(i)
	}
	return nil
}

// Process combines a batch of one input with the others' rows, then stores it.
func (o *operator) Process(i int, b *batch.Batch) error {
	o.find(i, b)
	for from := 0; from < b.Len; from += pairs {
		in, n := &o.inputs[i], min(pairs, b.Len-from)
		for k := range n {
			in.rows[k], in.ids[k] = int32(from+k), o.ids[from+k]
		}
		if err := o.combine(i, b, 0, in, n); err != nil {
			return err
		}
	}
	o.store(i, b)
	return nil
}

// find resolves the key of each row; one that is NULL has id 0.
func (o *operator) find(i int, b *batch.Batch) {
	in := &o.inputs[i]
	for k, c := range o.spec.Keys[i] {
		in.keys[k] = b.Cols[c]
	}
	if cap(o.hashes) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, b.Len), make([]uint32, b.Len), make([]bool, b.Len)
		o.entries = make([]state.Entry, b.Len)
	}
	o.hashes, o.ids, o.fresh, o.entries = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len], o.entries[:b.Len]
	batch.Hash(in.keyTs, in.keys, b.Len, o.hashes)
	o.table.Upsert(in.keys, o.hashes, o.ids, o.fresh)
	for k := range in.keys {
		for r := 0; len(in.keys[k].Valid) > 0 && r < b.Len; r++ {
			if in.keys[k].Null(r) && o.ids[r] != 0 {
				o.ids[r] = 0
				o.meter.NullKeys.Add(1)
			}
		}
	}
}

// combine goes on from n combinations, which lie in at, with the rows of input level; past
// the last one they come out.
func (o *operator) combine(from int, b *batch.Batch, level int, at *input, n int) error {
	if level == from {
		level++
	}
	if level == len(o.inputs) {
		return o.emit(from, b, at, n)
	}
	in, cursor := &o.inputs[level], state.Cursor{}
	for {
		m := in.list.Match(at.ids[:n], &cursor, in.probe, in.entries[level])
		if m == 0 {
			return nil
		}
		for k, p := range in.probe[:m] {
			in.rows[k], in.ids[k] = at.rows[p], at.ids[p]
		}
		for l := range level {
			if l != from {
				for k, p := range in.probe[:m] {
					in.entries[l][k] = at.entries[l][p]
				}
			}
		}
		if err := o.combine(from, b, level+1, in, m); err != nil {
			return err
		}
	}
}

// emit sends n combinations, with the kinds of the batch's rows.
func (o *operator) emit(from int, b *batch.Batch, at *input, n int) error {
	out := &o.out
	out.Len, out.Sel, out.Kinds = n, nil, out.Kinds[:0]
	for i := range o.inputs {
		in := &o.inputs[i]
		if i == from {
			for k, c := range in.cols {
				out.Cols[in.to[k]].Take(in.ts[c], &b.Cols[c], at.rows[:n])
			}
			continue
		}
		in.list.Gather(at.entries[i][:n], in.cols, in.got)
		for k, to := range in.to {
			out.Cols[to] = in.got[k]
		}
	}
	if b.Kinds == nil {
		out.Kinds = nil
		return o.Out.Emit(out)
	}
	for _, r := range at.rows[:n] {
		out.Kinds = append(out.Kinds, b.Kinds[r])
	}
	return o.Out.Emit(out)
}

// store puts the rows that add into the input's list and takes the others out. A key whose
// last row goes, goes too.
func (o *operator) store(i int, b *batch.Batch) {
	list := o.inputs[i].list
	switch {
	case o.spec.One[i]:
		list.Update(o.ids, b, false, nil)
	case b.Kinds == nil:
		list.Append(o.ids, b, o.entries)
	default:
		for r, id := range o.ids {
			switch {
			case id == 0:
			case b.Kinds[r].Sign() > 0:
				list.Add(id, b, r)
			default:
				list.RemoveEqual(id, b, r)
			}
		}
	}
	if b.Kinds == nil {
		return
	}
	o.empty = o.empty[:0]
	for r, id := range o.ids {
		if id == 0 || b.Kinds[r].Sign() > 0 {
			continue
		}
		n := 0
		for k := range o.inputs {
			n += o.inputs[k].list.Count(id)
		}
		if n == 0 {
			o.empty = append(o.empty, id)
		}
	}
	o.table.Delete(o.empty)
}
