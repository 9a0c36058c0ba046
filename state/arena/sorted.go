package arena

import (
	"math"
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

// Among compares rows with the last of those kept, a chunk of rows at a time: what
// the chunk will read is prefetched, and what Top will drop.
func (o *sorted) Among(ids []uint32, rows *batch.Batch, most int, sel []int32) []int32 {
	k, cold := &o.rank, o.cold()
	for from := 0; from < len(ids); from += chunk {
		to := min(from+chunk, len(ids))
		if cold {
			o.fetch(ids[from:to], most)
		}
		full := 0
		for i := from; i < to; i++ {
			h := o.headOf(ids[i])
			n := int(*half(h, rankedCount))
			if n < most {
				sel = append(sel, int32(i))
				continue
			}
			at := k.place(rows.Cols, i)
			if n > most || n == 0 {
				if _, _, rank := k.find(h, &at, true); rank < most {
					sel = append(sel, int32(i))
				}
				continue
			}
			last := k.last(h)
			if k.compare(last, &at) <= 0 {
				continue
			}
			if sel = append(sel, int32(i)); cold {
				o.t.addrs[full] = uintptr(o.ptr(k.entry(last)))
				full++
			}
		}
		if full > 0 {
			prefetch(&o.t.addrs[0], full)
		}
	}
	return sel
}

// cold says that records will mostly not be in the cache.
func (o *sorted) cold() bool { return o.records.bytes() > coldSlots*8 }

// Fetch prefetches the first and last items of rows.
func (o *sorted) Fetch(ids []uint32) {
	for from := 0; from < len(ids) && o.cold(); from += chunk {
		o.fetch(ids[from:min(from+chunk, len(ids))], math.MaxInt/itemSize)
	}
}

// fetch prefetches the items of rows, of which each has a few, and the last ones.
func (o *sorted) fetch(ids []uint32, most int) {
	base, n := uintptr(o.rank.blob.base()), 0
	for _, id := range ids {
		v := viewOf(o.headOf(id))
		if v == 0 {
			continue
		}
		from := base + uintptr(v.Off())
		o.t.addrs[n] = from
		n++
		if to := from + uintptr(min(most*itemSize, v.Len())-1); to>>6 != from>>6 {
			o.t.addrs[n] = to
			n++
		}
	}
	if n > 0 {
		prefetch(&o.t.addrs[0], n)
	}
}

func (o *sorted) Top(id uint32, rows *batch.Batch, row, most int) (rank int, in, out state.Entry) {
	k, h := &o.rank, o.headOf(id)
	at := k.place(rows.Cols, row)
	_, pos, rank := k.find(h, &at, true)
	if rank >= most {
		return rank, 0, 0
	}
	o.t.touch(id)
	e, _ := o.add(0)
	o.setRow(e, rows.Cols, row, false)
	n := int(*half(h, rankedCount))
	if *half(h, rankedLeaves) != 0 || n > most || n == leafMax && n < most {
		k.insert(h, e, at)
		if n >= most {
			out = o.at(h, most)
			o.RemoveRange(id, most, n+1)
		}
		return rank, state.Entry(e), out
	}
	if n == most {
		out = state.Entry(k.entry(k.item(viewOf(h), n-1)))
		o.drop(uint32(out))
		n--
	} else {
		*half(h, rankedCount)++
	}
	*word(h, rankedView) = uint64(k.openFor(viewOf(h), n, pos, most))
	k.set(viewOf(h), pos, at.prefix, e)
	return rank, state.Entry(e), out
}

// at is the entry at a rank.
func (o *sorted) at(h unsafe.Pointer, rank int) state.Entry {
	var one [1]uint32
	o.rank.fill(h, rank, one[:])
	return state.Entry(one[0])
}

func (o *sorted) Seek(id uint32, rows *batch.Batch, row int, after bool) int {
	at := o.rank.place(rows.Cols, row)
	_, _, rank := o.rank.find(o.headOf(id), &at, after)
	return rank
}

// RemoveEqual looks at the rows that tie with the one given.
func (o *sorted) RemoveEqual(id uint32, rows *batch.Batch, row int) (int, state.Entry) {
	k, h := &o.rank, o.headOf(id)
	at := k.place(rows.Cols, row)
	_, _, rank := k.find(h, &at, false)
	for n := int(*half(h, rankedCount)); rank < n; rank++ {
		p := k.itemAt(h, rank)
		e := k.entry(p)
		if *word(p, 0) != at.prefix {
			break
		}
		if o.equal(o.ptr(e), rows.Cols, row, false) {
			o.t.touch(id)
			o.drop(e)
			k.remove(h, rank, rank+1)
			return rank, state.Entry(e)
		}
		if k.compare(p, &at) != 0 {
			break
		}
	}
	return 0, 0
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
