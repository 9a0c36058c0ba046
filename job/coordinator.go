package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// coordinator asks for barriers, makes a checkpoint of what the tasks acknowledge,
// commits the sinks, looks for new splits, and ends the job. It is an actor beside
// the tasks; what they tell it waits in events.
type coordinator struct {
	confirming map[any]*atomic.Bool // sources that are being told of a checkpoint, by node
	*run
	index int
	wake  chan struct{}

	mu     sync.Mutex
	events []event
	last   request // the last that was made
	stats  checkpointStats

	at       *attempt
	n        uint64 // the last checkpoint's number
	next     time.Time
	ended    time.Time // when the last attempt ended
	soon     bool      // a sink's last input has ended
	left     int       // tasks that haven't finished
	failures int       // checkpoints that failed in a row
	stopping bool
	stopBy   time.Time
	listed   []time.Time // when each source was last asked for new splits
	reported time.Time
	kept     map[*physical.Node][][]byte // what commits have kept
	chain    chain
	orders   []*SavepointOrder // not yet begun
	stop     *SavepointOrder   // the job ends with this one
	draining bool
	over     bool
}

// attempt is a checkpoint under way.
type attempt struct {
	request
	began time.Time
	acks  []ack
	bytes int64 // of the state files it names
}

// ack is a task's part of a checkpoint.
type ack struct {
	n        uint64
	task     int
	vertices []vertexAck
	snapshot state.Snapshot
	memory   int64         // bytes of state
	pause    time.Duration // of the task: flushing, what sinks prepare, Freeze
	freeze   time.Duration // of that, Freeze
	files    []checkpoint.StateFile
	err      error
}

// vertexAck is what a checkpoint keeps of a vertex beside its state.
type vertexAck struct {
	vertex    *vertex
	marks     checkpoint.Marks
	keys      int64
	splits    []operators.SplitState
	pending   []pending
	watermark int64 // a sink's, for Commit
}

// pending is a transaction of a sink.
type pending struct {
	n    uint64
	data []byte
}

// event is what a task tells.
type event struct {
	ack      *ack
	order    *SavepointOrder
	finished bool
	sink     bool
}

func newCoordinator(r *run) *coordinator {
	return &coordinator{run: r, wake: make(chan struct{}, 1), kept: map[*physical.Node][][]byte{}}
}

func (c *coordinator) tell(e event) {
	c.mu.Lock()
	c.events = append(c.events, e)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *coordinator) finished(*task)    { c.tell(event{finished: true}) }
func (c *coordinator) sinkEnded(*vertex) { c.tell(event{sink: true}) }

// request is what barrier n was asked for with.
func (c *coordinator) request(n uint64) request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.n == n {
		return c.last
	}
	return request{n: n}
}

// loop runs until the job is over. soft is the user's context: when it is done the
// job is stopped in good order.
func (c *coordinator) loop(soft context.Context) error {
	c.left = len(c.tasks)
	now := c.cfg.Session.Now()
	c.next, c.reported = now.Add(c.interval()), now
	c.listed = make([]time.Time, len(c.sources))
	for i := range c.listed {
		c.listed[i] = now
	}
	for !c.over {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.turn(soft, c.cfg.Session.Now()); err != nil {
			return err
		}
		if c.over {
			break
		}
		waitFor := soft
		if c.stopping {
			waitFor = c.ctx
		}
		c.driver.park(c.index, waitFor, c.wake, c.pause(c.cfg.Session.Now()))
	}
	for _, t := range c.tasks {
		t.mail.call(call{kind: leaveCall})
	}
	return nil
}

// pause is how long there is nothing to do but to listen.
func (c *coordinator) pause(now time.Time) time.Duration {
	d := reportEvery
	if c.interval() > 0 && c.at == nil {
		d = min(d, c.next.Sub(now))
	}
	for i := range c.sources {
		if every := c.sources[i].every(); every > 0 && !c.stopping {
			d = min(d, c.listed[i].Add(every).Sub(now))
		}
	}
	return max(d, time.Millisecond)
}

// turn does what is due.
func (c *coordinator) turn(soft context.Context, now time.Time) error {
	c.mu.Lock()
	events := c.events
	c.events = nil
	c.mu.Unlock()
	for _, e := range events {
		if err := c.event(e, now); err != nil {
			return err
		}
	}
	if c.over {
		return nil
	}
	c.progress(now)
	if err := c.discover(now); err != nil {
		return err
	}
	if soft.Err() != nil && !c.stopping {
		c.stopping, c.stopBy = true, now.Add(stopTimeout)
	}
	if c.at != nil && c.left == 0 && c.at.periodic() {
		c.drop()
	}
	if c.at != nil {
		if now.Sub(c.at.began) >= c.cfg.Checkpoint.Timeout {
			return c.giveUp(fmt.Errorf("checkpoint %d took longer than %v", c.at.n, c.cfg.Checkpoint.Timeout), now)
		}
		if c.stopping && !now.Before(c.stopBy) {
			return fmt.Errorf("the job didn't stop within %v; what was written since the last checkpoint isn't published", stopTimeout)
		}
		return nil
	}
	switch {
	case len(c.orders) > 0:
		o := c.orders[0]
		c.orders = c.orders[1:]
		return c.begin(request{durable: true, order: o, stop: o.last, final: o.last && c.left == 0}, now)
	case c.left == 0:
		return c.begin(request{durable: c.durable(), final: true, stop: true}, now)
	case c.stopping && !c.draining:
		return c.begin(request{durable: c.durable(), stop: true}, now)
	case c.soon && c.publishes() && !now.Before(c.ended.Add(c.cfg.Checkpoint.MinPause)):
		return c.begin(request{durable: c.durable()}, now)
	case c.interval() > 0 && !now.Before(c.next):
		return c.begin(request{durable: c.durable()}, now)
	}
	return nil
}

