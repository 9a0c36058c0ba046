package job

import (
	"context"
	"math/rand"
	"time"
)

// Simulator runs one actor at a time: a baton goes round, and at every point where
// an actor would wait, or may be overtaken, the seed chooses who gets it next. The
// tasks are the real ones; what differs from one seed to the next is the order in
// which they run.
type Simulator struct {
	rand   *rand.Rand
	actors []*actor
	ended  chan struct{}
	// Steps counts how often the baton was passed.
	Steps int
}

// actor is what the simulator knows of one.
type actor struct {
	turn   chan struct{}
	ctx    context.Context // of the park; nil: ready to run
	wake   <-chan struct{}
	until  time.Duration // on the simulator's clock
	parked bool
	over   bool
}

// NewSimulator makes a driver that repeats itself for a seed, as far as nothing
// outside decides when rows come.
func NewSimulator(seed int64) *Simulator {
	return &Simulator{rand: rand.New(rand.NewSource(seed))}
}

func (s *Simulator) run(n int, body func(i int)) {
	s.actors, s.ended = make([]*actor, n), make(chan struct{})
	for i := range s.actors {
		s.actors[i] = &actor{turn: make(chan struct{}, 1)}
	}
	for i := range s.actors {
		go func() {
			<-s.actors[i].turn
			defer s.leave(i)
			body(i)
		}()
	}
	s.next()
	<-s.ended
}

func (s *Simulator) leave(i int) {
	s.actors[i].over = true
	s.next()
}

func (s *Simulator) background(f func()) { f() }

func (s *Simulator) yield(i int) {
	s.next()
	<-s.actors[i].turn
}

func (s *Simulator) park(i int, ctx context.Context, wake <-chan struct{}, d time.Duration) {
	a := s.actors[i]
	a.parked, a.ctx, a.wake, a.until = true, ctx, wake, d
	s.next()
	<-a.turn
	a.parked = false
	select {
	case <-wake:
	default:
	}
}

// next passes the baton to an actor that can run. When none can it waits, in
// little steps that count against the time each wanted to sleep.
func (s *Simulator) next() {
	const step = time.Millisecond
	for {
		var can []*actor
		left := false
		for _, a := range s.actors {
			if a.over {
				continue
			}
			left = true
			if !a.parked || len(a.wake) > 0 || a.until <= 0 || a.ctx.Err() != nil {
				can = append(can, a)
			}
		}
		if !left {
			close(s.ended)
			return
		}
		if len(can) > 0 {
			s.Steps++
			can[s.rand.Intn(len(can))].turn <- struct{}{}
			return
		}
		time.Sleep(step / 10)
		for _, a := range s.actors {
			a.until -= step
		}
	}
}
