package job

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
)

// task is a DAG of operators run by one goroutine: the vertices with one subtask
// number that no exchange separates.
type task struct {
	*run
	index     int
	vertices  []*vertex // inputs first
	heads     []*vertex
	exchanges []*exchange
	in        []*edge
	mail      *mailbox
	store     state.Store
	room      *operators.Room // nil: no disk
	now       time.Time

	ready []*edge // in-edges with messages
	calls []call
	stale bool // some vertex is
	woken bool // a wake-up came while a sender waited for credit

	watch    stopwatch
	sized    time.Time // when the state was last measured
	held     int       // batches since the last Flush, with mini-batch
	flush    time.Time // when mini-batch flushes at the latest
	ticked   time.Time
	align    alignment
	stopped  bool // heads aren't stepped any more
	finished bool // the coordinator was told that all vertices have ended
	leave    bool // the coordinator has said that it is over
}

func (t *task) clock() time.Time { return t.cfg.Session.Now() }

// open opens the operators, consumers first.
func (t *task) open(ctx context.Context) error {
	t.now = t.clock()
	for i := len(t.vertices) - 1; i >= 0; i-- {
		v := t.vertices[i]
		v.budget = t.cfg.Memory.Part(v.node.Spec.Name())
		v.metrics.LateKept = t.cfg.LateRows
		env := &operators.Env{
			Context: ctx, State: t.opener(v), Subtask: v.subtask, Of: v.node.Parallelism, Session: t.cfg.Session,
			Now:       func() time.Time { return t.now },
			MiniBatch: t.cfg.MiniBatch.Enabled, Restored: t.startedFrom(),
			Rand: t.cfg.Session.Rand(fmt.Sprint(v.identity.Relation, v.identity.Role, v.subtask)),
			Wake: t.mail.signal, Metrics: v.metrics, At: v.node.At,
			Memory: v.budget, Room: t.room,
			Side: func(which operators.Side) operators.Output {
				if which == operators.BadRows {
					return side{v}
				}
				return discard{}
			},
		}
		env.Heard = operators.MinWatermark
		if v.memory != nil {
			env.Heard, env.Ticked = v.memory.Heard, time.UnixMilli(v.memory.Ticked)
		}
		err := v.op.Open(env, v)
		v.opened = true
		if err == nil && len(v.assign) > 0 {
			err = v.head.Assign(v.assign)
		}
		if err != nil {
			return v.fail(err)
		}
	}
	return nil
}

// startedFrom is the checkpoint the job goes on from, 0 for none.
func (r *run) startedFrom() uint64 {
	if r.restored == nil {
		return 0
	}
	return r.restored.N
}

// loop runs until the coordinator says that it is over: a task whose vertices have
// all ended still answers checkpoints.
func (t *task) loop(ctx context.Context) error {
	if err := t.settle(); err != nil { // inputs without a sender have ended
		return err
	}
	for !t.leave {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.now = t.clock()
		moved, err := t.turn()
		if err != nil {
			return err
		}
		if !moved && !t.leave {
			t.sendOpen()
			t.release()
			t.park(ctx)
		} else {
			t.driver.yield(t.index)
		}
	}
	return nil
}

// turn does what there is to do once: calls, timers, messages, a batch of each
// head.
func (t *task) turn() (moved bool, err error) {
	t.drain()
	if err := t.measure(); err != nil {
		return false, err
	}
	if err := t.answer(); err != nil {
		return false, err
	}
	if t.mail.refused.Swap(false) {
		if err := t.refusals(); err != nil {
			return false, err
		}
	}
	if err := t.tick(); err != nil {
		return false, err
	}
	if moved, err = t.receive(); err != nil {
		return moved, err
	}
	rank := t.rank()
	for _, v := range t.heads {
		if v.ended || v.rank > rank || t.align.requested || t.stopped {
			continue
		}
		progress, err := t.step(v)
		if err != nil {
			return moved, err
		}
		moved = moved || progress
	}
	if t.held > 0 && !t.now.Before(t.flush) {
		if err := t.flushAll(); err != nil {
			return moved, err
		}
	}
	for _, x := range t.exchanges {
		if !x.since.IsZero() && t.now.Sub(x.since) >= t.cfg.BufferTimeout {
			x.flush()
		}
	}
	if !t.finished && t.over() {
		t.finished, moved = true, true
		t.coord.finished(t)
	}
	return moved, nil
}

