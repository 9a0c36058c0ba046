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

// changes sends, row by row, what became of its group. Which rows come out is
// decided first; then they're made column by column.
func (o *operator) changes(b *batch.Batch) error {
	rows := o.table.I64(0)
	list := o.images[:0]
	o.gone = o.gone[:0]
	for i := 0; i < b.Len; i++ {
		before, after := o.counts[i][0], o.counts[i][1]
		switch {
		case before == 0 && after == 0:
		case before == 0:
			list = append(list, image{int32(i), true, batch.Insert})
		case after == 0:
			list = append(list, image{int32(i), false, batch.Delete})
		case o.spec.TTL == 0 && o.equal(o.before, i, o.after, i):
		default:
			if o.spec.before {
				list = append(list, image{int32(i), false, batch.UpdateBefore})
			}
			list = append(list, image{int32(i), true, batch.UpdateAfter})
		}
		if cell := rows.At(o.ids[i]); *cell == 0 { // at the end of the batch, that is
			*cell = -1 // once
			o.gone = append(o.gone, o.ids[i])
		}
	}
	o.images = list
	for at := 0; at < len(list); at += batch.MaxRows {
		if err := o.send(b, list[at:min(at+batch.MaxRows, len(list))]); err != nil {
			return err
		}
	}
	o.table.Delete(o.gone)
	return nil
}

// send makes and sends the rows.
func (o *operator) send(b *batch.Batch, list []image) error {
	o.from = o.from[:0]
	kinds := o.out.Kinds[:0]
	for _, m := range list {
		o.from, kinds = append(o.from, m.row), append(kinds, m.kind)
	}
	o.out.Len, o.out.Kinds = len(list), kinds
	for k, c := range o.spec.Keys {
		o.out.Cols[k].Take(o.outTs[k], &b.Cols[c], o.from)
	}
	for c := range o.spec.Calls {
		k := len(o.spec.Keys) + c
		pick(o.outTs[k], &o.out.Cols[k], &o.before[c], &o.after[c], list)
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.outTs)
	return err
}

// pick makes v the images' values, each from before or after.
func pick(t types.Type, v, before, after *batch.Vector, list []image) {
	switch t.Layout() {
	case types.LayoutI64:
		v.Prepare(t, len(list))
		to := v.I64[:len(list)]
		for k, m := range list {
			if m.after {
				to[k] = after.I64[m.row]
			} else {
				to[k] = before.I64[m.row]
			}
		}
	case types.LayoutF64:
		v.Prepare(t, len(list))
		to := v.F64[:len(list)]
		for k, m := range list {
			if m.after {
				to[k] = after.F64[m.row]
			} else {
				to[k] = before.F64[m.row]
			}
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
