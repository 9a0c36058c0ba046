package arena

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// timers is a table keyed by (key, ns, ms) with a cell for the order of arrival, and
// a queue of its rows. The queue isn't told of rows that go: an item whose row is
// gone, or another's, is passed over.
type timers struct {
	t      *table
	ts     []types.Type
	queue  queue
	stale  int
	buf    [chunk]timer
	due    []timer // of buf: those being fired, out of the queue
	made   int     // how often the queue was rebuilt: it has what is left of due again
	seq    int64
	one    []batch.Vector // the key of one timer: key, ns, ms
	many   []batch.Vector // the keys of several
	hashes []uint64
	ids    []uint32
	news   []bool
	fired  []batch.Vector
	fixed  [2][1]int64
	hash   [1]uint64
	id     [1]uint32
	fresh  [1]bool
}

func newTimers(t *table, key []types.Type) *timers {
	n := len(key) + 2
	x := &timers{t: t, ts: key, one: make([]batch.Vector, n), many: make([]batch.Vector, n), fired: make([]batch.Vector, n)}
	t.moved = x.rebuild
	x.rebuild()
	return x
}

// rebuild makes the queue from the rows.
func (x *timers) rebuild() {
	x.stale = 0
	x.made++
	var all []timer
	key, one := make([]batch.Vector, len(x.ts)+2), make([]uint32, 1) // fired may be somebody's
	x.t.Each(func(id uint32) bool {
		one[0] = id
		x.t.Keys(one, key)
		s := *x.t.I64(0).At(id)
		all = append(all, timer{key[len(x.ts)+1].I64[0], s, id})
		x.seq = max(x.seq, s)
		return true
	})
	x.queue.fill(all)
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
	x.queue.push(timer{ms, x.seq, x.id[0]})
}

func (x *timers) AddAll(keys []batch.Vector, hashes []uint64, rows []int32, ns, ms []int64) {
	n, k := len(rows), len(x.ts)
	for c, t := range x.ts {
		x.many[c].Take(t, &keys[c], rows)
	}
	x.many[k].I64, x.many[k+1].I64 = ns[:n], ms[:n]
	x.hashes, x.ids, x.news = grow(x.hashes, n), grow(x.ids, n), grow(x.news, n)
	for i, r := range rows {
		x.hashes[i] = timerHash(hashes[r], ns[i], ms[i])
	}
	x.t.Upsert(x.many, x.hashes, x.ids, x.news)
	order := x.t.I64(0)
	for i, id := range x.ids {
		if x.news[i] {
			x.seq++
			*order.At(id) = x.seq
			x.queue.push(timer{ms[i], x.seq, id})
		}
	}
}

func (x *timers) Delete(keys []batch.Vector, row int, ns, ms int64) {
	x.find(keys, row, ns, ms)
	x.t.Find(x.one, x.hash[:], x.id[:])
	if x.id[0] == 0 {
		return
	}
	x.t.Delete(x.id[:])
	if x.stale++; x.stale > x.queue.n/2+64 {
		x.rebuild()
	}
}

// live says that an item's row is still that timer.
func (x *timers) live(i timer) bool {
	p := x.t.ptr(i.id)
	return *word(p, 0)&(live|dead) == live && *x.t.I64(0).At(i.id) == i.seq
}

// next is the first timer in the queue.
func (x *timers) next() (t timer, ok bool) {
	for {
		if t, ok = x.queue.first(); !ok || x.live(t) {
			return t, ok
		}
		x.queue.pop()
		x.stale--
	}
}

// take takes a chunk of timers out of the queue, so that the chunk's rows can be
// prefetched.
func (x *timers) take(upTo int64) bool {
	x.due = x.buf[:0]
	for len(x.due) < chunk {
		t, ok := x.queue.first()
		if !ok || t.ms > upTo {
			break
		}
		x.queue.pop()
		x.due = append(x.due, t)
	}
	if len(x.due) >= few {
		var ids [chunk]uint32
		for n, i := range x.due {
			ids[n] = i.id
		}
		x.t.fetchRows(ids[:len(x.due)])
	}
	return len(x.due) > 0
}

// Fire heeds what the call of one timer changes before the next.
func (x *timers) Fire(upTo int64, f func(key []batch.Vector, ns, ms int64) error) error {
	for x.take(upTo) {
		if err := x.fire(f); err != nil {
			return err
		}
	}
	return nil
}

// fire fires x.due, and puts back what is left of it when an earlier timer has come
// or f fails.
func (x *timers) fire(f func(key []batch.Vector, ns, ms int64) error) (err error) {
	k, made := len(x.ts), x.made
	for n := 0; len(x.due) > 0; n++ {
		i := x.due[0]
		if first, ok := x.queue.first(); n > 0 && ok && first.before(i) {
			break
		}
		if x.due = x.due[1:]; !x.live(i) {
			x.stale--
			continue
		}
		x.id[0] = i.id
		x.t.Keys(x.id[:], x.fired)
		x.t.Delete(x.id[:])
		if err = f(x.fired[:k], x.fired[k].I64[0], i.ms); x.made != made {
			x.due = x.due[:0]
		}
		if err != nil {
			break
		}
	}
	for _, i := range x.due {
		x.queue.push(i)
	}
	x.due = x.due[:0]
	return err
}

func (x *timers) FireAll(upTo int64, f func(keys []batch.Vector, ns, ms []int64) error) error {
	k := len(x.ts)
	for x.take(upTo) {
		x.ids = x.ids[:0]
		for _, i := range x.due {
			if !x.live(i) {
				x.stale--
				continue
			}
			x.ids = append(x.ids, i.id)
		}
		if x.due = x.due[:0]; len(x.ids) == 0 {
			continue
		}
		x.t.Keys(x.ids, x.fired)
		x.t.Delete(x.ids)
		if err := f(x.fired[:k], x.fired[k].I64, x.fired[k+1].I64); err != nil {
			return err
		}
	}
	return nil
}

func (x *timers) Next() (ms int64, ok bool) {
	if t, some := x.next(); some {
		ms, ok = t.ms, true
	}
	for _, i := range x.due { // within a call of Fire
		if x.live(i) && (!ok || i.ms < ms) {
			ms, ok = i.ms, true
		}
	}
	return ms, ok
}

func (x *timers) Len() int { return x.t.Len() }
