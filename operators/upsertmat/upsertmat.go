package upsertmat

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

type operator struct {
	operators.Stateless
	spec   *Spec
	table  state.Table
	list   state.List
	ts     []types.Type
	cols   []int
	match  []int // the columns by which a row is found again
	keyTs  []types.Type
	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
	live   []state.Entry // the rows of a key, oldest first
	got    []batch.Vector
	one    batch.Batch
	out    batch.Batch
}

// Open opens the table of live rows.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	s := o.spec
	o.Out, o.ts, o.match = out, s.In.Types(), s.From
	spec, rows := state.Spec{Name: "rows", TTL: s.TTL}, state.ListSpec{}
	for _, k := range s.Key {
		o.keyTs = append(o.keyTs, o.ts[k])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[k], Meaning: s.In.Fields[k].Name})
	}
	for c, f := range s.In.Fields {
		o.cols = append(o.cols, c)
		rows.Row = append(rows.Row, state.Column{Type: f.Type, Meaning: f.Name})
	}
	if len(o.match) == 0 {
		o.match = o.cols
	}
	spec.Lists = []state.ListSpec{rows}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.list = o.table.List(0)
	o.keys, o.got = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.cols))
	o.out.Reset(o.ts)
	return nil
}

// Process adds and removes row by row.
func (o *operator) Process(_ int, b *batch.Batch) error {
	n := b.Len
	for i, c := range o.spec.Key {
		o.keys[i] = b.Cols[c]
	}
	o.hashes, o.ids, o.fresh = slices.Grow(o.hashes[:0], n)[:n], slices.Grow(o.ids[:0], n)[:n], slices.Grow(o.fresh[:0], n)[:n]
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	for i := 0; i < n; i++ {
		at := o.find(b, i)
		var err error
		if b.Kind(i).Sign() > 0 {
			err = o.add(b, i, at)
		} else {
			err = o.remove(b, i, at)
		}
		if err != nil {
			return err
		}
	}
	for i := range o.ids {
		if o.list.Count(o.ids[i]) == 0 {
			o.table.Delete(o.ids[i : i+1])
		}
	}
	return o.flush()
}

// find reads the rows of row i's key into live and gives the place of the first
// that row i stands for, -1 for none.
func (o *operator) find(b *batch.Batch, i int) int {
	id := o.ids[i]
	n := o.list.Count(id)
	o.live = slices.Grow(o.live[:0], n+1)[:n]
	if n == 0 {
		return -1
	}
	var at state.Cursor
	probe := make([]int32, n)
	o.list.Match([]uint32{id}, &at, probe, o.live)
	o.list.Gather(o.live, o.cols, o.got)
	for r := 0; r < n; r++ {
		same := true
		for _, c := range o.match {
			same = same && batch.Equal(o.ts[c], &o.got[c], r, &b.Cols[c], i)
		}
		if same {
			return r
		}
	}
	return -1
}

// add keeps row i, in the place of the row of its upsert key if there is one, and
// shows it.
func (o *operator) add(b *batch.Batch, i int, at int) error {
	kind := batch.UpdateAfter
	if len(o.live) == 0 {
		kind = batch.Insert
	}
	if len(o.spec.From) == 0 || at < 0 {
		o.keep(o.ids[i], b, i)
	} else { // the rows behind move to the end again, in their order
		behind := o.live[at:]
		for _, e := range behind {
			o.list.Remove(o.ids[i], e)
		}
		o.keep(o.ids[i], b, i)
		old := batch.Batch{Len: len(o.live), Cols: o.got}
		for r := at + 1; r < len(o.live); r++ {
			o.keep(o.ids[i], &old, r)
		}
	}
	return o.emit(b, i, kind)
}

func (o *operator) keep(id uint32, b *batch.Batch, row int) {
	o.one.Reset(o.ts)
	o.one.AppendRow(o.ts, batch.Insert, b, row)
	var e [1]state.Entry
	o.list.Append([]uint32{id}, &o.one, e[:])
}

// remove takes a row away; when it was visible, the one before it shows again.
func (o *operator) remove(b *batch.Batch, i int, at int) error {
	if at < 0 {
		return nil
	}
	o.list.Remove(o.ids[i], o.live[at])
	last := len(o.live) - 1
	switch {
	case at < last:
		return nil
	case last == 0:
		return o.emit(b, i, batch.Delete)
	}
	return o.emit(&batch.Batch{Len: len(o.live), Cols: o.got}, last-1, batch.UpdateAfter)
}

func (o *operator) emit(b *batch.Batch, i int, kind batch.Kind) error {
	o.out.AppendRow(o.ts, kind, b, i)
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
	o.out.Reset(o.ts)
	return err
}
