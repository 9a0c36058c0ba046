package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// An inline list keeps a key's oldest row within the table's row, so that finding the
// key has fetched it, and further rows, of which there are none as a rule, in another
// list behind it (more). The row is a record of its own layout in place of the list's
// head: its first word has bits of validity and flags, live of them when it is there;
// else the word and all columns of bytes are zero. Its owned bytes are the mutable cells.
// Its entry is the table row's id; that of a further row is marked.

const further = 1 << 31 // in an entry: a row of more

// headSize is how many bytes a list takes in the table's row.
func headSize(s state.ListSpec) uintptr {
	if s.Inline {
		return newLayout(s.Row, 8*uintptr(s.Cells)).stride + 16
	}
	return 16
}

// within lays the records into the table's.
func (l *list) within(s state.ListSpec) {
	l.records = records{layout: newLayout(s.Row, 8*uintptr(s.Cells)), mem: l.t.mem, off: l.head, blob: l.t.blob}
	l.cellsAt, l.size, l.stride = 8, l.stride, l.t.stride
	s.Inline = false
	l.more = newList(l.t, s, l.head+l.size)
}

// chains are the lists whose records lie apart.
func chains(lists []*list) (out []*list) {
	for _, l := range lists {
		if l.more != nil {
			l = l.more
		}
		out = append(out, l)
	}
	return out
}

// occupied says that there is a row.
func (l *list) occupied(id uint32) bool { return *word(l.ptr(id), 0)&live != 0 }

// place makes a row, to be written.
func (l *list) place(id uint32, cells []int64) unsafe.Pointer {
	p := l.init(l.ptr(id), 0)
	for i := range l.cells {
		*word(p, l.cellsAt+uintptr(i)*8) = 0
	}
	l.setCells(p, cells)
	return p
}

// setCells sets the mutable cells of a new entry; nil: they're zero.
func (l *list) setCells(p unsafe.Pointer, cells []int64) {
	for i, c := range cells {
		*word(p, l.cellsAt+uintptr(i)*8) = uint64(c)
	}
}

// vacate takes the row out.
func (l *list) vacate(id uint32) {
	if p := l.ptr(id); *word(p, 0) != 0 {
		l.dropVars(p)
		l.disown(p)
	}
}

// disown forgets the values of a record's columns of bytes, and that it is there.
func (l *list) disown(p unsafe.Pointer) {
	*word(p, 0) = 0
	for _, c := range l.vars {
		*word(p, l.at[c]) = 0
	}
}

// promote puts the first of the further rows where the oldest was.
func (l *list) promote(id uint32) {
	m := l.more
	e := *half(m.headOf(id), headFirst)
	if e == 0 {
		return
	}
	m.unlink(id, e)
	from, to := m.ptr(e), l.ptr(id)
	*word(to, 0) = *word(from, 0) & (1<<inWord - 1 | live | grouped)
	copy(l.behindHead(to), m.behindHead(from))
	m.disown(from)
	m.gone = append(m.gone, e)
}

// behindHead are a record's bytes from its cells on, which have one layout in both
// lists.
func (l *list) behindHead(p unsafe.Pointer) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(p, l.cellsAt)), l.size-l.cellsAt)
}

// addInline is Add.
func (l *list) addInline(id uint32, rows *batch.Batch, row int, cells []int64) state.Entry {
	l.t.touch(id)
	if l.occupied(id) {
		e := l.more.Add(id, rows, row)
		if e&further != 0 {
			panic("a list can't hold more than 2147483647 rows")
		}
		l.more.setCells(l.more.ptr(uint32(e)), cells)
		return e | further
	}
	l.place(id, cells)
	l.setRow(id, rows.Cols, row, false)
	return state.Entry(id)
}

