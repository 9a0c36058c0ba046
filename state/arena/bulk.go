package arena

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// bulk fills a new table from the blocks of a base, on all cores. A row of a base has
// an id of its own, its order of arrival, so who fills a row needs to know of no other
// row. The index is filled a key group at a time afterwards, from the hashes and ids
// noted on the way: a group's slots fit a core's cache.
type bulk struct {
	t      *table
	blocks []state.Block
	first  []int    // of each block: where its rows are noted in pairs
	starts []int    // of each key group
	rows   int      // in all blocks
	below  uint64   // ids from here on aren't given
	pairs  []uint64 // slots of the index, by key group
	mem    memory   // of pairs
	next   atomic.Int64
	mu     sync.Mutex
}

// bulkRows is when a base is worth it.
var bulkRows = 1 << 14

// takeBase fills the table with the base that blocks begin with, where that can be done
// in bulk, and returns the blocks that are left.
func (l *loader) takeBase(t *table, blocks []waiting) ([]waiting, error) {
	if !l.flat || t.spec.Windowed || t.spec.Local || t.track.on {
		return blocks, nil
	}
	b := &bulk{t: t}
	var counts [groupsN]int
	length := 0
	for _, w := range blocks {
		if w.Delta {
			break
		}
		g, n := w.Group, w.New()
		again := !w.More && g >= 0 && g < groupsN && counts[g] > 0 // of another task: rows may be there twice
		if w.n > 0 || g < 0 || g >= groupsN || again || n == 0 || n > w.Bytes()/minRow {
			return blocks, nil
		}
		b.first = append(b.first, counts[g])
		b.blocks = append(b.blocks, w.Block)
		counts[g] += n
		b.rows += n
		length += w.Bytes()
	}
	if b.rows < bulkRows {
		return blocks, nil
	}
	if sp := t.store.opts.Spill; sp != nil {
		if need := int64(b.rows)*int64(t.stride+16) + int64(length); need > sp.Keep(need) {
			return blocks, nil
		}
	}
	b.starts = make([]int, groupsN+1)
	for g, n := range counts {
		b.starts[g+1] = b.starts[g] + n
	}
	for i := range b.blocks {
		b.first[i] += b.starts[b.blocks[i].Group]
	}
	b.below = min(l.limit, 2*uint64(b.rows)+1024)
	t.mem.size(int(uintptr(b.below) * t.stride))
	if len(t.vars) > 0 || t.key.kind == keyBytes {
		t.blob.size(heapMax + 1) // from here on it doesn't move
		if t.blob.mapped == nil || 4*length > len(t.blob.buf) {
			return blocks, nil
		}
	}
	b.mem.size(8 * b.rows)
	defer b.mem.free()
	b.pairs = unsafe.Slice((*uint64)(b.mem.base()), b.rows)

	n := runtime.GOMAXPROCS(0)
	if t.store.opts.Wait != nil { // where one goroutine runs at a time
		n = 1
	}
	n = min(n, len(b.blocks))
	fillers := make([]*filler, n)
	for i := range fillers {
		fillers[i] = b.filler(l)
	}
	if err := b.each(fillers, len(b.blocks), together, (*filler).block); err != nil {
		return nil, err
	}
	next := uint32(1)
	for _, f := range fillers {
		next = max(next, f.last+1)
		t.blob.live += f.t.blob.live
		t.key.long = t.key.long || f.t.key.long
	}
	t.next = next
	if err := b.each(fillers, groupsN, 1, (*filler).index); err != nil {
		return nil, err
	}
	for g := range t.index.groups {
		t.index.n += int(t.index.groups[g].n)
	}
	for _, f := range fillers {
		for _, row := range f.late {
			hash := binary.LittleEndian.Uint64(row[1:])
			id, _ := l.row(t, row[9:], hash)
			t.index.insert(hash, id)
		}
	}
	return blocks[len(b.blocks):], nil
}

// together is how many blocks one filler takes at once: blocks of all key groups that
// were written one after the other have rows that lie near each other.
const together = 2 * groupsN

