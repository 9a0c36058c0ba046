package job

import (
	"sync/atomic"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/state"
)

// alignment is a task's part in a barrier: which of its senders have delivered it.
type alignment struct {
	n         uint64 // the barrier being waited for; 0: none
	last      uint64 // the last one that was taken or given up
	requested bool   // the coordinator asked: the heads have delivered it
	request   request
}

// request is the coordinator's question for a barrier.
type request struct {
	n       uint64
	durable bool            // freeze the state
	delta   bool            // write what changed since the last one alone
	stop    bool            // the heads aren't stepped again
	final   bool            // nothing will follow
	order   *SavepointOrder // it is a savepoint; nil: a checkpoint
	dropped *atomic.Bool    // nobody needs it any more
}

// freezes says that a task's state belongs to the checkpoint. That of a job that has
// ended is of no use to anyone: no run goes on from there.
func (r request) freezes() bool { return r.durable && (!r.final || r.order != nil) }

// callKind tells calls apart.
type callKind uint8

const (
	barrierCall callKind = iota
	confirmCall          // checkpoint n exists
	abortCall            // it doesn't
	splitsCall           // a source has new splits: look again
	drainCall            // the heads end where they are
	leaveCall            // the job is over
)

// call is a question or an order of the coordinator; a task answers between
// batches.
type call struct {
	kind    callKind
	n       uint64
	request request
}

// answer works through the calls.
func (t *task) answer() error {
	for len(t.calls) > 0 {
		c := t.calls[0]
		t.calls = t.calls[1:]
		switch c.kind {
		case barrierCall:
			if c.request.n <= t.align.last {
				continue
			}
			t.begin(c.request.n)
			t.align.requested, t.align.request = true, c.request
			if err := t.aligned(); err != nil {
				return err
			}
		case confirmCall:
			t.store.Confirm(c.n)
			t.confirm(c.n)
		case abortCall:
			if t.align.n == c.n {
				t.endAlignment()
			}
			t.align.last = max(t.align.last, c.n)
			t.store.Abort(c.n)
		case splitsCall:
			for _, v := range t.heads {
				if v.ended {
					continue
				}
				if _, err := v.nextSplit(); err != nil {
					return v.fail(err)
				}
			}
		case drainCall:
			for _, v := range t.heads {
				if v.ended {
					continue
				}
				if err := t.endHead(v); err != nil {
					return err
				}
			}
		case leaveCall:
			t.leave = true
		}
	}
	t.calls = nil
	return nil
}

// delivered notes that an in-edge has brought barrier n: it is held until the
// others have too.
func (t *task) delivered(e *edge, n uint64) error {
	if n <= t.align.last {
		return nil // given up since
	}
	t.begin(n)
	e.held, e.delivered = t.cfg.Plant != PlantAlignment, true
	return t.aligned()
}

// begin starts to wait for barrier n, instead of an older one.
func (t *task) begin(n uint64) {
	if t.align.n == n {
		return
	}
	if t.align.n != 0 {
		t.endAlignment()
	}
	t.align.n = n
}

// endAlignment lets the held edges go on.
func (t *task) endAlignment() {
	for _, e := range t.in {
		e.held, e.delivered = false, false
	}
	t.align = alignment{last: max(t.align.last, t.align.n)}
}

// aligned takes the checkpoint once every sender has delivered its barrier or has
// ended. A head delivers it when the coordinator asks; a task without senders
// hears of it in no other way.
func (t *task) aligned() error {
	if t.align.n == 0 {
		return nil
	}
	open := 0
	for _, e := range t.in {
		if e.ended {
			continue
		}
		if !e.delivered {
			return nil
		}
		open++
	}
	heads := false
	for _, v := range t.heads {
		heads = heads || !v.ended
	}
	if (heads || open == 0) && !t.align.requested {
		return nil
	}
	n, r := t.align.n, t.align.request
	if !t.align.requested { // the request itself hasn't come yet: it is the same for all
		r = t.coord.request(n)
	}
	if err := t.checkpoint(r); err != nil {
		return err
	}
	t.stopped = t.stopped || r.stop
	t.endAlignment()
	return nil
}

// checkpoint flushes the operators, freezes the store, sends the barrier on and
// acknowledges it.
func (t *task) checkpoint(r request) error {
	began := t.watch.now()
	if err := t.flushAll(); err != nil {
		return err
	}
	a := ack{n: r.n, task: t.index}
	var usage []state.Usage
	if r.durable {
		usage = t.store.Usage()
	}
	for _, v := range t.vertices {
		m := vertexAck{vertex: v, marks: v.marks()}
		for _, u := range usage {
			if u.Identity == v.identity {
				a.memory += u.Bytes
				m.keys += int64(u.Keys)
			}
		}
		if v.head != nil {
			m.splits = v.head.Positions()
		}
		if s, ok := v.op.(*sink.Operator); ok && (r.order == nil || !r.order.Look) {
			p, err := s.Prepare(r.n)
			if err != nil {
				return v.fail(err)
			}
			if p != nil {
				v.pending = append(v.pending, pending{n: r.n, data: p})
			}
			m.pending = append([]pending(nil), v.pending...)
			m.watermark = operators.MaxWatermark
			if !v.ended {
				m.watermark = v.heard
			}
		}
		a.vertices = append(a.vertices, m)
	}
	if r.freezes() {
		from := t.watch.now()
		var err error
		if a.snapshot, err = t.store.Freeze(r.n); err != nil {
			return err
		}
		a.freeze = t.watch.now() - from
	}
	a.pause = t.watch.now() - began
	for _, v := range t.vertices {
		for _, o := range v.outs {
			if v.ended {
				continue
			}
			if err := o.barrier(r.n); err != nil {
				return err
			}
		}
	}
	t.coord.acknowledge(a, r)
	return nil
}

// confirm forgets the transactions that checkpoint n has brought home.
func (t *task) confirm(n uint64) {
	for _, v := range t.vertices {
		keep := v.pending[:0]
		for _, p := range v.pending {
			if p.n > n {
				keep = append(keep, p)
			}
		}
		v.pending = keep
	}
}
