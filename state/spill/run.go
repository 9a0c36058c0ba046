package spill

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Run is rows on disk. They have numbers from 0, in the order they lie in. It
// belongs to one goroutine at a time.
type Run struct {
	dir    *Dir
	f      *os.File
	rows   int
	live   int
	filter filter
	gone   []uint64 // a bit per row that was taken

	// Blocks, each with rows of one key group: those of group g are groups[g] to
	// groups[g+1].
	groups [Groups + 1]int
	first  []uint32 // the upper hash of a block's first row; equal ones share a block
	number []uint32 // the number of the first row
	offset []int64  // where it begins; one more says where the last ends
}

// blockBytes is how long a block is, about: what is read for one row.
const blockBytes = 4 << 10

// Rows is how many there are, those taken included.
func (r *Run) Rows() int { return r.rows }

// Live is how many haven't been taken.
func (r *Run) Live() int { return r.live }

// Taken is the rows 64*w to 64*w+63 that were taken, as bits.
func (r *Run) Taken(w int) uint64 { return r.gone[w] }

// Gone says that a row was taken.
func (r *Run) Gone(n uint32) bool { return r.gone[n>>6]>>(n&63)&1 != 0 }

// Memory is the bytes that a run takes of memory.
func (r *Run) Memory() int64 {
	return int64(len(r.filter.words)+len(r.gone))*8 + int64(len(r.first))*16
}

// Bytes is what it takes of the disk.
func (r *Run) Bytes() int64 { return r.offset[len(r.first)] }

// Close gives the file back.
func (r *Run) Close() {
	r.dir.bytes.Add(-r.Bytes())
	r.filter.free()
	_ = r.f.Close() // nothing is left to be written
}

// Has says that there may be rows of a key group.
func (r *Run) Has(group int) bool { return r.groups[group] < r.groups[group+1] }

// Take marks a row as gone.
func (r *Run) Take(n uint32) {
	r.gone[n>>6] |= 1 << (n & 63)
	r.live--
}

// block is the block of group g that has the rows of an upper hash, if any; -1 if
// none can.
func (r *Run) block(g int, upper uint32) int {
	from, to := r.groups[g], r.groups[g+1]
	if from == to {
		return -1
	}
	at, found := slices.BinarySearch(r.first[from:to], upper)
	if !found {
		at--
	}
	if at < 0 {
		return -1
	}
	return from + at
}

// read reads blocks from up to to into b.
func (r *Run) read(b []byte, from, to int) ([]byte, error) {
	n := int(r.offset[to] - r.offset[from])
	b = slices.Grow(b[:0], n)[:n]
	if _, err := r.f.ReadAt(b, r.offset[from]); err != nil {
		return nil, fmt.Errorf("spill: reading rows back: %w", err)
	}
	return b, nil
}

// next cuts the first row off a block.
func next(b []byte) (upper uint32, row, rest []byte) {
	upper = binary.LittleEndian.Uint32(b)
	n, w := binary.Uvarint(b[4:])
	b = b[4+w:]
	return upper, b[:n], b[n:]
}

// Each calls f for each row of a key group that hasn't been taken, in order. row is
// valid within the call, in which the row may be taken.
func (r *Run) Each(group int, f func(n, upper uint32, row []byte) error) error {
	s := scan{r: r, block: r.groups[group], end: r.groups[group+1]}
	for {
		ok, err := s.next()
		if !ok || err != nil {
			return err
		}
		if err := f(s.n, s.upper, s.row); err != nil {
			return err
		}
	}
}

// Blocks is how many blocks there are, for Read.
func (r *Run) Blocks() int { return len(r.first) }

// Numbers are the numbers of a block's rows: from from, below to.
func (r *Run) Numbers(block int) (from, to uint32) {
	if block+1 < len(r.number) {
		return r.number[block], r.number[block+1]
	}
	return r.number[block], uint32(r.rows)
}

// Read calls f for the rows of a block that haven't been taken; buf is used to read
// it and returned.
func (r *Run) Read(block int, buf []byte, f func(n uint32, group int, upper uint32, row []byte)) ([]byte, error) {
	group, _ := slices.BinarySearch(r.groups[:], block+1)
	s := scan{r: r, block: block, end: block + 1, buf: buf}
	for {
		ok, err := s.next()
		if !ok || err != nil {
			return s.buf, err
		}
		f(s.n, group-1, s.upper, s.row)
	}
}

// scan goes through blocks, many at a time.
type scan struct {
	r          *Run
	block, end int
	buf, left  []byte
	at         uint32 // the number of the next row
	n, upper   uint32
	row        []byte
}

const scanBytes = 128 << 10

// next goes to the next row that is there.
func (s *scan) next() (bool, error) {
	for {
		if len(s.left) == 0 {
			if s.block == s.end {
				return false, nil
			}
			to := s.block + 1
			for to < s.end && s.r.offset[to+1]-s.r.offset[s.block] <= scanBytes {
				to++
			}
			var err error
			if s.buf, err = s.r.read(s.buf, s.block, to); err != nil {
				return false, err
			}
			s.at, s.left, s.block = s.r.number[s.block], s.buf, to
		}
		s.upper, s.row, s.left = next(s.left)
		s.n = s.at
		s.at++
		if !s.r.Gone(s.n) {
			return true, nil
		}
	}
}

// Writer writes a run.
type Writer struct {
	r     *Run
	buf   []byte
	done  int64 // bytes written
	begun int64 // of the block
	group int
	upper uint32
	err   error
}

const writeBytes = 256 << 10

// Write begins a run of at most rows rows.
func (d *Dir) Write(rows int) (*Writer, error) {
	f, err := d.create()
	if err != nil {
		return nil, err
	}
	return &Writer{r: &Run{dir: d, f: f, filter: newFilter(rows)}, group: -1}, nil
}

// Add writes a row; they come in the order of key group and upper hash. It returns
// the row's number. An error is kept for Close.
func (w *Writer) Add(group int, upper uint32, row []byte) uint32 {
	r := w.r
	at := w.done + int64(len(w.buf))
	if group != w.group || at-w.begun >= blockBytes && upper != w.upper {
		for ; w.group < group; w.group++ {
			r.groups[w.group+1] = len(r.first)
		}
		r.first, r.number, r.offset = append(r.first, upper), append(r.number, uint32(r.rows)), append(r.offset, at)
		w.begun = at
	}
	w.upper = upper
	w.buf = binary.LittleEndian.AppendUint32(w.buf, upper)
	w.buf = append(binary.AppendUvarint(w.buf, uint64(len(row))), row...)
	r.filter.add(spread(group, upper))
	n := uint32(r.rows)
	r.rows++
	if len(w.buf) >= writeBytes {
		w.flush()
	}
	return n
}

func (w *Writer) flush() {
	if w.err == nil {
		_, w.err = w.r.f.Write(w.buf)
	}
	w.done += int64(len(w.buf))
	w.r.dir.bytes.Add(int64(len(w.buf)))
	w.buf = w.buf[:0]
}

// Close ends the run. On an error nothing is left of it.
func (w *Writer) Close() (*Run, error) {
	w.flush()
	r := w.r
	for ; w.group < Groups; w.group++ {
		r.groups[w.group+1] = len(r.first)
	}
	r.offset = append(r.offset, w.done)
	r.live, r.gone = r.rows, make([]uint64, (r.rows+63)/64)
	if w.err != nil {
		r.Close()
		return nil, r.dir.unwritten(w.err)
	}
	return r, nil
}

// Abort gives up.
func (w *Writer) Abort() {
	w.err = errors.New("given up")
	_, _ = w.Close()
}
