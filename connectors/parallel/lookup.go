// Package parallel asks look-up tables over several connections side by side.
//
// Open gives a connectors.Lookup that takes as many questions at a time as it may
// have connections; each is asked by a goroutine with a connection of its own, opened
// when all others have their hands full. Answers come in the order in which they arrive.
package parallel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

// Lookup is questions to a table.
type Lookup struct {
	ctx     context.Context
	cancel  context.CancelFunc
	table   connectors.LookupOpener
	keys    []int
	ts      []types.Type
	most    int
	timeout time.Duration
	workers sync.WaitGroup

	mu      sync.Mutex // of what follows
	idle    []*worker
	opened  int
	answers []*question
	wake    func()

	ticket uint64
	given  *question // its answer is borrowed by whoever polled
	free   []*question
}

// question is keys and, later, their answer.
type question struct {
	ticket uint64
	keys   batch.Batch
	rows   *batch.Batch
	origin []int32
	err    error
	by     *worker
}

// worker is a connection.
type worker struct {
	todo   chan *question
	lookup connectors.Lookup
}

// Open makes look-ups of a table by key columns of the given types, at most `most`
// questions at a time. One that isn't answered within timeout is an error; 0: never.
func Open(ctx context.Context, table connectors.LookupOpener, keys []int, ts []types.Type, most int, timeout time.Duration) *Lookup {
	l := &Lookup{table: table, keys: keys, ts: ts, most: most, timeout: timeout}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

// Start hands the keys to a connection that is idle, or to a new one. ErrBusy means
// that all are asking.
func (l *Lookup) Start(keys *batch.Batch, wake func()) (uint64, error) {
	l.mu.Lock()
	l.wake = wake
	var w *worker
	if n := len(l.idle); n > 0 {
		w, l.idle = l.idle[n-1], l.idle[:n-1]
	} else if l.opened < l.most {
		w = &worker{todo: make(chan *question, 1)}
		l.opened++
		l.workers.Add(1)
		go l.work(w)
	}
	l.mu.Unlock()
	if w == nil {
		return 0, connectors.ErrBusy
	}
	q := &question{}
	if n := len(l.free); n > 0 {
		q, l.free = l.free[n-1], l.free[:n-1]
	}
	l.ticket++
	q.ticket, q.by = l.ticket, w
	q.keys.Reset(l.ts)
	for i := range keys.Len {
		q.keys.AppendRow(l.ts, batch.Insert, keys, i)
	}
	w.todo <- q // it has room: the worker had nothing to do
	return q.ticket, nil
}

// Poll gives the next answer, which is good until the next Poll.
func (l *Lookup) Poll() (uint64, *batch.Batch, []int32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.given; g != nil { // its rows are no longer wanted, so its connection may ask again
		l.idle, l.free, l.given = append(l.idle, g.by), append(l.free, g), nil
	}
	if len(l.answers) == 0 {
		return 0, nil, nil, connectors.ErrNotReady
	}
	q := l.answers[0]
	l.answers, l.given = l.answers[1:], q
	return q.ticket, q.rows, q.origin, q.err
}

// work answers questions until the look-up is closed.
func (l *Lookup) work(w *worker) {
	defer l.workers.Done()
	defer func() {
		if w.lookup != nil {
			w.lookup.Close()
		}
	}()
	ctx, cancel := context.WithCancelCause(l.ctx)
	defer cancel(nil)
	woken := make(chan struct{}, 1)
	for {
		select {
		case q := <-w.todo:
			if l.timeout > 0 {
				timer := time.AfterFunc(l.timeout, func() { cancel(fmt.Errorf("no answer within %s", l.timeout)) })
				q.rows, q.origin, q.err = l.ask(ctx, w, q, woken)
				timer.Stop()
			} else {
				q.rows, q.origin, q.err = l.ask(ctx, w, q, woken)
			}
			if q.err != nil && context.Cause(ctx) != nil {
				q.err = context.Cause(ctx)
			}
			l.mu.Lock()
			l.answers = append(l.answers, q)
			wake := l.wake
			l.mu.Unlock()
			wake()
		case <-l.ctx.Done():
			return
		}
	}
}

// ask asks one question and waits for its answer.
func (l *Lookup) ask(ctx context.Context, w *worker, q *question, woken chan struct{}) (*batch.Batch, []int32, error) {
	if w.lookup == nil {
		var err error
		if w.lookup, err = l.table.OpenLookup(ctx, l.keys); err != nil {
			return nil, nil, err
		}
	}
	ticket, err := w.lookup.Start(&q.keys, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	for err == nil {
		t, rows, origin, perr := w.lookup.Poll()
		switch {
		case errors.Is(perr, connectors.ErrNotReady):
			select {
			case <-woken:
			case <-ctx.Done():
				err = ctx.Err()
			}
		case perr != nil || t == ticket:
			return rows, origin, perr
		}
	}
	return nil, nil, err
}

// Close ends the questions that are being asked and closes the connections.
func (l *Lookup) Close() error {
	l.cancel()
	l.workers.Wait()
	return nil
}
