// Package operators is the contract of everything that processes rows: Operator,
// the live thing, and Spec, the same as data, which the planner makes.
//
// A task (package job) feeds batches, watermarks and ends to operators and is
// the only code that tells these apart. An operator receives batches through
// Process and sends batches through its Output. It never sees a channel, a
// barrier or another operator; scan, sink and lookupjoin alone touch the outside.
//
// The contract:
//   - One goroutine calls it. It needs no locks and starts no goroutines.
//   - Process borrows the batch: it must not change or keep it. A batch it emits is
//     borrowed in turn, and reused afterwards.
//   - The error of Emit must be returned at once. Done means that nobody wants more.
//   - With mini-batch off, what follows from a row is emitted in Process, change by
//     change, in row order; Flush has nothing to do. With it on, Flush emits at most
//     once per changed key.
//   - After Flush all that matters is in Env.State: a crash right then loses
//     nothing. There is no Snapshot and no Restore; Open finds the tables as they
//     were. Overdue timers fire before the first row.
//   - Watermark returns less than it was given when rows may still come out behind
//     it (interval join). Results that fire together come out in the order
//     (timestamp, first arrival of the key).
//   - The clock is sampled once per batch handed to a task.
//
// Start with Operator, then Spec in spec.go; optest drives one operator from a
// readable file.
package operators

import (
	"context"
	"errors"
	"math/rand"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Done is what Emit answers when nobody wants more rows. It is per edge and not a
// failure: the operator returns it and is finished.
var Done = errors.New("done")

// MaxWatermark is the watermark of the end of a bounded input; MinWatermark that
// of an input which has not had one.
const (
	MaxWatermark = 1<<63 - 1
	MinWatermark = -1 << 63
)

// Operator is a running operator.
type Operator interface {
	Open(env *Env, out Output) error
	Process(input int, b *batch.Batch) error
	// Watermark says that event time reached ms on every input. It returns what may
	// be passed on.
	Watermark(ms int64) (pass int64, err error)
	// End says that an input has ended; once for each, after its last batch. The
	// watermark MaxWatermark comes before the last End.
	End(input int) error
	Flush() error
	Close() error
}

// Output takes what an operator sends. Emit may block.
type Output interface{ Emit(b *batch.Batch) error }

// Env is what a task gives an operator.
type Env struct {
	Context     context.Context
	State       state.Opener
	Subtask, Of int
	Session     *types.Session
	Now         func() time.Time // sampled once per batch
	MiniBatch   bool             // hold changes back until Flush
	Restored    uint64           // the checkpoint the job goes on from, 0 for none
	// Heard and Ticked are the watermark and the time the operator was last told
	// before that checkpoint: what was due by then has been sent. MinWatermark and
	// zero where there is none. The task tells it the watermark again after Open.
	Heard   int64
	Ticked  time.Time
	Side    func(Side) Output
	Rand    *rand.Rand
	Wake    func() // makes the task call Tick or Next soon; may be called from any goroutine
	Metrics *Metrics
	Memory  *Budget
	Room    *Room // for rows that are kept beside state; nil: no disk
	At      sqlerr.Span
}

// Side names a side output of an operator.
type Side uint8

const (
	LateRows Side = iota // rows too late to count
	BadRows              // rows that couldn't be decoded
)

// Head makes batches instead of receiving them. Scan and Values are heads.
type Head interface {
	Operator
	// Assign adds splits; between two Next calls.
	Assign(add []Assigned) error
	// NoMoreSplits says that Assign won't be called again.
	NoMoreSplits()
	// Positions are the splits at a barrier.
	Positions() []SplitState
	// Next emits one batch of at most rows rows.
	Next(rows int) (Status, error)
	// Low is the watermark over its splits, asked after each Next.
	Low() (ms int64, idle bool)
}

// Status is what Next did.
type Status uint8

const (
	Emitted  Status = iota
	NotReady        // nothing now; it will wake the task
	Ended           // no more rows, ever
)

// Assigned is a split to read and where to start.
type Assigned struct {
	Split SplitRef
	From  []byte // nil: the beginning
	Skip  int    // rows of the batch at From that were sent already
	MaxTs int64  // the greatest timestamp seen, MinWatermark for none
}

// SplitRef identifies a split (connectors.Split, without importing connectors).
type SplitRef struct {
	Name    string
	Data    []byte
	Bounded bool
}

// SplitState is a split's progress.
type SplitState struct {
	Split  SplitRef
	From   []byte
	Skip   int
	MaxTs  int64
	Done   bool
	Result []byte // what the reader left at its end
}

// Ticker is an operator with timers of processing time.
type Ticker interface {
	// Tick tells the time. pass is as in Watermark, MinWatermark for nothing to
	// pass; next is when it wants the next Tick, zero for no need.
	Tick(now time.Time) (pass int64, next time.Time, err error)
}

// Chooser is an operator that wants its inputs one after the other (the build
// side first), in batch mode.
type Chooser interface{ Wants() (input int, any bool) }

// Lingerer still has rows to send after its last End: the task ticks on and sends
// no end while Waiting.
type Lingerer interface{ Waiting() bool }

// Stateless answers everything but Open and Process; embed it. Open stores Out.
type Stateless struct{ Out Output }

// Open keeps the output.
func (s *Stateless) Open(_ *Env, out Output) error { s.Out = out; return nil }

// Watermark passes everything on.
func (s *Stateless) Watermark(ms int64) (int64, error) { return ms, nil }

// End does nothing.
func (s *Stateless) End(int) error { return nil }

// Flush does nothing.
func (s *Stateless) Flush() error { return nil }

// Close does nothing.
func (s *Stateless) Close() error { return nil }
