package topn

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// keep stores a row of batch mode, where only the end counts: no more rows than can
// come out, unless ties share a rank.
func (o *operator) keep(id uint32, b *batch.Batch, i int) {
	if o.spec.Fn == RowNumber && o.rows.Seek(id, b, i, true) >= o.to {
		return
	}
	o.rows.Insert(id, b, i)
	if o.spec.Fn == RowNumber && o.rows.Count(id) > o.to {
		o.rows.RemoveRange(id, o.to, o.rows.Count(id))
	}
}

// End sends the final rows of batch mode, partition by partition in the order of
// arrival.
func (o *operator) End(int) error {
	if !o.hold {
		return nil
	}
	if err := o.table.Scan(o.ranked); err != nil { // none was deleted
		return err
	}
	return o.flush()
}

// ranked sends what partitions of t have, which is the table or rows of it that lie on
// disk.
func (o *operator) ranked(t state.Table, ids []uint32) error {
	table, rows := o.table, o.rows
	defer func() { o.table, o.rows = table, rows }()
	o.table, o.rows = t, t.Sorted(0)
	for _, id := range ids {
		last := int(o.spec.To)
		if o.spec.ToCol >= 0 {
			last = int(*o.table.I64(0).At(id))
		}
		if o.to = last; o.spec.Fn != RowNumber {
			o.to = o.rows.Count(id)
		}
		o.take(&o.after, id, 0)
		if err := o.number(last); err != nil {
			return err
		}
	}
	return o.flush()
}

// number sends the rows of o.after whose rank is wanted.
func (o *operator) number(last int) error {
	rank, dense := 0, 0
	rows := o.decode(0, o.after)
	for k := 0; k < rows.Len; k++ {
		if k == 0 || batch.CompareRows(o.ts, o.spec.By, rows.Cols, k-1, rows.Cols, k) != 0 {
			rank, dense = k, dense+1
		}
		n := k
		switch o.spec.Fn {
		case Rank:
			n = rank
		case DenseRank:
			n = dense - 1
		}
		if n >= last {
			return nil
		}
		if n < int(o.spec.From)-1 {
			continue
		}
		if err := o.emit(o.after[k], n, batch.Insert); err != nil {
			return err
		}
	}
	return nil
}
