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
	runs   []*coldRun
	files  []*spill.Run // of the runs
	rows   int          // in all runs
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
	if !s.opts.Evict { // then Release holds the lock
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	for held > keep {
		var t *table
		most := keep / 64 // less isn't worth a file
		s.each(func(x *table) {
			if x.spillable() && x.index.n > 0 && x.bytes() > most {
				t, most = x, x.bytes()
			}
		})
		if t == nil {
			return
		}
		if err := t.spill(); err != nil {
			panic(&spill.Failure{Err: err})
		}
		held -= most - t.bytes()
	}
}

func (s *Store) inMemory() int64 {
	n := int64(0)
	s.each(func(t *table) { n += t.bytes() })
	return n
}

// dir is the directory for runs.
func (s *Store) dir() *spill.Dir {
	if s.spills == nil {
		s.spills = &spill.Dir{Path: s.opts.Spill.Dir}
	}
	return s.spills
}

// spill writes all rows of a table to a run, and forgets them. It's called between
// turns, while no snapshot's writer looks.
func (t *table) spill() error {
	w, err := t.store.dir().Write(t.index.n)
	if err != nil {
		return err
	}
	m := t.newMover()
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
				m.spilled(ids[k], w.Add(g, uint32(s>>32), b[rowHead:]))
			}
		}
	}
	r, err := w.Close()
	if err != nil {
		return err
	}
	t.forget()
	m.done(r, nil)
	t.cold.runs = append(t.cold.runs, m.to)
	t.cold.rows += r.Live()
	return t.tidy()
}

// tidy closes runs that have nothing left, and merges when there are many, or much
// in one is gone.
func (t *table) tidy() error {
	c := &t.cold
	defer c.list()
	t.dropEmpty()
	for i, r := range c.runs {
		if r.Live() < r.Rows()/2 {
			one, err := t.merge(c.runs[i : i+1])
			if err != nil {
				return err
			}
			c.runs[i] = one
		}
	}
	if len(c.runs) < maxRuns {
		return nil
	}
	slices.SortFunc(c.runs, func(a, b *coldRun) int { return a.Live() - b.Live() })
	n, sum := 1, c.runs[0].Live()
	for n < len(c.runs) && (n < 4 || c.runs[n].Live() <= sum) {
		sum += c.runs[n].Live()
		n++
	}
	one, err := t.merge(c.runs[:n])
	if err != nil {
		return err
	}
	c.runs = append([]*coldRun{one}, c.runs[n:]...)
	return nil
}

// merge makes one run of runs.
func (t *table) merge(runs []*coldRun) (*coldRun, error) {
	m := t.newMover()
	files := make([]*spill.Run, len(runs))
	for i, r := range runs {
		files[i] = r.Run
	}
	r, err := spill.Merge(t.store.dir(), files, nil, func(i int, from, to uint32) { m.merged(runs[i], from, to) })
	if err != nil {
		return nil, err
	}
	m.done(r, runs)
	return m.to, nil
}

// dropEmpty closes the runs that have nothing left.
func (t *table) dropEmpty() {
	t.cold.runs = slices.DeleteFunc(t.cold.runs, func(r *coldRun) bool {
		if r.Live() > 0 {
			return false
		}
		for _, c := range t.track.covers {
			c.leave(r)
		}
		r.Close()
		return true
	})
}

// list notes the files of the runs.
func (c *cold) list() {
	c.files = c.files[:0]
	for _, r := range c.runs {
		c.files = append(c.files, r.Run)
	}
}

// has says that rows of a key group may be on disk.
func (c *cold) has(group int) bool {
	for _, r := range c.runs {
		if r.Has(group) {
			return true
		}
	}
	return false
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
	k := &t.track
	k.dirty, k.based = nil, nil
	for i := range k.pending {
		k.pending[i].dirty, k.pending[i].own = nil, true
	}
	for _, c := range k.covers {
		c.settled()
	}
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
	if len(t.track.covers) > 0 {
		t.store.mu.Lock()
		defer t.store.mu.Unlock()
	}
	err := c.taker.Take(c.files, c.want, func(k, run int, n uint32, row []byte) error {
		t.comeBack(c.runs[run], n, c.want[k].Hash, row)
		return nil
	})
	if err != nil {
		panic(&spill.Failure{Err: err})
	}
}

// comeBack makes the row that was taken out of a run.
func (t *table) comeBack(r *coldRun, n uint32, hash uint64, row []byte) {
	c := &t.cold
	c.rows--
	if n := len(t.free); n > 0 && len(t.track.covers) > 0 {
		t.track.reuse(t.free[n-1])
	}
	id, _ := c.loader.row(t, row, hash)
	t.index.insert(hash, id)
	t.came(r, n, id, hash, row)
}

