package arena

import (
	"math/bits"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// multiset is values with counts: a record per value, found by an index over (row,
// value), and linked from the row. Once somebody has asked for the least or greatest
// value, the values of rows that are asked for are kept in order.
type multiset struct {
	t *table
	records
	index  index
	rank   ranked
	head   uintptr // first record, number of records, where the order's head is
	orders records // heads of order, for the rows that have one
	got    []batch.Vector
	cols   []int
	one1   []batch.Vector
}

const (
	atOwner = 16
	atCount = 24 // in a value's record, behind the links and the owner

	setFirst = 0 // behind head, in a table's row
	setCount = 4
	setOrder = 8
)

func newMultiset(t *table, cols []state.Column, head uintptr) *multiset {
	m := &multiset{t: t, head: head}
	m.records = newRecords(newLayout(cols, 24), t.blob)
	m.orders = newRecords(newLayout(nil, 16), t.blob)
	by := make([]batch.Order, len(cols))
	for c := range by {
		by[c].Col = c
		m.cols = append(m.cols, c)
	}
	m.rank = newRanked(&m.records, by)
	m.got, m.one1 = make([]batch.Vector, len(cols)), make([]batch.Vector, len(cols))
	return m
}

func (m *multiset) headOf(id uint32) unsafe.Pointer { return unsafe.Add(m.t.ptr(id), m.head) }

// hash mixes the row's into the hash of a value.
func (m *multiset) hash(id uint32, values []batch.Vector, row int) uint64 {
	var h uint64
	for c, k := range m.kind {
		v := &values[c]
		switch {
		case v.Null(row):
			h = mix(h, 0x7ae36f2b4c1d9875)
		case k == types.LayoutI64:
			h = mix(h, uint64(v.I64[row]))
		case k == types.LayoutF64:
			h = mix(h, floatKey(v.F64[row]))
		case k == types.LayoutWide:
			h = mix(mix(h, uint64(v.I64[row])), uint64(v.Hi[row]))
		case k == types.LayoutBytes:
			h = batch.HashBytes(h, v.Bytes(row))
		default:
			m.buf = batch.AppendKey(m.buf[:0], m.ts[c], v, row)
			h = batch.HashBytes(h, m.buf)
		}
	}
	return mix(h, hashOf(m.t.ptr(id)))
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return hi ^ lo
}

// find is the record of a value of a row, 0 for none.
func (m *multiset) find(id uint32, values []batch.Vector, row int, hash uint64) uint32 {
	g := &m.index.groups[hash%groupsN]
	if !g.made {
		return 0
	}
	upper := uint32(hash >> 32)
	for pos := g.home(upper); ; pos = (pos + 1) & g.mask() {
		s := *m.index.slot(g, pos)
		if s == 0 {
			return 0
		}
		if uint32(s>>32) != upper {
			continue
		}
		if p := m.ptr(uint32(s)); *half(p, atOwner) == id && m.equal(p, values, row, true) {
			return uint32(s)
		}
	}
}

func (m *multiset) Add(id uint32, values []batch.Vector, row int, delta int64) int64 {
	m.t.touch(id)
	hash := m.hash(id, values, row)
	e := m.find(id, values, row, hash)
	if e == 0 {
		if delta != 0 {
			m.make(id, values, row, hash, delta)
		}
		return delta
	}
	count := (*int64)(unsafe.Add(m.ptr(e), atCount))
	if *count += delta; *count == 0 {
		m.removeValue(id, e)
		return 0
	}
	return *count
}

func (m *multiset) make(id uint32, values []batch.Vector, row int, hash uint64, count int64) {
	e, p := m.add(hash>>32<<32 | hash%groupsN<<groupBit)
	m.setRow(e, values, row, true)
	h := m.headOf(id)
	first := *half(h, setFirst)
	*half(p, atNext), *half(p, atOwner) = first, id
	*word(p, atCount) = uint64(count)
	if first != 0 {
		*half(m.ptr(first), atPrev) = e
	}
	*half(h, setFirst) = e
	*half(h, setCount)++
	m.index.insert(hash, e)
	if o := *half(h, setOrder); o != 0 {
		m.rank.insert(unsafe.Add(m.orders.ptr(o), 8), e, m.rank.place(values, row))
	}
}

func (m *multiset) removeValue(id, e uint32) {
	h, p := m.headOf(id), m.ptr(e)
	prev, next := *half(p, atPrev), *half(p, atNext)
	if prev == 0 {
		*half(h, setFirst) = next
	} else {
		*half(m.ptr(prev), atNext) = next
	}
	if next != 0 {
		*half(m.ptr(next), atPrev) = prev
	}
	*half(h, setCount)--
	m.index.remove(hashOf(p), e)
	if o := *half(h, setOrder); o != 0 {
		m.unrank(unsafe.Add(m.orders.ptr(o), 8), e)
	}
	m.drop(e)
}

// unrank takes a record out of an order: values are distinct, so its place is its
// own.
func (m *multiset) unrank(h unsafe.Pointer, e uint32) {
	m.gather([]uint32{e}, m.cols, m.got)
	at := m.rank.place(m.got, 0)
	_, _, r := m.rank.find(h, &at, false)
	m.rank.remove(h, r, r+1)
}

// order is the head of a row's order, which is made when first asked for.
func (m *multiset) order(id uint32) unsafe.Pointer {
	h := m.headOf(id)
	if o := *half(h, setOrder); o != 0 {
		return unsafe.Add(m.orders.ptr(o), 8)
	}
	o, p := m.orders.add(0)
	*half(m.headOf(id), setOrder) = o
	head := unsafe.Add(p, 8)
	for e := *half(h, setFirst); e != 0; e = *half(m.ptr(e), atNext) {
		m.gather([]uint32{e}, m.cols, m.got)
		m.rank.insert(head, e, m.rank.place(m.got, 0))
	}
	return head
}

func (m *multiset) Count(id uint32, values []batch.Vector, row int) int64 {
	if e := m.find(id, values, row, m.hash(id, values, row)); e != 0 {
		return m.count(e)
	}
	return 0
}

func (m *multiset) count(e uint32) int64 { return int64(*word(m.ptr(e), atCount)) }

func (m *multiset) First(id uint32, to []batch.Vector, n int) bool { return m.end(id, to, n, false) }
func (m *multiset) Last(id uint32, to []batch.Vector, n int) bool  { return m.end(id, to, n, true) }

// end appends the first or last value with a positive count.
func (m *multiset) end(id uint32, to []batch.Vector, n int, last bool) bool {
	count := m.Distinct(id)
	if count == 0 {
		return false
	}
	h := m.order(id)
	var one [1]uint32
	for i := 0; i < count; i++ {
		r := i
		if last {
			r = count - 1 - i
		}
		m.rank.fill(h, r, one[:])
		if m.count(one[0]) <= 0 {
			continue
		}
		m.gather(one[:], m.cols, m.got)
		for c := range to {
			to[c].Append(m.ts[c], n, &m.got[c], 0)
		}
		return true
	}
	return false
}

func (m *multiset) Each(id uint32, f func(value []batch.Vector, count int64) bool) {
	n := m.Distinct(id)
	if n == 0 {
		return
	}
	entries, counts := make([]uint32, n), make([]int64, n)
	m.rank.fill(m.order(id), 0, entries)
	values := make([]batch.Vector, len(m.ts))
	for k, e := range entries {
		counts[k] = m.count(e)
	}
	for k, e := range entries { // f may change the multiset: values are read at once
		m.gather([]uint32{e}, m.cols, values)
		if !f(values, counts[k]) {
			return
		}
	}
}

func (m *multiset) Distinct(id uint32) int { return int(*half(m.headOf(id), setCount)) }

func (m *multiset) Clear(id uint32) {
	m.t.touch(id)
	m.clear(id)
}

func (m *multiset) clear(id uint32) {
	h := m.headOf(id)
	for e := *half(h, setFirst); e != 0; e = *half(m.ptr(e), atNext) {
		m.index.remove(hashOf(m.ptr(e)), e)
		m.drop(e)
	}
	if o := *half(h, setOrder); o != 0 {
		m.rank.clear(unsafe.Add(m.orders.ptr(o), 8))
		m.orders.drop(o)
	}
	*word(h, 0), *word(h, 8) = 0, 0
}

// move adds from's counts to into's.
func (m *multiset) move(into, from uint32) {
	values := make([]batch.Vector, len(m.ts))
	for e := *half(m.headOf(from), setFirst); e != 0; e = *half(m.ptr(e), atNext) {
		m.gather([]uint32{e}, m.cols, values)
		m.Add(into, values, 0, m.count(e))
	}
	m.clear(from)
}

func (m *multiset) release() {
	m.records.release()
	m.orders.release()
}
