package redis

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

// lookup asks for the hashes of all keys of a batch in one trip.
type lookup struct {
	*table
	connectors.Answer
	names []string // of the primary key's columns
	ts    []types.Type

	ctx  context.Context
	conn *redis.Client
	keys []int // columns of cols that are asked by
	from []int // for each column of the primary key: which of keys
	buf  []byte
}

// maxKeys is the most keys in one trip.
const maxKeys = 500

func newLookup(t connectors.Table) (connectors.Lookup, error) {
	var key []int
	var names []string
	for _, k := range t.Key {
		names = append(names, t.Full.Fields[k].Name)
		key = append(key, t.Schema.Index(t.Full.Fields[k].Name)) // -1: the query doesn't read it
	}
	tb, err := newTable(t, key)
	if err != nil {
		return nil, err
	}
	return &lookup{table: tb, names: names, ts: t.Schema.Types()}, nil
}

// OpenLookup connects.
func (l *lookup) OpenLookup(ctx context.Context, keys []int) (connectors.Lookup, error) {
	o := &lookup{table: l.table, names: l.names, ts: l.ts, ctx: ctx, keys: keys}
	for n, k := range l.key {
		at := slices.Index(keys, k)
		if k < 0 || at < 0 {
			return nil, l.errorf("the join doesn't compare primary key column %q, and redis is asked by the whole key; add it to the ON condition", l.names[n])
		}
		o.from = append(o.from, at)
	}
	var err error
	if o.conn, err = o.open(ctx); err != nil {
		return nil, err
	}
	return o, nil
}

// Start asks and waits: the answer is there when it returns.
func (l *lookup) Start(keys *batch.Batch, wake func()) (uint64, error) {
	return l.Ask(l.ts, keys, maxKeys, wake, l.ask)
}

func (l *lookup) ask(keys *batch.Batch, from, to int) error {
	p := l.conn.Pipeline()
	var names []string
	var asked []int
	var answers []*redis.MapStringStringCmd
next:
	for i := from; i < to; i++ {
		for k := range l.keys {
			if keys.Cols[k].Null(i) { // NULL equals nothing
				continue next
			}
		}
		var err error
		if l.buf, err = l.keyOf(l.buf[:0], func(k int) *batch.Vector { return &keys.Cols[l.from[k]] }, i); err != nil {
			return err
		}
		name := string(l.buf)
		names, asked, answers = append(names, name), append(asked, i), append(answers, p.HGetAll(l.ctx, name))
	}
	if len(asked) == 0 {
		return nil
	}
	_, failed := p.Exec(l.ctx)
	for n, a := range answers {
		hash, err := a.Result()
		if err != nil {
			if redis.HasErrorPrefix(err, "WRONGTYPE") {
				return l.notHash(names[n])
			}
			return l.fault(err)
		}
		if len(hash) == 0 {
			continue
		}
		if err := l.take(keys, asked[n], names[n], hash); err != nil {
			return err
		}
	}
	if failed != nil {
		return l.fault(failed)
	}
	return nil
}

func (l *lookup) notHash(key string) error {
	return l.errorf("key %q isn't a hash; delete it, or choose another 'key-prefix'", key)
}

// take appends the row of a hash, unless the columns beside the primary key that are
// asked by have other values.
func (l *lookup) take(keys *batch.Batch, i int, name string, hash map[string]string) error {
	n := l.Rows.Len
	for c, t := range l.ts {
		v := &l.Rows.Cols[c]
		if k := slices.Index(l.key, c); k >= 0 {
			v.Append(t, n, &keys.Cols[l.from[k]], i)
		} else if text, ok := hash[l.cols[c].Name]; !ok {
			v.AppendNull(t, n)
		} else if err := l.read(v, c, n, name, text); err != nil {
			return err
		}
	}
	l.Rows.AppendKind(batch.Insert)
	for k, c := range l.keys {
		if v := &l.Rows.Cols[c]; v.Null(n) || !batch.Equal(l.ts[c], v, n, &keys.Cols[k], i) {
			l.Rows.Len = n
			return nil
		}
	}
	l.Origin = append(l.Origin, int32(i))
	return nil
}

// Close closes the connection.
func (l *lookup) Close() error {
	if l.conn == nil {
		return nil
	}
	return l.conn.Close()
}
