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
	miss   []int32
	keys   batch.Batch
	key    []byte
	answer batch.Batch
	origin []int32
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
	c.known, c.miss = c.known[:0], c.miss[:0]
	asked := map[string]int{} // keys of this question: their place among the misses
	where := make([]int, keys.Len)
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
		where[i] = at
	}
	fresh, err := c.fetch(keys, now)
	if err != nil {
		return nil, nil, err
	}
	c.answer.Reset(c.ts)
	c.origin = c.origin[:0]
	for i, e := range c.known {
		if e == nil {
			e = fresh[where[i]]
		}
		for r := range e.rows.Len {
			c.answer.AppendRow(c.ts, batch.Insert, &e.rows, r)
			c.origin = append(c.origin, int32(i))
		}
	}
	return &c.answer, c.origin, nil
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

// fetch asks for the missing keys and remembers the answers.
func (c *cached) fetch(keys *batch.Batch, now time.Time) ([]*entry, error) {
	if len(c.miss) == 0 {
		return nil, nil
	}
	c.keys.Len = len(c.miss)
	if c.keys.Cols == nil {
		c.keys.Cols = make([]batch.Vector, len(c.keyTs))
	}
	for k, t := range c.keyTs {
		c.keys.Cols[k].Take(t, &keys.Cols[k], c.miss)
	}
	rows, origin, err := c.ask.Ask(&c.keys)
	if err != nil {
		return nil, err
	}
	out := make([]*entry, len(c.miss))
	for i := range out {
		e := &entry{written: now, touched: now}
		c.key = c.key[:0]
		for k, t := range c.keyTs {
			c.key = batch.AppendKey(c.key, t, &c.keys.Cols[k], i)
		}
		e.key = string(c.key)
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
		c.of[e.key] = c.lru.PushFront(e)
		c.held += int64(max(e.rows.Len, 1))
		for c.spec.MaxRows > 0 && c.held > c.spec.MaxRows && c.lru.Len() > 1 {
			c.forget(c.lru.Back())
		}
	}
	return out, nil
}

// Close closes what is asked.
func (c *cached) Close() error { return c.ask.Close() }
