package arena

import (
	"encoding/binary"

	"github.com/millrace/millrace/state"
)

// evict writes every row out and reads it back under another id, upwards and with
// gaps, and poisons the memory it was in: whoever kept an id, an address or a view
// finds nonsense. It's a test mode; nobody has an id when it runs.
func (t *table) evict() {
	fresh := newTable(t.store, t.id, t.spec, t.timer)
	fresh.track = tracker{}
	l := &loader{limit: 1 << 62}
	to := make([]uint32, t.next)
	t.turn++
	id := uint32(1 + t.turn%3)
	var b []byte
	for old := uint32(1); old < t.next; old++ {
		p := t.ptr(old)
		if *word(p, 0)&live == 0 {
			continue
		}
		b = t.encodeRow(b[:0], state.RowThere, old, id, p)
		hash := binary.LittleEndian.Uint64(b[1:])
		if t.timer {
			hash = l.timerHash(fresh, b[9:])
		}
		to[old], _ = l.row(fresh, b[9:], hash)
		fresh.index.insert(hash, to[old])
		id += 1 + (old+t.turn)%2
	}
	fresh.gaps()
	t.poison()
	t.graft(fresh)
	t.track.renumber(to, t.next)
	if t.moved != nil {
		t.moved()
	}
}

// poison overwrites all memory that rows, entries and views lie in.
func (t *table) poison() {
	for _, r := range t.all() {
		fill(r.mem.buf[:uintptr(r.next)*r.stride])
		r.mem.free()
	}
	fill(t.blob.buf[:t.blob.used])
	t.blob.memory.free()
	t.index.mem.free()
	for _, m := range t.sets {
		m.index.mem.free()
	}
	for _, l := range t.chains {
		l.long.mem.free()
	}
}

func fill(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

// all is every kind of record a table has.
func (t *table) all() []*records {
	all := []*records{&t.records}
	for _, l := range t.chains {
		all = append(all, &l.records)
	}
	for _, m := range t.sets {
		all = append(all, &m.records, &m.orders)
	}
	for _, o := range t.sorted {
		all = append(all, &o.records)
	}
	return all
}

// graft makes t hold what fresh holds; the handles that operators have stay good.
func (t *table) graft(fresh *table) {
	t.records, t.index = fresh.records, fresh.index
	for i, l := range t.lists {
		*l = *fresh.lists[i]
		if l.t = t; l.more != nil {
			l.more.t = t
		}
	}
	t.chains = chains(t.lists)
	for i, m := range t.sets {
		*m = *fresh.sets[i]
		m.t, m.rank.r = t, &m.records
	}
	for i, o := range t.sorted {
		*o = *fresh.sorted[i]
		o.t, o.rank.r = t, &o.records
	}
	t.swept = 0
}

// renumber gives the ids in every set of ids their new numbers.
func (k *tracker) renumber(to []uint32, next uint32) {
	k.dirty, k.based = k.dirty.renumber(to), k.based.renumber(to)
	for i := range k.pending {
		k.pending[i].dirty = k.pending[i].dirty.renumber(to)
	}
	for _, c := range k.covers {
		first := next
		for old := int(c.next); old < len(to); old++ {
			if to[old] != 0 {
				first = to[old]
				break
			}
		}
		done := make(idset, (first+63)/64)
		for id := uint32(1); id < first; id++ { // what isn't a row now may become one
			done.set(id)
		}
		for old, n := range to {
			if n != 0 && n < first && !c.done.has(uint32(old)) {
				done.unset(n)
			}
		}
		c.next, c.done, c.dirty, c.at = first, done, c.dirty.renumber(to), 0
		c.old = c.old.renumber(to)
		c.view = c.t.view()
	}
}

func (b idset) renumber(to []uint32) idset {
	var out idset
	for old, n := range to {
		if n != 0 && b.has(uint32(old)) {
			out.set(n)
		}
	}
	return out
}
