package windowjoin

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/pair"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

type operator struct {
	operators.Stateless
	spec  *Spec
	ends  [2]window.Ends
	table state.Table
	sides [2]side
	keyTs []types.Type
	pairs pair.Builder

	hashes []uint64
	ids    []uint32
	fresh  []bool
	idx    [2][]int32 // the pairs in hand
	met    [2][]bool  // rows of the key in hand that had a partner
	one    [1]uint32
	cursor state.Cursor
	left   batch.Batch // semi and anti: rows to send
	leftTs []types.Type
}

// side is one input.
type side struct {
	ts      []types.Type
	cols    []int
	keys    []batch.Vector
	part    batch.Batch
	added   []state.Entry
	probe   []int32
	entries []state.Entry
	rows    []batch.Vector // of the key in hand
	n       int
}

// Open opens the windowed table. The start of the window is a key too: sessions may
// differ in it where they end together.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out = out
	s := o.spec
	spec := state.Spec{Name: "windows", Windowed: true}
	for _, k := range s.Keys[0] {
		spec.Key = append(spec.Key, state.Column{Type: s.Left.Fields[k].Type, Meaning: s.Left.Fields[k].Name})
	}
	spec.Key = append(spec.Key, state.Column{Type: types.TimestampType(3), Meaning: "window_start"})
	for _, c := range spec.Key {
		o.keyTs = append(o.keyTs, c.Type)
	}
	for i := range o.sides {
		o.ends[i].Open(s.Windows[i], s.in(i), env)
		d, in := &o.sides[i], s.in(i)
		d.ts = in.Types()
		var row []state.Column
		for c, t := range d.ts {
			d.cols = append(d.cols, c)
			row = append(row, state.Column{Type: t, Meaning: in.Fields[c].Name})
		}
		spec.Lists = append(spec.Lists, state.ListSpec{Row: row})
		d.keys, d.rows = make([]batch.Vector, len(spec.Key)), make([]batch.Vector, len(d.ts))
		d.part.Cols = make([]batch.Vector, len(d.ts))
	}
	o.leftTs = s.Left.Types()
	o.left.Reset(o.leftTs)
	if err = o.pairs.Open(s.Left, s.Right, s.Rest, s.Session, out); err != nil {
		return err
	}
	o.table, err = env.State.Table(spec)
	return err
}

// Close frees the condition.
func (o *operator) Close() error { return o.pairs.Close() }

// Process files rows under their window and key.
func (o *operator) Process(input int, b *batch.Batch) error {
	d := &o.sides[input]
	return o.ends[input].Runs(b, func(end int64, rows []int32) error {
		in := b
		if len(rows) < b.Len {
			p := *b
			p.Sel = rows
			in = p.Compact(d.ts, &d.part)
		}
		o.add(input, in, o.table.Slice(end))
		return nil
	})
}

func (o *operator) add(input int, b *batch.Batch, t state.Table) {
	d, n := &o.sides[input], b.Len
	if cap(o.hashes) < n {
		o.hashes, o.ids, o.fresh = make([]uint64, n), make([]uint32, n), make([]bool, n)
	}
	if cap(d.added) < n {
		d.added = make([]state.Entry, n)
	}
	for i, c := range o.spec.Keys[input] {
		d.keys[i] = b.Cols[c]
	}
	d.keys[len(d.keys)-1] = b.Cols[o.spec.Windows[input].Start]
	batch.HashUnder(o.keyTs, d.keys, max(len(d.keys)-1, 1), n, o.hashes[:n])
	t.Upsert(d.keys, o.hashes[:n], o.ids[:n], o.fresh[:n])
	t.List(input).Append(o.ids[:n], b, d.added[:n])
}

// Watermark joins the windows it passes.
func (o *operator) Watermark(ms int64) (int64, error) {
	if err := o.ends[1].Passed(ms, nil, nil); err != nil {
		return ms, err
	}
	err := o.ends[0].Passed(ms, o.table.Slices(), func(end int64) error {
		err := o.window(o.table.Slice(end))
		o.table.Drop(end)
		return err
	})
	return ms, err
}

