package arena

import (
	"math"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// A list that grows long and has rows taken out by content is put into an index
// over its rows, so that taking one out doesn't cost the list's length: a join's
// side with thousands of rows a key, told apart by a unique key. It's derived from
// the list; checkpoints know nothing of it. Lists of few rows never pay for it, nor
// do lists that hold a row many times, which are found near the front anyway.

const (
	longList = 24 // entries from which on a list is indexed
	manyLike = 64 // entries with one hash that are too many for an index

	headKind = 12 // behind head, in a table's row: one of the following
	unlisted = 0  // not in the index
	listed   = 1
	never    = 2 // it has too many rows that are alike
)

func (l *list) kindOf(id uint32) *uint32 { return half(l.headOf(id), headKind) }

// hashRow and hashEntry give equal rows of one list equal hashes.
func (l *list) hashRow(id uint32, from []batch.Vector, row int) uint64 {
	h := uint64(id)
	for c, k := range l.kind {
		v := &from[c]
		switch {
		case v.Null(row):
			h = mix(h, nullHash)
		case k == types.LayoutI64:
			h = mix(h, uint64(v.I64[row]))
		case k == types.LayoutF64:
			h = mix(h, math.Float64bits(v.F64[row]))
		case k == types.LayoutWide:
			h = mix(mix(h, uint64(v.I64[row])), uint64(v.Hi[row]))
		case k == types.LayoutBytes:
			h = batch.HashBytes(h, v.Bytes(row))
		default:
			l.buf = batch.AppendValue(l.buf[:0], l.ts[c], v, row)
			h = batch.HashBytes(h, l.buf)
		}
	}
	return h
}

const nullHash = 0x7ae36f2b4c1d9875

func (l *list) hashEntry(id uint32, p unsafe.Pointer) uint64 {
	h := uint64(id)
	for c, k := range l.kind {
		cell := *word(p, l.at[c])
		switch {
		case !l.valid(p, c):
			h = mix(h, nullHash)
		case k == types.LayoutWide:
			h = mix(mix(h, cell), *word(p, l.at[c]+8))
		case isVar(k):
			h = batch.HashBytes(h, l.blob.get(batch.View(cell)))
		default:
			h = mix(h, cell)
		}
	}
	return h
}

// like calls f for each entry in the index with the hash's upper half, until it
// says false.
func (l *list) like(hash uint64, f func(e uint32) bool) {
	g := &l.long.groups[hash%groupsN]
	if !g.made {
		return
	}
	upper := uint32(hash >> 32)
	for pos := g.home(upper); ; pos = (pos + 1) & g.mask() {
		s := *l.long.slot(g, pos)
		if s == 0 || uint32(s>>32) == upper && !f(uint32(s)) {
			return
		}
	}
}

// enlist puts an entry of an indexed list into the index. When too many are like
// it the whole list goes out.
func (l *list) enlist(id, e uint32) {
	hash, n := l.hashEntry(id, l.ptr(e)), 0
	l.like(hash, func(uint32) bool { n++; return n < manyLike })
	if n < manyLike {
		l.long.insert(hash, e)
		return
	}
	for x := *half(l.headOf(id), headFirst); x != 0 && x != e; x = *half(l.ptr(x), atNext) {
		l.long.remove(l.hashEntry(id, l.ptr(x)), x)
	}
	*l.kindOf(id) = never
}

// listAll puts a whole list into the index.
func (l *list) listAll(id uint32) {
	*l.kindOf(id) = listed
	for e := *half(l.headOf(id), headFirst); e != 0 && *l.kindOf(id) == listed; e = *half(l.ptr(e), atNext) {
		l.enlist(id, e)
	}
}

// delist takes an entry out, before it's unlinked.
func (l *list) delist(id, e uint32) {
	if *l.kindOf(id) == listed {
		l.long.remove(l.hashEntry(id, l.ptr(e)), e)
	}
}

// oldestEqual is the first entry equal to the row, 0 for none.
func (l *list) oldestEqual(id uint32, rows *batch.Batch, row int) uint32 {
	if *half(l.headOf(id), headCount) > longList && *l.kindOf(id) == unlisted {
		l.listAll(id)
	}
	if *l.kindOf(id) == listed {
		found, n := uint32(0), 0
		l.like(l.hashRow(id, rows.Cols, row), func(e uint32) bool {
			if p := l.ptr(e); *half(p, atRow) == id && l.equal(p, rows.Cols, row, false) {
				found = e
				n++
			}
			return n < 2
		})
		if n < 2 {
			return found
		}
	}
	for e := *half(l.headOf(id), headFirst); e != 0; e = *half(l.ptr(e), atNext) {
		if l.equal(l.ptr(e), rows.Cols, row, false) {
			return e
		}
	}
	return 0
}
