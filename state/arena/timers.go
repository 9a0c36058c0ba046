package arena

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// timers is a table keyed by (key, ns, ms) with a cell for the order of arrival, and
// a heap over its rows. The heap isn't told of rows that go: an item whose row is
// gone, or another's, is passed over.
type timers struct {
	t     *table
	ts    []types.Type
	heap  []timer
	stale int
	buf   [chunk]timer
	due   []timer // of buf: those being fired, out of the heap
	made  int     // how often the heap was rebuilt: it has what is left of due again
	seq   int64
	one   []batch.Vector // the key of one timer: key, ns, ms
	fired []batch.Vector
	fixed [2][1]int64
	hash  [1]uint64
	id    [1]uint32
	fresh [1]bool
}

type timer struct {
	ms, seq int64
	id      uint32
}

func newTimers(t *table, key []types.Type) *timers {
	n := len(key) + 2
	x := &timers{t: t, ts: key, one: make([]batch.Vector, n), fired: make([]batch.Vector, n)}
	t.moved = x.rebuild
	x.rebuild()
	return x
}

// rebuild makes the heap from the rows.
func (x *timers) rebuild() {
	x.heap, x.stale = x.heap[:0], 0
	x.made++
	x.t.Each(func(id uint32) bool {
		x.id[0] = id
		x.t.Keys(x.id[:], x.fired)
		s := *x.t.I64(0).At(id)
		x.push(timer{x.fired[len(x.ts)+1].I64[0], s, id})
		x.seq = max(x.seq, s)
		return true
	})
}

// find prepares the key of one timer and its hash, whose key group is the key's.
func (x *timers) find(keys []batch.Vector, row int, ns, ms int64) {
	k := len(x.ts)
	for c := range x.ts {
		view(&x.one[c], x.ts[c], &keys[c], row)
	}
	batch.Hash(x.ts, x.one[:k], 1, x.hash[:])
	x.fixed[0][0], x.fixed[1][0] = ns, ms
	x.one[k].I64, x.one[k+1].I64 = x.fixed[0][:], x.fixed[1][:]
	x.hash[0] = timerHash(x.hash[0], ns, ms)
}

// timerHash spreads the timers of one key; their key group is the key's.
func timerHash(key uint64, ns, ms int64) uint64 {
	return mix(mix(key, uint64(ns)), uint64(ms))&^(groupsN-1) | key%groupsN
}

// view makes to one row, row of from.
func view(to *batch.Vector, t types.Type, from *batch.Vector, row int) {
	if from.Null(row) || t.Layout() == types.LayoutStruct {
		*to = batch.Vector{} // what it viewed isn't ours to write to
		to.Prepare(t, 0)
		to.Append(t, 0, from, row)
		return
	}
	*to = batch.Vector{Buf: from.Buf, Kids: from.Kids}
	switch t.Layout() {
	case types.LayoutI64:
		to.I64 = from.I64[row : row+1]
	case types.LayoutF64:
		to.F64 = from.F64[row : row+1]
	case types.LayoutWide:
		to.I64, to.Hi = from.I64[row:row+1], from.Hi[row:row+1]
	default:
		to.Str = from.Str[row : row+1]
	}
}

func (x *timers) Add(keys []batch.Vector, row int, ns, ms int64) {
	x.find(keys, row, ns, ms)
	x.t.Upsert(x.one, x.hash[:], x.id[:], x.fresh[:])
	if !x.fresh[0] {
		return
	}
	x.seq++
	*x.t.I64(0).At(x.id[0]) = x.seq
	x.push(timer{ms, x.seq, x.id[0]})
}

func (x *timers) Delete(keys []batch.Vector, row int, ns, ms int64) {
	x.find(keys, row, ns, ms)
	x.t.Find(x.one, x.hash[:], x.id[:])
	if x.id[0] == 0 {
		return
	}
	x.t.Delete(x.id[:])
	if x.stale++; x.stale > len(x.heap)/2+64 {
		x.rebuild()
	}
}

// live says that an item's row is still that timer.
func (x *timers) live(i timer) bool {
	p := x.t.ptr(i.id)
	return *word(p, 0)&(live|dead) == live && *x.t.I64(0).At(i.id) == i.seq
}

func (x *timers) skip() {
	for len(x.heap) > 0 && !x.live(x.heap[0]) {
		x.pop()
		x.stale--
	}
}

// Fire takes a chunk of timers out of the heap at a time, so that the chunk's rows can
// be prefetched. What the call of one timer changes is heeded before the next.
func (x *timers) Fire(upTo int64, f func(key []batch.Vector, ns, ms int64) error) error {
	for {
		x.skip()
		x.due = x.buf[:0]
		for len(x.heap) > 0 && x.heap[0].ms <= upTo && len(x.due) < chunk {
			x.due = append(x.due, x.pop())
		}
		if len(x.due) == 0 {
			return nil
		}
		if err := x.fire(f); err != nil {
			return err
		}
	}
}

// fire fires x.due, and puts back what is left of it when an earlier timer has come
// or f fails.
func (x *timers) fire(f func(key []batch.Vector, ns, ms int64) error) (err error) {
	k, made := len(x.ts), x.made
	var ids [chunk]uint32
	for n, i := range x.due {
		ids[n] = i.id
	}
	if len(x.due) >= few {
		x.t.fetchRows(ids[:len(x.due)])
	}
	for n := 0; len(x.due) > 0; n++ {
		i := x.due[0]
		if n > 0 && len(x.heap) > 0 && x.heap[0].before(i) {
			break
		}
		if x.due = x.due[1:]; !x.live(i) {
			x.stale--
			continue
		}
		x.t.Keys(ids[n:n+1], x.fired)
		x.t.Delete(ids[n : n+1])
		if err = f(x.fired[:k], x.fired[k].I64[0], i.ms); x.made != made {
			x.due = x.due[:0]
		}
		if err != nil {
			break
		}
	}
	for _, i := range x.due {
		x.push(i)
	}
	x.due = x.due[:0]
	return err
}

func (x *timers) Next() (ms int64, ok bool) {
	if x.skip(); len(x.heap) > 0 {
		ms, ok = x.heap[0].ms, true
	}
	for _, i := range x.due { // within a call of Fire
		if x.live(i) && (!ok || i.ms < ms) {
			ms, ok = i.ms, true
		}
	}
	return ms, ok
}

func (x *timers) Len() int { return x.t.Len() }

func (a timer) before(b timer) bool {
	switch {
	case a.ms != b.ms:
		return a.ms < b.ms
	case a.seq != b.seq:
		return a.seq < b.seq
	}
	return a.id < b.id
}

func (x *timers) push(t timer) {
	h := append(x.heap, t)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !t.before(h[up]) {
			break
		}
		h[i], i = h[up], up
	}
	h[i], x.heap = t, h
}

func (x *timers) pop() timer {
	h := x.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	x.heap = h
	i := 0
	for len(h) > 0 {
		best := 4*i + 1
		if best >= len(h) {
			break
		}
		for c := best + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].before(h[best]) {
				best = c
			}
		}
		if !h[best].before(last) {
			break
		}
		h[i], i = h[best], best
	}
	if len(h) > 0 {
		h[i] = last
	}
	return top
}
