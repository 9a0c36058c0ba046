package arena

import (
	"encoding/binary"
	"fmt"
	"slices"
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
	dirty   idset
	tombs   []byte
	dropped []dropped
}

// dropped is a slice that went, and the key groups it had rows in.
type dropped struct {
	ns     int64
	groups [2]uint64
}

// cover is a snapshot of one table, or one slice.
type cover struct {
	t       *table
	ns      int64
	next    uint32 // ids from here on are younger
	done    idset  // rows that are captured, or younger
	dirty   idset  // what a delta covers
	tombs   []byte
	dropped []dropped
	saved   [2]uint64         // key groups that are written
	pre     map[int]*captured // by key group
	gone    map[int][]byte    // tombs by key group, once asked for
	ids     []uint32          // scratch: those to write
	perRow  int               // bytes a row took in the key group before, and some
}

// captured is rows encoded before they changed.
type captured struct{ changed, rest []byte }

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
		if id < c.next && !c.done.has(id) {
			c.capture(id)
		}
	}
}

func (t *table) touchAll(ids []uint32) {
	for _, id := range ids {
		t.touch(id)
	}
}

// made says that a row is new: no snapshot being written holds it.
func (k *tracker) made(id uint32) {
	k.dirty.set(id)
	k.based.unset(id)
	for _, c := range k.covers {
		if id < c.next {
			c.done.set(id)
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

// capture encodes a row as it is in the snapshot.
func (c *cover) capture(id uint32) {
	c.done.set(id)
	p := c.t.ptr(id)
	g := int(hashOf(p) % groupsN)
	if *word(p, 0)&(live|dead) != live || c.saved[g/64]>>(g%64)&1 != 0 {
		return
	}
	if c.pre == nil {
		c.pre = map[int]*captured{}
	}
	if c.pre[g] == nil {
		c.pre[g] = &captured{}
	}
	to := &c.pre[g].rest
	if c.dirty.has(id) {
		to = &c.pre[g].changed
	}
	*to = c.t.encodeRow(*to, id, id, p)
}

// encodeRow appends a row as blocks have it.
func (t *table) encodeRow(b []byte, id, order uint32, p unsafe.Pointer) []byte {
	b = binary.LittleEndian.AppendUint64(append(b, 1), hashOf(p))
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
		for e := *half(l.headOf(id), headFirst); e != 0; {
			q := l.ptr(e)
			for i := 0; i < l.cells; i++ {
				b = binary.LittleEndian.AppendUint64(b, *word(q, atCells+uintptr(i)*8))
			}
			b = l.encode(b, q)
			e = *half(q, atNext)
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

// Freeze covers every row as it is. It is called between turns; it takes time for
// a bit per row.
func (s *Store) Freeze(n uint64) (state.Snapshot, error) {
	s.enter()
	s.epochs = true
	p := &snapshot{store: s, n: n, based: s.based}
	for _, t := range s.units {
		p.units = append(p.units, t.freeze(n, 0))
		var slices []*cover
		for _, ns := range t.Slices() {
			slices = append(slices, t.slices[ns].freeze(n, ns))
		}
		p.slices = append(p.slices, slices)
	}
	s.leave()
	s.writing.Add(1)
	return p, nil
}

func (t *table) freeze(n uint64, ns int64) *cover {
	k := &t.track
	if !k.on { // what there is may all be in this checkpoint
		k.on = true
		k.dirty = make(idset, (t.next+63)/64)
		for w := range k.dirty {
			k.dirty[w] = ^uint64(0)
		}
	}
	k.based.or(k.dirty)
	k.pending = append(k.pending, frozen{n: n, dirty: k.dirty, tombs: k.tombs, dropped: k.dropped})
	c := &cover{t: t, ns: ns, next: t.next, done: make(idset, (t.next+63)/64)}
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
	return c
}

// Confirm forgets the changes that checkpoint n holds.
func (s *Store) Confirm(n uint64) {
	s.based = true
	s.settle(func(t *table) {
		k := &t.track
		for len(k.pending) > 0 && k.pending[0].n <= n {
			k.pending = k.pending[1:]
		}
	})
}

// Abort counts the changes up to checkpoint n again.
func (s *Store) Abort(n uint64) {
	s.settle(func(t *table) {
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

func (s *Store) settle(f func(*table)) {
	s.enter()
	for _, t := range s.units {
		f(t)
		for _, slice := range t.slices {
			f(slice)
		}
	}
	s.leave()
}

// snapshot is the covers of all tables.
type snapshot struct {
	store  *Store
	n      uint64
	based  bool // something is confirmed that a delta can be laid over
	units  []*cover
	slices [][]*cover
}

// Save writes key group by key group, and lets the task go on in between.
func (p *snapshot) Save(delta bool, f func(state.Block) error) error {
	delta = delta && p.based
	s := p.store
	for i, c := range p.units {
		spec := c.t.spec
		for g := 0; g < groupsN; g++ {
			b := state.Block{Identity: c.t.id, Name: spec.Name, Group: g, Delta: delta}
			s.lock()
			if s.closed {
				s.mu.Unlock()
				return fmt.Errorf("the state was closed before checkpoint %d was written", p.n)
			}
			b.Data = state.AppendBlock(nil, spec.Signature())
			if spec.Windowed {
				if delta {
					b.Data = c.encodeDropped(b.Data, g)
				}
				for _, slice := range p.slices[i] {
					b.Data = slice.save(b.Data, state.SliceRows, g, delta)
				}
			} else {
				b.Data = c.save(b.Data, state.TableRows, g, delta)
			}
			s.mu.Unlock()
			if b.Empty() {
				continue
			}
			if err := f(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// save appends the section of one key group.
func (c *cover) save(b []byte, kind state.Section, g int, delta bool) []byte {
	b, at := state.BeginSection(b, kind, c.ns)
	if delta {
		b = c.encodeTombs(b, g)
	}
	if pre := c.pre[g]; pre != nil {
		b = append(b, pre.changed...)
		if !delta {
			b = append(b, pre.rest...)
		}
		delete(c.pre, g)
	}
	t := c.t
	c.ids = c.ids[:0]
	t.index.each(g, func(id uint32) {
		if id < c.next && !c.done.has(id) && (!delta || c.dirty.has(id)) {
			c.ids = append(c.ids, id)
		}
	})
	from := len(b)
	b = slices.Grow(b, len(c.ids)*c.perRow)
	for k, id := range c.ids {
		if k%chunk == 0 { // rows of one key group lie all over the table
			t.fetchRows(c.ids[k:min(k+chunk, len(c.ids))])
		}
		if p := t.ptr(id); *word(p, 0)&dead == 0 {
			b = t.encodeRow(b, id, id, p)
		}
	}
	if n := len(c.ids); n > 0 {
		c.perRow = (len(b)-from)/n + (len(b)-from)/n/16 + 8
	}
	c.saved[g/64] |= 1 << (g % 64)
	return state.EndSection(b, at)
}

// encodeTombs appends the rows of a key group that went.
func (c *cover) encodeTombs(b []byte, g int) []byte {
	if c.gone == nil {
		c.gone = map[int][]byte{}
		for t := c.tombs; len(t) > 0; {
			n := int(binary.LittleEndian.Uint32(t[1:]))
			k := int(t[0])
			c.gone[k] = append(append(c.gone[k], 0), t[5:5+n]...)
			t = t[5+n:]
		}
	}
	return append(b, c.gone[g]...)
}

func (c *cover) encodeDropped(b []byte, g int) []byte {
	for _, d := range c.dropped {
		if d.groups[g/64]>>(g%64)&1 == 0 {
			continue
		}
		var at int
		b, at = state.BeginSection(b, state.SliceDropped, d.ns)
		b = state.EndSection(b, at)
	}
	return b
}

// Release stops capturing.
func (p *snapshot) Release() {
	if p.units == nil {
		return
	}
	s := p.store
	s.lock()
	for _, c := range p.units {
		c.end()
	}
	for _, slices := range p.slices {
		for _, c := range slices {
			c.end()
		}
	}
	p.units, p.slices = nil, nil
	s.mu.Unlock()
	s.writing.Add(-1)
}

func (c *cover) end() {
	k := &c.t.track
	for i, x := range k.covers {
		if x == c {
			k.covers = append(append([]*cover(nil), k.covers[:i]...), k.covers[i+1:]...)
			return
		}
	}
}
