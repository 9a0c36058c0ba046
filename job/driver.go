package job

import (
	"context"
	"sync"
	"time"
)

// Driver decides which of a run's actors, the tasks and the coordinator, runs
// when: NewWorkers' run side by side, a Simulator's one at a time. Actors are
// numbered; only they call it.
type Driver interface {
	// run runs every actor to its end.
	run(n int, body func(i int))
	// park gives way until the wake-up comes, the time has passed or ctx is done.
	park(i int, ctx context.Context, wake <-chan struct{}, d time.Duration)
	// yield lets others go first.
	yield(i int)
	// background does work beside the actors and waits for it in run.
	background(f func())
}

// workers runs each actor on a goroutine.
type workers struct{ wg sync.WaitGroup }

// NewWorkers is the driver for real work.
func NewWorkers() Driver { return &workers{} }

func (w *workers) run(n int, body func(i int)) {
	for i := 0; i < n; i++ {
		w.wg.Add(1)
		go func() {
			defer w.wg.Done()
			body(i)
		}()
	}
	w.wg.Wait()
}

func (w *workers) park(_ int, ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (w *workers) yield(int) {}

func (w *workers) background(f func()) {
	w.wg.Add(1)
	go func() {
		defer w.wg.Done()
		f()
	}()
}
