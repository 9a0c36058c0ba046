package arena

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// ranked keeps the records of each table row in order. A row's head says where its
// items lie, how many there are, and how many leaves. Few items (leafMax) lie in one
// chunk of the blob; more lie in leaves, listed in a chunk of leaf items, each with
// the number of items in it.
//
// An item is 16 bytes: a prefix of the record's place in the order, which settles
// most comparisons without touching the record, and the record.
type ranked struct {
	r    *records
	blob *blob
	by   []batch.Order
	// total: the prefix alone settles the order of values that aren't NULL.
	total bool
	vec   [1]batch.Vector
}

const (
	leafMax  = 128
	itemSize = 16

	// In the head: a View of the items or of the leaves' list.
	rankedView   = 0
	rankedCount  = 8  // items in all
	rankedLeaves = 12 // 0: the view is of items
)

func newRanked(r *records, by []batch.Order) ranked {
	k := ranked{r: r, blob: r.blob, by: by}
	if len(by) == 1 {
		l := r.kind[by[0].Col]
		k.total = l == types.LayoutI64 || l == types.LayoutF64
	}
	return k
}

// place is where a value belongs: its prefix, and the row for the rest.
type place struct {
	prefix uint64
	cols   []batch.Vector
	row    int
}

func (k *ranked) place(cols []batch.Vector, row int) place {
	return place{k.prefix(cols, row), cols, row}
}

// prefix is a number that never falls as rows rise.
func (k *ranked) prefix(cols []batch.Vector, row int) uint64 {
	o := k.by[0]
	v := &cols[o.Col]
	if v.Null(row) {
		if o.NullsLast {
			return math.MaxUint64
		}
		return 0
	}
	var x uint64
	switch k.r.kind[o.Col] {
	case types.LayoutI64:
		x = uint64(v.I64[row]) ^ 1<<63
	case types.LayoutF64:
		if x = floatKey(v.F64[row]); x>>63 != 0 {
			x = ^x
		} else {
			x |= 1 << 63
		}
	case types.LayoutWide:
		if x = uint64(v.I64[row]) ^ 1<<63; k.r.ts[o.Col].Kind == types.Decimal {
			x = uint64(v.Hi[row]) ^ 1<<63
		}
	case types.LayoutBytes:
		var b [8]byte
		copy(b[:], v.Bytes(row))
		x = binary.BigEndian.Uint64(b[:])
	default:
		return 1 << 63
	}
	if o.Desc {
		x = ^x
	}
	return x
}

// item addresses item i of a chunk.
func (k *ranked) item(v batch.View, i int) unsafe.Pointer {
	return unsafe.Add(k.blob.base(), v.Off()+i*itemSize)
}

func (k *ranked) entry(p unsafe.Pointer) uint32 { return *half(p, 8) }

// compare orders the item at p against a place: below 0 when it sorts before.
func (k *ranked) compare(p unsafe.Pointer, at *place) int {
	x := *word(p, 0)
	switch {
	case x < at.prefix:
		return -1
	case x > at.prefix:
		return 1
	case k.total && x != 0 && x != math.MaxUint64:
		return 0
	}
	return k.compareRecord(k.entry(p), at.cols, at.row)
}

