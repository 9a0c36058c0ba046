package arena

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/spill"
)

// Restore keeps the blocks until their tables are opened: on disk, those that memory
// has no room for.
func (s *Store) Restore(blocks func(yield func(state.Block) error) error) error {
	held := int64(0)
	return blocks(func(b state.Block) error {
		w := waiting{Block: b}
		if sp := s.opts.Spill; sp != nil && b.Apart == nil {
			if held += int64(len(b.Data)); held > sp.Keep(held) {
				held -= int64(len(b.Data))
				if s.spool == nil {
					var err error
					if s.spool, err = s.dir().Spool(); err != nil {
						return err
					}
				}
				at, err := s.spool.Put(b.Data)
				if err != nil {
					return err
				}
				w.at, w.n, w.Data = at, len(b.Data), nil
			}
		}
		k := unitKey{b.Identity, b.Name}
		s.restored[k] = append(s.restored[k], w)
		return nil
	})
}

// waiting is a block whose table isn't open yet: n bytes of it at at in the spool,
// if n isn't 0.
type waiting struct {
	state.Block
	at int64
	n  int
}

// makeRoom writes the table that is being read to disk when it's too large.
func (l *loader) makeRoom(t *table) error {
	sp := t.store.opts.Spill
	if sp == nil || !t.spillable() {
		return nil
	}
	held := t.store.inMemory() + t.bytes()
	for _, s := range t.slices {
		held += s.bytes()
	}
	if held <= sp.Keep(held) {
		return nil
	}
	l.limit = 0 // ids begin anew
	for _, s := range t.slices {
		if s.index.n > 0 {
			if err := s.spill(); err != nil {
				return err
			}
		}
	}
	if t.index.n == 0 {
		return nil
	}
	return t.spill()
}

// removeCold takes a row that is to be replaced from disk.
func (l *loader) removeCold(t *table, hash uint64) error {
	c := &t.cold
	c.enc = t.key.encoded(c.enc[:0], 0)
	c.want = append(c.want[:0], spill.Want{Hash: hash, Key: c.enc})
	return c.taker.Take(c.files, c.want, func(int, int, uint32, []byte) error { c.rows--; return nil })
}

// loader reads the blocks of a table. A row gets its order of arrival as its id,
// where that id is free and not far beyond the number of rows.
//
// It goes a chunk of rows at a time: first it looks where each begins and asks for the
// memory it will be written to. Rows that are new, as all of a base are, need no look-up;
// their slots in the index are filled a chunk at a time.
type loader struct {
	scratch batch.Vector
	limit   uint64 // of ids
	err     error  // of the disk
	key     []batch.Vector
	mixed   map[groupOf]bool // what several tasks have written: nothing is known to be new
	flat    bool             // nothing hangs from rows: where one ends is seen at a glance

	starts [chunk][]byte // rows from their marks on
	ahead  [chunk]uint64 // their hashes
	orders [chunk]uint32 // of those that are plain
	bodies [chunk]int32  // where what follows their order begins; 0: they aren't plain
	n      int           // rows made that the index doesn't have
	hashes [chunk]uint64
	ids    [chunk]uint32
}

// groupOf is a key group of a table or slice.
type groupOf struct {
	t     *table
	group int
}

