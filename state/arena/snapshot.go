package arena

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/millrace/millrace/state"
)

// tracker is what a table knows of checkpoints.
type tracker struct {
	on      bool
	dirty   idset     // rows changed since the last Freeze
	based   idset     // rows that some frozen checkpoint may hold
	tombs   []byte    // those that went since the last Freeze: group, length (4), hash and key
	dropped []dropped // slices that went since
	pending []frozen  // checkpoints neither confirmed nor aborted, oldest first
	covers  []*cover  // snapshots being written
}

// frozen is the changes up to a checkpoint, since the one before.
type frozen struct {
	n       uint64
	dirty   idset // shared with a cover, unless it's its own
	own     bool
	tombs   []byte
	dropped []dropped
}

// dropped is a slice that went, and the key groups it had rows in.
type dropped struct {
	ns     int64
	groups [2]uint64
}

// idset is a set of ids.
type idset []uint64

func (b idset) has(id uint32) bool { return int(id>>6) < len(b) && b[id>>6]>>(id&63)&1 != 0 }

func (b *idset) set(id uint32) {
	if w := int(id >> 6); w >= len(*b) {
		*b = append(*b, make([]uint64, w+1-len(*b)+len(*b)/2)...)
	}
	(*b)[id>>6] |= 1 << (id & 63)
}

func (b idset) unset(id uint32) {
	if int(id>>6) < len(b) {
		b[id>>6] &^= 1 << (id & 63)
	}
}

// some says that one of the ids from from, below to, is in the set.
func (b idset) some(from, to uint32) bool {
	for from < to && int(from>>6) < len(b) {
		w := b[from>>6] >> (from & 63)
		if n := to - from; n < 64 {
			w &= 1<<n - 1
		}
		if w != 0 {
			return true
		}
		from = (from | 63) + 1
	}
	return false
}

func (b *idset) or(o idset) {
	if len(*b) < len(o) {
		*b = append(*b, make([]uint64, len(o)-len(*b))...)
	}
	for w, x := range o {
		(*b)[w] |= x
	}
}

// touch is called before a row changes.
func (t *table) touch(id uint32) {
	if !t.track.on || id == 0 {
		return
	}
	t.track.dirty.set(id)
	for _, c := range t.track.covers {
		if id < c.next {
			c.keep(id)
		}
	}
}

// touchAll is touch of many.
func (t *table) touchAll(ids []uint32) {
	k := &t.track
	if !k.on {
		return
	}
	dirty := k.dirty
	for _, id := range ids {
		if w := int(id >> 6); w < len(dirty) {
			dirty[w] |= 1 << (id & 63) // also of id 0, which no writer looks at
			continue
		}
		k.dirty.set(id)
		dirty = k.dirty
	}
	for _, c := range k.covers {
		for _, id := range ids {
			if id != 0 && id < c.next {
				c.keep(id)
			}
		}
	}
}

// made says that a row is new.
func (k *tracker) made(id uint32) {
	k.dirty.set(id)
	k.based.unset(id)
}

// reuse is called before a row is made where one was: no snapshot being written
// holds it.
func (k *tracker) reuse(id uint32) {
	for _, c := range k.covers {
		if id < c.next {
			c.skip(id)
		}
	}
}

// tombstone says that a row goes.
func (t *table) tombstone(id uint32, p unsafe.Pointer) {
	if !t.track.based.has(id) {
		return
	}
	t.track.based.unset(id)
	hash, b := hashOf(p), t.track.tombs
	b = append(b, byte(hash%groupsN), 0, 0, 0, 0)
	at := len(b)
	b = t.key.append(binary.LittleEndian.AppendUint64(b, hash), p, t.blob)
	binary.LittleEndian.PutUint32(b[at-4:], uint32(len(b)-at))
	t.track.tombs = b
}

// appendHead appends what an encoded row begins with, rowHead bytes.
func appendHead(b []byte, hash uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, 1), hash)
}

const rowHead = 9

// encodeRow appends a row as blocks have it.
func (t *table) encodeRow(b []byte, mark byte, id, order uint32, p unsafe.Pointer) []byte {
	if t.plain != nil {
		if b, ok := t.encodePlain(b, mark, order, p); ok {
			return b
		}
	}
	b = binary.LittleEndian.AppendUint64(append(b, mark), hashOf(p))
	b = t.key.append(b, p, t.blob)
	if t.timer {
		return binary.AppendUvarint(b, *word(p, t.at[0]))
	}
	b = binary.AppendUvarint(b, uint64(order))
	if t.spec.TTL > 0 {
		var at uint64
		if t.ttl > 0 {
			at = *word(p, t.timeAt)
		}
		b = binary.LittleEndian.AppendUint64(b, at)
	}
	b = t.encode(b, p)
	for _, l := range t.lists {
		b = binary.AppendUvarint(b, uint64(l.Count(id)))
		if l.more != nil {
			if l.occupied(id) {
				b = l.encodeEntry(b, l.ptr(id))
			}
			l = l.more
		}
		for e := *half(l.headOf(id), headFirst); e != 0; e = *half(l.ptr(e), atNext) {
			b = l.encodeEntry(b, l.ptr(e))
		}
	}
	for _, m := range t.sets {
		b = binary.AppendUvarint(b, uint64(m.Distinct(id)))
		for e := *half(m.headOf(id), setFirst); e != 0; {
			q := m.ptr(e)
			b = binary.AppendVarint(m.encode(b, q), int64(*word(q, atCount)))
			e = *half(q, atNext)
		}
	}
	for _, o := range t.sorted {
		n := o.Count(id)
		b = binary.AppendUvarint(b, uint64(n))
		for from := 0; from < n; {
			var e [64]uint32
			k := o.rank.fill(o.headOf(id), from, e[:])
			for _, x := range e[:k] {
				b = o.encode(b, o.ptr(x))
			}
			from += k
		}
	}
	return b
}