func (c *coordinator) event(e event, now time.Time) error {
	switch {
	case e.finished:
		c.left--
	case e.sink:
		c.soon = true
	case e.order != nil:
		c.ordered(e.order)
	case e.ack != nil:
		return c.acknowledged(*e.ack, now)
	}
	return nil
}

// stopTimeout is how long a stop in good order may take.
const stopTimeout = 15 * time.Second

// durable says that checkpoints are kept.
func (c *coordinator) durable() bool { return c.cfg.Checkpoint.Dir != nil }

// publishes says that a sink waits for barriers.
func (c *coordinator) publishes() bool {
	for _, n := range c.graph.Nodes {
		if _, ok := n.Spec.(*sink.Spec); ok {
			return true
		}
	}
	return false
}

// interval is the time between barriers, 0 for none.
func (c *coordinator) interval() time.Duration {
	if c.durable() || c.publishes() {
		return c.cfg.Checkpoint.Interval
	}
	return 0
}

// begin asks every task for a barrier. With nothing to keep and nothing to publish
// a job ends without.
func (c *coordinator) begin(r request, now time.Time) error {
	if r.stop && !c.durable() && !c.publishes() && r.order == nil {
		if !c.lastOrder() {
			c.over = true
		}
		return nil
	}
	c.n++
	r.n, r.delta, r.dropped = c.n, r.durable && r.order == nil && !c.chain.wantsBase(), &atomic.Bool{}
	c.mu.Lock()
	c.last = r
	c.mu.Unlock()
	c.at, c.soon = &attempt{request: r, began: now}, false
	for _, t := range c.tasks {
		t.mail.call(call{kind: barrierCall, request: r})
	}
	return nil
}

// periodic says that it was made because it was time.
func (at *attempt) periodic() bool { return at.order == nil && !at.stop && !at.final }

// drop gives up a checkpoint under way, because a later one makes it useless: what it
// has prepared is part of that one.
func (c *coordinator) drop() {
	c.at.dropped.Store(true)
	for _, t := range c.tasks {
		t.mail.call(call{kind: abortCall, n: c.at.n})
	}
	c.at = nil
}

// acknowledge is a task's answer, from its goroutine: the state is written beside
// it.
func (c *coordinator) acknowledge(a ack, r request) {
	if a.snapshot == nil {
		c.tell(event{ack: &a})
		return
	}
	c.driver.background(func() {
		defer a.snapshot.Release()
		a.files, a.err = c.save(&a, r)
		c.tell(event{ack: &a})
	})
}

func (c *coordinator) acknowledged(a ack, now time.Time) error {
	if c.at == nil || a.n != c.at.n {
		return nil // of one that was given up
	}
	c.at.acks = append(c.at.acks, a)
	if a.err != nil {
		return c.giveUp(a.err, now)
	}
	if len(c.at.acks) < len(c.tasks) {
		return nil
	}
	return c.complete(now)
}

// complete makes the checkpoint exist, tells the tasks, and commits. A savepoint of
// a job that runs on is no part of its own recovery: what is pending stays so, and
// what has changed still has.
func (c *coordinator) complete(now time.Time) error {
	at := c.at
	if c.cfg.Plant == PlantManifest {
		if err := c.commit(at, now); err != nil {
			return err
		}
	}
	if at.durable {
		if err := c.writeManifest(at); err != nil {
			return c.giveUp(err, now)
		}
	}
	if at.order == nil || !at.order.Look {
		c.failures = 0
		c.stats.made(at, now)
	}
	if at.order != nil && !at.order.commits {
		for _, t := range c.tasks {
			t.mail.call(call{kind: abortCall, n: at.n})
		}
		c.at, c.over = nil, at.order.last
		at.order.done(nil)
		return nil
	}
	for _, t := range c.tasks {
		t.mail.call(call{kind: confirmCall, n: at.n})
	}
	if err := c.commit(at, now); err != nil {
		return err
	}
	c.at, c.ended, c.next = nil, now, now.Add(max(c.interval(), c.cfg.Checkpoint.MinPause))
	if at.order != nil {
		c.over = true
		at.order.done(nil)
		return nil
	}
	c.confirm(at)
	if at.durable {
		c.retain()
	}
	if c.over = at.stop && !c.lastOrder(); at.durable && !at.final {
		c.noteStop(at.n)
	}
	return nil
}

