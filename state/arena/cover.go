package arena

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/state"
)

// cover is a snapshot of one table, or one slice. A bit of done is won once for each
// row: by the writer, which takes the rows of a word of bits together and encodes
// them where they lie, or by the task when it is about to change the row, which it
// encodes first. Nobody waits, but for the task that changes a row of the very word
// that the writer is at.
//
// The writer reads rows that nobody has changed since Freeze, and what hangs from
// them: all of it is changed after touch alone. What else the task writes meanwhile
// (new rows, indexes, orders of multisets) it doesn't read.
type cover struct {
	p       *snapshot
	t       *table
	view    *table // t as it was at Freeze: where its memory lay
	ns      int64
	next    uint32 // ids from here on are younger
	dirty   idset  // what a delta covers
	old     idset  // rows that a checkpoint before may hold
	tombs   []byte
	dropped []dropped

	cold []*coldCover // of the rows on disk

	done    idset         // rows that are won, or aren't covered; atomic
	busy    atomic.Uint32 // 1 + the word the writer is at, or takes a row of; 0: none
	changed atomic.Bool   // rows that are dirty are all that is wanted
	written atomic.Bool   // the writer looks at none of it any more
	at      int           // the word the writer comes to next

	mu  sync.Mutex // of pre
	pre map[int]*captured
}

// captured is rows of a key group, encoded before they changed.
type captured struct {
	changed, rest   []byte
	nChanged, nRest int
	newChanged      int // of those that changed
}

// keep is called by the task before a covered row changes.
func (c *cover) keep(id uint32) {
	w, bit := id>>6, uint64(1)<<(id&63)
	if atomic.LoadUint64(&c.done[w])&bit == 0 {
		c.mu.Lock()
		won := atomic.OrUint64(&c.done[w], bit)&bit == 0
		if won && !c.p.over.Load() {
			c.capture(id)
		}
		c.mu.Unlock()
		if won {
			return
		}
	}
	for n := 0; c.busy.Load() == w+1; n++ {
		if n > 100 {
			runtime.Gosched()
		}
	}
}

// skip says that a place isn't the snapshot's, before something is made there.
func (c *cover) skip(id uint32) {
	w, bit := id>>6, uint64(1)<<(id&63)
	if atomic.OrUint64(&c.done[w], bit)&bit != 0 {
		c.keep(id) // the writer may be looking at it
	}
}

// capture encodes a row as it is in the snapshot.
func (c *cover) capture(id uint32) {
	p := c.t.ptr(id)
	changed := c.dirty.has(id)
	if *word(p, 0)&(live|dead) != live || !changed && c.changed.Load() {
		return
	}
	if x := c.captured(int(hashOf(p) % groupsN)); changed {
		mark := c.mark(id)
		x.changed = c.t.encodeRow(x.changed, mark, id, id, p)
		if mark == state.RowNew {
			x.newChanged++
		}
		x.nChanged++
	} else {
		x.rest = c.t.encodeRow(x.rest, state.RowThere, id, id, p)
		x.nRest++
	}
}

// mark is what a row begins with.
func (c *cover) mark(id uint32) byte {
	if c.old.has(id) {
		return state.RowThere
	}
	return state.RowNew
}

// captured is where rows of a key group go that are captured.
func (c *cover) captured(g int) *captured {
	if c.pre == nil {
		c.pre = map[int]*captured{}
	}
	if c.pre[g] == nil {
		c.pre[g] = &captured{}
	}
	return c.pre[g]
}

// view is a table's rows where they lie now, for reading: what grows or is evicted
// later lies elsewhere, and what is here stays.
func (t *table) view() *table {
	v := &table{spec: t.spec, timer: t.timer, ttl: t.ttl, timeAt: t.timeAt}
	b := &blob{memory: memory{buf: t.blob.buf}}
	records := func(r *records) records {
		x := *r
		x.mem, x.blob, x.free, x.gone = &memory{buf: r.mem.buf}, b, nil, nil
		return x
	}
	v.records, v.key = records(&t.records), keys{kind: t.key.kind, size: t.key.size, layout: t.key.layout}
	viewed := func(l *list) *list {
		return &list{t: v, head: l.head, cells: l.cells, cellsAt: l.cellsAt, records: records(&l.records)}
	}
	for _, l := range t.lists {
		x := viewed(l)
		if l.more != nil {
			x.mem, x.more = v.mem, viewed(l.more)
		}
		v.lists = append(v.lists, x)
	}
	for _, m := range t.sets {
		v.sets = append(v.sets, &multiset{t: v, head: m.head, records: records(&m.records)})
	}
	v.plain = t.plain
	for _, o := range t.sorted {
		x := &sorted{t: v, head: o.head, records: records(&o.records)}
		x.rank = ranked{r: &x.records, blob: b}
		v.sorted = append(v.sorted, x)
	}
	return v
}

