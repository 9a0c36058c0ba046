package arena

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// Restore keeps the blocks until their tables are opened.
func (s *Store) Restore(blocks func(yield func(state.Block) error) error) error {
	return blocks(func(b state.Block) error {
		k := unitKey{b.Identity, b.Name}
		s.restored[k] = append(s.restored[k], b)
		return nil
	})
}

// loader reads the blocks of a table. A row gets its order of arrival as its id,
// where that id is free and not far beyond the number of rows.
type loader struct {
	scratch batch.Vector
	limit   uint64 // of ids
	key     []batch.Vector
	fresh   map[groupOf]bool // what has rows of one base alone
}

// groupOf is a key group of a table or slice.
type groupOf struct {
	t     *table
	group int
}

// load fills a new table.
func (t *table) load(blocks []state.Block) error {
	if len(blocks) == 0 {
		return nil
	}
	l := &loader{limit: 1024, fresh: map[groupOf]bool{}}
	for _, b := range blocks {
		l.limit += uint64(len(b.Data)) / 4 // a row is 11 bytes or more
	}
	for _, b := range blocks {
		err := b.Sections(t.spec.Signature(), func(kind state.Section, ns int64, rows []byte) error {
			if (kind != state.TableRows) != t.spec.Windowed {
				return fmt.Errorf("slices don't fit this table")
			}
			switch kind {
			case state.TableRows:
				return l.rows(t, b, rows)
			case state.SliceRows:
				return l.rows(t.slice(ns), b, rows)
			}
			if s := t.slices[ns]; s != nil {
				s.removeGroup(b.Group)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for ns, s := range t.slices {
		if s.Len() == 0 {
			delete(t.slices, ns)
			s.unmap()
			continue
		}
		s.arrange()
	}
	t.arrange()
	return nil
}

// removeGroup takes out all rows of a key group at once: nobody has their ids yet.
func (t *table) removeGroup(g int) {
	var ids []uint32
	t.index.each(g, func(id uint32) { ids = append(ids, id) })
	for _, id := range ids {
		t.removeRow(id)
	}
}

func (t *table) removeRow(id uint32) {
	p := t.ptr(id)
	t.index.remove(hashOf(p), id)
	t.clearParts(id)
	t.key.drop(p, t.blob)
	t.drop(id)
}

func (l *loader) rows(t *table, block state.Block, b []byte) error {
	group := block.Group
	empty := !t.timer && !block.Delta && t.index.groups[group].n == 0 // then all are rows, each once
	at := groupOf{t, group}
	if was, ok := l.fresh[at]; ok && block.More {
		empty = was
	} else {
		l.fresh[at] = empty
	}
	all, n := len(b), 0
	for len(b) > 0 {
		isRow, hash := b[0] == 1, binary.LittleEndian.Uint64(b[1:])
		if batch.KeyGroup(hash) != group {
			return fmt.Errorf("a row of key group %d", batch.KeyGroup(hash))
		}
		if t.timer {
			hash = l.timerHash(t, b[9:])
		}
		b = t.key.decode(b[9:], &l.scratch)
		if !empty || !isRow {
			empty = false // tombstones: this is a delta
			if id := t.lookup(0, hash); id != 0 {
				t.removeRow(id)
			}
		}
		if isRow {
			_, b = l.row(t, b, hash)
		}
		if n++; n == 64 {
			t.index.reserve(group, all/((all-len(b))/n))
		}
	}
	return nil
}

// timerHash is the hash of a timer's encoded key: blocks have that of the key alone.
func (l *loader) timerHash(t *table, b []byte) uint64 {
	if l.key == nil {
		l.key = make([]batch.Vector, len(t.key.ts))
	}
	for c, ty := range t.key.ts {
		l.key[c].Prepare(ty, 0)
		b = batch.DecodeValue(b, ty, &l.key[c], 0)
	}
	var h [1]uint64
	k := len(l.key) - 2
	batch.Hash(t.key.ts[:k], l.key[:k], 1, h[:])
	return timerHash(h[0], l.key[k].I64[0], l.key[k+1].I64[0])
}

// row makes the row of the prepared key from what follows its key, and returns its
// id and the bytes behind.
func (l *loader) row(t *table, b []byte, hash uint64) (uint32, []byte) {
	order, w := binary.Uvarint(b)
	b = b[w:]
	id := uint32(0)
	if order > 0 && order < l.limit && !t.timer {
		id = t.addAt(uint32(order), headOf(hash))
	}
	if id == 0 {
		id, _ = t.add(headOf(hash))
	}
	t.enroll(id, t.ptr(id), 0, hash, 0)
	if t.timer {
		*word(t.ptr(id), t.at[0]) = order
		return id, b
	}
	if t.spec.TTL > 0 {
		if t.ttl > 0 {
			*word(t.ptr(id), t.timeAt) = binary.LittleEndian.Uint64(b)
		}
		b = b[8:]
	}
	b = t.decode(b, id)
	var n uint64
	for _, l := range t.lists {
		for n, b = uvarint(b); n > 0; n-- {
			e, p := l.push(id)
			for i := 0; i < l.cells; i++ {
				*word(p, atCells+uintptr(i)*8), b = binary.LittleEndian.Uint64(b), b[8:]
			}
			b = l.decode(b, e)
		}
	}
	for _, m := range t.sets {
		for n, b = uvarint(b); n > 0; n-- {
			for c := range m.ts {
				m.got[c].Prepare(m.ts[c], 0)
				b = batch.DecodeValue(b, m.ts[c], &m.got[c], 0)
			}
			count, w := binary.Varint(b)
			b = b[w:]
			m.make(id, m.got, 0, m.hash(id, m.got, 0), count)
		}
	}
	for _, o := range t.sorted {
		for n, b = uvarint(b); n > 0; n-- {
			e, _ := o.add(0)
			b = o.decode(b, e)
			for c := range o.ts {
				o.gatherColumn([]uint32{e}, c, &o.got[c])
			}
			o.rank.insert(o.headOf(id), e, o.rank.place(o.got, 0))
		}
	}
	return id, b
}

func uvarint(b []byte) (uint64, []byte) {
	n, w := binary.Uvarint(b)
	return n, b[w:]
}

// arrange ends the reading of rows.
func (t *table) arrange() {
	t.gaps()
	t.release()
}

// gaps finds the ids that aren't used.
func (t *table) gaps() {
	t.gone, t.free = nil, nil
	for id := t.next - 1; id > 0; id-- {
		if *word(t.ptr(id), 0)&live == 0 {
			t.free = append(t.free, id)
		}
	}
}
