package topn

import (
	"github.com/millrace/millrace/batch"
)

// inserted sends what a row that came in at rank (from 0) changes. before and
// after hold the rows from that rank on.
func (o *operator) inserted(rank int) error {
	s := o.spec
	from := int(s.From) - 1
	if s.WithRank || from > 0 {
		return o.shifted(rank)
	}
	full := rank+o.before.rows.Len == o.to
	if o.to == 1 && full && s.strategy != Retract { // the only row is replaced
		if err := o.update(&o.before, 0, &o.after, 0, rank); err != nil {
			return err
		}
		return nil
	}
	if full {
		if err := o.emit(&o.before, o.before.rows.Len-1, 0, batch.Delete); err != nil {
			return err
		}
	}
	return o.emit(&o.after, 0, 0, batch.Insert)
}

// removed sends what the loss of the row at rank changes.
func (o *operator) removed(rank int) error {
	s := o.spec
	if s.WithRank || s.From > 1 {
		return o.shifted(rank)
	}
	if err := o.emit(&o.before, 0, 0, batch.Delete); err != nil {
		return err
	}
	if rank+o.after.rows.Len == o.to { // the next row moved up into the last rank
		return o.emit(&o.after, o.after.rows.Len-1, 0, batch.Insert)
	}
	return nil
}

// shifted sends each rank's change, from rank on: pairs, then the last rank's
// appearance or loss.
func (o *operator) shifted(rank int) error {
	b, a := &o.before, &o.after
	first := max(int(o.spec.From)-1-rank, 0)
	for k := first; k < min(b.rows.Len, a.rows.Len); k++ {
		if !o.spec.WithRank && batch.EqualRows(o.ts, b.rows.Cols, k, a.rows.Cols, k) {
			continue
		}
		if err := o.update(b, k, a, k, rank+k); err != nil {
			return err
		}
	}
	for k := max(first, a.rows.Len); k < b.rows.Len; k++ {
		if err := o.emit(b, k, rank+k, batch.Delete); err != nil {
			return err
		}
	}
	for k := max(first, b.rows.Len); k < a.rows.Len; k++ {
		if err := o.emit(a, k, rank+k, batch.Insert); err != nil {
			return err
		}
	}
	return nil
}

// update sends -U (if needed) and +U at a rank.
func (o *operator) update(b *ranks, i int, a *ranks, j, rank int) error {
	if o.spec.before {
		if err := o.emit(b, i, rank, batch.UpdateBefore); err != nil {
			return err
		}
	}
	return o.emit(a, j, rank, batch.UpdateAfter)
}

// emit appends one row of the output.
func (o *operator) emit(r *ranks, i, rank int, kind batch.Kind) error {
	n := o.out.Len
	for c := range o.ts {
		o.out.Cols[c].Append(o.outTs[c], n, &r.rows.Cols[c], i)
	}
	if o.spec.WithRank {
		v := &o.out.Cols[len(o.ts)]
		v.I64 = append(v.I64[:n], int64(rank+1))
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
