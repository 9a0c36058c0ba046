package lookupjoin

import (
	"container/list"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Cache remembers answers by key: lookup.partial-cache.*.
type Cache struct {
	MaxRows           int64         // 0: no limit
	ExpireAfterWrite  time.Duration // 0: never
	ExpireAfterAccess time.Duration
	Missing           bool // keys without rows are remembered too
}

// Over puts the cache before an asker of rows and keys of the given types.
func (c Cache) Over(a Asker, keys, rows []types.Type, env *operators.Env) Asker {
	return &cached{spec: c, ask: a, keyTs: keys, ts: rows, env: env, of: map[string]*list.Element{}, lru: list.New()}
}

// cached is the answers by key, the least recently used ones at the back of lru.
type cached struct {
	spec      Cache
	ask       Asker
	keyTs, ts []types.Type
	env       *operators.Env
	of        map[string]*list.Element
	lru       *list.List
	held      int64 // rows

	known  []*entry // per key of the question
	where  []int    // of those not known: their place among the misses
	miss   []int32
	keys   batch.Batch
	key    []byte
	answer batch.Batch
	origin []int32

	ready  []*outstanding
	out    map[uint64]*outstanding // by the ticket of what is asked
	ticket uint64
}

// entry is the answer to a key.
type entry struct {
	key              string
	rows             batch.Batch
	written, touched time.Time
}

// Ask answers from memory where it can and asks for the other keys, each once.
func (c *cached) Ask(keys *batch.Batch) (*batch.Batch, []int32, error) {
	now := c.env.Now()
	c.look(keys, now)
	var fresh []*entry
	if len(c.miss) > 0 {
		rows, origin, err := c.ask.Ask(&c.keys)
		if err != nil {
			return nil, nil, err
		}
		fresh = c.remember(c.names(), rows, origin, now)
	}
	rows, origin := c.compose(c.known, c.where, fresh)
	return rows, origin, nil
}

// look finds what is remembered; the other keys, each once, are c.keys.
func (c *cached) look(keys *batch.Batch, now time.Time) {
	c.known, c.miss = c.known[:0], c.miss[:0]
	asked := map[string]int{} // keys of this question: their place among the misses
	c.where = append(c.where[:0], make([]int, keys.Len)...)
	for i := range keys.Len {
		c.key = c.key[:0]
		for k, t := range c.keyTs {
			c.key = batch.AppendKey(c.key, t, &keys.Cols[k], i)
		}
		e := c.find(now)
		c.known = append(c.known, e)
		if e != nil {
			continue
		}
		at, ok := asked[string(c.key)]
		if !ok {
			at = len(c.miss)
			asked[string(c.key)] = at
			c.miss = append(c.miss, int32(i))
		}
		c.where[i] = at
	}
	c.keys.Len = len(c.miss)
	if c.keys.Cols == nil {
		c.keys.Cols = make([]batch.Vector, len(c.keyTs))
	}
	for k, t := range c.keyTs {
		c.keys.Cols[k].Take(t, &keys.Cols[k], c.miss)
	}
}

// compose puts the answer to a question together.
func (c *cached) compose(known []*entry, where []int, fresh []*entry) (*batch.Batch, []int32) {
	c.answer.Reset(c.ts)
	c.origin = c.origin[:0]
	for i, e := range known {
		if e == nil {
			e = fresh[where[i]]
		}
		for r := range e.rows.Len {
			c.answer.AppendRow(c.ts, batch.Insert, &e.rows, r)
			c.origin = append(c.origin, int32(i))
		}
	}
	return &c.answer, c.origin
}

// find is the remembered answer to c.key, nil for none or one too old.
func (c *cached) find(now time.Time) *entry {
	el := c.of[string(c.key)]
	if el == nil {
		return nil
	}
	e := el.Value.(*entry)
	if c.spec.ExpireAfterWrite > 0 && now.Sub(e.written) >= c.spec.ExpireAfterWrite || c.spec.ExpireAfterAccess > 0 && now.Sub(e.touched) >= c.spec.ExpireAfterAccess {
		c.forget(el)
		return nil
	}
	e.touched = now
	c.lru.MoveToFront(el)
	return e
}

func (c *cached) forget(el *list.Element) {
	e := el.Value.(*entry)
	c.held -= int64(max(e.rows.Len, 1))
	delete(c.of, e.key)
	c.lru.Remove(el)
}

// names are the missing keys as they're remembered.
func (c *cached) names() []string {
	out := make([]string, len(c.miss))
	for i := range out {
		c.key = c.key[:0]
		for k, t := range c.keyTs {
			c.key = batch.AppendKey(c.key, t, &c.keys.Cols[k], i)
		}
		out[i] = string(c.key)
	}
	return out
}

// remember keeps the answers to keys that weren't known.
func (c *cached) remember(names []string, rows *batch.Batch, origin []int32, now time.Time) []*entry {
	out := make([]*entry, len(names))
	for i, name := range names {
		e := &entry{key: name, written: now, touched: now}
		e.rows.Reset(c.ts)
		out[i] = e
	}
	for r, k := range origin {
		out[k].rows.AppendRow(c.ts, batch.Insert, rows, r)
	}
	for _, e := range out {
		if e.rows.Len == 0 && !c.spec.Missing {
			continue
		}
		if old := c.of[e.key]; old != nil { // two questions for it were out
			c.forget(old)
		}
		c.of[e.key] = c.lru.PushFront(e)
		c.held += int64(max(e.rows.Len, 1))
		for c.spec.MaxRows > 0 && c.held > c.spec.MaxRows && c.lru.Len() > 1 {
			c.forget(c.lru.Back())
		}
	}
	return out
}

// outstanding is a question that is out for the keys that weren't known.
type outstanding struct {
	ticket uint64
	known  []*entry
	where  []int
	names  []string
}

// Start asks for what isn't remembered. A question of which all is has its answer at once.
func (c *cached) Start(keys *batch.Batch) (uint64, error) {
	c.look(keys, c.env.Now())
	q := &outstanding{known: append([]*entry(nil), c.known...), where: append([]int(nil), c.where...)}
	if len(c.miss) == 0 {
		c.ready = append(c.ready, q)
	} else {
		ticket, err := c.ask.(Questions).Start(&c.keys)
		if err != nil {
			return 0, err
		}
		if q.names = c.names(); c.out == nil {
			c.out = map[uint64]*outstanding{}
		}
		c.out[ticket] = q
	}
	c.ticket++
	q.ticket = c.ticket
	return q.ticket, nil
}

// Poll is the next answer.
func (c *cached) Poll() (uint64, *batch.Batch, []int32, error) {
	if len(c.ready) > 0 {
		q := c.ready[0]
		c.ready = c.ready[1:]
		rows, origin := c.compose(q.known, q.where, nil)
		return q.ticket, rows, origin, nil
	}
	ticket, rows, origin, err := c.ask.(Questions).Poll()
	if err != nil {
		return 0, nil, nil, err
	}
	q := c.out[ticket]
	delete(c.out, ticket)
	rows, origin = c.compose(q.known, q.where, c.remember(q.names, rows, origin, c.env.Now()))
	return q.ticket, rows, origin, nil
}

// Wait waits until there may be an answer.
func (c *cached) Wait() error {
	if len(c.ready) > 0 {
		return nil
	}
	return c.ask.(Questions).Wait()
}

// Close closes what is asked.
func (c *cached) Close() error { return c.ask.Close() }
