package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// sorted is rows in an order: records, ranked.
type sorted struct {
	t *table
	records
	rank ranked
	head uintptr
	buf2 []uint32
	got  []batch.Vector // scratch: one row
}

func newSorted(t *table, s state.SortedSpec, head uintptr) *sorted {
	o := &sorted{t: t, head: head}
	o.records = newRecords(newLayout(s.Row, 0), t.blob)
	o.got = make([]batch.Vector, len(s.Row))
	o.rank = newRanked(&o.records, s.By)
	return o
}

func (o *sorted) headOf(id uint32) unsafe.Pointer { return unsafe.Add(o.t.ptr(id), o.head) }

func (o *sorted) Insert(id uint32, rows *batch.Batch, row int) int {
	o.t.touch(id)
	e, _ := o.add(0)
	o.setRow(e, rows.Cols, row, false)
	return o.rank.insert(o.headOf(id), e, o.rank.place(rows.Cols, row))
}

func (o *sorted) Seek(id uint32, rows *batch.Batch, row int, after bool) int {
	at := o.rank.place(rows.Cols, row)
	_, _, rank := o.rank.find(o.headOf(id), &at, after)
	return rank
}

func (o *sorted) RemoveEqual(id uint32, rows *batch.Batch, row int) (int, bool) {
	from, to := o.Seek(id, rows, row, false), o.Seek(id, rows, row, true)
	var one [1]uint32
	for r := from; r < to; r++ {
		o.rank.fill(o.headOf(id), r, one[:])
		if o.equal(o.ptr(one[0]), rows.Cols, row, false) {
			o.RemoveRange(id, r, r+1)
			return r, true
		}
	}
	return 0, false
}

func (o *sorted) RemoveRange(id uint32, from, to int) {
	o.t.touch(id)
	o.buf2 = grow(o.buf2, max(to-from, 0))
	for _, e := range o.buf2[:o.rank.fill(o.headOf(id), from, o.buf2)] {
		o.drop(e)
	}
	o.rank.remove(o.headOf(id), from, to)
}

func (o *sorted) Range(id uint32, from int, entries []state.Entry) int {
	return o.rank.fill(o.headOf(id), from, asIDs(entries))
}

func (o *sorted) Gather(entries []state.Entry, cols []int, to []batch.Vector) {
	o.gather(asIDs(entries), cols, to)
}

func (o *sorted) Count(id uint32) int { return int(*half(o.headOf(id), rankedCount)) }

func (o *sorted) clear(id uint32) {
	n := o.Count(id)
	if n == 0 {
		return
	}
	o.buf2 = grow(o.buf2, n)
	for _, e := range o.buf2[:o.rank.fill(o.headOf(id), 0, o.buf2)] {
		o.drop(e)
	}
	o.rank.clear(o.headOf(id))
}

// move puts from's rows among into's, behind those they tie with.
func (o *sorted) move(into, from uint32) {
	n := o.Count(from)
	if n == 0 {
		return
	}
	entries := make([]uint32, n)
	o.rank.fill(o.headOf(from), 0, entries)
	cols, vecs := make([]int, len(o.ts)), make([]batch.Vector, len(o.ts))
	for c := range cols {
		cols[c] = c
	}
	o.gather(entries, cols, vecs)
	o.rank.clear(o.headOf(from))
	for k, e := range entries {
		o.rank.insert(o.headOf(into), e, o.rank.place(vecs, k))
	}
}
