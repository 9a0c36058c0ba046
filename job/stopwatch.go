package job

import (
	"sync/atomic"
	"time"
)

// stopwatch charges a task's time to the operator whose code runs: to BusyNs of
// that one, and to BlockedNs of those that wait for it in Emit. It reads the wall
// clock, not the session's: nothing that flows depends on it. Two readings per
// batch and operator are a tenth of a nanosecond per row of a full batch.
type stopwatch struct {
	began time.Time
	top   frame
	last  time.Duration // up to where time has been charged

	// For readers: who is at work since when, to see a call that doesn't return.
	running atomic.Pointer[vertex]
	since   atomic.Int64 // ns since began
}

// frame is an operator's call that hasn't returned.
type frame struct {
	v    *vertex // nil: nobody's
	from time.Duration
}

func newStopwatch() stopwatch {
	return stopwatch{began: time.Now()} // wall clock: busy time
}

// now is the time since the task began.
func (w *stopwatch) now() time.Duration { return time.Since(w.began) }

// enter begins a call of v, nil for waiting; leave takes what it returns.
func (w *stopwatch) enter(v *vertex) frame {
	now := time.Since(w.began)
	if w.top.v != nil {
		w.top.v.metrics.BusyNs.Add(int64(now - w.last))
	}
	caller := w.top
	w.top, w.last = frame{v, now}, now
	w.running.Store(v)
	w.since.Store(int64(now))
	return caller
}

// leave ends the call: its whole time counts as the caller's waiting.
func (w *stopwatch) leave(caller frame) {
	now := time.Since(w.began)
	if w.top.v != nil {
		w.top.v.metrics.BusyNs.Add(int64(now - w.last))
	}
	if caller.v != nil {
		caller.v.metrics.BlockedNs.Add(int64(now - w.top.from))
	}
	w.top, w.last = caller, now
	w.running.Store(caller.v)
	w.since.Store(int64(now))
}

// current is the operator at work and for how long it has been in this stretch.
func (w *stopwatch) current() (v *vertex, d time.Duration) {
	v = w.running.Load()
	if v == nil {
		return nil, 0
	}
	return v, time.Since(w.began) - time.Duration(w.since.Load())
}
