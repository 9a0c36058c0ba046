package groupagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// image is a row to send: the group of input row `row`, before or after it.
type image struct {
	row   int32
	after bool
	kind  batch.Kind
}

// both is the results of one call before and after each row, one behind the
// other, so that rows are picked from them by one number.
type both struct {
	i64 []int64
	f64 []float64
}

// prepare makes the results of call c ready for n rows. The one before is nil when
// nobody looks at it.
func (o *operator) prepare(c, n int) (before *batch.Vector) {
	t, u := o.spec.Calls[c].Result, &o.both[c]
	b, a := &o.before[c], &o.after[c]
	switch t.Layout() {
	case types.LayoutI64:
		u.i64 = room(u.i64, 2*n)
		b.I64, a.I64 = u.i64[:n:n], u.i64[n:2*n:2*n]
	case types.LayoutF64:
		u.f64 = room(u.f64, 2*n)
		b.F64, a.F64 = u.f64[:n:n], u.f64[n:2*n:2*n]
	}
	b.Prepare(t, n)
	a.Prepare(t, n)
	if o.counting && !o.spec.before && !o.spec.retract {
		return nil
	}
	return b
}

func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*batch.MaxRows))
	}
	return s[:n]
}

// changes sends, row by row, what became of its group. Which rows come out is
// decided first; then they're made column by column.
func (o *operator) changes(b *batch.Batch) error {
	if o.all() && !o.spec.before && !o.spec.retract {
		return o.sendAll(b)
	}
	o.compare(b.Len)
	list := o.images[:0]
	o.gone = o.gone[:0]
	for i, n := range o.counts[:b.Len] {
		switch {
		case n[0] == 0 && n[1] == 0:
		case n[0] == 0:
			list = append(list, image{int32(i), true, batch.Insert})
		case n[1] == 0:
			list = append(list, image{int32(i), false, batch.Delete})
		case !o.differs[i]:
		default:
			if o.spec.before {
				list = append(list, image{int32(i), false, batch.UpdateBefore})
			}
			list = append(list, image{int32(i), true, batch.UpdateAfter})
		}
	}
	if o.spec.retract {
		rows := o.table.I64(0)
		for _, id := range o.ids {
			if cell := rows.At(id); *cell == 0 { // at the end of the batch, that is
				*cell = -1 // once
				o.gone = append(o.gone, id)
			}
		}
	}
	o.images = list
	if !o.spec.before && !o.spec.retract && len(list) == b.Len {
		return o.sendAll(b)
	}
	for at := 0; at < len(list); at += batch.MaxRows {
		if err := o.send(b, list[at:min(at+batch.MaxRows, len(list))]); err != nil {
			return err
		}
	}
	o.table.Delete(o.gone)
	return nil
}

// all says that every row changes its group's results, or is sent all the same: with a
// time to live a repeated result refreshes what is kept of it downstream.
func (o *operator) all() bool { return o.spec.TTL > 0 || o.counting }

// compare finds the rows whose group's results changed.
func (o *operator) compare(n int) {
	all := o.all()
	o.differs = room(o.differs, n)
	for i := range o.differs {
		o.differs[i] = all
	}
	if all {
		return
	}
	for c, call := range o.spec.Calls {
		b, a := &o.before[c], &o.after[c]
		if call.Result.Layout() == types.LayoutI64 && len(b.Valid) == 0 && len(a.Valid) == 0 {
			was, is := b.I64[:n], a.I64[:n]
			for i := range was {
				o.differs[i] = o.differs[i] || was[i] != is[i]
			}
			continue
		}
		for i := range o.differs {
			o.differs[i] = o.differs[i] || o.counts[i][0] != 0 && !batch.Equal(call.Result, b, i, a, i)
		}
	}
}

// send makes and sends the rows.
func (o *operator) send(b *batch.Batch, list []image) error {
	o.from, o.pick = o.from[:0], o.pick[:0]
	kinds := o.out.Kinds[:0]
	for _, m := range list {
		o.from, kinds = append(o.from, m.row), append(kinds, m.kind)
		p := m.row
		if m.after {
			p += int32(b.Len)
		}
		o.pick = append(o.pick, p)
	}
	o.out.Len, o.out.Kinds = len(list), kinds
	for k, c := range o.spec.Keys {
		o.out.Cols[k].Take(o.outTs[k], &b.Cols[c], o.from)
	}
	for c := range o.spec.Calls {
		k := len(o.spec.Keys) + c
		o.choose(c, o.outTs[k], &o.out.Cols[k], list)
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.outTs)
	return err
}

// sendAll sends each row's group as it is after the row, without copying, where all are
// to be sent and no row is taken back.
func (o *operator) sendAll(b *batch.Batch) error {
	o.out.Kinds = room(o.out.Kinds, b.Len)
	kinds := o.out.Kinds
	for i, n := range o.counts[:b.Len] {
		kinds[i] = batch.UpdateAfter
		if n[0] == 0 {
			kinds[i] = batch.Insert
		}
	}
	o.plain.Cols = o.plain.Cols[:0]
	for _, c := range o.spec.Keys {
		o.plain.Cols = append(o.plain.Cols, b.Cols[c])
	}
	o.plain.Cols = append(o.plain.Cols, o.after...)
	o.plain.Len, o.plain.Kinds = b.Len, kinds
	return o.Out.Emit(&o.plain)
}

// choose makes v the images' values of call c, each from before or after.
func (o *operator) choose(c int, t types.Type, v *batch.Vector, list []image) {
	before, after, u := &o.before[c], &o.after[c], &o.both[c]
	switch t.Layout() {
	case types.LayoutI64:
		v.Prepare(t, len(list))
		to := v.I64[:len(list)]
		for k, i := range o.pick {
			to[k] = u.i64[i]
		}
	case types.LayoutF64:
		v.Prepare(t, len(list))
		to := v.F64[:len(list)]
		for k, i := range o.pick {
			to[k] = u.f64[i]
		}
	default:
		v.Prepare(t, 0)
		for k, m := range list {
			if m.after {
				v.Append(t, k, after, int(m.row))
			} else {
				v.Append(t, k, before, int(m.row))
			}
		}
		return
	}
	if len(before.Valid) == 0 && len(after.Valid) == 0 {
		return
	}
	for k, m := range list {
		if m.after && after.Null(int(m.row)) || !m.after && before.Null(int(m.row)) {
			v.SetNull(k)
		}
	}
}
