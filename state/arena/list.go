package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// list is rows in arrival order: records linked in both directions. A table row's
// head says first, last and how many. A record's owned bytes are the neighbours and
// the mutable cells; the table row stands where other records have their hash.
type list struct {
	t *table
	records
	head  uintptr // in the table's row: first, last, count; or a row itself
	more  *list   // of an inline list: its further rows (inline.go)
	cells int
	cols  []int
	long  index // of the entries of long lists

	cellsAt uintptr // where the mutable cells lie in a record
	size    uintptr // of a record
	sel     []int32 // rows of a batch that are to be written,
	to      []uint32
}

const (
	atPrev  = 8 // in an entry
	atNext  = 12
	atRow   = 4
	atCells = 16

	headFirst = 0 // behind head, in a table's row
	headLast  = 4
	headCount = 8
)

func newList(t *table, s state.ListSpec, head uintptr) *list {
	l := &list{t: t, head: head, cells: s.Cells}
	for c := range s.Row {
		l.cols = append(l.cols, c)
	}
	if s.Inline {
		l.within(s)
		return l
	}
	l.records = newRecords(newLayout(s.Row, 8+8*uintptr(s.Cells)), t.blob)
	l.cellsAt, l.size = atCells, l.stride
	return l
}

func (l *list) headOf(id uint32) unsafe.Pointer { return unsafe.Add(l.t.ptr(id), l.head) }

// push makes an entry at the end of a row's list.
func (l *list) push(id uint32) (uint32, unsafe.Pointer) {
	if l.more != nil {
		return id, l.place(id, nil)
	}
	e, p := l.add(0)
	h := l.headOf(id)
	last := *half(h, headLast)
	*half(p, atPrev), *half(p, atRow) = last, id
	if last == 0 {
		*half(h, headFirst) = e
	} else {
		*half(l.ptr(last), atNext) = e
	}
	*half(h, headLast) = e
	*half(h, headCount)++
	return e, p
}

// Append links the entries, then writes the rows column by column.
func (l *list) Append(ids []uint32, rows *batch.Batch, entries []state.Entry) {
	if l.more != nil {
		for k, id := range ids {
			if entries[k] = 0; id != 0 {
				entries[k] = l.addInline(id, rows, k, nil)
			}
		}
		return
	}
	if l.t.track.on {
		l.t.touchAll(ids)
	}
	for k, id := range ids {
		if k%chunk == 0 {
			l.fetchLast(ids[k:min(k+chunk, len(ids))])
		}
		entries[k] = 0
		if id != 0 {
			e, _ := l.push(id)
			entries[k] = state.Entry(e)
		}
	}
	l.put(asIDs(entries[:len(ids)]), nil, l.cols, rows.Cols)
	if l.long.n == 0 {
		return
	}
	for k, id := range ids {
		if id != 0 && *l.kindOf(id) == listed {
			l.enlist(id, uint32(entries[k]))
		}
	}
}

// fetchLast prefetches the last entries of at most a chunk of lists, which the next ones
// are linked to.
func (l *list) fetchLast(ids []uint32) {
	if l.records.bytes() < cached || len(ids) < few {
		return
	}
	for k, id := range ids {
		l.t.addrs[k] = uintptr(l.ptr(*half(l.headOf(id), headLast)))
	}
	prefetch(&l.t.addrs[0], len(ids))
}

// cached bytes are likely to be in the cache.
const cached = 8 * coldSlots

// Add makes one entry.
func (l *list) Add(id uint32, rows *batch.Batch, row int) state.Entry {
	if l.more != nil {
		return l.addInline(id, rows, row, nil)
	}
	l.t.touch(id)
	e, _ := l.push(id)
	l.setRow(e, rows.Cols, row, false)
	if *l.kindOf(id) == listed {
		l.enlist(id, e)
	}
	return state.Entry(e)
}

// asIDs is entries as record ids.
func asIDs(e []state.Entry) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(e))), len(e))
}

