package plain

import (
	"bytes"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// rows is encoded rows by entry: what lists and sorted rows have in common.
type rows struct {
	ts    []types.Type
	enc   [][]byte
	free  []uint32
	freed []uint32 // since Release
	dec   batch.Batch
}

func newRows(cols []state.Column) rows { return rows{ts: typesOf(cols), enc: make([][]byte, 1)} }

func (r *rows) insert(b *batch.Batch, row int) state.Entry {
	return r.add(batch.AppendRow(nil, r.ts, b.Cols, row))
}

func (r *rows) add(enc []byte) state.Entry {
	if n := len(r.free); n > 0 {
		e := r.free[n-1]
		r.free, r.enc[e] = r.free[:n-1], enc
		return state.Entry(e)
	}
	r.enc = append(r.enc, enc)
	return state.Entry(len(r.enc) - 1)
}

func (r *rows) drop(e state.Entry) { r.freed = append(r.freed, uint32(e)) }

// renumber gives the entries of each row in of new numbers and poisons the old.
func (r *rows) renumber(of map[uint32][]state.Entry, to []uint32, turn int) (map[uint32][]state.Entry, func(state.Entry) state.Entry) {
	old, next := r.enc, 1+turn%2
	number := make([]state.Entry, len(old))
	r.enc, r.free = make([][]byte, next), nil
	moved := map[uint32][]state.Entry{}
	for id := range to {
		for _, e := range of[uint32(id)] {
			number[e] = state.Entry(len(r.enc))
			r.enc = append(r.enc, append([]byte(nil), old[e]...))
			poison(old[e])
			moved[to[id]] = append(moved[to[id]], number[e])
		}
	}
	return moved, func(e state.Entry) state.Entry { return number[e] }
}

func (l *list) renumber(to []uint32, turn int) {
	cell := l.cell
	of, number := l.rows.renumber(l.of, to, turn)
	l.of, l.cell = of, make([][]int64, len(l.enc))
	for e := range cell {
		if n := number(state.Entry(e)); n != 0 {
			l.cell[n] = cell[e]
		}
	}
}

func (s *sorted) renumber(to []uint32, turn int) {
	key := s.key
	of, number := s.rows.renumber(s.of, to, turn)
	s.of, s.key = of, make([][]byte, len(s.enc))
	for e := range key {
		if n := number(state.Entry(e)); n != 0 {
			s.key[n] = key[e]
		}
	}
}

func (r *rows) release() {
	r.free = append(r.free, r.freed...)
	r.freed = r.freed[:0]
}

// Gather decodes rows and copies the columns asked for.
func (r *rows) Gather(entries []state.Entry, cols []int, to []batch.Vector) {
	r.dec.Reset(r.ts)
	idx := make([]int32, len(entries))
	for k, e := range entries {
		if e == 0 {
			idx[k] = -1
			continue
		}
		idx[k] = int32(r.dec.Len)
		r.dec.DecodeRow(r.enc[e], r.ts)
		r.dec.AppendKind(batch.Insert)
	}
	for k, c := range cols {
		to[k].Prepare(r.ts[c], 0)
		for n, i := range idx {
			to[k].Append(r.ts[c], n, &r.dec.Cols[c], int(i))
		}
	}
}

// list is rows in arrival order.
type list struct {
	rows
	cells int
	cell  [][]int64
	of    map[uint32][]state.Entry
}

func newList(s state.ListSpec) *list {
	return &list{rows: newRows(s.Row), cells: s.Cells, cell: make([][]int64, 1), of: map[uint32][]state.Entry{}}
}

func (l *list) Append(ids []uint32, b *batch.Batch, entries []state.Entry) {
	for k, id := range ids {
		entries[k] = 0
		if id == 0 {
			continue
		}
		entries[k] = l.Add(id, b, k)
	}
}

// Add makes one entry.
func (l *list) Add(id uint32, b *batch.Batch, row int) state.Entry {
	e := l.insert(b, row)
	for len(l.cell) <= int(e) {
		l.cell = append(l.cell, nil)
	}
	l.cell[e] = make([]int64, l.cells)
	l.of[id] = append(l.of[id], e)
	return e
}

func (l *list) Match(ids []uint32, at *state.Cursor, probe []int32, entries []state.Entry) (n int) {
	for at.Probe < len(ids) {
		of := l.of[ids[at.Probe]]
		if ids[at.Probe] == 0 {
			of = nil
		}
		for int(at.Entry) < len(of) {
			if n == len(entries) {
				return n
			}
			probe[n], entries[n] = int32(at.Probe), of[at.Entry]
			n++
			at.Entry++
		}
		at.Probe++
		at.Entry = 0
	}
	return n
}

func (l *list) Cell(e state.Entry, i int) *int64 { return &l.cell[e][i] }

func (l *list) Remove(id uint32, e state.Entry) {
	of := l.of[id]
	for k, x := range of {
		if x == e {
			l.of[id] = append(of[:k:k], of[k+1:]...)
			l.drop(e)
			return
		}
	}
}

func (l *list) RemoveEqual(id uint32, b *batch.Batch, row int) (state.Entry, bool) {
	enc := batch.AppendRow(nil, l.ts, b.Cols, row)
	for _, e := range l.of[id] {
		if bytes.Equal(l.enc[e], enc) {
			l.Remove(id, e)
			return e, true
		}
	}
	return 0, false
}

// Update goes row by row.
func (l *list) Update(ids []uint32, b *batch.Batch, replace bool, cells []int64) {
	for k, id := range ids {
		switch {
		case id == 0:
		case b.Kind(k).Sign() > 0:
			if replace {
				l.clear(id)
			}
			copy(l.cell[l.Add(id, b, k)], cells)
		case l.Count(id) == 1:
			l.clear(id)
		default:
			l.RemoveEqual(id, b, k)
		}
	}
}

func (l *list) Count(id uint32) int { return len(l.of[id]) }

func (l *list) clear(id uint32) {
	for _, e := range l.of[id] {
		l.drop(e)
	}
	delete(l.of, id)
}

// multiset is counted values; order is found when asked for.
type multiset struct {
	ts []types.Type
	of map[uint32]map[string]*counted
}

// counted is a value, its sort bytes and its count.
type counted struct {
	enc, sort []byte
	n         int64
}

func (m *multiset) order() []batch.Order {
	by := make([]batch.Order, len(m.ts))
	for i := range by {
		by[i].Col = i
	}
	return by
}

func (m *multiset) Add(id uint32, values []batch.Vector, row int, delta int64) int64 {
	of := m.of[id]
	if of == nil {
		of = map[string]*counted{}
		m.of[id] = of
	}
	var key []byte
	for c := range m.ts {
		key = batch.AppendKey(key, m.ts[c], &values[c], row)
	}
	v := of[string(key)]
	if v == nil {
		v = &counted{enc: key, sort: batch.AppendSortKey(nil, m.ts, m.order(), values, row)}
		of[string(key)] = v
	}
	v.n += delta
	if v.n == 0 {
		delete(of, string(key))
	}
	return v.n
}

// Mark sets bits in counts.
func (m *multiset) Mark(ids []uint32, values []batch.Vector, bits, fresh []uint64) {
	for k, id := range ids {
		if fresh[k] = 0; bits[k] == 0 {
			continue
		}
		had := uint64(m.Count(id, values, k))
		if fresh[k] = bits[k] &^ had; fresh[k] != 0 {
			m.Add(id, values, k, int64(had|bits[k])-int64(had))
		}
	}
}

func (m *multiset) Count(id uint32, values []batch.Vector, row int) int64 {
	var key []byte
	for c := range m.ts {
		key = batch.AppendKey(key, m.ts[c], &values[c], row)
	}
	if v := m.of[id][string(key)]; v != nil {
		return v.n
	}
	return 0
}

func (m *multiset) sorted(id uint32) []*counted {
	var out []*counted
	for _, v := range m.of[id] {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return bytes.Compare(out[i].sort, out[j].sort) < 0 })
	return out
}

