package spill

import (
	"bytes"
	"slices"
)

// Want is a row that is looked for: by its hash, of which key group and upper half
// count, and its key, which a row begins with.
type Want struct {
	Hash uint64
	Key  []byte
}

func (w *Want) group() int { return int(w.Hash % Groups) }

func (w *Want) upper() uint32 { return uint32(w.Hash >> 32) }

// Taker takes rows out of runs; it keeps what it needs for that from call to call.
type Taker struct {
	may []candidate
	buf []byte
}

// candidate is a block that may have what is wanted.
type candidate struct{ run, block, want int32 }

// Take looks for rows in runs, and takes out those that it finds: f is called for
// each, once, with which is wanted, which run has it and the row's number and bytes, valid
// within the call. Blocks are read in the order they lie in.
func (t *Taker) Take(runs []*Run, want []Want, f func(k, run int, n uint32, row []byte) error) error {
	t.may = t.may[:0]
	for i, r := range runs {
		if r.live == 0 {
			continue
		}
		for k := range want {
			w := &want[k]
			if g, u := w.group(), w.upper(); r.filter.has(spread(g, u)) {
				if b := r.block(g, u); b >= 0 {
					t.may = append(t.may, candidate{int32(i), int32(b), int32(k)})
				}
			}
		}
	}
	slices.SortFunc(t.may, func(a, b candidate) int {
		if a.run != b.run {
			return int(a.run - b.run)
		}
		if a.block != b.block {
			return int(a.block - b.block)
		}
		return int(a.want - b.want)
	})
	t.ahead(runs)
	last := candidate{run: -1}
	for _, c := range t.may {
		r := runs[c.run]
		if c.run != last.run || c.block != last.block {
			var err error
			if t.buf, err = r.read(t.buf, int(c.block), int(c.block)+1); err != nil {
				return err
			}
			last = c
		}
		if n, row := r.find(t.buf, int(c.block), &want[c.want]); row != nil {
			r.Take(n)
			if err := f(int(c.want), int(c.run), n, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// ahead tells the system what will be read, where it takes more than one block.
func (t *Taker) ahead(runs []*Run) {
	if len(t.may) < 2 {
		return
	}
	for i, c := range t.may {
		if i > 0 && t.may[i-1].run == c.run && t.may[i-1].block == c.block {
			continue
		}
		r := runs[c.run]
		willNeed(r.f, r.offset[c.block], r.offset[c.block+1]-r.offset[c.block])
	}
}

// find is the row that is wanted, if it's in the block and hasn't been taken.
func (r *Run) find(b []byte, block int, w *Want) (uint32, []byte) {
	want := w.upper()
	for n := r.number[block]; len(b) > 0; n++ {
		var upper uint32
		var row []byte
		if upper, row, b = next(b); upper < want {
			continue
		}
		if upper > want {
			break
		}
		if !r.Gone(n) && bytes.HasPrefix(row, w.Key) {
			return n, row
		}
	}
	return 0, nil
}