// each has the fillers do n things, some of them at a time.
func (b *bulk) each(fillers []*filler, n, some int, do func(*filler, int) error) error {
	b.next.Store(0)
	errs := make([]error, len(fillers))
	work := func(i int) {
		for {
			to := int(b.next.Add(int64(some)))
			if to-some >= n {
				return
			}
			for k := to - some; k < min(to, n); k++ {
				if errs[i] = do(fillers[i], k); errs[i] != nil {
					return
				}
			}
		}
	}
	var wg sync.WaitGroup
	for i := 1; i < len(fillers); i++ {
		wg.Go(func() { work(i) })
	}
	work(0)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// filler is one of those who fill a table.
type filler struct {
	b      *bulk
	t      *table // the table as it is, with a part of the blob of its own
	loader loader
	free   int      // where that part ends
	last   uint32   // the greatest id so far
	late   [][]byte // rows that got no id
	buf    []byte   // a block that lies apart
}

func (b *bulk) filler(l *loader) *filler {
	f := &filler{b: b, t: b.t.view()}
	f.t.store, f.t.key.ts = b.t.store, b.t.key.ts
	f.t.vec, f.t.buf = batch.Vector{}, nil
	f.t.index.slots = b.t.index.slots // which tells that memory is waited for
	f.loader.flat, f.loader.limit = true, b.below
	return f
}

// block fills the rows of a block.
func (f *filler) block(i int) error {
	b := f.b
	block, err := b.blocks[i].Whole(f.buf)
	if err != nil {
		return err
	}
	if b.blocks[i].Apart != nil {
		f.buf = block.Data
	}
	at, to := b.first[i], b.first[i]+block.New()
	return block.Sections(f.t.spec.Signature(), func(kind state.Section, _ int64, rows []byte) error {
		if kind != state.TableRows {
			return fmt.Errorf("slices don't fit this table")
		}
		for len(rows) > 0 {
			n, found, rest := f.loader.look(f.t, block, rows, false)
			if found != block.Group {
				return fmt.Errorf("a row of key group %d", found)
			}
			if n > to-at {
				return fmt.Errorf("it says that it has %d rows, and has more", block.New())
			}
			for k := 0; k < n; k++ {
				row, end := f.loader.starts[k], rest
				if k+1 < n {
					end = f.loader.starts[k+1]
				}
				if row[0] == state.RowGone {
					return fmt.Errorf("a row of a base is gone")
				}
				row = row[:len(row)-len(end)]
				if body := f.loader.bodies[k]; body > 0 {
					b.pairs[at] = f.plainRow(row, f.loader.ahead[k], f.loader.orders[k], int(body))
				} else {
					b.pairs[at] = f.row(row, f.loader.ahead[k])
				}
				at++
			}
			rows = rest
		}
		return nil
	})
}

// plainRow is row for one that is plain.
func (f *filler) plainRow(row []byte, hash uint64, id uint32, body int) uint64 {
	t := f.t
	if id == 0 {
		f.late = append(f.late, bytes.Clone(row))
		return 0
	}
	p := t.ptr(id)
	if !atomic.CompareAndSwapUint64(word(p, 0), 0, headOf(hash)|live|t.blank) { // taken
		f.late = append(f.late, bytes.Clone(row))
		return 0
	}
	f.last = max(f.last, id)
	t.fillPlain(p, row, body)
	return hash>>32<<32 | uint64(id)
}

// row fills a row and returns its slot in the index, 0 when it has none yet.
func (f *filler) row(row []byte, hash uint64) uint64 {
	t := f.t
	rest := t.key.skip(row[9:], &f.loader.scratch)
	order, _ := binary.Uvarint(rest)
	if order == 0 || order >= f.b.below {
		f.late = append(f.late, bytes.Clone(row))
		return 0
	}
	id := uint32(order)
	p := t.ptr(id)
	if !atomic.CompareAndSwapUint64(word(p, 0), 0, headOf(hash)|live|t.blank) { // taken
		f.late = append(f.late, bytes.Clone(row))
		return 0
	}
	for w := 0; w < t.words; w++ {
		*word(p, t.extra+uintptr(w)*8) = ^uint64(0)
	}
	f.last = max(f.last, id)
	if len(t.vars) > 0 || t.key.kind == keyBytes {
		if most := 2*len(row) + 16*(len(t.vars)+2); t.blob.used+most > f.free { // values are rounded up
			f.part(most)
		}
	}
	t.key.load(p, row[9:len(row)-len(rest)], t.blob)
	f.loader.fill(t, id, rest)
	return hash>>32<<32 | uint64(id)
}

// partBytes is how much of the blob a filler takes at once.
const partBytes = 256 << 10

// part takes another part of the blob, of n bytes or more.
func (f *filler) part(n int) {
	n = max(n, partBytes)
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	b := f.b.t.blob
	from := max(b.used, 16)
	b.used = from + n
	b.size(b.used)
	f.t.blob.buf = b.buf
	f.t.blob.used, f.free = from, from+n
}

// index enters the rows of a key group.
func (f *filler) index(g int) error {
	x := &f.b.t.index
	group := &x.groups[g]
	for _, s := range f.b.pairs[f.b.starts[g]:f.b.starts[g+1]] {
		if s != 0 {
			x.place(group, s)
			group.n++
		}
	}
	return nil
}
