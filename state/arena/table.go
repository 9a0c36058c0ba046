package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// table is rows by key. A row is a record: its first word, its key, the time it
// was written (with a TTL), 16 bytes for each thing that hangs from it (an inline
// list: its first row, too), its cells.
type table struct {
	store *Store
	cold  cold
	id    state.Identity
	spec  state.Spec
	records
	index   index
	key     keys
	heads   uintptr // of the first of the heads of what hangs from a row
	timeAt  uintptr
	ttl     int64 // ms, 0: none
	expired int64 // rows found with their time over

	lists  []*list
	chains []*list // those of them, or of their further rows, that have records of their own
	sets   []*multiset
	sorted []*sorted
	slices map[int64]*table
	spare  []*table // dropped slices to use again
	parent *table   // of a slice
	aside  *table   // for Aside
	plain  *plain   // nil: rows aren't

	deleted []uint32 // marked dead since Release, some revived
	deadN   int
	swept   uint32 // where the next sweep begins
	timer   bool   // it keeps timers: a row's only cell is its order of arrival
	moved   func() // called when ids have changed; may be nil
	turn    uint32 // of evict
	track   tracker
	addrs   [2 * chunk]uintptr
}

// chunk is how many keys are prefetched together.
const chunk = 64

func newTable(s *Store, id state.Identity, spec state.Spec, timer bool) *table {
	t := &table{store: s, id: id, spec: spec, timer: timer}
	t.track.on = s.epochs
	t.key.init(spec.Key, timer)
	owned := t.key.size
	if spec.TTL > 0 && s.opts.Now != nil {
		t.ttl, t.timeAt = max(spec.TTL.Milliseconds(), 1), 8+owned
	}
	if spec.TTL > 0 {
		owned += 8
	}
	t.heads = 8 + owned
	owned += uintptr(len(spec.Multisets)+len(spec.Sorted)) * 16
	for _, l := range spec.Lists {
		owned += headSize(l)
	}
	row := spec.Row
	if timer {
		row = []state.Column{{Type: types.BigIntType}}
	}
	t.records = newRecords(newLayout(row, owned), &blob{})
	head := t.heads
	for _, l := range spec.Lists {
		t.lists = append(t.lists, newList(t, l, head))
		head += headSize(l)
	}
	t.chains = chains(t.lists)
	next := func() uintptr { head += 16; return head - 16 }
	for _, m := range spec.Multisets {
		t.sets = append(t.sets, newMultiset(t, m, next()))
	}
	for _, o := range spec.Sorted {
		t.sorted = append(t.sorted, newSorted(t, o, next()))
	}
	if spec.Windowed {
		t.slices = map[int64]*table{}
	}
	t.plain = newPlain(t)
	return t
}

// Upsert finds or makes rows, a chunk of keys at a time: what a chunk will read is
// prefetched while the one before is worked on, once tables outgrow the cache.
func (t *table) Upsert(keys []batch.Vector, hashes []uint64, ids []uint32, fresh []bool) {
	if t.cold.rows > 0 {
		t.recall(keys, hashes[:len(ids)])
	}
	t.key.prepare(keys, len(ids))
	now := t.now()
	for from := 0; from < len(ids); from += chunk {
		to := min(from+chunk, len(ids))
		if t.index.cold() && to-from >= few {
			t.fetch(hashes[from:to])
		}
		for k := from; k < to; k++ {
			id := t.lookup(k, hashes[k])
			isNew := id == 0
			if isNew {
				id = t.make(k, hashes[k], now)
			} else if t.deadN > 0 || t.ttl > 0 {
				isNew = t.revive(id, now)
			}
			ids[k], fresh[k] = id, isNew
		}
	}
	if t.track.on {
		t.touchAll(ids)
	}
	if t.ttl > 0 {
		t.stamp(ids, now)
	}
}

// Find finds rows.
func (t *table) Find(keys []batch.Vector, hashes []uint64, ids []uint32) {
	if t.cold.rows > 0 {
		t.recall(keys, hashes[:len(ids)])
	}
	t.key.prepare(keys, len(ids))
	now := t.now()
	for from := 0; from < len(ids); from += chunk {
		to := min(from+chunk, len(ids))
		if t.index.cold() && to-from >= few {
			t.fetch(hashes[from:to])
		}
		for k := from; k < to; k++ {
			id := t.lookup(k, hashes[k])
			if id != 0 && (t.deadN > 0 || t.ttl > 0) && !t.alive(id, now) {
				id = 0
			}
			ids[k] = id
		}
	}
}

