package arena

import (
	"sync/atomic"

	"github.com/millrace/millrace/state/spill"
)

// coldRun is rows on disk and what is known of them for checkpoints, by their
// numbers in the run: the same that a tracker knows of rows in memory by their ids.
type coldRun struct {
	*spill.Run
	dirty, based idset
	pending      []marked
}

// marked is the rows that changed up to a checkpoint.
type marked struct {
	n     uint64
	dirty idset
}

// coldCover is what a snapshot has to write of a run: the rows that were there at
// Freeze, or in memory, and haven't come back since. Whoever holds the store's lock
// may look at it.
type coldCover struct {
	run   *coldRun
	todo  idset // neither written nor captured
	dirty idset // what a delta covers
	at    int   // the block the writer comes to next
}

// freeze is table.freeze for the rows on disk. first says that nothing is known of
// changes so far.
func (t *table) freezeCold(c *cover, n uint64, first bool) {
	for _, r := range t.cold.runs {
		if first {
			r.dirty = all(r.Rows())
		}
		r.based.or(r.dirty)
		r.pending = append(r.pending, marked{n, r.dirty})
		x := &coldCover{run: r, todo: all(r.Rows())}
		for w := range x.todo {
			x.todo[w] &^= r.Taken(w)
		}
		for _, m := range r.pending {
			x.dirty.or(m.dirty)
		}
		r.dirty = nil
		c.cold = append(c.cold, x)
	}
}

// all is the numbers below n.
func all(n int) idset {
	b := make(idset, (n+63)/64)
	for w := range b {
		b[w] = ^uint64(0)
	}
	if n%64 != 0 {
		b[n/64] = 1<<(n%64) - 1
	}
	return b
}

func (t *table) confirmCold(n uint64) {
	for _, r := range t.cold.runs {
		for len(r.pending) > 0 && r.pending[0].n <= n {
			r.pending = r.pending[1:]
		}
	}
}

func (t *table) abortCold(n uint64) {
	for _, r := range t.cold.runs {
		for i, m := range r.pending {
			if m.n == n {
				r.dirty.or(m.dirty)
				r.pending = append(append([]marked(nil), r.pending[:i]...), r.pending[i+1:]...)
				break
			}
		}
	}
}

// mover carries what is known of rows along as they're written to a new run.
type mover struct {
	t      *table
	to     *coldRun
	covers []*coldCover // of to, one for each of the table's covers
}

func (t *table) newMover() *mover {
	m := &mover{t: t, to: &coldRun{}}
	for _, f := range t.track.pending {
		m.to.pending = append(m.to.pending, marked{n: f.n})
	}
	for range t.track.covers {
		m.covers = append(m.covers, &coldCover{run: m.to})
	}
	return m
}

// spilled carries the marks of row id, which has the number n in the new run.
func (m *mover) spilled(id, n uint32) {
	k := &m.t.track
	if !k.on {
		return
	}
	if k.dirty.has(id) {
		m.to.dirty.set(n)
	}
	if k.based.has(id) {
		m.to.based.set(n)
	}
	for i := range k.pending {
		if k.pending[i].dirty.has(id) {
			m.to.pending[i].dirty.set(n)
		}
	}
	for i, c := range k.covers {
		if id >= c.next || atomic.LoadUint64(&c.done[id>>6])>>(id&63)&1 != 0 || c.p.over.Load() {
			continue
		}
		m.covers[i].todo.set(n)
		if c.dirty.has(id) {
			m.covers[i].dirty.set(n)
		}
	}
}

// merged carries the marks of a row of another run.
func (m *mover) merged(from *coldRun, old, n uint32) {
	k := &m.t.track
	if !k.on {
		return
	}
	if from.dirty.has(old) {
		m.to.dirty.set(n)
	}
	if from.based.has(old) {
		m.to.based.set(n)
	}
	for i := range from.pending {
		if from.pending[i].dirty.has(old) {
			m.to.pending[i].dirty.set(n)
		}
	}
	for i, c := range k.covers {
		if x := c.coldOf(from); x != nil && x.todo.has(old) {
			m.covers[i].todo.set(n)
			if x.dirty.has(old) {
				m.covers[i].dirty.set(n)
			}
		}
	}
}

// done enters the new run with the covers, in place of runs.
func (m *mover) done(r *spill.Run, gone []*coldRun) {
	m.to.Run = r
	for i, c := range m.t.track.covers {
		for _, g := range gone {
			c.leave(g)
		}
		c.cold = append(c.cold, m.covers[i])
	}
}

// coldOf is what the snapshot has of a run; nil: nothing.
func (c *cover) coldOf(r *coldRun) *coldCover {
	for _, x := range c.cold {
		if x.run == r {
			return x
		}
	}
	return nil
}

// leave forgets a run.
func (c *cover) leave(r *coldRun) {
	for i, x := range c.cold {
		if x.run == r {
			c.cold = append(c.cold[:i:i], c.cold[i+1:]...)
			return
		}
	}
}

// settled says that the rows of a table in memory are none of the snapshot's: they
// are in a run now.
func (c *cover) settled() {
	for w := range c.done {
		atomic.StoreUint64(&c.done[w], ^uint64(0))
	}
}

// came carries the marks of a row that came back as id; before anything else is
// known of id. row is as encodeRow made it, but for its head.
func (t *table) came(r *coldRun, n, id uint32, hash uint64, row []byte) {
	k := &t.track
	if !k.on {
		return
	}
	mark := func(b *idset, on bool) {
		if on {
			b.set(id)
		} else {
			b.unset(id)
		}
	}
	mark(&k.dirty, r.dirty.has(n))
	mark(&k.based, r.based.has(n))
	for i := range k.pending {
		if r.pending[i].dirty.has(n) {
			k.ownPending(i)
			k.pending[i].dirty.set(id)
		} else if k.pending[i].dirty.has(id) {
			k.ownPending(i)
			k.pending[i].dirty.unset(id)
		}
	}
	for _, c := range k.covers {
		if x := c.coldOf(r); x != nil && x.todo.has(n) {
			x.todo.unset(n)
			c.captureRow(hash, row, x.dirty.has(n))
		}
	}
}

// ownPending makes the rows of a pending checkpoint other than those that its
// snapshot's writer may be reading.
func (k *tracker) ownPending(i int) {
	if f := &k.pending[i]; !f.own {
		f.own, f.dirty = true, append(idset(nil), f.dirty...)
	}
}

// captureRow is capture for a row that comes from disk.
func (c *cover) captureRow(hash uint64, row []byte, changed bool) {
	if c.p.over.Load() || !changed && c.changed.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.captured(int(hash % groupsN))
	if changed {
		x.changed = append(appendHead(x.changed, hash), row...)
		x.nChanged++
	} else {
		x.rest = append(appendHead(x.rest, hash), row...)
		x.nRest++
	}
}
