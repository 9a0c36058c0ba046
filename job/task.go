// Package job runs a graph: tasks, their one loop, and the end of a job.
//
// At parallelism 1 the whole graph is one task on one goroutine: heads take turns
// in plan order, one batch of at most millrace.batch-rows rows each, and a batch
// goes through all operators by direct calls before the next is made. The loop
// here is the only code that tells batches, watermarks and ends apart.
//
// Start with Run in job.go, then Task.Run.
package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
)

// Task is a DAG of operators run by one goroutine.
type Task struct {
	cfg    Config
	nodes  []*vertex // inputs first
	heads  []*vertex
	store  state.Store
	now    time.Time
	wake   chan struct{}
	held   int       // rows since the last Flush, with mini-batch
	flush  time.Time // when mini-batch flushes at the latest
	ticked time.Time
	live   int // heads that haven't ended
}

// vertex is an operator in its task.
type vertex struct {
	node    *physical.Node
	op      operators.Operator
	head    operators.Head
	ticker  operators.Ticker
	metrics operators.Metrics
	out     []port
	inputs  []input
	passed  int64 // the last watermark passed on
	idle    bool
	ended   bool
	done    bool // nobody wants more of it
	waiting bool // its inputs have ended, it lingers
}

// port is an edge to a consumer.
type port struct {
	to    *vertex
	input int
	done  bool
}

// input is what an operator knows of one of its inputs.
type input struct {
	watermark int64
	idle      bool
	ended     bool
}

// Emit hands a batch to every consumer, in plan order.
func (v *vertex) Emit(b *batch.Batch) error {
	if b.Len == 0 {
		return nil
	}
	v.metrics.RowsOut.Add(int64(b.Rows()))
	wanted := false
	for i := range v.out {
		p := &v.out[i]
		if p.done {
			continue
		}
		err := p.to.op.Process(p.input, b)
		switch {
		case err == nil:
			wanted = true
		case errors.Is(err, operators.Done):
			p.done = true
		default:
			return p.to.fail(err)
		}
	}
	if !wanted && len(v.out) > 0 {
		return operators.Done
	}
	return nil
}

// fail names the operator that failed, once.
func (v *vertex) fail(err error) error {
	if errors.Is(err, operators.Done) {
		return err
	}
	var f *failure
	if errors.As(err, &f) {
		return err
	}
	return &failure{operator: v.node.Spec.Name(), err: sqlerr.At(err, v.node.At)}
}

// failure is an operator's error.
type failure struct {
	operator string
	err      error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func newTask(g *physical.Graph, cfg Config) (*Task, error) {
	t := &Task{cfg: cfg, store: cfg.Store, wake: make(chan struct{}, 1)}
	at := map[*physical.Node]*vertex{}
	for _, n := range g.Nodes {
		v := &vertex{node: n, op: n.Spec.New(), passed: operators.MinWatermark, inputs: make([]input, len(n.Inputs))}
		for i, in := range n.Inputs {
			v.inputs[i].watermark = operators.MinWatermark
			from := at[in.From]
			from.out = append(from.out, port{to: v, input: i})
		}
		v.head, _ = v.op.(operators.Head)
		v.ticker, _ = v.op.(operators.Ticker)
		at[n] = v
		t.nodes = append(t.nodes, v)
		if v.head != nil {
			t.heads = append(t.heads, v)
		}
	}
	t.live = len(t.heads)
	return t, nil
}

func (t *Task) open(ctx context.Context) error {
	t.now = t.cfg.Session.Now()
	ordinals := map[state.Identity]int{}
	for i := len(t.nodes) - 1; i >= 0; i-- { // consumers first: a head may emit at once
		v := t.nodes[i]
		id := state.Identity{Relation: v.node.Fingerprint, Role: v.node.Spec.Name()}
		ordinals[id]++
		id.Ordinal = ordinals[id]
		env := &operators.Env{
			Context: ctx, State: t.store.Open(id), Of: 1, Session: t.cfg.Session,
			Now:       func() time.Time { return t.now },
			MiniBatch: t.cfg.MiniBatch.Enabled, Rand: t.cfg.Session.Rand(id.Relation + id.Role),
			Wake: t.Wake, Metrics: &v.metrics, At: v.node.At,
			Memory: &operators.Budget{Name: v.node.Spec.Name(), Total: t.cfg.Memory},
			Side:   func(operators.Side) operators.Output { return discard{} },
		}
		if err := v.op.Open(env, v); err != nil {
			return v.fail(err)
		}
	}
	for _, v := range t.heads {
		if err := assign(ctx, v, t.cfg.Session); err != nil {
			return v.fail(err)
		}
	}
	return nil
}

// discard is where side rows go when nobody asked for them; operators count them.
type discard struct{}

func (discard) Emit(*batch.Batch) error { return nil }

// Wake makes the loop look again; from any goroutine.
func (t *Task) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// loop runs until every head has ended and nothing lingers.
func (t *Task) loop(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.now = t.cfg.Session.Now()
		if err := t.tick(); err != nil {
			return err
		}
		moved := false
		for _, v := range t.heads {
			if v.ended {
				continue
			}
			if v.unwanted() {
				if err := t.endHead(v); err != nil {
					return err
				}
				moved = true
				continue
			}
			progress, err := t.step(v)
			if err != nil {
				return err
			}
			moved = moved || progress
		}
		t.cfg.progress(t)
		if t.live == 0 && !t.lingering() {
			return nil
		}
		if t.cfg.MiniBatch.Enabled && t.held > 0 && !t.now.Before(t.flush) {
			if err := t.flushAll(); err != nil {
				return err
			}
		}
		if err := t.cfg.interval(t); err != nil {
			return err
		}
		if !moved {
			t.park(ctx)
		}
	}
}

