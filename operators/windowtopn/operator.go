package windowtopn

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

type operator struct {
	operators.Stateless
	spec   *Spec
	ends   window.Ends
	table  state.Table
	inTs   []types.Type
	outTs  []types.Type
	keyTs  []types.Type
	all    []int
	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
	sel    []int32 // the rows that may be among the first
	part   batch.Batch
	list   []state.Entry
	got    []batch.Vector
	out    batch.Batch
}

// Open opens the windowed table.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out = out
	s := o.spec
	o.ends.Open(s.Window, s.In, env)
	o.inTs, o.outTs = s.In.Types(), s.Out.Types()
	spec := state.Spec{Name: "windows", Windowed: true}
	for _, c := range s.Partition {
		o.keyTs = append(o.keyTs, o.inTs[c])
		spec.Key = append(spec.Key, state.Column{Type: o.inTs[c], Meaning: s.In.Fields[c].Name})
	}
	var row []state.Column
	for c, t := range o.inTs {
		o.all = append(o.all, c)
		row = append(row, state.Column{Type: t, Meaning: s.In.Fields[c].Name})
	}
	by := s.By
	if s.last() { // ascending, so that of equal times the last to come is last
		by = []batch.Order{{Col: by[0].Col}}
	}
	spec.Sorted = []state.SortedSpec{{Row: row, By: by}}
	o.keys = make([]batch.Vector, len(o.keyTs))
	o.part.Cols, o.got = make([]batch.Vector, len(o.inTs)), make([]batch.Vector, len(o.inTs))
	o.list = make([]state.Entry, min(s.To-s.From+1, batch.MaxRows))
	o.out.Reset(o.outTs)
	o.table, err = env.State.Table(spec)
	return err
}

// Process sorts rows into their windows.
func (o *operator) Process(_ int, b *batch.Batch) error {
	return o.ends.Runs(b, func(end int64, rows []int32) error {
		in := b
		if len(rows) < b.Len {
			p := *b
			p.Sel = rows
			in = p.Compact(o.inTs, &o.part)
		}
		o.add(in, o.table.Slice(end))
		return nil
	})
}

// add sorts rows of one window in and cuts off what is behind the last rank.
func (o *operator) add(b *batch.Batch, t state.Table) {
	n := b.Len
	if cap(o.hashes) < n {
		o.hashes, o.ids, o.fresh = make([]uint64, n), make([]uint32, n), make([]bool, n)
	}
	for i, c := range o.spec.Partition {
		o.keys[i] = b.Cols[c]
	}
	batch.Hash(o.keyTs, o.keys, n, o.hashes[:n])
	t.Upsert(o.keys, o.hashes[:n], o.ids[:n], o.fresh[:n])
	rows, to := t.Sorted(0), int(min(o.spec.To, 1<<31))
	if !o.spec.last() {
		o.sel = rows.Among(o.ids[:n], b, to, o.sel[:0])
		for _, i := range o.sel {
			rows.Top(o.ids[i], b, int(i), to)
		}
		return
	}
	for i, id := range o.ids[:n] {
		rows.Insert(id, b, i)
		if count := rows.Count(id); count > to {
			rows.RemoveRange(id, 0, count-to)
		}
	}
}

// Watermark sends the windows it passes.
func (o *operator) Watermark(ms int64) (int64, error) {
	err := o.ends.Passed(ms, o.table.Slices(), func(end int64) error {
		err := o.send(o.table.Slice(end))
		o.table.Drop(end)
		return err
	})
	return ms, err
}

// send emits the ranks of one window, partitions in the order they came.
func (o *operator) send(t state.Table) error {
	if err := t.Scan(o.ranks); err != nil {
		return err
	}
	return o.flush()
}

// ranks emits those of some partitions.
func (o *operator) ranks(t state.Table, ids []uint32) error {
	rows := t.Sorted(0)
	for _, id := range ids {
		for rank := o.spec.From; rank <= o.spec.To; {
			n := rows.Range(id, int(rank-1), o.list[:min(int64(len(o.list)), o.spec.To-rank+1)])
			if n == 0 {
				break
			}
			rows.Gather(o.list[:n], o.all, o.got)
			for i := range n {
				if err := o.row(i, rank); err != nil {
					return err
				}
				rank++
			}
		}
	}
	return nil
}

func (o *operator) row(i int, rank int64) error {
	for c, t := range o.inTs {
		o.out.Cols[c].Append(t, o.out.Len, &o.got[c], i)
	}
	if o.spec.WithRank {
		c := len(o.inTs)
		o.out.Cols[c].AppendNull(o.outTs[c], o.out.Len)
		o.out.Cols[c].SetValid(o.out.Len)
		o.out.Cols[c].I64[o.out.Len] = rank
	}
	o.out.AppendKind(batch.Insert)
	if o.out.Len < batch.MaxRows {
		return nil
	}
	return o.flush()
}

func (o *operator) flush() error {
	if o.out.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.outTs)
	return err
}
