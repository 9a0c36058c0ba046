package redis

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
)

// sink writes rows by key: a row that is written again ends as the same hash, so a
// crash leaves nothing behind.
type sink struct{ *table }

func newSink(t connectors.Table) (connectors.Sink, error) {
	tb, err := newTable(t, t.Key)
	if err != nil {
		return nil, err
	}
	return &sink{tb}, nil
}

// Changes: all but -U.
func (s *sink) Changes(query batch.Changes) batch.Changes {
	query.Kinds &^= batch.UpdateBefore.Set()
	return query
}

// Guarantee is what EXPLAIN says of a crash.
func (s *sink) Guarantee() string { return "exactly once by key" }

// Idempotent: rows written again end as the same rows.
func (s *sink) Idempotent() bool { return true }

// Open connects.
func (s *sink) Open(ctx context.Context, _ connectors.WriterEnv) (connectors.Writer, error) {
	c, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{sink: s, conn: c, isKey: make([]bool, len(s.cols))}
	w.ctx, w.cancel = context.WithCancel(ctx)
	for _, k := range s.key {
		w.isKey[k] = true
	}
	return w, nil
}

// Commit has nothing to do: rows are there when Write returns.
func (s *sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}

// Abandon has nothing to end.
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }

// writer writes each batch in one transaction, before Write returns: nothing gathers.
type writer struct {
	*sink
	ctx    context.Context
	cancel context.CancelFunc
	conn   *redis.Client
	isKey  []bool
	buf    []byte
}

// Write sends DEL and, of rows that stay, HSET.
func (w *writer) Write(b *batch.Batch) error {
	p := w.conn.TxPipeline()
	for r := range b.Rows() {
		i := r
		if b.Sel != nil {
			i = int(b.Sel[r])
		}
		var err error
		if w.buf, err = w.keyOf(w.buf[:0], func(k int) *batch.Vector { return &b.Cols[w.key[k]] }, i); err != nil {
			return err
		}
		key := string(w.buf)
		p.Del(w.ctx, key)
		if b.Kind(i).Sign() < 0 { // -U too: its +U may have been filtered out
			continue
		}
		var fields []any
		for c, f := range w.cols {
			if v := &b.Cols[c]; !w.isKey[c] && !v.Null(i) {
				w.buf = appendText(w.buf[:0], f.Type, v, i)
				fields = append(fields, f.Name, string(w.buf))
			}
		}
		if len(fields) == 0 { // a hash without fields isn't there
			fields = append(fields, "", "")
		}
		p.HSet(w.ctx, key, fields...)
	}
	if p.Len() == 0 {
		return nil
	}
	if _, err := p.Exec(w.ctx); err != nil {
		return w.fault(err)
	}
	return nil
}

// Flush has nothing to do.
func (w *writer) Flush(context.Context) error { return nil }

// Prepare has nothing to do.
func (w *writer) Prepare(context.Context, uint64) ([]byte, error) { return nil, nil }

// Close closes the connection.
func (w *writer) Close() error {
	w.cancel()
	return w.conn.Close()
}