// window joins one window: keys with left rows in the order they came, then the
// others.
func (o *operator) window(t state.Table) error {
	for pass := range 2 {
		err := t.Scan(func(t state.Table, ids []uint32) error {
			for _, id := range ids {
				if (t.List(0).Count(id) > 0) != (pass == 0) {
					continue
				}
				o.load(t, id)
				if err := o.key(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := o.pairs.Flush(); err != nil {
		return err
	}
	return o.flush()
}

// load reads the rows of a key.
func (o *operator) load(t state.Table, id uint32) {
	o.one[0] = id
	for i := range o.sides {
		d, list := &o.sides[i], t.List(i)
		n := list.Count(id)
		if n > len(d.entries) {
			d.probe, d.entries = make([]int32, 2*n), make([]state.Entry, 2*n)
		}
		if d.n = n; n > 0 {
			o.cursor = state.Cursor{}
			list.Match(o.one[:], &o.cursor, d.probe, d.entries)
			list.Gather(d.entries[:n], d.cols, d.rows)
		}
		if cap(o.met[i]) < n {
			o.met[i] = make([]bool, 2*n)
		}
		o.met[i] = o.met[i][:n]
		clear(o.met[i])
	}
}

// key joins the rows of one key.
func (o *operator) key() error {
	l, r := &o.sides[0], &o.sides[1]
	if o.matchable() {
		for i := 0; i < l.n && r.n > 0; i++ {
			for j := 0; j < r.n; j++ {
				o.idx[0], o.idx[1] = append(o.idx[0], int32(i)), append(o.idx[1], int32(j))
				if len(o.idx[0]) == pair.Rows {
					if err := o.meet(); err != nil {
						return err
					}
				}
			}
			if o.spec.outer(0) { // a row without a partner comes where it stands
				if err := o.meet(); err != nil {
					return err
				}
				if err := o.pad(0, i); err != nil {
					return err
				}
			}
		}
		if err := o.meet(); err != nil {
			return err
		}
	}
	return o.rest()
}

// matchable says whether the key in hand can be equal: not with a NULL.
func (o *operator) matchable() bool {
	d := &o.sides[0]
	if d.n == 0 || o.sides[1].n == 0 {
		return false
	}
	for i, k := range o.spec.Keys[0] {
		if !o.spec.NullSafe[i] && d.rows[k].Null(0) {
			return false
		}
	}
	return true
}

// meet sends the pairs in hand that hold.
func (o *operator) meet() error {
	n := len(o.idx[0])
	if n == 0 {
		return nil
	}
	for i := range o.sides {
		o.pairs.Take(i, o.sides[i].rows, o.idx[i])
	}
	sel, err := o.pairs.Passing(n, nil)
	if err != nil {
		return err
	}
	for _, k := range sel {
		o.met[0][o.idx[0][k]], o.met[1][o.idx[1][k]] = true, true
	}
	o.idx[0], o.idx[1] = o.idx[0][:0], o.idx[1][:0]
	if o.spec.Kind == join.Semi || o.spec.Kind == join.Anti {
		return nil
	}
	return o.pairs.Send(sel, nil)
}

// pad sends a row of an outer side that had no partner.
func (o *operator) pad(side, i int) error {
	if o.met[side][i] {
		return nil
	}
	o.met[side][i] = true
	return o.pairs.Pad(side, o.sides[side].rows, i, batch.Insert)
}

// rest sends the rows without a partner that weren't sent yet, or what semi and
// anti joins keep.
func (o *operator) rest() error {
	semi, anti := o.spec.Kind == join.Semi, o.spec.Kind == join.Anti
	for i := 0; i < o.sides[0].n && (semi || anti); i++ {
		if o.met[0][i] == semi {
			in := batch.Batch{Cols: o.sides[0].rows}
			o.left.AppendRow(o.leftTs, batch.Insert, &in, i)
			if o.left.Len >= batch.MaxRows {
				if err := o.flush(); err != nil {
					return err
				}
			}
		}
	}
	for side := range o.sides {
		for i := 0; i < o.sides[side].n && o.spec.outer(side); i++ {
			if err := o.pad(side, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *operator) flush() error {
	if o.left.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.left)
	o.left.Reset(o.leftTs)
	return err
}