// Match follows the links.
func (l *list) Match(ids []uint32, at *state.Cursor, probe []int32, entries []state.Entry) (n int) {
	if l.more != nil {
		return l.matchInline(ids, at, probe, entries)
	}
	for at.Probe < len(ids) {
		e := uint32(at.Entry)
		if e == 0 && ids[at.Probe] != 0 {
			e = *half(l.headOf(ids[at.Probe]), headFirst)
		}
		for ; e != 0; e = *half(l.ptr(e), atNext) {
			if n == len(entries) {
				at.Entry = state.Entry(e)
				return n
			}
			probe[n], entries[n] = int32(at.Probe), state.Entry(e)
			n++
		}
		at.Probe++
		at.Entry = 0
	}
	return n
}

func (l *list) Gather(entries []state.Entry, cols []int, to []batch.Vector) {
	if l.more != nil {
		l.gatherInline(entries, cols, to)
		return
	}
	l.gather(asIDs(entries), cols, to)
}

func (l *list) Cell(e state.Entry, i int) *int64 {
	if e&further != 0 && l.more != nil {
		return l.more.Cell(e&^further, i)
	}
	p := l.ptr(uint32(e))
	if l.more != nil {
		l.t.touch(uint32(e))
		return (*int64)(unsafe.Add(p, l.cellsAt+uintptr(i)*8))
	}
	l.t.touch(*half(p, atRow))
	return (*int64)(unsafe.Add(p, atCells+i*8))
}

// Remove unlinks; the record stays readable until Release.
func (l *list) Remove(id uint32, entry state.Entry) {
	l.t.touch(id)
	if l.more != nil {
		l.removeInline(id, entry)
		return
	}
	l.unlink(id, uint32(entry))
	l.drop(uint32(entry))
}

func (l *list) unlink(id, e uint32) {
	l.delist(id, e)
	h, p := l.headOf(id), l.ptr(e)
	prev, next := *half(p, atPrev), *half(p, atNext)
	if prev == 0 {
		*half(h, headFirst) = next
	} else {
		*half(l.ptr(prev), atNext) = next
	}
	if next == 0 {
		*half(h, headLast) = prev
	} else {
		*half(l.ptr(next), atPrev) = prev
	}
	if *half(h, headCount)--; *half(h, headCount) == 0 {
		*half(h, headKind) = unlisted // so that an empty index means that no list is in it
	}
}

func (l *list) RemoveEqual(id uint32, rows *batch.Batch, row int) (state.Entry, bool) {
	if l.more != nil {
		l.t.touch(id)
		return l.removeEqualInline(id, rows, row)
	}
	e := l.oldestEqual(id, rows, row)
	if e == 0 {
		return 0, false
	}
	l.Remove(id, state.Entry(e))
	return state.Entry(e), true
}

func (l *list) Count(id uint32) int {
	if l.more != nil {
		return int(*word(l.ptr(id), 0)/live%2) + l.more.Count(id)
	}
	return int(*half(l.headOf(id), headCount))
}

func (l *list) clear(id uint32) {
	if l.more != nil {
		l.vacate(id)
		l.more.clear(id)
		return
	}
	h := l.headOf(id)
	for e := *half(h, headFirst); e != 0; e = *half(l.ptr(e), atNext) {
		l.delist(id, e)
		l.drop(e)
	}
	*word(h, 0), *word(h, 8) = 0, 0
}

// move hangs from's entries behind into's.
func (l *list) move(into, from uint32) {
	if l.more != nil {
		l.moveInline(into, from)
		return
	}
	a, b := l.headOf(into), l.headOf(from)
	first := *half(b, headFirst)
	if first == 0 {
		return
	}
	for e := first; e != 0; e = *half(l.ptr(e), atNext) {
		l.delist(from, e)
		*half(l.ptr(e), atRow) = into
	}
	if last := *half(a, headLast); last == 0 {
		*half(a, headFirst) = first
	} else {
		*half(l.ptr(last), atNext), *half(l.ptr(first), atPrev) = first, last
	}
	*half(a, headLast) = *half(b, headLast)
	*half(a, headCount) += *half(b, headCount)
	for e := first; e != 0 && *half(a, headKind) == listed; e = *half(l.ptr(e), atNext) {
		l.enlist(into, e)
	}
	*word(b, 0), *word(b, 8) = 0, 0
}
