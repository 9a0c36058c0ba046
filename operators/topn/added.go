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
	ranked := o.spec.WithRank || o.spec.From > 1
	for _, i := range o.sel {
		id := o.ids[i]
		rank, in, out := o.rows.Top(id, b, int(i), o.to)
		if in == 0 || o.hold {
			continue
		}
		err := error(nil)
		if ranked {
			err = o.moved(id, rank, out)
		} else {
			err = o.entered(in, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entered sends a row and the loss of the one it pushes out.
func (o *operator) entered(in, out state.Entry) error {
	if out == 0 {
		return o.emit(in, 0, batch.Insert)
	}
	if o.to == 1 { // the only row is replaced
		return o.update(out, in, 0)
	}
	if err := o.emit(out, 0, batch.Delete); err != nil {
		return err
	}
	return o.emit(in, 0, batch.Insert)
}

// moved sends the ranks from rank on, each row of which stood one rank before.
func (o *operator) moved(id uint32, rank int, out state.Entry) error {
	o.take(&o.after, id, rank)
	o.before = append(o.before[:0], o.after[1:]...)
	if out != 0 {
		o.before = append(o.before, out)
	}
	return o.shifted(rank)
}
