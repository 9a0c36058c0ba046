package topn

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// added puts in a batch of rows that nobody takes back. Rows that sort behind the
// last one wanted are left out at once: what is kept only gets better, so they are
// behind it for good.
func (o *operator) added(b *batch.Batch) error {
	o.to = int(o.spec.To)
	o.sel = o.rows.Among(o.ids, b, o.to, o.sel[:0])
	for _, i := range o.sel {
		id := o.ids[i]
		rank, in, out := o.rows.Top(id, b, int(i), o.to)
		if in == 0 || o.hold {
			continue
		}
		if err := o.entered(id, rank, in, out); err != nil {
			return err
		}
	}
	return nil
}

// entered sends what a row that came in at rank (from 0) changes; out is the row it
// pushed behind the last rank, 0 if none.
func (o *operator) entered(id uint32, rank int, in, out state.Entry) error {
	s := o.spec
	if s.WithRank || s.From > 1 { // each row behind it stood one rank before
		o.take(&o.after, id, rank)
		o.before = append(o.before[:0], o.after[1:]...)
		if out != 0 {
			o.before = append(o.before, out)
		}
		return o.shifted(rank)
	}
	if out != 0 {
		if o.to == 1 && s.strategy != Retract { // the only row is replaced
			return o.update(out, in, 0)
		}
		if err := o.emit(out, 0, batch.Delete); err != nil {
			return err
		}
	}
	return o.emit(in, 0, batch.Insert)
}

// left sends what the loss of a row at rank changes.
func (o *operator) left(id uint32, rank int, out state.Entry) error {
	if o.spec.WithRank || o.spec.From > 1 { // each row behind it stood one rank behind
		o.take(&o.after, id, rank)
		o.before = append(append(o.before[:0], out), o.after[:min(len(o.after), o.to-rank-1)]...)
		return o.shifted(rank)
	}
	if err := o.emit(out, 0, batch.Delete); err != nil {
		return err
	}
	if up := o.at(id, o.to-1); up != 0 { // the next row moved up into the last rank
		return o.emit(up, 0, batch.Insert)
	}
	return nil
}
