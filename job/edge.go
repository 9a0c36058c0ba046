package job

import (
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/batch"
)

// mailbox is how a task hears of others: the queues of its in-edges and one
// wake-up. Everything below mu is shared with the senders.
type mailbox struct {
	mu    sync.Mutex
	wake  chan struct{} // capacity 1
	dirty []*edge       // edges with messages, in order of arrival
	calls []call        // from the coordinator

	refused atomic.Bool // a receiver wants no more of an edge of this task
}

// messageKind tells messages apart.
type messageKind uint8

const (
	rowsMessage messageKind = iota
	markMessage
	barrierMessage
	endMessage
)

// message is what travels on an edge, in band.
type message struct {
	kind messageKind
	rows *batch.Batch
	ms   int64
	idle bool
	n    uint64
}

// edge is the way from one subtask of a node to one subtask of a consumer in
// another task. Its capacity is its number of batches: a sender without a free one
// waits. Marks, barriers and ends need no credit.
type edge struct {
	to          *mailbox
	vertex      *vertex // the receiver
	input, lane int
	sender      *mailbox

	// below to.mu
	queue  []message
	free   []*batch.Batch
	sums   map[*batch.Batch]uint64 // in test mode: what free ones held when they were given back
	left   int                     // batches that may still be made
	wanted bool

	done atomic.Bool // the receiver wants no more

	// the receiver's own
	taken     []message // drained, from at on not yet looked at
	at        int
	spent     []*batch.Batch
	held      bool // nothing is taken of it before the others have delivered the barrier
	delivered bool // it has
	ended     bool
	ready     bool // is on the task's list
}

// checksum is over the fixed-width columns of a batch.
func checksum(b *batch.Batch) uint64 {
	h := uint64(b.Len)
	for _, c := range b.Cols {
		for _, x := range c.I64 {
			h = h*31 + uint64(x)
		}
		for _, x := range c.Str {
			h = h*31 + uint64(x)
		}
		for _, x := range c.Buf {
			h = h*31 + uint64(x)
		}
		for _, x := range c.Valid {
			h = h*31 + x
		}
	}
	return h
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// signal wakes the task; from any goroutine.
func (m *mailbox) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// call asks the task something; it answers between batches.
func (m *mailbox) call(c call) {
	m.mu.Lock()
	m.calls = append(m.calls, c)
	m.mu.Unlock()
	m.signal()
}

// lend gives the sender a batch to fill: nil when it must wait; done when nobody
// wants one.
func (e *edge) lend() (b *batch.Batch, done bool) {
	e.to.mu.Lock()
	defer e.to.mu.Unlock()
	switch n := len(e.free); {
	case e.done.Load():
		return nil, true
	case n > 0:
		b = e.free[n-1]
		e.free = e.free[:n-1]
		if e.sums != nil && e.sums[b] != checksum(b) {
			panic(e.vertex.node.Spec.Name() + " wrote to a batch that it had borrowed")
		}
	case e.left > 0:
		e.left--
		b = &batch.Batch{}
	default:
		e.wanted = true
	}
	return b, false
}

// send puts a message into the queue. A mark replaces one that nobody has seen.
func (e *edge) send(m message) {
	e.to.mu.Lock()
	n := len(e.queue)
	if n > 0 && m.kind == markMessage && e.queue[n-1].kind == markMessage {
		e.queue[n-1] = m
		e.to.mu.Unlock()
		return
	}
	if n == 0 {
		e.to.dirty = append(e.to.dirty, e)
	}
	e.queue = append(e.queue, m)
	e.to.mu.Unlock()
	e.to.signal()
}

// refuse says that the receiver wants no more: what lies in the queue but the end
// is never looked at.
func (e *edge) refuse() {
	if e.done.Swap(true) {
		return
	}
	e.sender.refused.Store(true)
	e.sender.signal()
}

// giveBack returns the batches that were looked at.
func (e *edge) giveBack() {
	if len(e.spent) == 0 {
		return
	}
	e.to.mu.Lock()
	if e.sums != nil {
		for _, b := range e.spent {
			e.sums[b] = checksum(b)
		}
	}
	e.free = append(e.free, e.spent...)
	wanted := e.wanted
	e.wanted = false
	e.to.mu.Unlock()
	e.spent = e.spent[:0]
	if wanted {
		e.sender.signal()
	}
}

// drain takes every message that has come, in bulk, and lists the edges that have
// some for the task.
func (t *task) drain() {
	m := t.mail
	m.mu.Lock()
	for _, e := range m.dirty {
		if len(e.taken) == e.at {
			e.taken, e.queue, e.at = e.queue, e.taken[:0], 0
		} else {
			e.taken = append(e.taken, e.queue...)
			e.queue = e.queue[:0]
		}
		if !e.ready {
			e.ready = true
			t.ready = append(t.ready, e)
		}
	}
	m.dirty = m.dirty[:0]
	t.calls = append(t.calls, m.calls...)
	m.calls = m.calls[:0]
	m.mu.Unlock()
}

// receive works through what the in-edges have brought, but for those that are
// held.
func (t *task) receive() (moved bool, err error) {
	for i := 0; i < len(t.ready); {
		e := t.ready[i]
		for e.at < len(e.taken) && !e.held {
			m := e.taken[e.at]
			e.taken[e.at] = message{}
			e.at++
			moved = true
			if err := t.message(e, m); err != nil {
				return moved, err
			}
		}
		e.giveBack()
		if e.at < len(e.taken) { // held
			i++
			continue
		}
		e.taken, e.at, e.ready = e.taken[:0], 0, false
		t.ready = append(t.ready[:i], t.ready[i+1:]...)
	}
	return moved, nil
}

// message handles one.
func (t *task) message(e *edge, m message) error {
	v := e.vertex
	switch m.kind {
	case rowsMessage:
		t.now = t.clock()
		v.inputs[e.input].lanes[e.lane].idle = false // a row makes it active
		err := error(nil)
		if !v.ended {
			err = v.process(e.input, m.rows)
		}
		e.spent = append(e.spent, m.rows)
		if v.ended || v.inputs[e.input].done {
			e.refuse()
			err = nil
		}
		if err != nil {
			return err
		}
		return t.turned()
	case markMessage:
		v.lane(e.input, e.lane, m.ms, m.idle, false)
		return t.settle()
	case barrierMessage:
		return t.delivered(e, m.n)
	}
	e.ended = true
	v.lane(e.input, e.lane, m.ms, false, true)
	if err := t.settle(); err != nil {
		return err
	}
	return t.aligned()
}