// saver cuts the rows of a table into blocks.
type saver struct {
	p     *snapshot
	delta bool
	f     func(state.Block) error
	t     *table
	parts [groupsN]part
	buf   []byte
	full  []int    // key groups whose blocks are to be handed over
	spare [][]byte // buffers of blocks that were
}

// saver takes the buffers that the snapshot before was written with: fresh ones would
// cost more, for the pages that are touched first, than what is written to them.
func (s *Store) saver() *saver {
	if w := s.idle.Swap(nil); w != nil {
		return w
	}
	return &saver{}
}

// done keeps a saver's buffers for the next snapshot.
func (s *Store) done(w *saver) {
	for g := range w.parts {
		if x := &w.parts[g]; x.data != nil {
			w.spare = append(w.spare, x.data)
		}
	}
	kept := 0
	spare := slices.DeleteFunc(w.spare, func(b []byte) bool { // those of very long rows
		kept += cap(b)
		return kept > keptBytes
	})
	s.idle.Store(&saver{buf: w.buf, full: w.full[:0], spare: spare})
}

// keptBytes is how much of its buffers a saver keeps.
const keptBytes = 8 << 20

// part is a block being filled.
type part struct {
	data []byte
	open int  // where the section begins; 0: none
	rows int  // that are new
	more bool // one was handed over
}

// blockBytes is when a block is handed over.
var blockBytes = 16 << 10

// words is how many words of rows are encoded before the task may move memory.
const words = 16

// begin goes on with another table.
func (w *saver) begin(t *table) {
	w.t = t
	for g := range w.parts {
		w.parts[g].more = false
	}
}

// at is the block that a row of a key group goes to, in a section of its kind.
func (w *saver) at(g int, kind state.Section, ns int64) *part {
	x := &w.parts[g]
	if x.data == nil {
		if n := len(w.spare); n > 0 {
			x.data, w.spare = w.spare[n-1][:0], w.spare[:n-1]
		}
		x.data = state.AppendBlock(x.data, w.t.spec.Signature())
	}
	if x.open == 0 {
		x.data, x.open = state.BeginSection(x.data, kind, ns)
	}
	return x
}

// close ends the open section of a part.
func (x *part) close() {
	if x.open > 0 {
		x.data, x.open = state.EndSection(x.data, x.open), 0
	}
}

// dropped writes which slices went.
func (w *saver) dropped(all []dropped) {
	for _, d := range all {
		for g := range w.parts {
			if d.groups[g/64]>>(g%64)&1 != 0 {
				x := w.at(g, state.SliceDropped, d.ns)
				x.close()
			}
		}
	}
}