// load fills a new table.
func (t *table) load(blocks []waiting) error {
	if len(blocks) == 0 {
		return nil
	}
	l := &loader{limit: 1024, mixed: map[groupOf]bool{}}
	l.flat = !t.timer && len(t.lists)+len(t.sets)+len(t.sorted) == 0
	bytes := int64(0)
	for _, b := range blocks {
		bytes += int64(b.Bytes() + b.n)
		l.limit += uint64(b.Bytes()+b.n) / 4 // a row is 11 bytes or more
	}
	if sp := t.store.opts.Spill; !t.spec.Windowed && (sp == nil || bytes <= sp.Keep(bytes)) {
		t.room(blocks)
		var err error
		if blocks, err = l.takeBase(t, blocks); err != nil {
			return err
		}
	}
	var buf []byte
	for _, w := range blocks {
		b, err := w.Whole(buf)
		if err != nil {
			return err
		}
		if w.Apart != nil {
			buf = b.Data
		}
		if w.n > 0 {
			if b.Data, err = t.store.spool.Get(w.at, w.n); err != nil {
				return err
			}
		}
		err = b.Sections(t.spec.Signature(), func(kind state.Section, ns int64, rows []byte) error {
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
				return s.removeGroup(b.Group)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := l.makeRoom(t); err != nil {
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

// room makes the index large enough for the rows that are new.
func (t *table) room(blocks []waiting) {
	var rows [groupsN]int
	for _, b := range blocks {
		if b.Group >= 0 && b.Group < groupsN {
			rows[b.Group] += min(b.New(), b.Bytes()/minRow)
		}
	}
	for g, n := range rows {
		if n > 0 {
			t.index.reserve(g, n)
		}
	}
}

// minRow is the bytes of the smallest row: its mark, its hash, its order.
const minRow = 10

// removeGroup takes out all rows of a key group at once: nobody has their ids yet.
func (t *table) removeGroup(g int) error {
	var ids []uint32
	t.index.each(g, func(id uint32) { ids = append(ids, id) })
	for _, id := range ids {
		t.removeRow(id)
	}
	for _, r := range t.cold.runs {
		err := r.Each(g, func(n, _ uint32, _ []byte) error {
			r.Take(n)
			t.cold.rows--
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *table) removeRow(id uint32) {
	p := t.ptr(id)
	t.index.remove(hashOf(p), id)
	t.clearParts(id)
	t.key.drop(p, t.blob)
	t.drop(id)
}

// rows reads the rows of one section.
func (l *loader) rows(t *table, block state.Block, b []byte) error {
	group := block.Group
	at := groupOf{t, group}
	if !block.Delta && !block.More && (t.index.groups[group].n > 0 || t.cold.has(group)) {
		l.mixed[at] = true
	}
	mixed := l.mixed[at]
	if block.Delta || mixed {
		defer t.settle()
	}
	defer l.flush(t)
	for len(b) > 0 {
		n, found, rest := l.look(t, block, b, mixed)
		if found != group {
			return fmt.Errorf("a row of key group %d", found)
		}
		for k := 0; k < n; k++ {
			row := l.starts[k]
			if l.isNew(row[0], block, mixed) {
				var id uint32
				id, rest = l.row(t, row[9:], l.ahead[k])
				l.hashes[l.n], l.ids[l.n] = l.ahead[k], id
				if l.n++; l.n == chunk {
					l.flush(t)
				}
				continue
			}
			l.flush(t)
			if rest = l.replace(t, row, l.ahead[k]); l.err != nil {
				return l.err
			}
		}
		b = rest
	}
	return nil
}

// isNew says that no row of that key is there.
func (l *loader) isNew(mark byte, block state.Block, mixed bool) bool {
	return !mixed && (mark == state.RowNew || mark == state.RowThere && !block.Delta)
}

// look finds where the next rows begin, their hashes, and what is behind them, and
// prefetches where they go. found is another key group than the block's if a row is of
// that one. Where rows aren't flat, it finds one.
func (l *loader) look(t *table, block state.Block, b []byte, mixed bool) (n, found int, rest []byte) {
	var old [chunk]uint64
	olds, rows := 0, 0
	base := uintptr(t.mem.base())
	for n < chunk && len(b) > 0 {
		hash := binary.LittleEndian.Uint64(b[1:])
		if g := batch.KeyGroup(hash); g != block.Group {
			return n, g, nil
		}
		if t.timer {
			hash = l.timerHash(t, b[9:])
		}
		l.starts[n], l.ahead[n] = b, hash
		n++
		if !l.flat {
			return n, block.Group, nil
		}
		mark := b[0]
		isNew := l.isNew(mark, block, mixed)
		l.bodies[n-1] = 0
		if t.plain != nil && isNew {
			if order, body, end := t.plainRow(b); body > 0 && order < l.limit {
				l.orders[n-1], l.bodies[n-1] = uint32(order), int32(body)
				t.addrs[rows] = base + uintptr(order)*t.stride
				rows++
				b = b[end:]
				continue
			}
		}
		d := t.key.skip(b[9:], &l.scratch)
		if b = d; mark != state.RowGone {
			order, w := binary.Uvarint(d)
			if isNew && order < l.limit {
				t.addrs[rows] = base + uintptr(order)*t.stride
				rows++
			}
			if b = d[w:]; t.spec.TTL > 0 {
				b = b[8:]
			}
			for c := range t.ts {
				b = t.behind(b, c)
			}
		}
		if !isNew {
			old[olds] = hash
			olds++
		}
	}
	if t.index.cold() {
		prefetch(&t.addrs[0], rows)
		if olds > 0 {
			t.fetch(old[:olds])
		}
	}
	return n, block.Group, b
}

// replace reads a row that may be there already, or goes; it returns the bytes behind.
func (l *loader) replace(t *table, row []byte, hash uint64) []byte {
	rest := t.key.decode(row[9:], &l.scratch)
	id := t.lookup(0, hash)
	if id == 0 && t.cold.rows > 0 {
		l.err = l.removeCold(t, hash)
	}
	switch {
	case row[0] == state.RowGone:
		if id != 0 {
			t.removeRow(id)
		}
		return rest
	case id != 0 && l.stays(t, id, rest):
		t.wipe(id)
		return l.fill(t, id, rest)
	case id != 0:
		t.removeRow(id)
	}
	id, rest = l.row(t, row[9:], hash)
	t.index.insert(hash, id)
	return rest
}

// flush puts the rows made into the index.
func (l *loader) flush(t *table) {
	if l.n == 0 {
		return
	}
	if t.index.cold() {
		t.fetchSlots(l.hashes[:l.n])
	}
	for k := range l.hashes[:l.n] {
		t.index.insert(l.hashes[k], l.ids[k])
	}
	l.n = 0
}

// settle frees what was replaced: nobody has a view of it yet.
func (t *table) settle() {
	t.blob.release()
	for _, l := range t.chains {
		l.records.release()
	}
	for _, m := range t.sets {
		m.release()
	}
	for _, o := range t.sorted {
		o.records.release()
	}
}

// stays says that a row that is replaced keeps its id: rest begins with its order.
func (l *loader) stays(t *table, id uint32, rest []byte) bool {
	order, _ := binary.Uvarint(rest)
	if order == uint64(id) || t.timer {
		return true
	}
	return order == 0 || order >= l.limit || order < uint64(t.next) && *word(t.ptr(uint32(order)), 0)&live != 0
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

// row makes a row from its key and what follows, and returns its id and the bytes
// behind. The index doesn't have it yet.
func (l *loader) row(t *table, b []byte, hash uint64) (uint32, []byte) {
	rest := t.key.skip(b, &l.scratch)
	order, _ := binary.Uvarint(rest)
	id := uint32(0)
	if order > 0 && order < l.limit && !t.timer {
		id = t.addAt(uint32(order), headOf(hash))
	}
	if id == 0 {
		id, _ = t.add(headOf(hash))
	}
	t.key.load(t.ptr(id), b[:len(b)-len(rest)], t.blob)
	if t.track.on {
		t.track.made(id)
	}
	return id, l.fill(t, id, rest)
}

// fill reads what follows a row's key into a row that is empty.
func (l *loader) fill(t *table, id uint32, b []byte) []byte {
	order, w := binary.Uvarint(b)
	b = b[w:]
	if t.timer {
		*word(t.ptr(id), t.at[0]) = order
		return b
	}
	if t.spec.TTL > 0 {
		if t.ttl > 0 {
			*word(t.ptr(id), t.timeAt) = binary.LittleEndian.Uint64(b)
		}
		b = b[8:]
	}
	b = t.decode(b, id)
	var n uint64
	for _, s := range t.lists {
		n, b = uvarint(b)
		for s := s; n > 0; n-- {
			if s.more != nil && s.occupied(id) {
				s = s.more
			}
			e, p := s.push(id)
			for i := range s.cells {
				*word(p, s.cellsAt+uintptr(i)*8), b = binary.LittleEndian.Uint64(b), b[8:]
			}
			b = s.decode(b, e)
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
	return b
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
	if t.index.n == int(t.next)-1 {
		return
	}
	for id := t.next - 1; id > 0; id-- {
		if *word(t.ptr(id), 0)&live == 0 {
			t.free = append(t.free, id)
		}
	}
}
