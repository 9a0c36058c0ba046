package job

import (
	"context"
	"math/rand"
	"runtime"
	"sync"
	"time"
)

// Simulator runs one actor at a time: a baton goes round, and at every point where
// an actor would wait, or may be overtaken, the seed chooses who gets it next. The
// tasks are the real ones; what differs from one seed to the next is the order in
// which they run. Its clock moves with the steps, and to the next time-out when
// nobody can run.
type Simulator struct {
	rand    *rand.Rand
	actors  []*actor
	current int
	ended   chan struct{}
	can     []int // of next
	slow    int   // an actor that gets the baton seldom, for a while
	idle    int   // time-outs since an actor was woken
	// Steps counts how often the baton was passed.
	Steps int
	// KillAt is the step at which Kill is called, once; 0: never.
	KillAt int
	Kill   func()

	mu  sync.Mutex
	now time.Time
}

// actor is what the simulator knows of one.
type actor struct {
	turn   chan struct{}
	ctx    context.Context // of the park; nil: ready to run
	wake   <-chan struct{}
	until  time.Time // on the simulator's clock
	parked bool
	over   bool
}

// NewSimulator makes a driver that repeats itself for a seed, as far as nothing
// outside decides when rows come.
func NewSimulator(seed int64) *Simulator {
	return &Simulator{rand: rand.New(rand.NewSource(seed)), now: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Now is its clock.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *Simulator) forward(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
}

func (s *Simulator) run(n int, body func(i int)) {
	s.actors, s.ended = nil, make(chan struct{})
	for i := 0; i < n; i++ {
		s.spawn(func() { body(i) })
	}
	s.next()
	<-s.ended
}

// spawn adds an actor, which waits for its turn.
func (s *Simulator) spawn(body func()) {
	i, a := len(s.actors), &actor{turn: make(chan struct{}, 1)}
	s.actors = append(s.actors, a)
	go func() {
		<-a.turn
		defer s.leave(i)
		body()
	}()
}

func (s *Simulator) leave(i int) {
	s.actors[i].over = true
	s.next()
}

// background is one more actor: a slow disk lets the tasks go on.
func (s *Simulator) background(f func()) { s.spawn(f) }

func (s *Simulator) yield(i int) {
	a := s.actors[i] // behind next, who has the baton may add one
	s.next()
	<-a.turn
}

// Yield lets others go before the actor that runs: what it calls outside may call
// this. Outside of a run it does nothing.
func (s *Simulator) Yield() {
	if s.ended == nil {
		return
	}
	select {
	case <-s.ended:
	default:
		s.yield(s.current)
	}
}

func (s *Simulator) park(i int, ctx context.Context, wake <-chan struct{}, d time.Duration) {
	a := s.actors[i]
	a.parked, a.ctx, a.wake, a.until = true, ctx, wake, s.Now().Add(d)
	s.next()
	<-a.turn
	a.parked = false
	select {
	case <-wake:
	default:
	}
}

// patience is how many time-outs may pass one after the other before what happens
// outside, such as a source's reader, gets real time to happen in.
const patience = 200

// next passes the baton to an actor that can run. When none can, the clock goes on
// to the next time-out.
func (s *Simulator) next() {
	for {
		can := s.can[:0]
		left := false
		now := s.Now()
		var soonest time.Time
		for i, a := range s.actors {
			if a.over {
				continue
			}
			left = true
			switch {
			case !a.parked || len(a.wake) > 0 || a.ctx.Err() != nil:
				s.idle = 0
				can = append(can, i)
			case !a.until.After(now):
				can = append(can, i)
			case soonest.IsZero() || a.until.Before(soonest):
				soonest = a.until
			}
		}
		s.can = can
		if !left {
			close(s.ended)
			return
		}
		if len(can) > 0 {
			if s.Steps++; s.Steps == s.KillAt && s.Kill != nil {
				s.Kill()
			}
			s.forward(20 * time.Microsecond)
			if s.rand.Intn(2000) == 0 { // somebody sets the clock back
				s.forward(-time.Duration(s.rand.Intn(int(time.Second))))
			}
			if s.Steps%64 == 0 {
				s.slow = s.rand.Intn(len(s.actors))
			}
			s.current = can[s.rand.Intn(len(can))]
			for i := 0; i < 3 && s.current == s.slow; i++ {
				s.current = can[s.rand.Intn(len(can))]
			}
			s.actors[s.current].turn <- struct{}{}
			return
		}
		if s.idle++; s.idle > patience {
			time.Sleep(20 * time.Microsecond)
		} else {
			runtime.Gosched()
		}
		s.forward(soonest.Sub(now))
	}
}