// rows writes the rows of a cover: first the keys of those that went.
func (w *saver) rows(c *cover, kind state.Section) error {
	c.changed.Store(w.delta)
	if w.delta {
		for t := c.tombs; len(t) > 0; {
			n := int(binary.LittleEndian.Uint32(t[1:]))
			g := int(t[0])
			x := w.at(g, kind, c.ns)
			x.data = append(append(x.data, state.RowGone), t[5:5+n]...)
			w.added(g, 0)
			t = t[5+n:]
		}
	}
	for more := true; more; {
		s := w.p.store
		s.lock()
		if s.closed {
			s.mu.Unlock()
			return fmt.Errorf("the state was closed before checkpoint %d was written", w.p.n)
		}
		var err error
		if more = w.some(c, kind); !more {
			more, err = w.someCold(c, kind)
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if err := w.hand(); err != nil {
			return err
		}
	}
	c.mu.Lock() // whoever still captures a row ends before
	pre := c.pre
	c.pre = nil
	c.mu.Unlock()
	for g := range w.parts {
		if y := pre[g]; y != nil {
			x := w.at(g, kind, c.ns)
			x.data = append(x.data, y.changed...)
			n := y.newChanged
			if !w.delta {
				x.data = append(x.data, y.rest...)
				n = y.nChanged + y.nRest
			}
			w.added(g, n)
		}
		w.parts[g].close()
	}
	c.written.Store(true)
	w.p.store.passed.Store(true)
	return w.hand()
}

// over says that nobody needs what the cover keeps.
func (c *cover) over() bool { return c.written.Load() || c.p.over.Load() }

// some writes the rows of some words, until a block is full; false: there are no more.
// Where things hang from rows it takes them one by one, since one may be as long as
// many blocks.
func (w *saver) some(c *cover, kind state.Section) bool {
	end := (int(c.next) + 63) / 64
	long := len(c.view.lists)+len(c.view.sets)+len(c.view.sorted) > 0
	for n := 0; c.at < end; c.at++ {
		at := c.at
		mask := ^uint64(0)
		if w.delta {
			mask = 0
			if at < len(c.dirty) {
				mask = c.dirty[at]
			}
			if mask == 0 {
				continue
			}
		}
		if n++; n > words {
			return true
		}
		if at == 0 {
			mask &^= 1 // there is no row 0
		}
		if at == end-1 && c.next&63 != 0 {
			mask &= 1<<(c.next&63) - 1
		}
		c.busy.Store(uint32(at) + 1)
		if long {
			mask &^= atomic.LoadUint64(&c.done[at])
		} else {
			mask &^= atomic.SwapUint64(&c.done[at], ^uint64(0))
		}
		for ; mask != 0; mask &= mask - 1 {
			id := uint32(at)<<6 + uint32(bits.TrailingZeros64(mask))
			if long {
				if len(w.full) > 0 {
					c.busy.Store(0)
					return true
				}
				c.busy.Store(uint32(at) + 1)
				if bit := uint64(1) << (id & 63); atomic.OrUint64(&c.done[at], bit)&bit != 0 {
					continue
				}
			}
			p := c.view.ptr(id)
			if *word(p, 0)&(live|dead) != live {
				continue
			}
			g := int(hashOf(p) % groupsN)
			x := w.at(g, kind, c.ns)
			mark, n := c.mark(id), 1
			if w.delta && mark != state.RowNew {
				n = 0
			}
			x.data = c.view.encodeRow(x.data, mark, id, id, p)
			w.added(g, n)
			if long {
				c.busy.Store(0)
			}
		}
		c.busy.Store(0)
		if len(w.full) > 0 {
			c.at++
			return true
		}
	}
	return false
}

// someCold writes the rows of a block on disk; false: there are no more.
func (w *saver) someCold(c *cover, kind state.Section) (bool, error) {
	for _, x := range c.cold {
		want := x.todo
		for ; x.at < x.run.Blocks(); x.at++ {
			from, to := x.run.Numbers(x.at)
			if w.delta {
				want = x.dirty
			}
			if !want.some(from, to) {
				continue
			}
			var err error
			w.buf, err = x.run.Read(x.at, w.buf, func(n uint32, g int, upper uint32, row []byte) {
				if !x.todo.has(n) || w.delta && !x.dirty.has(n) {
					return
				}
				x.todo.unset(n)
				p := w.at(g, kind, c.ns)
				p.data = append(appendHead(p.data, uint64(upper)<<32|uint64(g)), row...)
				if w.delta { // it may be there already
					w.added(g, 0)
				} else {
					w.added(g, 1)
				}
			})
			x.at++
			return true, err
		}
	}
	return false, nil
}

// added notes new rows, and that a block is full.
func (w *saver) added(g, rows int) {
	x := &w.parts[g]
	if x.rows += rows; len(x.data) >= blockBytes && (len(w.full) == 0 || w.full[len(w.full)-1] != g) {
		w.full = append(w.full, g)
	}
}

// hand hands over the blocks that are full.
func (w *saver) hand() error {
	for _, g := range w.full {
		if err := w.give(g); err != nil {
			return err
		}
	}
	w.full = w.full[:0]
	return nil
}

// end hands over what is left of a table.
func (w *saver) end() error {
	for g := range w.parts {
		if err := w.give(g); err != nil {
			return err
		}
	}
	return nil
}

func (w *saver) give(g int) error {
	x := &w.parts[g]
	x.close()
	if x.data == nil {
		return nil
	}
	b := state.Block{Identity: w.t.id, Name: w.t.spec.Name, Group: g, Delta: w.delta, More: x.more, Data: x.data}
	state.SetNew(x.data, x.rows)
	w.spare = append(w.spare, x.data)
	x.data, x.rows = nil, 0
	if b.Empty() {
		return nil
	}
	x.more = true
	return w.f(b)
}