// encodeEntry appends an entry as blocks have it.
func (l *list) encodeEntry(b []byte, p unsafe.Pointer) []byte {
	for i := range l.cells {
		b = binary.LittleEndian.AppendUint64(b, *word(p, l.cellsAt+uintptr(i)*8))
	}
	return l.encode(b, p)
}

// Freeze covers every row as it is. It is called between turns; it takes time for
// a bit per row.
func (s *Store) Freeze(n uint64) (state.Snapshot, error) {
	p := &snapshot{store: s, n: n, based: s.based}
	s.epochs = true
	for _, t := range s.units {
		u := unit{cover: t.freeze(p, 0)}
		for _, ns := range t.Slices() {
			u.slices = append(u.slices, t.slices[ns].freeze(p, ns))
		}
		p.units = append(p.units, u)
	}
	return p, nil
}

func (t *table) freeze(p *snapshot, ns int64) *cover {
	k, first := &t.track, !t.track.on
	if first { // what there is may all be in this checkpoint
		k.on = true
		k.dirty = make(idset, (t.next+63)/64)
		for w := range k.dirty {
			k.dirty[w] = ^uint64(0)
		}
	}
	old := slices.Clone(k.based)
	k.based.or(k.dirty)
	k.pending = append(k.pending, frozen{n: p.n, dirty: k.dirty, tombs: k.tombs, dropped: k.dropped})
	c := &cover{p: p, t: t, view: t.view(), ns: ns, next: t.next, old: old, done: make(idset, (t.next+63)/64)}
	if len(k.pending) == 1 {
		c.dirty, c.tombs, c.dropped = k.dirty, k.tombs, k.dropped
	} else {
		for _, f := range k.pending {
			c.dirty.or(f.dirty)
			c.tombs = append(c.tombs, f.tombs...)
			c.dropped = append(c.dropped, f.dropped...)
		}
	}
	k.dirty, k.tombs, k.dropped = make(idset, (t.next+63)/64), nil, nil
	k.covers = append(k.covers, c)
	t.freezeCold(c, p.n, first)
	return c
}

// Confirm forgets the changes that checkpoint n holds.
func (s *Store) Confirm(n uint64) {
	s.based = true
	s.each(func(t *table) {
		k := &t.track
		for len(k.pending) > 0 && k.pending[0].n <= n {
			k.pending = k.pending[1:]
		}
		t.confirmCold(n)
	})
}

// Abort counts the changes up to checkpoint n again.
func (s *Store) Abort(n uint64) {
	s.each(func(t *table) {
		t.abortCold(n)
		k := &t.track
		for i, f := range k.pending {
			if f.n != n {
				continue
			}
			k.dirty.or(f.dirty)
			k.tombs = append(k.tombs, f.tombs...)
			k.dropped = append(k.dropped, f.dropped...)
			k.pending = append(append([]frozen(nil), k.pending[:i]...), k.pending[i+1:]...)
			return
		}
	})
}

// each calls f for every table and slice.
func (s *Store) each(f func(*table)) {
	for _, t := range s.units {
		f(t)
		for _, slice := range t.slices {
			f(slice)
		}
	}
}

// uncover forgets the covers that are written.
func (s *Store) uncover() {
	f := func(t *table) { t.track.covers = slices.DeleteFunc(t.track.covers, (*cover).over) }
	s.each(f)
	for _, t := range s.graves {
		f(t)
	}
}

// snapshot is the covers of all tables.
type snapshot struct {
	store *Store
	n     uint64
	based bool // something is confirmed that a delta can be laid over
	units []unit
	over  atomic.Bool // released
}

// unit is a table and its slices.
type unit struct {
	*cover
	slices []*cover
}

// Save writes rows in the order of their ids, cut into blocks by key group.
func (p *snapshot) Save(delta bool, f func(state.Block) error) error {
	delta = delta && p.based
	w := p.store.saver()
	w.p, w.delta, w.f = p, delta, f
	defer p.store.done(w)
	for _, u := range p.units {
		w.begin(u.t)
		var err error
		if u.t.spec.Windowed {
			if delta {
				w.dropped(u.dropped)
			}
			for _, c := range u.slices {
				if err = w.rows(c, state.SliceRows); err != nil {
					break
				}
			}
		} else {
			err = w.rows(u.cover, state.TableRows)
		}
		if err == nil {
			err = w.end()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Release stops capturing.
func (p *snapshot) Release() {
	p.over.Store(true)
	p.store.passed.Store(true)
}
