package job

import (
	"errors"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// vertex is one subtask of a node: a live operator, what it knows of its inputs,
// and where its rows go. It belongs to its task's goroutine, but for the metrics.
type vertex struct {
	task     *task
	node     *physical.Node
	identity state.Identity
	subtask  int
	op       operators.Operator
	head     operators.Head
	ticker   operators.Ticker
	metrics  *operators.Metrics
	budget   *operators.Budget
	charged  int64                // bytes of state that budget was asked for
	splits   *splits              // of a head that reads a table
	rank     int                  // of a head: it reads when those of its task with a lower one have ended
	complete bool                 // it was told that no more come
	memory   *checkpoint.Marks    // what it knew of time at the checkpoint
	assign   []operators.Assigned // where constant rows go on
	tables   []checkpoint.Table   // what it has opened
	outs     []outlet
	inputs   []input

	heard   int64 // the last watermark it was told
	passed  int64 // the last it passed on
	idle    bool
	stale   bool // a lane changed since the last settle
	done    bool // nobody wants more of it
	waiting bool // its inputs have ended, it lingers
	ended   bool
	opened  bool

	pending []pending // a sink's transactions that no checkpoint has confirmed
}

// input is what an operator knows of one of its inputs: a lane per sender.
type input struct {
	lanes []lane
	done  bool // the operator wants no more of it
	ended bool // it was told so
}

// lane is one sender of an input.
type lane struct {
	watermark int64
	idle      bool
	ended     bool
}

// outlet is where a vertex's rows go: another vertex of its task, or an exchange.
type outlet interface {
	// emit hands on rows; Done when nobody there wants more.
	emit(b *batch.Batch) error
	// mark passes on what v has passed and whether it is idle, behind the rows.
	mark(v *vertex) error
	// end is the last call.
	end() error
	// refused says that nobody there wants more.
	refused() bool
	// barrier sends a barrier behind the rows.
	barrier(n uint64) error
}

// Emit hands a batch to every consumer, in plan order.
func (v *vertex) Emit(b *batch.Batch) error {
	rows := b.Rows()
	if rows == 0 {
		return nil
	}
	v.metrics.RowsOut.Add(int64(rows))
	wanted := false
	for _, o := range v.outs {
		if _, ok := o.(aside); ok {
			continue
		}
		err := o.emit(b)
		switch {
		case err == nil:
			wanted = true
		case !errors.Is(err, operators.Done):
			return err
		}
	}
	if !wanted && len(v.outs) > 0 {
		v.done = true
		return operators.Done
	}
	return nil
}

// aside is the way of a side output: it hears of time, barriers and the end like
// any other and gets other rows.
type aside struct{ outlet }

// side is where an operator's side output goes.
type side struct{ v *vertex }

// Emit hands a batch to every consumer of the side output. That nobody wants more of
// it doesn't concern the operator.
func (s side) Emit(b *batch.Batch) error {
	for _, o := range s.v.outs {
		if a, ok := o.(aside); ok && b.Rows() > 0 {
			if err := a.emit(b); err != nil && !errors.Is(err, operators.Done) {
				return err
			}
		}
	}
	return nil
}

// process gives the operator a batch of one of its inputs. Done when it wants no
// more of that input.
func (v *vertex) process(i int, b *batch.Batch) error {
	in := &v.inputs[i]
	if in.done {
		return operators.Done
	}
	rows := int64(b.Rows())
	v.metrics.RowsIn.Add(rows)
	v.metrics.Inputs[i].Rows.Add(rows)
	from := v.task.watch.enter(v)
	err := v.op.Process(i, b)
	v.task.watch.leave(from)
	if err == nil {
		return nil
	}
	if errors.Is(err, operators.Done) {
		in.done = true
		v.enough()
		return err
	}
	return v.fail(err)
}

// enough finishes an operator that wants no more of any input: it is ended by the
// next settle.
func (v *vertex) enough() {
	for i := range v.inputs {
		if !v.inputs[i].done && !v.inputs[i].ended {
			return
		}
	}
	v.done, v.stale, v.task.stale = true, true, true
}

// lane updates what is known of a sender. A watermark never goes back.
func (v *vertex) lane(input, i int, ms int64, idle, ended bool) {
	l := &v.inputs[input].lanes[i]
	l.watermark, l.idle, l.ended = max(l.watermark, ms), idle, l.ended || ended
	v.inputMark(input)
	v.stale, v.task.stale = true, true
}

// inputMark publishes the least watermark of an input's lanes.
func (v *vertex) inputMark(input int) {
	ms := int64(operators.MaxWatermark)
	for _, l := range v.inputs[input].lanes {
		if !l.ended && !l.idle {
			ms = min(ms, l.watermark)
		}
	}
	v.metrics.Inputs[input].Watermark.Store(ms)
}

// low is the least watermark over the lanes that count: not the idle ones, and an
// ended one is at infinity. Without any that counts the operator is idle.
func (v *vertex) low() (ms int64, idle bool) {
	ms, idle = operators.MaxWatermark, true
	held, ended := int64(operators.MaxWatermark), true
	for i := range v.inputs {
		for _, l := range v.inputs[i].lanes {
			switch {
			case l.ended:
			case l.idle:
				held, ended = min(held, l.watermark), false
			default:
				ms, idle, ended = min(ms, l.watermark), false, false
			}
		}
	}
	if ended {
		return operators.MaxWatermark, false
	}
	if idle {
		return held, true
	}
	return ms, false
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

// direct is the way to a vertex of the same task.
type direct struct {
	to          *vertex
	input, lane int
}

func (d *direct) emit(b *batch.Batch) error { return d.to.process(d.input, b) }

func (d *direct) mark(v *vertex) error {
	d.to.lane(d.input, d.lane, v.passed, v.idle, false)
	return nil
}

func (d *direct) end() error {
	d.to.lane(d.input, d.lane, operators.MaxWatermark, false, true)
	return nil
}

func (d *direct) barrier(uint64) error { return nil }

func (d *direct) refused() bool { return d.to.inputs[d.input].done }

func newMetrics(inputs int) *operators.Metrics {
	m := &operators.Metrics{Inputs: make([]operators.InputMetrics, inputs)}
	m.Watermark.Store(operators.MinWatermark)
	for i := range m.Inputs {
		m.Inputs[i].Watermark.Store(operators.MinWatermark)
	}
	return m
}