func (k *ranked) compareRecord(e uint32, cols []batch.Vector, row int) int {
	p := k.r.ptr(e)
	for _, o := range k.by {
		v := &cols[o.Col]
		an, bn := !k.r.valid(p, o.Col), v.Null(row)
		if an && bn {
			continue
		}
		if an || bn {
			if an != o.NullsLast {
				return -1
			}
			return 1
		}
		if c := k.compareValue(e, p, o.Col, v, row); c != 0 {
			if o.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

func (k *ranked) compareValue(e uint32, p unsafe.Pointer, c int, v *batch.Vector, row int) int {
	switch k.r.kind[c] {
	case types.LayoutI64:
		switch x, y := int64(*word(p, k.r.at[c])), v.I64[row]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case types.LayoutBytes:
		return bytes.Compare(k.blob.get(batch.View(*word(p, k.r.at[c]))), v.Bytes(row))
	}
	k.r.gatherColumn([]uint32{e}, c, &k.vec[0])
	return batch.Compare(k.r.ts[c], &k.vec[0], 0, v, row)
}

// last is the last item.
func (k *ranked) last(h unsafe.Pointer) unsafe.Pointer {
	v, n := viewOf(h), int(*half(h, rankedCount))
	if leaves := int(*half(h, rankedLeaves)); leaves > 0 {
		v, n = k.leaf(v, leaves-1)
	}
	return k.item(v, n-1)
}

// itemAt is the item at a rank.
func (k *ranked) itemAt(h unsafe.Pointer, rank int) unsafe.Pointer {
	v := viewOf(h)
	if *half(h, rankedLeaves) == 0 {
		return k.item(v, rank)
	}
	for i := 0; ; i++ {
		items, n := k.leaf(v, i)
		if rank < n {
			return k.item(items, rank)
		}
		rank -= n
	}
}

// search is the first of n items in a chunk that sorts at or after the place, after
// it when after is set.
func (k *ranked) search(v batch.View, n int, at *place, after bool) int {
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c := k.compare(k.item(v, mid), at); c > 0 || c == 0 && !after {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func viewOf(h unsafe.Pointer) batch.View { return batch.View(*word(h, rankedView)) }

// leaf i of a list of leaves: its items and how many there are.
func (k *ranked) leaf(list batch.View, i int) (batch.View, int) {
	p := k.item(list, i)
	return batch.View(*word(p, 0)), int(*half(p, 8))
}

// find is the leaf and the position in it for a place, and the rank.
func (k *ranked) find(h unsafe.Pointer, at *place, after bool) (leaf, pos, rank int) {
	count, leaves, v := int(*half(h, rankedCount)), int(*half(h, rankedLeaves)), viewOf(h)
	if leaves == 0 {
		pos = k.search(v, count, at, after)
		return 0, pos, pos
	}
	lo, hi := 0, leaves // the last leaf whose first item sorts before the place
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		items, _ := k.leaf(v, mid)
		if c := k.compare(k.item(items, 0), at); c > 0 || c == 0 && !after {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	leaf = max(lo-1, 0)
	for i := 0; i < leaf; i++ {
		_, n := k.leaf(v, i)
		rank += n
	}
	items, n := k.leaf(v, leaf)
	pos = k.search(items, n, at, after)
	return leaf, pos, rank + pos
}

// insert puts a record behind those it ties with and returns its rank.
func (k *ranked) insert(h unsafe.Pointer, e uint32, at place) int {
	leaf, pos, rank := k.find(h, &at, true)
	leaves := int(*half(h, rankedLeaves))
	if leaves == 0 {
		if n := int(*half(h, rankedCount)); n < leafMax {
			*word(h, rankedView) = uint64(k.open(viewOf(h), n, pos))
			k.set(viewOf(h), pos, at.prefix, e)
			*half(h, rankedCount)++
			return rank
		}
		k.spread(h)
		leaf, pos, _ = k.find(h, &at, true)
	}
	list := viewOf(h)
	items, n := k.leaf(list, leaf)
	if n == leafMax {
		k.split(h, leaf)
		leaf, pos, _ = k.find(h, &at, true)
		list = viewOf(h)
		items, n = k.leaf(list, leaf)
	}
	items = k.open(items, n, pos)
	k.set(items, pos, at.prefix, e)
	p := k.item(list, leaf)
	*word(p, 0) = uint64(items)
	*half(p, 8)++
	*half(h, rankedCount)++
	return rank
}

func (k *ranked) set(v batch.View, i int, prefix uint64, e uint32) {
	p := k.item(v, i)
	*word(p, 0), *word(p, 8) = prefix, uint64(e)
}

// open makes room for an item at pos in a chunk of n: in place while the chunk's
// class has room. The View's length is that of the chunk.
func (k *ranked) open(v batch.View, n, pos int) batch.View { return k.openFor(v, n, pos, math.MaxInt) }

// openFor is open where there will be most items at most.
func (k *ranked) openFor(v batch.View, n, pos, most int) batch.View {
	if (n+1)*itemSize > v.Len() {
		next := max(n+n/2+1, 4)
		if next > most || n >= 4 && most <= 16 {
			next = most
		}
		size := classSize(class(next * itemSize))
		to := batch.NewView(k.blob.alloc(size), size)
		copy(k.blob.get(to), k.blob.get(v)[:n*itemSize])
		k.blob.freeNow(v)
		v = to
	}
	b := k.blob.get(v)
	copy(b[(pos+1)*itemSize:(n+1)*itemSize], b[pos*itemSize:n*itemSize])
	return v
}

// closeUp takes items from..to-1 out of a chunk of n.
func (k *ranked) closeUp(v batch.View, n, from, to int) {
	b := k.blob.get(v)
	copy(b[from*itemSize:], b[to*itemSize:n*itemSize])
}

// spread turns one chunk into a list of one leaf.
func (k *ranked) spread(h unsafe.Pointer) {
	items, n := viewOf(h), *half(h, rankedCount)
	list := k.open(0, 0, 0)
	p := k.item(list, 0)
	*word(p, 0), *word(p, 8) = uint64(items), uint64(n)
	*word(h, rankedView), *half(h, rankedLeaves) = uint64(list), 1
}

// split halves a full leaf.
func (k *ranked) split(h unsafe.Pointer, leaf int) {
	leaves := int(*half(h, rankedLeaves))
	list := k.open(viewOf(h), leaves, leaf+1)
	*word(h, rankedView), *half(h, rankedLeaves) = uint64(list), uint32(leaves+1)
	items, n := k.leaf(list, leaf)
	keep := n / 2
	size := classSize(class((n - keep) * itemSize * 3 / 2))
	half2 := batch.NewView(k.blob.alloc(size), size)
	copy(k.blob.get(half2), k.blob.get(items)[keep*itemSize:n*itemSize])
	*half(k.item(list, leaf), 8) = uint32(keep)
	p := k.item(list, leaf+1)
	*word(p, 0), *word(p, 8) = uint64(half2), uint64(n-keep)
}

// rangeOf calls f for runs of items of ranks from..to-1: a leaf's items, n of them,
// from position pos.
func (k *ranked) rangeOf(h unsafe.Pointer, from, to int, f func(leaf int, items batch.View, pos, n int)) {
	to = min(to, int(*half(h, rankedCount)))
	leaves, v := int(*half(h, rankedLeaves)), viewOf(h)
	if leaves == 0 {
		if from < to {
			f(0, v, from, to-from)
		}
		return
	}
	for i := 0; i < leaves && to > 0; i++ {
		items, n := k.leaf(v, i)
		if from < n {
			f(i, items, from, min(to, n)-from)
			from = n
		}
		from, to = from-n, to-n
	}
}

// fill writes the entries of ranks from.. and returns how many.
func (k *ranked) fill(h unsafe.Pointer, from int, entries []uint32) int {
	n := 0
	k.rangeOf(h, from, from+len(entries), func(_ int, items batch.View, pos, count int) {
		for i := 0; i < count; i++ {
			entries[n] = k.entry(k.item(items, pos+i))
			n++
		}
	})
	return n
}

// remove takes ranks from..to-1 out.
func (k *ranked) remove(h unsafe.Pointer, from, to int) {
	count := int(*half(h, rankedCount))
	if from >= to {
		return
	}
	if *half(h, rankedLeaves) == 0 {
		k.closeUp(viewOf(h), count, from, to)
		*half(h, rankedCount) = uint32(count - (to - from))
		if count == to-from {
			k.clear(h)
		}
		return
	}
	var empty []int
	list := viewOf(h)
	k.rangeOf(h, from, to, func(leaf int, items batch.View, pos, n int) {
		p := k.item(list, leaf)
		k.closeUp(items, int(*half(p, 8)), pos, pos+n)
		if *half(p, 8) -= uint32(n); *half(p, 8) == 0 {
			empty = append(empty, leaf)
		}
	})
	*half(h, rankedCount) = uint32(count - (to - from))
	for i := len(empty) - 1; i >= 0; i-- {
		items, _ := k.leaf(list, empty[i])
		k.blob.freeNow(items)
		k.closeUp(list, int(*half(h, rankedLeaves)), empty[i], empty[i]+1)
		*half(h, rankedLeaves)--
	}
	if count == to-from {
		k.clear(h)
	}
}

// clear forgets the order of a row.
func (k *ranked) clear(h unsafe.Pointer) {
	v, leaves := viewOf(h), int(*half(h, rankedLeaves))
	for i := 0; i < leaves; i++ {
		items, _ := k.leaf(v, i)
		k.blob.freeNow(items)
	}
	k.blob.freeNow(v)
	*word(h, 0), *word(h, 8) = 0, 0
}
