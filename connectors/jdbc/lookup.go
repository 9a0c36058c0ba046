package jdbc

import (
	"context"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// lookup asks for all keys of a batch in one statement: the rows' key columns say
// which keys they answer. The cache, where one is wanted, stands in front of it.
type lookup struct {
	*table
	connectors.Answer
	schema  *types.Schema
	ts      []types.Type
	retries int64

	ctx     context.Context
	conn    sqldb.Conn
	keys    []int
	targets []sqldb.Target
	enc     *sqldb.Encoder // of the key columns
	dec     *sqldb.Decoder
	by      map[string][]int32
	key     []byte
}

// maxLookupKeys is the most keys in one statement.
const maxLookupKeys = 500

func newLookup(t connectors.Table) (connectors.Lookup, error) {
	tb, err := newTable(t)
	if err != nil {
		return nil, err
	}
	if err := (&sqldb.Encoder{Dialect: tb.dialect, Cols: plainTargets(t.Schema)}).Check(); err != nil {
		return nil, tb.errorf("%w", err)
	}
	return &lookup{table: tb, schema: t.Schema, ts: t.Schema.Types(), retries: t.Options.Int("lookup.max-retries")}, nil
}

// OpenLookup connects.
func (l *lookup) OpenLookup(ctx context.Context, keys []int) (connectors.Lookup, error) {
	o := &lookup{table: l.table, schema: l.schema, ts: l.ts, retries: l.retries, ctx: ctx, keys: keys, by: map[string][]int32{}}
	var err error
	if o.conn, err = o.open(ctx); err != nil {
		return nil, err
	}
	if o.targets, _, err = o.targets0(); err != nil {
		o.conn.Close()
		return nil, err
	}
	o.dec = &sqldb.Decoder{Cols: o.targets, Zone: o.zone, Hex: o.dialect.Name() == "postgresql"}
	o.enc = &sqldb.Encoder{Dialect: o.dialect, Zone: o.zone}
	for _, k := range keys {
		o.enc.Cols = append(o.enc.Cols, o.targets[k])
	}
	return o, nil
}

func (l *lookup) targets0() ([]sqldb.Target, []sqldb.Column, error) {
	return l.table.targets(l.ctx, l.conn, l.schema)
}

// Start asks and waits: the answer is there when it returns.
func (l *lookup) Start(keys *batch.Batch, wake func()) (uint64, error) {
	return l.Ask(l.ts, keys, maxLookupKeys, wake, l.ask)
}

func (l *lookup) ask(keys *batch.Batch, from, to int) error {
	clear(l.by)
	var b []byte
	b = append(b, selectList(l.dialect, l.targets)+" FROM "+l.dialect.Table(l.name)+" WHERE "...)
	names := make([]string, len(l.keys))
	for i := range l.keys {
		names[i] = l.dialect.Quote(l.enc.Cols[i].Name)
	}
	if len(names) == 1 {
		b = append(b, names[0]+" IN ("...)
	} else {
		b = append(b, "("+strings.Join(names, ", ")+") IN ("...)
	}
	n := 0
next:
	for i := from; i < to; i++ {
		l.key = l.key[:0]
		for k := range l.keys {
			if keys.Cols[k].Null(i) { // NULL equals nothing
				continue next
			}
			l.key = batch.AppendKey(l.key, l.ts[l.keys[k]], &keys.Cols[k], i)
		}
		old := l.by[string(l.key)]
		l.by[string(l.key)] = append(old, int32(i))
		if len(old) > 0 {
			continue
		}
		if n++; n > 1 {
			b = append(b, ", "...)
		}
		if len(names) > 1 {
			b = append(b, '(')
		}
		for k := range l.keys {
			if k > 0 {
				b = append(b, ", "...)
			}
			var err error
			if b, err = l.enc.Append(b, k, &keys.Cols[k], i); err != nil {
				return l.errorf("%w", err)
			}
		}
		if len(names) > 1 {
			b = append(b, ')')
		}
	}
	if n == 0 {
		return nil
	}
	b = append(b, ')')
	sql := string(b)
	start := l.Rows.Len
	for try := int64(0); ; try++ {
		err := l.conn.Query(l.ctx, sql, l.take)
		if err == nil {
			return nil
		}
		l.Rows.Len, l.Origin = start, l.Origin[:start]
		if try >= l.retries || !l.dialect.Transient(err) || l.ctx.Err() != nil {
			return l.errorf("%w", err)
		}
		l.conn.Close()
		if l.conn, err = l.open(l.ctx); err != nil {
			return err
		}
	}
}

// take keeps a row once for each key it answers. A text that the database's
// collation holds equal but isn't the same doesn't answer.
func (l *lookup) take(cells []sqldb.Cell) error {
	if err := l.dec.Append(&l.Rows, batch.Insert, cells); err != nil {
		return err
	}
	at := l.Rows.Len - 1
	l.key = l.key[:0]
	for _, k := range l.keys {
		l.key = batch.AppendKey(l.key, l.ts[k], &l.Rows.Cols[k], at)
	}
	asked := l.by[string(l.key)]
	if len(asked) == 0 {
		l.Rows.Len--
		return nil
	}
	l.Origin = append(l.Origin, asked[0])
	for _, i := range asked[1:] {
		l.Rows.AppendRow(l.ts, batch.Insert, &l.Rows, at)
		l.Origin = append(l.Origin, i)
	}
	return nil
}

// Close closes the connection.
func (l *lookup) Close() error {
	if l.conn == nil {
		return nil
	}
	return l.conn.Close()
}