// rank is the lowest of the heads that haven't ended.
func (t *task) rank() int {
	lowest := math.MaxInt
	for _, v := range t.heads {
		if !v.ended {
			lowest = min(lowest, v.rank)
		}
	}
	return lowest
}

// step gives a head its turn.
func (t *task) step(v *vertex) (progress bool, err error) {
	if v.done {
		return true, t.endHead(v)
	}
	from := t.watch.enter(v)
	status, err := v.next(t.cfg.BatchRows)
	t.watch.leave(from)
	if err != nil && !errors.Is(err, operators.Done) {
		return false, v.fail(err)
	}
	if errors.Is(err, operators.Done) || status == operators.Ended {
		return true, t.endHead(v)
	}
	if low, idle := v.head.Low(); low > v.passed || idle != v.idle {
		v.passed, v.idle = max(low, v.passed), idle
		v.metrics.Watermark.Store(v.passed)
		if err := v.mark(); err != nil {
			return false, err
		}
	}
	if err := t.settle(); err != nil {
		return false, err
	}
	if status != operators.Emitted {
		return false, nil
	}
	return true, t.turned()
}

// next asks a head for a batch, and gives it more to read when it has nothing.
func (v *vertex) next(rows int) (operators.Status, error) {
	for {
		status, err := v.head.Next(rows)
		if err != nil || status != operators.NotReady {
			return status, err
		}
		if progress, err := v.nextSplit(); err != nil || !progress {
			return status, err
		}
	}
}

// turned is called after each batch of rows: it counts for mini-batch and ends the
// life of state ids.
func (t *task) turned() error {
	if t.stale {
		if err := t.settle(); err != nil {
			return err
		}
	}
	if t.cfg.MiniBatch.Enabled {
		if t.held++; t.held == 1 {
			t.flush = t.now.Add(t.cfg.MiniBatch.Latency)
		}
		if t.held*t.cfg.BatchRows >= t.cfg.MiniBatch.Size {
			return t.flushAll()
		}
		return nil
	}
	t.store.Release()
	return nil
}

// release ends the life of ids where no row is held back.
func (t *task) release() {
	if t.held == 0 {
		t.store.Release()
	}
}

// flushAll flushes every operator, inputs first.
func (t *task) flushAll() error {
	for _, v := range t.vertices {
		if v.ended {
			continue
		}
		from := t.watch.enter(v)
		err := v.op.Flush()
		t.watch.leave(from)
		if err := v.ignoreDone(err); err != nil {
			return err
		}
	}
	t.held = 0
	t.store.Release()
	return t.settle()
}

// sendOpen sends the open batches of all exchanges.
func (t *task) sendOpen() {
	for _, x := range t.exchanges {
		x.flush()
	}
}

// parkFor is how long a task sleeps at most while it has a clock to watch.
const parkFor = 10 * time.Millisecond

// park waits for a wake-up.
func (t *task) park(ctx context.Context) {
	if t.woken {
		t.woken = false
		return
	}
	wait := 100 * parkFor
	if !t.finished {
		for _, v := range t.vertices {
			if v.ended {
				continue
			}
			if v.head != nil || v.ticker != nil || v.waiting {
				wait = parkFor
			}
		}
		if t.held > 0 {
			wait = min(wait, max(t.flush.Sub(t.now), 0))
		}
	}
	t.driver.park(t.index, ctx, t.mail.wake, wait)
}

// blocked is called by a sender without credit; the stopwatch charges the time to
// whoever sends.
func (t *task) blocked() error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	from := t.watch.enter(nil)
	t.driver.park(t.index, t.ctx, t.mail.wake, 100*parkFor)
	t.woken = true // what woke it may be for the loop
	t.watch.leave(from)
	return nil
}

// close closes the operators and the store.
func (t *task) close() error {
	t.sized = time.Time{}
	_ = t.measure()
	var first error
	for _, v := range t.vertices {
		if !v.opened {
			continue
		}
		if err := v.op.Close(); err != nil && first == nil {
			first = v.fail(err)
		}
		v.budget.Release()
	}
	if err := t.store.Close(); first == nil {
		first = err
	}
	return first
}

// discard is where side rows go when nobody asked for them; operators count them.
type discard struct{}
