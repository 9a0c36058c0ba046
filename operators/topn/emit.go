package topn

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// pending is the rows to send: where they lie in state, and the rank of each. They
// are decoded together, and readable until Release even when they have gone.
type pending struct {
	entries []state.Entry
	ranks   []int64
	kinds   []batch.Kind
}

// shifted sends each rank's change, from rank on: pairs, then the last rank's
// appearance or loss.
func (o *operator) shifted(rank int) error {
	b, a := o.before, o.after
	first := max(int(o.spec.From)-1-rank, 0)
	for k := first; k < min(len(b), len(a)); k++ {
		if !o.spec.WithRank && o.equal(b[k], a[k]) {
			continue
		}
		if err := o.update(b[k], a[k], rank+k); err != nil {
			return err
		}
	}
	for k := max(first, len(a)); k < len(b); k++ {
		if err := o.emit(b[k], rank+k, batch.Delete); err != nil {
			return err
		}
	}
	for k := max(first, len(b)); k < len(a); k++ {
		if err := o.emit(a[k], rank+k, batch.Insert); err != nil {
			return err
		}
	}
	return nil
}

// equal says that two stored rows are the same in every column.
func (o *operator) equal(a, b state.Entry) bool {
	return a == b || batch.EqualRows(o.ts, o.decode(0, []state.Entry{a}).Cols, 0, o.decode(1, []state.Entry{b}).Cols, 0)
}

// update sends -U (if needed) and +U at a rank.
func (o *operator) update(was, is state.Entry, rank int) error {
	if o.spec.before {
		if err := o.emit(was, rank, batch.UpdateBefore); err != nil {
			return err
		}
	}
	return o.emit(is, rank, batch.UpdateAfter)
}

// emit appends one row of the output.
func (o *operator) emit(e state.Entry, rank int, kind batch.Kind) error {
	p := &o.pending
	p.entries, p.ranks, p.kinds = append(p.entries, e), append(p.ranks, int64(rank+1)), append(p.kinds, kind)
	if len(p.entries) >= batch.MaxRows {
		return o.flush()
	}
	return nil
}

func (o *operator) flush() error {
	p := &o.pending
	if len(p.entries) == 0 {
		return nil
	}
	o.rows.Gather(p.entries, o.cols, o.out.Cols[:len(o.ts)])
	if o.spec.WithRank {
		v := &o.out.Cols[len(o.ts)]
		v.Prepare(o.outTs[len(o.ts)], len(p.ranks))
		copy(v.I64, p.ranks)
	}
	o.out.Len, o.out.Kinds = len(p.entries), p.kinds
	err := o.Out.Emit(&o.out)
	p.entries, p.ranks, p.kinds = p.entries[:0], p.ranks[:0], p.kinds[:0]
	return err
}