// fetch prefetches the slots of hashes, then the rows they name, then their keys
// where those lie elsewhere.
func (t *table) fetch(hashes []uint64) {
	t.fetchSlots(hashes)
	x := &t.index
	base, n := uintptr(t.mem.base()), 0
	for _, h := range hashes {
		g := &x.groups[h%groupsN]
		if !g.made {
			continue
		}
		pos, mask, upper := g.home(uint32(h>>32)), g.mask(), uint32(h>>32)
		s := *x.slot(g, pos)
		for s != 0 && uint32(s>>32) != upper {
			pos = (pos + 1) & mask
			s = *x.slot(g, pos)
		}
		if s != 0 {
			row := base + uintptr(uint32(s))*t.stride
			t.addrs[n] = row
			n++
			if t.stride > 64 || row&63+t.stride > 64 {
				t.addrs[n] = row + min(t.stride-1, 127)
				n++
			}
		}
	}
	prefetch(&t.addrs[0], n)
	if t.key.long {
		t.fetchKeys(n)
	}
}

// fetchSlots prefetches the slots of hashes.
func (t *table) fetchSlots(hashes []uint64) {
	x := &t.index
	slots := uintptr(x.mem.base())
	for n, h := range hashes {
		g := &x.groups[h%groupsN]
		t.addrs[n] = slots + uintptr(g.off) + uintptr(g.home(uint32(h>>32)))*8
	}
	prefetch(&t.addrs[0], len(hashes))
}

// fetchRows prefetches at most a chunk of rows.
func (t *table) fetchRows(ids []uint32) {
	if !t.index.cold() || len(ids) == 0 {
		return
	}
	base, n := uintptr(t.mem.base()), 0
	for _, id := range ids {
		row := base + uintptr(id)*t.stride
		t.addrs[n] = row
		n++
		if t.stride > 64 || row&63+t.stride > 64 {
			t.addrs[n] = row + min(t.stride-1, 127)
			n++
		}
	}
	prefetch(&t.addrs[0], n)
}

// fetchGone prefetches the slots of at most a chunk of rows.
func (t *table) fetchGone(ids []uint32) {
	if !t.index.cold() || len(ids) < few {
		return
	}
	t.fetchRows(ids)
	slots := uintptr(t.index.mem.base())
	for n, id := range ids {
		hash := hashOf(t.ptr(id))
		g := &t.index.groups[hash%groupsN]
		t.addrs[n] = slots + uintptr(g.off) + uintptr(g.home(uint32(hash>>32)))*8
	}
	prefetch(&t.addrs[0], len(ids))
}

// few rows aren't worth prefetching: they'd be waited for at once.
const few = 4

// fetchKeys prefetches the key bytes of the rows at the addresses, where they're
// apart.
func (t *table) fetchKeys(n int) {
	bytes := uintptr(t.blob.base())
	m := 0
	for _, a := range t.addrs[:n] {
		off := a - uintptr(t.mem.base())
		if off%t.stride != 0 {
			continue
		}
		if w := image(unsafe.Add(t.mem.base(), off)); w[2] >= apart {
			t.addrs[m] = bytes + uintptr(batch.View(w[0]).Off())
			m++
		}
	}
	prefetch(&t.addrs[0], m)
}

// lookup finds the row of prepared key k, dead or alive.
func (t *table) lookup(k int, hash uint64) uint32 {
	g := &t.index.groups[hash%groupsN]
	if !g.made {
		return 0
	}
	upper := uint32(hash >> 32)
	pos, mask := g.home(upper), g.mask()
	slots := unsafe.Add(t.index.mem.base(), g.off)
	base := t.mem.base()
	for {
		s := *(*uint64)(unsafe.Add(slots, uintptr(pos)*8))
		if s == 0 {
			return 0
		}
		if uint32(s>>32) == upper {
			if p := unsafe.Add(base, uintptr(uint32(s))*t.stride); t.key.equal(p, k, t.blob) {
				return uint32(s)
			}
		}
		pos = (pos + 1) & mask
	}
}

// make adds the row of prepared key k.
func (t *table) make(k int, hash uint64, now int64) uint32 {
	if n := len(t.free); n > 0 && len(t.track.covers) > 0 {
		t.track.reuse(t.free[n-1])
	}
	id, p := t.add(headOf(hash))
	return t.enroll(id, p, k, hash, now)
}

