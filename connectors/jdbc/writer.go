package jdbc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors/sqldb"
)

// writer gathers rows in one group while its goroutine writes another. What
// gathers while a statement is under way goes with the next: the busier the
// database, the larger the statements.
type writer struct {
	*sink
	shape *shape
	sql   *sql

	ctx    context.Context
	cancel context.CancelFunc
	conn   sqldb.Conn
	done   chan struct{}

	mu      sync.Mutex
	changed *sync.Cond
	filling *group
	sending bool
	flush   bool // somebody waits for all of it
	due     bool // the interval has passed, or the rows are many
	closed  bool
	err     error

	id string // of exactly-once pendings
}

// maxGathered is how many rows, and maxGatheredBytes how many bytes, gather before
// Write waits.
const (
	maxGathered      = 20_000
	maxGatheredBytes = 8 << 20
)

func newWriter(ctx context.Context, s *sink, conn sqldb.Conn, targets []sqldb.Target) *writer {
	ctx, cancel := context.WithCancel(ctx)
	w := &writer{sink: s, conn: conn, ctx: ctx, cancel: cancel, done: make(chan struct{}), filling: &group{at: map[uint64]int32{}},
		shape: &shape{enc: &sqldb.Encoder{Dialect: s.dialect, Cols: targets, Zone: s.zone}, key: s.key}, sql: newSQL(s.dialect, s.name, targets, s.key)}
	w.changed = sync.NewCond(&w.mu)
	if s.exact {
		var r [12]byte
		_, _ = rand.Read(r[:])
		w.id = hex.EncodeToString(r[:])
		close(w.done)
		return w
	}
	go w.send()
	return w
}

// Write adds rows.
func (w *writer) Write(b *batch.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := func(i int) error {
		if w.err != nil {
			return w.err
		}
		full, err := w.filling.add(w.shape, b, i)
		if err == nil && full {
			if err = w.drain(); err == nil {
				_, err = w.filling.add(w.shape, b, i)
			}
		}
		if err != nil {
			return w.errorf("%w", err)
		}
		return nil
	}
	if b.Sel != nil {
		for _, i := range b.Sel {
			if err := one(int(i)); err != nil {
				return err
			}
		}
	} else {
		for i := range b.Len {
			if err := one(i); err != nil {
				return err
			}
		}
	}
	if w.exact {
		return nil
	}
	if w.maxRows > 0 && len(w.filling.rows) >= w.maxRows && !w.due {
		w.due = true
		w.changed.Broadcast()
	}
	for w.err == nil && (len(w.filling.rows) >= maxGathered || len(w.filling.text) > maxGatheredBytes) {
		w.due = true
		w.changed.Broadcast()
		w.changed.Wait()
	}
	return w.err
}

// drain waits until all that was gathered is written. mu is held.
func (w *writer) drain() error {
	for w.err == nil && (w.sending || len(w.filling.rows) > 0) {
		w.flush = true
		w.changed.Broadcast()
		w.changed.Wait()
	}
	return w.err
}

// send writes groups until the writer is closed.
func (w *writer) send() {
	defer close(w.done)
	spare := &group{at: map[uint64]int32{}}
	var ticker *time.Ticker
	if w.interval > 0 {
		ticker = time.NewTicker(w.interval)
		defer ticker.Stop()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-ticker.C:
					w.mu.Lock()
					w.due = true
					w.changed.Broadcast()
					w.mu.Unlock()
				case <-stop:
					return
				}
			}
		}()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for !w.closed && (len(w.filling.rows) == 0 || !w.due && !w.flush) {
			if len(w.filling.rows) == 0 {
				w.flush, w.due = false, false
			}
			w.changed.Wait()
		}
		if w.closed {
			return
		}
		w.filling, spare = spare, w.filling
		w.sending, w.due, w.flush = true, false, false
		w.changed.Broadcast()
		w.mu.Unlock()
		err := w.write(spare)
		spare.reset()
		w.mu.Lock()
		w.sending = false
		if err != nil && w.err == nil {
			w.err = err
		}
		w.changed.Broadcast()
		if w.err != nil {
			return
		}
	}
}

// write runs a group's statements.
func (w *writer) write(g *group) error {
	return g.statements(w.sql, func(stmt string, tuples [][]byte) error {
		pause := 100 * time.Millisecond
		for try := int64(0); ; try++ {
			err := w.conn.Exec(w.ctx, stmt)
			if err == nil {
				return nil
			}
			if w.ctx.Err() != nil {
				return w.ctx.Err()
			}
			if !w.dialect.Transient(err) {
				return w.errorf("%w%s", err, culprit(err, tuples))
			}
			if try >= w.retries {
				return w.errorf("given up after %d tries: %w", try+1, err)
			}
			select {
			case <-time.After(pause):
			case <-w.ctx.Done():
				return w.ctx.Err()
			}
			pause *= 2
			if sqldb.KindOf(err) == sqldb.Deadlock {
				continue
			}
			w.conn.Close()
			if w.conn, err = w.alone(w.ctx, w.lock); err != nil {
				return err
			}
		}
	})
}

// Flush returns when all is written.
func (w *writer) Flush(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.exact {
		return w.err
	}
	return w.drain()
}

// Prepare writes what is gathered, or hands it over for Commit.
func (w *writer) Prepare(ctx context.Context, n uint64) ([]byte, error) {
	if !w.exact {
		return nil, w.Flush(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.filling.rows) == 0 {
		return nil, nil
	}
	p := pending{ID: w.id, N: n, Job: w.job, Sink: w.path}
	err := w.filling.statements(w.sql, func(stmt string, _ [][]byte) error {
		p.SQL = append(p.SQL, []byte(stmt))
		return nil
	})
	w.filling.reset()
	if err != nil {
		return nil, err
	}
	return p.encode(), nil
}

// Close stops the goroutine. What wasn't flushed isn't written: a run that ends
// flushes first.
func (w *writer) Close() error {
	w.cancel()
	w.mu.Lock()
	w.closed = true
	w.changed.Broadcast()
	w.mu.Unlock()
	<-w.done
	return w.conn.Close()
}
