package dedup

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// lastRows keeps each key's last row, a batch at a time: the rows that aren't older
// than the stored one are found first, then they're stored with one call, which
// tells what they replaced.
type lastRows struct {
	o     *operator
	time  int   // of the columns stored
	at    []int // per column of the input: its place among those stored, -1: a key column, which isn't
	ids   []uint32
	sel   []int32
	had   []int64 // the times replaced
	from  []batch.Vector
	both  []batch.Vector // the stored columns before each row, then after each
	pick  []int32        // the rows of both to send
	row   []int32        // the input rows they belong to
	kinds []batch.Kind
	plain batch.Batch // columns of others
	dense batch.Batch
	out   batch.Batch
}

func (l *lastRows) open(o *operator) {
	l.o = o
	l.at = make([]int, len(o.ts))
	for c := range l.at {
		l.at[c] = -1
	}
	for k, c := range o.cols {
		if l.at[c] = k; c == o.spec.Time {
			l.time = k
		}
	}
	l.from, l.both = make([]batch.Vector, len(o.cols)), make([]batch.Vector, len(o.cols))
	l.out.Cols = make([]batch.Vector, len(o.ts))
}

// keyed says that a column needn't be stored: it is a key column whose equal values
// are the same.
func (o *operator) keyed(c int) bool {
	if c == o.spec.Time {
		return false
	}
	for _, k := range o.spec.Keys {
		if l := o.ts[c].Layout(); k == c && (l == types.LayoutI64 || l == types.LayoutBytes) {
			return true
		}
	}
	return false
}

func (l *lastRows) process(b *batch.Batch) error {
	o := l.o
	l.accept(b)
	if len(l.sel) == 0 {
		return nil
	}
	for k, c := range o.cols {
		l.from[k] = b.Cols[c]
	}
	if !o.spec.before {
		return l.upsert(b)
	}
	o.table.Replace(l.ids, l.sel, l.stored(), l.from, l.both)
	if o.spec.Rowtime {
		copy(l.both[l.time].I64, l.had)
	}
	n := len(l.sel)
	l.pick, l.row, l.kinds = slices.Grow(l.pick[:0], 2*n)[:2*n], slices.Grow(l.row[:0], 2*n)[:2*n], slices.Grow(l.kinds[:0], 2*n)[:2*n]
	pick, row, kinds := l.pick, l.row[:2*n], l.kinds[:2*n]
	w := 0
	for k, i := range l.sel {
		// The old row is written in any case, and written over when there was none.
		pick[w], row[w], kinds[w] = int32(k), i, batch.UpdateBefore
		kind := batch.Insert
		if !o.fresh[i] {
			w++
			kind = batch.UpdateAfter
		}
		pick[w], row[w], kinds[w] = int32(n+k), i, kind
		w++
	}
	l.pick, l.row, l.kinds = pick[:w], row[:w], kinds[:w]
	for at := 0; at < len(l.pick); at += batch.MaxRows {
		if err := l.send(b, at, min(at+batch.MaxRows, len(l.pick))); err != nil {
			return err
		}
	}
	return nil
}

// accept finds the rows that aren't older than the one before. Their times are
// written at once, for the rows behind them.
func (l *lastRows) accept(b *batch.Batch) {
	o := l.o
	n := len(o.ids)
	l.ids, l.sel, l.had = slices.Grow(l.ids[:0], n)[:n], slices.Grow(l.sel[:0], n)[:n], slices.Grow(l.had[:0], n)[:n]
	ids, sel, had := l.ids, l.sel[:n], l.had[:n]
	if !o.spec.Rowtime {
		copy(ids, o.ids)
		for i := range sel {
			sel[i] = int32(i)
		}
		return
	}
	o.table.Touch(o.ids)
	cell, times, fresh := o.table.I64(l.time), b.Cols[o.spec.Time].I64[:n], o.fresh[:n]
	w := 0
	for i, id := range o.ids {
		p := cell.At(id)
		ids[w], sel[w], had[w] = id, int32(i), *p
		if fresh[i] || times[i] >= *p {
			*p = times[i]
			w++
		}
	}
	l.ids, l.sel, l.had = ids[:w], sel[:w], had[:w]
}

// stored are the numbers of the stored columns.
func (l *lastRows) stored() []int {
	if l.o.stored == nil {
		for k := range l.o.cols {
			l.o.stored = append(l.o.stored, k)
		}
	}
	return l.o.stored
}

// upsert stores and sends the rows when nobody asks for what they replaced.
func (l *lastRows) upsert(b *batch.Batch) error {
	o := l.o
	o.table.Put(l.ids, l.sel, l.stored(), l.from)
	l.kinds = l.kinds[:0]
	for i := 0; i < b.Len; i++ {
		kind := batch.UpdateAfter
		if o.fresh[i] {
			kind = batch.Insert
		}
		l.kinds = append(l.kinds, kind)
	}
	l.plain = batch.Batch{Len: b.Len, Cols: b.Cols, Sel: l.sel, Kinds: l.kinds}
	if len(l.sel) == b.Len {
		l.plain.Sel = nil
	}
	return o.Out.Emit(l.plain.Compact(o.ts, &l.dense))
}

// send makes and sends rows from..to of those to send.
func (l *lastRows) send(b *batch.Batch, from, to int) error {
	for c, t := range l.o.ts {
		if k := l.at[c]; k >= 0 {
			l.out.Cols[c].Take(t, &l.both[k], l.pick[from:to])
		} else {
			l.out.Cols[c].Take(t, &b.Cols[c], l.row[from:to])
		}
	}
	l.out.Len, l.out.Kinds = to-from, l.kinds[from:to]
	return l.o.Out.Emit(&l.out)
}
