package job

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/state/checkpoint"
)

// SavepointOrder asks a running job for a savepoint: a checkpoint that its user
// keeps, whole in a directory of its own.
type SavepointOrder struct {
	Dir *checkpoint.Dir // empty
	// Stop ends the job with it. Drain ends its sources before, as if there were no
	// more rows: windows that are open are sent.
	Stop, Drain bool
	// Look says that the state is only to be read: sinks aren't asked to prepare, and
	// it counts among no checkpoints.
	Look bool
	// Told hears how it ended, in the coordinator's turn; nil: nobody.
	Told func(error)

	last    bool // nothing follows
	commits bool // it is the job's last word: what is pending is committed
	once    sync.Once
	ended   chan struct{}
	err     error
}

func (o *SavepointOrder) done(err error) {
	o.once.Do(func() {
		o.err = err
		if o.Told != nil {
			o.Told(err)
		}
		close(o.ended)
	})
}

// ErrNotRunning says that a job can't answer: it hasn't begun, or has ended.
var ErrNotRunning = errors.New("the job isn't running")

// Order asks the job for a savepoint and doesn't wait; a job that ends before says nothing.
func (m *Monitor) Order(o *SavepointOrder) error {
	_, err := m.order(o)
	return err
}

func (m *Monitor) order(o *SavepointOrder) (*run, error) {
	m.mu.Lock()
	r := m.run
	m.mu.Unlock()
	if r == nil {
		return nil, ErrNotRunning
	}
	o.ended = make(chan struct{})
	r.coord.tell(event{order: o})
	return r, nil
}

// Savepoint has the job make a savepoint and waits for it.
func (m *Monitor) Savepoint(o *SavepointOrder) error {
	r, err := m.order(o)
	if err != nil {
		return err
	}
	select {
	case <-o.ended:
	case <-r.gone:
		o.done(ErrNotRunning)
	}
	<-o.ended
	return o.err
}

// Cancel ends the job at once: what was written since its last checkpoint isn't
// published.
func (m *Monitor) Cancel() error {
	m.mu.Lock()
	r := m.run
	m.mu.Unlock()
	if r == nil {
		return ErrNotRunning
	}
	r.cancel()
	return nil
}

// ordered takes an order up. One that stops comes after the job's own last
// checkpoint, so that the same command goes on from there too.
func (c *coordinator) ordered(o *SavepointOrder) {
	if c.over || c.stop != nil || c.stopping {
		o.done(errors.New("the job is being stopped already"))
		return
	}
	if !o.Stop {
		c.orders = append(c.orders, o)
		return
	}
	c.stop = o
	c.stopping, c.stopBy = true, c.cfg.Session.Now().Add(max(stopTimeout, c.cfg.Checkpoint.Timeout))
	if c.draining = o.Drain; o.Drain {
		for _, t := range c.tasks {
			t.mail.call(call{kind: drainCall})
		}
	}
	if !c.durable() && !o.Drain {
		c.lastOrder()
	}
}

// lastOrder begins the savepoint that the job ends with, if there is one.
func (c *coordinator) lastOrder() bool {
	o := c.stop
	if o == nil || o.last {
		return false
	}
	o.last, o.commits = true, !c.durable()
	c.orders = append(c.orders, o)
	return true
}

// dirOf is where the files of a checkpoint go.
func (c *coordinator) dirOf(r request) *checkpoint.Dir {
	if r.order != nil {
		return r.order.Dir
	}
	return c.cfg.Checkpoint.Dir
}

// Checkpoints is what a job knows of its checkpoints since it began.
type Checkpoints struct {
	Made, Failed int64
	Last         uint64 // number of the last one, 0 for none
	LastAt       time.Time
	LastTook     time.Duration
	LastBytes    int64 // written by it
	LastTotal    int64 // of all files it names
	// Pause is how long a task stands still at a barrier, and Freeze what its state takes
	// of that: the 99th percentile of the last pauses, pausesKept of them.
	Pause, Freeze time.Duration
	Took          time.Duration
	Restored      uint64 // what the job went on from
}

// checkpointStats is Checkpoints, shared.
type checkpointStats struct {
	mu sync.Mutex
	Checkpoints
	pauses, freezes []time.Duration // the last ones, in a ring
	seen            int
}

// pausesKept is how many pauses are remembered.
const pausesKept = 1000

func (s *checkpointStats) paused(a *ack) {
	if s.seen < pausesKept {
		s.pauses, s.freezes = append(s.pauses, 0), append(s.freezes, 0)
	}
	s.pauses[s.seen%pausesKept], s.freezes[s.seen%pausesKept] = a.pause, a.freeze
	s.seen++
}

// p99 is what 99 of 100 don't exceed.
func p99(of []time.Duration) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[(len(sorted)*99+99)/100-1]
}

func (s *checkpointStats) made(at *attempt, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Made++
	s.Last, s.LastAt, s.LastTook = at.n, now, now.Sub(at.began)
	s.Took += s.LastTook
	s.LastBytes, s.LastTotal = 0, at.bytes
	for i := range at.acks {
		a := &at.acks[i]
		s.paused(a)
		for _, f := range a.files {
			s.LastBytes += f.Bytes
		}
	}
}

func (s *checkpointStats) failed() {
	s.mu.Lock()
	s.Failed++
	s.mu.Unlock()
}

func (s *checkpointStats) get() Checkpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.Checkpoints
	out.Pause, out.Freeze = p99(s.pauses), p99(s.freezes)
	return out
}