// headOf is the first word of a row with that hash.
func headOf(hash uint64) uint64 { return hash>>32<<32 | hash%groupsN<<groupBit }

func (t *table) enroll(id uint32, p unsafe.Pointer, k int, hash uint64, now int64) uint32 {
	t.key.store(p, k, t.blob)
	if t.ttl > 0 {
		*word(p, t.timeAt) = uint64(now)
	}
	t.index.insert(hash, id)
	if t.track.on {
		t.track.made(id)
	}
	return id
}

// hashOf is what of a row's hash is kept: the upper half and the key group.
func hashOf(p unsafe.Pointer) uint64 {
	w := *word(p, 0)
	return w>>32<<32 | w>>groupBit&(groupsN-1)
}

func (t *table) alive(id uint32, now int64) bool {
	p := t.ptr(id)
	return *word(p, 0)&dead == 0 && (t.ttl == 0 || int64(*word(p, t.timeAt))+t.ttl > now)
}

// revive makes a dead or expired row fresh; false when it's alive.
func (t *table) revive(id uint32, now int64) bool {
	if t.alive(id, now) {
		return false
	}
	t.touch(id)
	p := t.ptr(id)
	if *word(p, 0)&dead != 0 {
		*word(p, 0) &^= dead
		t.deadN--
	} else {
		t.expired++
	}
	t.wipe(id)
	if t.ttl > 0 {
		*word(p, t.timeAt) = uint64(now)
	}
	return true
}

// wipe empties a row and drops what hangs from it; its key stays.
func (t *table) wipe(id uint32) {
	t.clearParts(id)
	p := t.ptr(id)
	t.dropVars(p)
	*word(p, 0) = *word(p, 0)&^grouped | t.blank
	clear(unsafe.Slice((*byte)(unsafe.Add(p, t.extra)), t.stride-t.extra))
	for w := 0; w < t.words; w++ {
		*word(p, t.extra+uintptr(w)*8) = ^uint64(0)
	}
}

func (t *table) clearParts(id uint32) {
	for _, l := range t.lists {
		l.clear(id)
	}
	for _, m := range t.sets {
		m.clear(id)
	}
	for _, o := range t.sorted {
		o.clear(id)
	}
}

// Delete marks rows; Release takes them out.
func (t *table) Delete(ids []uint32) {
	for _, id := range ids {
		p := t.ptr(id)
		if id == 0 || *word(p, 0)&dead != 0 {
			continue
		}
		t.touch(id)
		*word(p, 0) |= dead
		t.deadN++
		t.deleted = append(t.deleted, id)
	}
}

func (t *table) release() {
	if t.ttl > 0 {
		t.sweep()
	}
	for k, id := range t.deleted {
		if k%chunk == 0 {
			t.fetchGone(t.deleted[k:min(k+chunk, len(t.deleted))])
		}
		p := t.ptr(id)
		if *word(p, 0)&dead == 0 || *word(p, 0)&live == 0 {
			continue // revived, or deleted twice
		}
		if t.track.on {
			t.tombstone(id, p)
		}
		t.index.remove(hashOf(p), id)
		t.clearParts(id)
		t.key.drop(p, t.blob)
		t.drop(id)
	}
	t.deleted, t.deadN = t.deleted[:0], 0
	for _, l := range t.chains {
		l.records.release()
		l.long.mem.release()
	}
	for _, m := range t.sets {
		m.release()
	}
	for _, o := range t.sorted {
		o.records.release()
	}
	t.records.release()
	t.blob.release()
	if !t.read() {
		t.outgrown()
	}
	for _, s := range t.slices {
		s.release()
	}
	if t.store.opts.Evict {
		t.evict()
	}
}

// read says that a snapshot's writer may read where rows are, and where they were.
func (t *table) read() bool { return len(t.track.covers) > 0 }

// outgrown gives back the memory that was too small.
func (t *table) outgrown() {
	t.records.mem.release()
	t.index.mem.release()
	t.blob.memory.release()
	for _, l := range t.chains {
		l.mem.release()
	}
	for _, m := range t.sets {
		m.mem.release()
		m.orders.mem.release()
		m.index.mem.release()
	}
	for _, o := range t.sorted {
		o.mem.release()
	}
}