// Update settles row by row which rows there are, and writes those that lie inline
// later, column by column.
func (l *list) Update(ids []uint32, rows *batch.Batch, replace bool, cells []int64) {
	if l.t.track.on {
		l.t.touchAll(ids)
	}
	for k, id := range ids {
		switch {
		case id == 0:
		case rows.Kinds != nil && rows.Kinds[k].Sign() < 0:
			if l.more.Count(id) == 0 {
				l.vacate(id)
				continue
			}
			l.write(rows)
			l.removeEqualInline(id, rows, k)
		case replace || !l.occupied(id):
			l.clear(id)
			l.place(id, cells)
			l.sel, l.to = append(l.sel, int32(k)), append(l.to, id)
		default:
			l.addInline(id, rows, k, cells)
		}
	}
	l.write(rows)
}

// write writes the rows that have been placed. Some may have gone again.
func (l *list) write(rows *batch.Batch) {
	l.put(l.to, l.sel, l.cols, rows.Cols)
	for _, id := range l.to {
		if !l.occupied(id) {
			l.vacate(id)
		}
	}
	l.sel, l.to = l.sel[:0], l.to[:0]
}

func (l *list) removeInline(id uint32, e state.Entry) {
	if e&further != 0 {
		l.more.Remove(id, e&^further)
		return
	}
	l.vacate(id)
	l.promote(id)
}

func (l *list) removeEqualInline(id uint32, rows *batch.Batch, row int) (state.Entry, bool) {
	if l.occupied(id) && l.equal(l.ptr(id), rows.Cols, row, false) {
		l.removeInline(id, state.Entry(id))
		return state.Entry(id), true
	}
	e, ok := l.more.RemoveEqual(id, rows, row)
	return e | further, ok
}

func (l *list) matchInline(ids []uint32, at *state.Cursor, probe []int32, entries []state.Entry) (n int) {
	for ; at.Probe < len(ids); at.Probe, at.Entry = at.Probe+1, 0 {
		id, e := ids[at.Probe], uint32(at.Entry)
		if e == 0 {
			if !l.occupied(id) {
				continue
			}
			if n == len(entries) {
				return n
			}
			probe[n], entries[n] = int32(at.Probe), state.Entry(id)
			n++
			if e = *half(l.more.headOf(id), headFirst); e == 0 {
				continue
			}
		}
		for e &^= further; e != 0; e = *half(l.more.ptr(e), atNext) {
			if n == len(entries) {
				at.Entry = state.Entry(e | further)
				return n
			}
			probe[n], entries[n] = int32(at.Probe), state.Entry(e|further)
			n++
		}
	}
	return n
}

// gatherInline goes entry by entry where some are further rows.
func (l *list) gatherInline(entries []state.Entry, cols []int, to []batch.Vector) {
	all := state.Entry(0)
	for _, e := range entries {
		all |= e
	}
	if all&further == 0 {
		l.gather(asIDs(entries), cols, to)
		return
	}
	one, got := make([]uint32, 1), make([]batch.Vector, 1)
	for k, c := range cols {
		to[k].Prepare(l.ts[c], 0)
		for n, e := range entries {
			from := &l.records
			if e&further != 0 {
				from = &l.more.records
			}
			one[0] = uint32(e &^ further)
			from.gatherColumn(one, c, &got[0])
			to[k].Append(l.ts[c], n, &got[0], 0)
		}
	}
}

// moveInline hangs from's rows behind into's.
func (l *list) moveInline(into, from uint32) {
	if l.occupied(from) {
		p := l.ptr(from)
		if l.occupied(into) {
			e, to := l.more.push(into)
			*word(to, 0) = *word(to, 0)&^(1<<inWord-1) | *word(p, 0)&(1<<inWord-1|grouped)
			copy(l.more.behindHead(to), l.behindHead(p))
			if *l.more.kindOf(into) == listed {
				l.more.enlist(into, e)
			}
		} else {
			to := l.ptr(into)
			*word(to, 0) = *word(p, 0)
			copy(l.behindHead(to), l.behindHead(p))
		}
		l.disown(p)
	}
	l.more.move(into, from)
}
