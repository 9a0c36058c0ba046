// Package feed turns a function that produces rows, blocking as it likes, into a
// connectors.Reader, which never blocks.
//
// The function runs on a goroutine of its own and fills batches; each is sent with
// the position behind it. A few batches wait between the two sides. Start with
// Start.
package feed

import (
	"context"
	"io"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

// waiting is how many batches lie between producer and consumer.
const waiting = 4

// Feed is the consumer's side: a connectors.Reader.
type Feed struct {
	ready  chan item
	free   chan *batch.Batch
	cancel context.CancelFunc
	done   sync.WaitGroup
	held   *batch.Batch
	within Marks
	at     []byte
	closed func() error
}

type item struct {
	b     *batch.Batch
	at    []byte
	marks Marks
	err   error
}

// Marks are the positions within a batch: After is the one behind its first n rows.
type Marks interface{ After(n int) []byte }

// Out is the producer's side.
type Out struct {
	B    *batch.Batch // being filled
	Max  int          // the most rows it should get
	ctx  context.Context
	feed *Feed
	env  connectors.ReadEnv
	ts   []types.Type
}

// Start runs produce, which ends with nil at the end of the split. closed, if not
// nil, is called by Close after produce has returned.
func Start(ctx context.Context, env connectors.ReadEnv, ts []types.Type, from []byte, produce func(ctx context.Context, out *Out) error, closed func() error) *Feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &Feed{ready: make(chan item, waiting), free: make(chan *batch.Batch, waiting+2), cancel: cancel, at: from, closed: closed}
	for range waiting + 2 {
		f.free <- &batch.Batch{}
	}
	out := &Out{Max: max(1, min(env.Rows, batch.MaxRows)), ctx: ctx, feed: f, env: env, ts: ts}
	f.done.Add(1)
	go func() {
		defer f.done.Done()
		out.take()
		err := produce(ctx, out)
		if err == nil {
			err = io.EOF
		}
		select {
		case f.ready <- item{err: err}:
		case <-ctx.Done():
		}
		env.Wake()
	}()
	return f
}

func (o *Out) take() {
	o.B = <-o.feed.free // there are two more than can wait
	o.B.Reset(o.ts)
}

// Send hands the batch over, with the position behind it, and begins the next. An
// empty one moves the position on.
func (o *Out) Send(at []byte) error { return o.SendMarked(at, nil) }

// SendMarked is Send of a batch that can be taken up at any of its rows.
func (o *Out) SendMarked(at []byte, within Marks) error {
	select {
	case o.feed.ready <- item{b: o.B, at: at, marks: within}:
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
	o.env.Wake()
	o.take()
	return nil
}

// Full says that the batch should be sent.
func (o *Out) Full() bool { return o.B.Len >= o.Max }

// Idle says that the consumer has taken everything: a batch shouldn't wait to be
// filled.
func (o *Out) Idle() bool { return len(o.feed.ready) == 0 }

// Next is the next batch.
func (f *Feed) Next() (*batch.Batch, error) {
	if f.held != nil {
		f.free <- f.held
		f.held = nil
	}
	select {
	case x := <-f.ready:
		if x.err != nil {
			f.ready <- x // for ever
			return nil, x.err
		}
		f.held, f.at, f.within = x.b, x.at, x.marks
		return x.b, nil
	default:
		return nil, connectors.ErrNotReady
	}
}

// Within is the position behind the first n rows of the last batch, nil when it has
// none.
func (f *Feed) Within(n int) []byte {
	if f.within == nil {
		return nil
	}
	return f.within.After(n)
}

// Position is behind the last batch.
func (f *Feed) Position() []byte { return f.at }

// Close stops the producer.
func (f *Feed) Close() error {
	f.cancel()
	f.done.Wait()
	if f.closed != nil {
		return f.closed()
	}
	return nil
}