// end appends the least or greatest value with a positive count.
func (m *multiset) end(id uint32, to []batch.Vector, n int, sign int) bool {
	var best *counted
	for _, v := range m.of[id] {
		if v.n > 0 && (best == nil || bytes.Compare(v.sort, best.sort)*sign < 0) {
			best = v
		}
	}
	if best == nil {
		return false
	}
	m.decode(best, to, n)
	return true
}

func (m *multiset) decode(v *counted, to []batch.Vector, n int) {
	b := v.enc
	for c := range m.ts {
		b = batch.DecodeValue(b, m.ts[c], &to[c], n)
	}
}

func (m *multiset) First(id uint32, to []batch.Vector, n int) bool { return m.end(id, to, n, 1) }
func (m *multiset) Last(id uint32, to []batch.Vector, n int) bool  { return m.end(id, to, n, -1) }

func (m *multiset) Each(id uint32, f func(value []batch.Vector, count int64) bool) {
	to := make([]batch.Vector, len(m.ts))
	for _, v := range m.sorted(id) {
		for c := range to {
			to[c].Prepare(m.ts[c], 0)
		}
		m.decode(v, to, 0)
		if !f(to, v.n) {
			return
		}
	}
}

func (m *multiset) Distinct(id uint32) int { return len(m.of[id]) }
func (m *multiset) Clear(id uint32)        { delete(m.of, id) }

func (m *multiset) move(into, from uint32) {
	for k, v := range m.of[from] {
		if m.of[into] == nil {
			m.of[into] = map[string]*counted{}
		}
		if w := m.of[into][k]; w != nil {
			if w.n += v.n; w.n == 0 {
				delete(m.of[into], k)
			}
		} else {
			m.of[into][k] = v
		}
	}
	delete(m.of, from)
}