// Move gives into what hangs from from.
func (t *table) Move(into, from uint32) {
	t.touch(into)
	t.touch(from)
	for _, l := range t.lists {
		l.move(into, from)
	}
	for _, m := range t.sets {
		m.move(into, from)
	}
	for _, o := range t.sorted {
		o.move(into, from)
	}
	a, b := t.ptr(into), t.ptr(from)
	t.dropVars(a)
	n := t.stride - t.extra
	copy(unsafe.Slice((*byte)(unsafe.Add(a, t.extra)), n), unsafe.Slice((*byte)(unsafe.Add(b, t.extra)), n))
	const moved = 1<<inWord - 1 | grouped
	*word(a, 0) = *word(a, 0)&^moved | *word(b, 0)&moved
	for _, c := range t.vars { // into owns them now
		*word(b, t.at[c]) = 0
	}
	*word(b, 0) &^= grouped
	if t.ttl > 0 {
		t.stamp([]uint32{into}, t.now())
	}
	t.Delete([]uint32{from})
}

// Len counts rows; those that have expired until they're swept.
func (t *table) Len() int { return t.index.n - t.deadN + t.cold.rows }

// Each goes by id.
func (t *table) Each(f func(id uint32) bool) {
	t.recallAll()
	t.each(f)
}

// each goes through the rows in memory.
func (t *table) each(f func(id uint32) bool) {
	now := t.now()
	for id := uint32(1); id < t.next; id++ {
		p := t.ptr(id)
		if *word(p, 0)&(live|dead) == live && t.alive(id, now) && !f(id) {
			return
		}
	}
}

// Keys writes the keys of ids.
func (t *table) Keys(ids []uint32, to []batch.Vector) { t.key.read(&t.records, ids, to) }

// Touch marks rows as changed.
func (t *table) Touch(ids []uint32) {
	if t.track.on {
		t.touchAll(ids)
	}
	if t.ttl > 0 {
		t.stamp(ids, t.now())
	}
}

func (t *table) I64(col int) batch.Col[int64] {
	return batch.Col[int64]{Base: unsafe.Add(t.mem.base(), t.at[col]), Stride: t.stride}
}

func (t *table) Hi(col int) batch.Col[int64] {
	return batch.Col[int64]{Base: unsafe.Add(t.mem.base(), t.at[col]+8), Stride: t.stride}
}

func (t *table) F64(col int) batch.Col[float64] {
	return batch.Col[float64]{Base: unsafe.Add(t.mem.base(), t.at[col]), Stride: t.stride}
}

func (t *table) Valid(col int) batch.BitCol {
	at, mask := t.validAt(col)
	return batch.BitCol{Base: unsafe.Add(t.mem.base(), at), Stride: t.stride, Mask: mask}
}

func (t *table) Bytes(col int, id uint32) []byte {
	return t.blob.get(batch.View(*word(t.ptr(id), t.at[col])))
}

func (t *table) SetBytes(col int, id uint32, b []byte) {
	t.touch(id)
	t.setVar(id, col, b)
}

func (t *table) Gather(ids []uint32, cols []int, to []batch.Vector) { t.gather(ids, cols, to) }

func (t *table) Put(ids []uint32, sel []int32, cols []int, from []batch.Vector) {
	if t.track.on {
		t.touchAll(ids)
	}
	t.put(ids, sel, cols, from)
}

func (t *table) List(i int) state.List         { return t.lists[i] }
func (t *table) Multiset(i int) state.Multiset { return t.sets[i] }
func (t *table) Sorted(i int) state.Sorted     { return t.sorted[i] }

// bytes is the memory in use.
func (t *table) bytes() int64 {
	n := int64(t.blob.used) + int64(t.index.used) + t.records.bytes()
	for _, l := range t.chains {
		n += l.records.bytes() + int64(l.long.used)
	}
	for _, m := range t.sets {
		n += int64(m.index.used) + m.records.bytes() + m.orders.bytes()
	}
	for _, o := range t.sorted {
		n += o.records.bytes()
	}
	for _, r := range t.cold.runs {
		n += r.Memory()
	}
	return n
}

// unmap gives the memory back.
func (t *table) unmap() {
	t.cold.thaw()
	for _, s := range t.slices {
		s.unmap()
	}
	for _, s := range t.spare {
		s.unmap()
	}
	for _, r := range t.all() {
		r.mem.free()
	}
	for _, m := range t.sets {
		m.index.mem.free()
	}
	for _, l := range t.chains {
		l.long.mem.free()
	}
	t.index.mem.free()
	t.blob.memory.free()
}