// step gives a head its turn.
func (t *Task) step(v *vertex) (progress bool, err error) {
	status, err := v.head.Next(t.cfg.BatchRows)
	if err != nil && !errors.Is(err, operators.Done) {
		return false, v.fail(err)
	}
	if errors.Is(err, operators.Done) || status == operators.Ended {
		return true, t.endHead(v)
	}
	if low, idle := v.head.Low(); low > v.passed || idle != v.idle {
		if err := t.watermark(v, max(low, v.passed), idle); err != nil {
			return false, err
		}
	}
	if status == operators.Emitted && t.cfg.MiniBatch.Enabled {
		if t.held++; t.held == 1 {
			t.flush = t.now.Add(t.cfg.MiniBatch.Latency)
		}
		if t.held*t.cfg.BatchRows >= t.cfg.MiniBatch.Size {
			if err := t.flushAll(); err != nil {
				return false, err
			}
		}
	}
	if !t.cfg.MiniBatch.Enabled || t.held == 0 {
		t.store.Release()
	}
	return status == operators.Emitted, nil
}

// watermark passes a head's new watermark on: once to each operator whose least
// input has grown, in topological order, each followed by Flush.
func (t *Task) watermark(from *vertex, ms int64, idle bool) error {
	from.passed, from.idle = ms, idle
	from.metrics.Watermark.Store(ms)
	from.send()
	for _, v := range t.nodes {
		if v.head != nil || v.ended {
			continue
		}
		low, allIdle := v.low()
		if low <= v.passed && allIdle == v.idle && low <= v.metrics.Watermark.Load() {
			continue
		}
		v.idle = allIdle
		if err := t.advance(v, low); err != nil {
			return err
		}
		v.send()
	}
	return nil
}

// advance tells one operator the time, if it is new to it.
func (t *Task) advance(v *vertex, low int64) error {
	if low <= v.metrics.Watermark.Load() && v.metrics.Watermark.Load() != 0 || low == operators.MinWatermark {
		return nil
	}
	v.metrics.Watermark.Store(low)
	pass, err := v.op.Watermark(low)
	if err == nil {
		err = v.op.Flush()
	}
	if err != nil && !errors.Is(err, operators.Done) {
		return v.fail(err)
	}
	v.passed = max(v.passed, pass)
	return nil
}

// send tells the consumers what this operator passed on.
func (v *vertex) send() {
	for _, p := range v.out {
		in := &p.to.inputs[p.input]
		in.watermark, in.idle = max(in.watermark, v.passed), v.idle
	}
}

