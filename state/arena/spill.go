package arena

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/spill"
)

// cold is the rows of a table that lie on disk: a table that takes too much room is
// written out whole, and a row comes back when its key is asked for.
type cold struct {
	runs   []*spill.Run
	rows   int // in all runs
	taker  spill.Taker
	want   []spill.Want
	enc    []byte // the keys that are wanted
	loader loader
}

// maxRuns is how many runs a table may have: each is asked for each key that isn't
// in memory.
const maxRuns = 12

// spillable says that a table's rows may go to disk. Timers are found by time, and
// rows that wait for something by their order; a single row would come back at
// once.
func (t *table) spillable() bool {
	return !t.timer && !t.spec.Local && t.key.kind != keyNone
}

// makeRoom writes tables out until the store holds no more than it may.
func (s *Store) makeRoom() {
	held := s.inMemory()
	keep := s.opts.Spill.Keep(held)
	if held <= keep {
		return
	}
	if s.spills == nil {
		s.spills = &spill.Dir{Path: s.opts.Spill.Dir}
	}
	for held > keep {
		var t *table
		most := keep / 64 // less isn't worth a file
		s.all(func(x *table) {
			if x.spillable() && x.index.n > 0 && x.bytes() > most {
				t, most = x, x.bytes()
			}
		})
		if t == nil {
			return
		}
		if err := t.spill(s.spills); err != nil {
			panic(&spill.Failure{Err: err})
		}
		held -= most - t.bytes()
	}
}

// all calls f for every table and slice.
func (s *Store) all(f func(*table)) {
	for _, t := range s.units {
		f(t)
		for _, slice := range t.slices {
			f(slice)
		}
	}
}

func (s *Store) inMemory() int64 {
	n := int64(0)
	s.all(func(t *table) { n += t.bytes() })
	return n
}

// spill writes all rows of a table to a run, and forgets them.
func (t *table) spill(d *spill.Dir) error {
	w, err := d.Write(t.index.n)
	if err != nil {
		return err
	}
	var slots []uint64
	var ids [chunk]uint32
	var b []byte
	for g := 0; g < groupsN; g++ {
		slots = t.index.ordered(g, slots[:0])
		for from := 0; from < len(slots); from += chunk {
			some := slots[from:min(from+chunk, len(slots))]
			for k, s := range some {
				ids[k] = uint32(s)
			}
			t.fetchRows(ids[:len(some)])
			for k, s := range some {
				b = t.encodeRow(b[:0], state.RowThere, ids[k], ids[k], t.ptr(ids[k]))
				w.Add(g, uint32(s>>32), b[rowHead:])
			}
		}
	}
	r, err := w.Close()
	if err != nil {
		return err
	}
	t.forget()
	t.cold.runs = append(t.cold.runs, r)
	t.cold.rows += r.Live()
	return t.tidy(d)
}

// rowHead is what an encoded row has before its key: a mark and the hash.
const rowHead = 9

// tidy closes runs that have nothing left, and merges when there are many, or much
// in one is gone.
func (t *table) tidy(d *spill.Dir) error {
	c := &t.cold
	c.drop()
	for i, r := range c.runs {
		if r.Live() < r.Rows()/2 {
			one, err := spill.Merge(d, c.runs[i:i+1], nil, func(int, uint32, uint32) {})
			if err != nil {
				return err
			}
			c.runs[i] = one
		}
	}
	if len(c.runs) < maxRuns {
		return nil
	}
	slices.SortFunc(c.runs, func(a, b *spill.Run) int { return a.Live() - b.Live() })
	n, sum := 1, c.runs[0].Live()
	for n < len(c.runs) && (n < 4 || c.runs[n].Live() <= sum) {
		sum += c.runs[n].Live()
		n++
	}
	one, err := spill.Merge(d, c.runs[:n], nil, func(int, uint32, uint32) {})
	if err != nil {
		return err
	}
	c.runs = append([]*spill.Run{one}, c.runs[n:]...)
	return nil
}

// drop closes the runs that have nothing left.
func (c *cold) drop() {
	c.runs = slices.DeleteFunc(c.runs, func(r *spill.Run) bool {
		if r.Live() > 0 {
			return false
		}
		r.Close()
		return true
	})
}

// ordered appends the slots of a key group, ascending. They nearly lie so.
func (x *index) ordered(group int, to []uint64) []uint64 {
	g := &x.groups[group]
	if !g.made {
		return to
	}
	wrapped := uint32(0) // those at the beginning that belong to the end
	for pos := uint32(0); pos <= g.mask(); pos++ {
		s := *x.slot(g, pos)
		if s == 0 {
			break
		}
		if g.home(uint32(s>>32)) > pos {
			wrapped = pos + 1
		}
	}
	for pos := wrapped; pos <= g.mask(); pos++ {
		if s := *x.slot(g, pos); s != 0 {
			to = append(to, s)
		}
	}
	for pos := uint32(0); pos < wrapped; pos++ {
		to = append(to, *x.slot(g, pos))
	}
	for i := 1; i < len(to); i++ {
		for k := i; k > 0 && to[k-1] > to[k]; k-- {
			to[k-1], to[k] = to[k], to[k-1]
		}
	}
	return to
}

// forget empties a table whose rows are elsewhere, and gives its memory back.
func (t *table) forget() {
	track := t.track
	t.clear(true)
	t.track = track
}

// recall brings the rows of keys back that lie on disk.
func (t *table) recall(keys []batch.Vector, hashes []uint64) {
	c := &t.cold
	t.key.prepare(keys, len(hashes))
	c.want, c.enc = c.want[:0], c.enc[:0]
	for from := 0; from < len(hashes); from += chunk {
		to := min(from+chunk, len(hashes))
		if t.index.cold() {
			t.fetch(hashes[from:to])
		}
		for k := from; k < to; k++ {
			if t.lookup(k, hashes[k]) == 0 {
				at := len(c.enc)
				c.enc = t.key.encoded(c.enc, k)
				c.want = append(c.want, spill.Want{Hash: hashes[k], Key: c.enc[at:]})
			}
		}
	}
	if len(c.want) == 0 {
		return
	}
	at := 0
	for i := range c.want { // c.enc may have moved
		w := &c.want[i]
		n := len(w.Key)
		w.Key = c.enc[at : at+n]
		at += n
	}
	err := c.taker.Take(c.runs, c.want, func(k int, _ *spill.Run, _ uint32, row []byte) error {
		t.comeBack(c.want[k].Hash, row)
		return nil
	})
	if err != nil {
		panic(&spill.Failure{Err: err})
	}
}

// comeBack makes the row that was taken out of a run.
func (t *table) comeBack(hash uint64, row []byte) {
	c := &t.cold
	c.rows--
	id, _ := c.loader.row(t, row, hash)
	t.index.insert(hash, id)
}

// recallAll brings every row back.
func (t *table) recallAll() {
	if t.cold.rows == 0 {
		return
	}
	for _, r := range t.cold.runs {
		for g := 0; g < groupsN; g++ {
			err := r.Each(g, func(_, upper uint32, row []byte) error {
				t.comeBack(uint64(upper)<<32|uint64(g), row)
				return nil
			})
			if err != nil {
				panic(&spill.Failure{Err: err})
			}
		}
		r.Close()
	}
	t.cold.runs = t.cold.runs[:0]
}

// thaw forgets what lies on disk.
func (c *cold) thaw() {
	for _, r := range c.runs {
		r.Close()
	}
	c.runs, c.rows = nil, 0
}
