package overagg

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// sorted computes windows ordered by columns other than time: each row's frame
// reaches from the first row of its partition to it. A partition is kept sorted;
// when a row comes or goes, those behind it get new values, and with RANGE those
// equal to it.
type sorted struct {
	sequence
	table  state.Table
	keyTs  []types.Type
	keys   []batch.Vector
	hashes []uint64
	kids   []uint32
	fresh  []bool
	all    []int
	list   []state.Entry
	old    []batch.Vector // the partition before the change: columns, then values
	new    []batch.Vector // and after it
	change batch.Batch
}

// Open opens the partitions.
func (o *sorted) Open(env *operators.Env, out operators.Output) (err error) {
	if err := o.openSequence(env, out); err != nil {
		return err
	}
	s := o.spec
	spec := state.Spec{Name: "partitions", TTL: s.TTL}
	for _, c := range s.Partition {
		o.keyTs = append(o.keyTs, o.inTs[c])
		spec.Key = append(spec.Key, state.Column{Type: o.inTs[c], Meaning: s.In.Fields[c].Name})
	}
	var row []state.Column
	for c, t := range o.inTs {
		o.all = append(o.all, c)
		row = append(row, state.Column{Type: t, Meaning: s.In.Fields[c].Name})
	}
	spec.Sorted = []state.SortedSpec{{Row: row, By: s.By}}
	o.keys = make([]batch.Vector, len(s.Partition))
	o.old, o.new = make([]batch.Vector, len(o.outTs)), make([]batch.Vector, len(o.outTs))
	o.change.Reset(o.outTs)
	o.table, err = env.State.Table(spec)
	return err
}

// Process applies the changes one by one.
func (o *sorted) Process(_ int, b *batch.Batch) error {
	n := b.Len
	if cap(o.hashes) < n {
		o.hashes, o.kids, o.fresh = make([]uint64, n), make([]uint32, n), make([]bool, n)
	}
	o.hashes, o.kids, o.fresh = o.hashes[:n], o.kids[:n], o.fresh[:n]
	for i, c := range o.spec.Partition {
		o.keys[i] = b.Cols[c]
	}
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.kids, o.fresh)
	for i := range n {
		var err error
		if b.Kind(i).Sign() > 0 {
			err = o.insert(b, i)
		} else {
			err = o.remove(b, i)
		}
		if err != nil {
			return err
		}
	}
	o.forget()
	return o.flush()
}

// forget drops the partitions that are empty after a batch.
func (o *sorted) forget() {
	rows, n := o.table.Sorted(0), 0
	for _, id := range o.kids {
		if rows.Count(id) == 0 {
			o.kids[n] = id
			n++
		}
	}
	slices.Sort(o.kids[:n])
	o.table.Delete(slices.Compact(o.kids[:n]))
}

// insert adds row i.
func (o *sorted) insert(b *batch.Batch, i int) error {
	id := o.kids[i]
	before, err := o.load(id, o.old)
	if err != nil {
		return err
	}
	at := o.table.Sorted(0).Insert(id, b, i)
	if _, err := o.load(id, o.new); err != nil {
		return err
	}
	counts := o.counts(b, i)
	goes := true // on to the rows behind
	if !o.spec.Rows {
		for k := int(o.first[at]); goes && k < at; k++ {
			if goes = counts || !o.equal(k, k); !goes {
				break
			}
			if err := o.update(k, k); err != nil {
				return err
			}
		}
	}
	if err := o.send(o.new, at, b.Kind(i)); err != nil {
		return err
	}
	for k := at; goes && k < before && (counts || !o.equal(k, k+1)); k++ {
		if err := o.update(k, k+1); err != nil {
			return err
		}
	}
	return nil
}

// remove takes away a row equal to row i, the first if there are several.
func (o *sorted) remove(b *batch.Batch, i int) error {
	id := o.kids[i]
	before, err := o.load(id, o.old)
	if err != nil {
		return err
	}
	at, gone := o.table.Sorted(0).RemoveEqual(id, b, i)
	if gone == 0 {
		o.env.Metrics.Dropped.Add(1)
		return nil
	}
	from, counts := at, o.counts(b, i)
	if !o.spec.Rows {
		from = int(o.first[at])
	}
	if _, err := o.load(id, o.new); err != nil {
		return err
	}
	goes := true
	for k := from; k < at; k++ {
		if goes = counts || !o.equal(k, k); !goes {
			break
		}
		if err := o.update(k, k); err != nil {
			return err
		}
	}
	if err := o.send(o.old, at, batch.Delete); err != nil {
		return err
	}
	for k := at + 1; goes && k < before && (counts || !o.equal(k, k-1)); k++ {
		if err := o.update(k, k-1); err != nil {
			return err
		}
	}
	return nil
}

// load reads a partition with its values.
func (o *sorted) load(id uint32, to []batch.Vector) (n int, err error) {
	rows := o.table.Sorted(0)
	n = rows.Count(id)
	if n == 0 {
		return 0, nil
	}
	if len(o.list) < n {
		o.list = make([]state.Entry, 2*n)
	}
	n = rows.Range(id, 0, o.list[:n])
	rows.Gather(o.list[:n], o.all, to[:len(o.all)])
	if err := o.evaluate(to[:len(o.all)], n); err != nil {
		return 0, err
	}
	for c := range o.values {
		to[len(o.all)+c], o.values[c] = o.values[c], to[len(o.all)+c]
	}
	return n, nil
}

// counts says that a call counts the row: its state, though maybe not its value,
// then differs for every row behind. Flink sends those all; else it stops at the
// first row that stays as it was.
func (o *sorted) counts(b *batch.Batch, i int) bool {
	for _, c := range o.spec.Calls {
		if c.Rank != "" {
			return true
		}
		switch c.Fn.Name {
		case "COUNT", "SUM", "AVG", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP":
			if len(c.Args) == 0 || !b.Cols[c.Args[0]].Null(i) {
				return true
			}
		}
	}
	return false
}

// equal says that row k of the old partition has the values of row m of the new.
func (o *sorted) equal(k, m int) bool {
	n := len(o.all)
	return batch.EqualRows(o.outTs[n:], o.old[n:], k, o.new[n:], m)
}

// update sends the change from row k of the old partition to row m of the new.
func (o *sorted) update(k, m int) error {
	if o.spec.before {
		if err := o.send(o.old, k, batch.UpdateBefore); err != nil {
			return err
		}
	}
	return o.send(o.new, m, batch.UpdateAfter)
}

func (o *sorted) send(from []batch.Vector, i int, kind batch.Kind) error {
	in := batch.Batch{Cols: from}
	o.change.AppendRow(o.outTs, kind, &in, i)
	if o.change.Len < batch.MaxRows {
		return nil
	}
	return o.flush()
}

func (o *sorted) flush() error {
	if o.change.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.change)
	o.change.Reset(o.outTs)
	return err
}