// low is the least watermark over the inputs that count.
func (v *vertex) low() (ms int64, idle bool) {
	ms, idle = operators.MaxWatermark, true
	for _, in := range v.inputs {
		if in.ended {
			continue
		}
		if !in.idle {
			ms, idle = min(ms, in.watermark), false
		}
	}
	if !idle {
		return ms, false
	}
	ended := true
	for _, in := range v.inputs {
		if !in.ended {
			ended = false
			ms = min(ms, in.watermark)
		}
	}
	return ms, !ended
}

// endHead sends the last watermark and the end.
func (t *Task) endHead(v *vertex) error {
	if v.ended {
		return nil
	}
	t.live--
	if err := t.watermark(v, operators.MaxWatermark, false); err != nil {
		return err
	}
	return t.end(v)
}

// end tells the consumers of v that it has ended, and ends those that have no
// input left.
func (t *Task) end(v *vertex) error {
	v.ended = true
	for _, p := range v.out {
		c := p.to
		if c.inputs[p.input].ended {
			continue
		}
		c.inputs[p.input].ended = true
		c.inputs[p.input].watermark = operators.MaxWatermark
		if err := t.ignoreDone(c, c.op.End(p.input)); err != nil {
			return err
		}
		if low, _ := c.low(); low > c.passed { // the others count alone now
			if err := t.advance(c, low); err != nil {
				return err
			}
			c.send()
			if err := t.watermarkBelow(); err != nil {
				return err
			}
		}
		if !c.allEnded() {
			continue
		}
		if err := t.ignoreDone(c, c.op.Flush()); err != nil {
			return err
		}
		if l, ok := c.op.(operators.Lingerer); ok && l.Waiting() {
			c.waiting = true
			continue
		}
		if err := t.end(c); err != nil {
			return err
		}
	}
	return nil
}

// watermarkBelow passes on watermarks that grew because an input ended.
func (t *Task) watermarkBelow() error {
	for _, v := range t.nodes {
		if v.head != nil || v.ended {
			continue
		}
		if low, _ := v.low(); low > v.passed {
			if err := t.advance(v, low); err != nil {
				return err
			}
			v.send()
		}
	}
	return nil
}

func (t *Task) ignoreDone(v *vertex, err error) error {
	if err == nil || errors.Is(err, operators.Done) {
		return nil
	}
	return v.fail(err)
}

func (v *vertex) allEnded() bool {
	for _, in := range v.inputs {
		if !in.ended {
			return false
		}
	}
	return true
}

// unwanted says that every consumer has answered Done.
func (v *vertex) unwanted() bool {
	for _, p := range v.out {
		if !p.done {
			return false
		}
	}
	return len(v.out) > 0
}

func (t *Task) lingering() bool {
	for _, v := range t.nodes {
		if v.waiting {
			return true
		}
	}
	return false
}

// tick tells the operators with processing-time timers the time, once per
// millisecond at most.
func (t *Task) tick() error {
	if !t.now.After(t.ticked) {
		return nil
	}
	t.ticked = t.now
	for _, v := range t.nodes {
		if v.ticker == nil || v.ended {
			continue
		}
		pass, _, err := v.ticker.Tick(t.now)
		if err := t.ignoreDone(v, err); err != nil {
			return err
		}
		if pass > v.passed {
			v.passed = pass
			v.send()
			if err := t.watermarkBelow(); err != nil {
				return err
			}
		}
		if v.waiting && !v.op.(operators.Lingerer).Waiting() {
			v.waiting = false
			if err := t.end(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Task) flushAll() error {
	for _, v := range t.nodes {
		if v.ended {
			continue
		}
		if err := t.ignoreDone(v, v.op.Flush()); err != nil {
			return err
		}
	}
	t.held = 0
	t.store.Release()
	return nil
}

// parkFor is how long the loop sleeps at most when no head is ready.
const parkFor = 10 * time.Millisecond

func (t *Task) park(ctx context.Context) {
	timer := time.NewTimer(parkFor)
	defer timer.Stop()
	select {
	case <-t.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (t *Task) close() error {
	var first error
	for _, v := range t.nodes {
		if err := v.op.Close(); err != nil && first == nil {
			first = v.fail(err)
		}
	}
	if err := t.store.Close(); first == nil {
		first = err
	}
	return first
}

// guard turns a panic, which is a bug, into an error with the operator's place.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("internal error: %v\n%s", r, stack())
	}
}