func (c *coordinator) noteStop(n uint64) {
	if c.over {
		c.note(fmt.Sprintf("job %q stopped at checkpoint %d; the same command goes on from there", c.graph.Job, n))
	}
}

// giveUp ends the attempt without a checkpoint; too many in a row end the job.
func (c *coordinator) giveUp(err error, now time.Time) error {
	n, stop, order := c.at.n, c.at.stop, c.at.order
	if order == nil || !order.Look {
		c.stats.failed()
	}
	c.at, c.ended, c.next = nil, now, now.Add(c.interval())
	for _, t := range c.tasks {
		t.mail.call(call{kind: abortCall, n: n})
	}
	if order != nil { // the job itself hasn't failed
		if order.Look {
			order.done(err)
			return nil
		}
		order.done(fmt.Errorf("savepoint failed: %w", err))
		if !order.last {
			return nil
		}
		return fmt.Errorf("savepoint failed: %w", err)
	}
	if c.failures++; c.failures > c.cfg.Checkpoint.Tolerable || stop {
		return fmt.Errorf("checkpoint %d failed: %w", n, err)
	}
	return nil
}

// commit brings every sink's transactions home.
func (c *coordinator) commit(at *attempt, now time.Time) error {
	if at.durable && c.durable() && c.anyPending(at) {
		if err := c.cfg.Checkpoint.Dir.MarkCommits(at.n); err != nil {
			return err
		}
	}
	kept := false
	for _, n := range c.graph.Nodes {
		spec, ok := n.Spec.(*sink.Spec)
		if !ok {
			continue
		}
		list, wm := c.pendings(at, n)
		cm := connectors.Commit{N: at.n, Watermark: wm, Final: at.final, Closing: at.stop, Now: now}
		keep, err := c.tryCommit(spec, cm, list)
		if err != nil {
			return &failure{operator: spec.Name(), err: fmt.Errorf("sink %s: %w", spec.Table, err)}
		}
		c.kept[n] = keep
		kept = kept || len(keep) > 0
	}
	if at.durable && at.stop && c.durable() && at.order == nil && !kept {
		return c.cfg.Checkpoint.Dir.MarkPublished(at.n)
	}
	return nil
}

// pendings are a sink's transactions at a checkpoint, oldest first, and its least
// watermark.
func (c *coordinator) pendings(at *attempt, n *physical.Node) (list [][]byte, watermark int64) {
	list, watermark = append(list, c.kept[n]...), operators.MaxWatermark
	for _, a := range at.acks {
		for _, v := range a.vertices {
			if v.vertex.node != n {
				continue
			}
			for _, p := range v.pending {
				list = append(list, p.data)
			}
			watermark = min(watermark, v.watermark)
		}
	}
	return list, watermark
}

func (c *coordinator) anyPending(at *attempt) bool {
	for _, n := range c.graph.Nodes {
		if list, _ := c.pendings(at, n); len(list) > 0 {
			return true
		}
	}
	return false
}

// commitTries is how often a commit is tried; the pauses grow to some seconds.
const commitTries = 6

func (c *coordinator) tryCommit(spec *sink.Spec, cm connectors.Commit, list [][]byte) (keep [][]byte, err error) {
	for i := 0; i < commitTries; i++ {
		if i > 0 {
			c.driver.park(c.index, c.ctx, nil, 100*time.Millisecond<<i)
		}
		keep, err = spec.Sink.Commit(c.ctx, cm, list)
		if err == nil || errors.Is(err, connectors.ErrLost) || c.ctx.Err() != nil {
			break
		}
	}
	return keep, err
}

// discoverEvery is how often unbounded sources are asked for new splits that don't say
// so themselves; discoverLeast is as often as it can be.
const (
	discoverEvery = 10 * time.Second
	discoverLeast = 10 * time.Millisecond
)

// every is how often the source is asked for new splits; 0: never.
func (s *source) every() time.Duration {
	if s.splits.source.Bounded() {
		return 0
	}
	if w, ok := s.splits.source.(connectors.Watched); ok && w.Interval() > 0 {
		return max(w.Interval(), discoverLeast)
	}
	return discoverEvery
}

func (c *coordinator) discover(now time.Time) error {
	if c.stopping {
		return nil
	}
	for i := range c.sources {
		s := &c.sources[i]
		if every := s.every(); every == 0 || now.Sub(c.listed[i]) < every {
			continue
		}
		c.listed[i] = now
		added, err := s.splits.list(c.ctx)
		if err != nil {
			return connectors.OfTable("table", s.splits.table, err)
		}
		if added {
			for _, t := range c.tasks {
				t.mail.call(call{kind: splitsCall})
			}
		}
	}
	return nil
}

const reportEvery = 200 * time.Millisecond

// progress reports now and then.
func (c *coordinator) progress(now time.Time) {
	if c.cfg.Progress != nil && now.Sub(c.reported) >= reportEvery {
		c.reported = now
		c.cfg.Progress(c.run.progress(false))
	}
}

var _ operators.Output = discard{}

// Emit drops the rows.
func (discard) Emit(*batch.Batch) error { return nil }
