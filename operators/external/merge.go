package external

import (
	"bytes"

	"github.com/millrace/millrace/state/spill"
)

// run is sorted records in a file.
type run struct{ at, end int64 }

const (
	// maxRuns is how many runs are merged at a time: each has a buffer.
	maxRuns = 64
	// readBytes and writeBytes are the sizes of buffers.
	readBytes  = 128 << 10
	writeBytes = 256 << 10
)

// writer writes a run at the end of a file, of which nobody else writes meanwhile.
type writer struct {
	file  *spill.Spool
	buf   []byte
	begun bool
	r     run
}

// add writes a record.
func (w *writer) add(rec, _, _ []byte) error {
	if !w.begun {
		w.begun, w.r.at = true, w.file.Len()
	}
	w.buf = append(w.buf, rec...)
	if len(w.buf) < writeBytes {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	_, err := w.file.Put(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *writer) end() (run, error) {
	err := w.flush()
	w.r.end = w.file.Len()
	return w.r, err
}

// reader reads a run.
type reader struct {
	file     *spill.Spool
	left     run
	buf      []byte
	rest     []byte // of buf: records that haven't been read
	class, n uint64 // of the key: number
	rec      []byte
	key, row []byte
	over     bool
}

// next goes to the next record.
func (r *reader) next() error {
	for {
		if n := whole(r.rest); n > 0 {
			r.rec, r.rest = r.rest[:n], r.rest[n:]
			r.key, r.row, _ = record(r.rec)
			r.class, r.n = number(r.key)
			return nil
		}
		if r.left.at == r.left.end {
			r.over = true
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// whole is the length of the first record in b, 0 if it isn't all there.
func whole(b []byte) int {
	k, w := uvarint(b)
	if w == 0 {
		return 0
	}
	n, v := uvarint(b[w:])
	if v == 0 || k+n > len(b)-w-v {
		return 0
	}
	return w + v + k + n
}

// uvarint reads a number as binary.Uvarint does; w is 0 if it isn't all there.
func uvarint(b []byte) (n, w int) {
	for i, c := range b {
		n |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}

// fill reads on, behind what is left in the buffer.
func (r *reader) fill() error {
	size := max(readBytes, 2*len(r.rest))
	size = int(min(int64(size), int64(len(r.rest))+r.left.end-r.left.at))
	buf := r.buf
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	n := copy(buf, r.rest)
	if err := r.file.Read(r.left.at, buf[n:]); err != nil {
		return err
	}
	r.left.at += int64(size - n)
	r.buf, r.rest = buf, buf
	return nil
}

// merge calls f with the records of runs in order: those with equal keys in the order
// of their runs.
func merge(file *spill.Spool, runs []run, f func(rec, key, row []byte) error) error {
	t := tree{readers: make([]reader, len(runs)), losers: make([]int, len(runs))}
	for i, r := range runs {
		t.readers[i] = reader{file: file, left: r}
		if err := t.readers[i].next(); err != nil {
			return err
		}
	}
	t.build()
	for {
		r := &t.readers[t.losers[0]]
		if r.over {
			return nil
		}
		if err := f(r.rec, r.key, r.row); err != nil {
			return err
		}
		if err := r.next(); err != nil {
			return err
		}
		t.replay()
	}
}

// tree is a tree of losers: losers[0] is the reader whose record is the least, and
// each inner node 1..n-1 has the one that lost there. Leaf i is node n+i.
type tree struct {
	readers []reader
	losers  []int
}

// build plays all matches.
func (t *tree) build() {
	n := len(t.readers)
	if n == 1 {
		return
	}
	winners := make([]int, 2*n)
	for i := range n {
		winners[n+i] = i
	}
	for node := n - 1; node > 0; node-- {
		a, b := winners[2*node], winners[2*node+1]
		if t.less(b, a) {
			a, b = b, a
		}
		winners[node], t.losers[node] = a, b
	}
	t.losers[0] = winners[1]
}

// replay plays the matches of the reader that won, which has gone on.
func (t *tree) replay() {
	win := t.losers[0]
	for node := (len(t.readers) + win) / 2; node > 0; node /= 2 {
		if t.less(t.losers[node], win) {
			win, t.losers[node] = t.losers[node], win
		}
	}
	t.losers[0] = win
}

// less says that reader a comes before reader b.
func (t *tree) less(a, b int) bool {
	x, y := &t.readers[a], &t.readers[b]
	switch {
	case x.over || y.over:
		return !x.over
	case x.class != y.class:
		return x.class < y.class
	case x.n != y.n:
		return x.n < y.n
	}
	if c := bytes.Compare(x.key, y.key); c != 0 {
		return c < 0
	}
	return a < b
}

// reduce merges runs that lie side by side until there are no more than can be
// merged at a time.
func (o *Sorter) reduce() error {
	for len(o.runs) > maxRuns {
		to, err := o.Room.Dir.Spool()
		if err != nil {
			return err
		}
		var fewer []run
		for from := 0; from < len(o.runs); from += maxRuns {
			w := writer{file: to}
			if err := merge(o.file, o.runs[from:min(from+maxRuns, len(o.runs))], w.add); err != nil {
				to.Close()
				return err
			}
			r, err := w.end()
			if err != nil {
				to.Close()
				return err
			}
			fewer = append(fewer, r)
		}
		o.file.Close()
		o.file, o.runs = to, fewer
	}
	return nil
}