// recallAll brings every row back.
func (t *table) recallAll() {
	if t.cold.rows == 0 {
		return
	}
	if len(t.track.covers) > 0 {
		t.store.mu.Lock()
		defer t.store.mu.Unlock()
	}
	for _, r := range t.cold.runs {
		for g := 0; g < groupsN; g++ {
			err := r.Each(g, func(n, upper uint32, row []byte) error {
				r.Take(n)
				t.comeBack(r, n, uint64(upper)<<32|uint64(g), row)
				return nil
			})
			if err != nil {
				panic(&spill.Failure{Err: err})
			}
		}
	}
	t.dropEmpty()
	t.cold.list()
}

// scanRows is how many rows are read from disk together to be scanned.
const scanRows = 16 * batch.MaxRows

// Scan goes through the rows in memory, then through those on disk, which it reads
// into a table of its own: nothing is known of that one's rows, so a checkpoint that is
// being written goes on reading the runs.
func (t *table) Scan(f func(t state.Table, ids []uint32) error) error {
	if err := t.give(f); err != nil || t.cold.rows == 0 {
		return err
	}
	return t.giveCold(f)
}

// give is Scan for the rows in memory.
func (t *table) give(f func(t state.Table, ids []uint32) error) error {
	ids := t.store.scanned[:0]
	t.store.scanned = nil // f may scan too
	defer func() { t.store.scanned = ids }()
	now := t.now()
	for id := uint32(1); id < t.next; id++ {
		if p := t.ptr(id); *word(p, 0)&(live|dead) == live && t.alive(id, now) {
			ids = append(ids, id)
		}
	}
	return t.giveSome(ids, f)
}

func (t *table) giveSome(ids []uint32, f func(t state.Table, ids []uint32) error) error {
	for at := 0; at < len(ids); at += batch.MaxRows {
		if err := f(t, ids[at:min(at+batch.MaxRows, len(ids))]); err != nil {
			return err
		}
	}
	return nil
}

// giveCold is Scan for the rows on disk.
func (t *table) giveCold(f func(t state.Table, ids []uint32) error) error {
	aside := t.copies()
	defer aside.unmap()
	n := 0
	for _, r := range t.cold.runs {
		for g := 0; g < groupsN; g++ {
			if err := aside.copyGroup(r, g, &n, f); err != nil {
				return err
			}
		}
	}
	return aside.give(f)
}

// copies is an empty table for copies of rows on disk.
func (t *table) copies() *table {
	spec := t.spec
	spec.Windowed = false
	aside := newTable(t.store, t.id, spec, false)
	aside.track = tracker{}
	return aside
}

// copyGroup copies the rows of a group in a run to t, which has n, and gives them to f
// whenever there are many.
func (t *table) copyGroup(r *coldRun, g int, n *int, f func(t state.Table, ids []uint32) error) error {
	var l loader
	return r.Each(g, func(_, upper uint32, row []byte) error {
		l.row(t, row, uint64(upper)<<32|uint64(g)) // nobody looks it up: the index isn't told
		if *n++; *n < scanRows {
			return nil
		}
		*n = 0
		err := t.give(f)
		t.clear(false)
		return err
	})
}

// ScanGroup finds the rows in memory by the group's part of the index.
func (t *table) ScanGroup(group int, f func(t state.Table, ids []uint32) error) error {
	ids := t.store.scanned[:0]
	t.store.scanned = nil
	defer func() { t.store.scanned = ids }()
	now := t.now()
	t.index.each(group, func(id uint32) {
		if *word(t.ptr(id), 0)&(live|dead) == live && t.alive(id, now) {
			ids = append(ids, id)
		}
	})
	if err := t.giveSome(ids, f); err != nil || !t.cold.has(group) {
		return err
	}
	aside := t.copies()
	defer aside.unmap()
	n := 0
	for _, r := range t.cold.runs {
		if err := aside.copyGroup(r, group, &n, f); err != nil {
			return err
		}
	}
	return aside.give(f)
}

// OnDisk is how many rows are in runs.
func (t *table) OnDisk() int { return t.cold.rows }

// Aside is made once and emptied.
func (t *table) Aside() state.Table {
	if t.aside == nil {
		t.aside = t.copies()
	} else {
		t.aside.clear(false)
	}
	return t.aside
}

// EndAside forgets it.
func (t *table) EndAside() {
	if t.aside != nil {
		t.aside.unmap()
		t.aside = nil
	}
}

// thaw forgets what lies on disk.
func (c *cold) thaw() {
	for _, r := range c.runs {
		r.Close()
	}
	c.runs, c.files, c.rows = nil, nil, 0
}
