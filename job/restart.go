package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"time"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
)

// RestartKind names a strategy, as restart-strategy.type does.
type RestartKind string

// The strategies.
const (
	NoRestart        RestartKind = "none"
	FixedDelay       RestartKind = "fixed-delay"
	FailureRate      RestartKind = "failure-rate"
	ExponentialDelay RestartKind = "exponential-delay"
)

// Restart is restart-strategy.*: whether and when a failed job begins again, from
// its newest checkpoint.
type Restart struct {
	Kind     RestartKind // "": NoRestart
	Attempts int         // of FixedDelay; of ExponentialDelay before Reset, 0: without end
	Delay    time.Duration
	// of FailureRate: at most Failures in Interval
	Failures int
	Interval time.Duration
	// of ExponentialDelay: Delay grows by Multiplier up to Max, each time by up to
	// Jitter of itself more or less, and is forgotten after Reset without a failure
	Max, Reset         time.Duration
	Multiplier, Jitter float64
}

// restarts is a strategy at work.
type restarts struct {
	Restart
	n        int
	delay    time.Duration
	failures []time.Time
	last     time.Time
	rand     *rand.Rand
}

// next is how long to wait before the job begins again, after it failed at now; no
// when it shouldn't.
func (r *restarts) next(now time.Time) (time.Duration, bool) {
	switch r.Kind {
	case FixedDelay:
		r.n++
		return r.Delay, r.n <= r.Attempts
	case FailureRate:
		r.failures = append(r.failures, now)
		for now.Sub(r.failures[0]) > r.Interval {
			r.failures = r.failures[1:]
		}
		return r.Delay, len(r.failures) <= r.Failures
	case ExponentialDelay:
		if r.delay == 0 || now.Sub(r.last) >= r.Reset+r.delay {
			r.delay, r.n = r.Delay, 0
		} else {
			r.delay = min(time.Duration(float64(r.delay)*r.Multiplier), r.Max)
		}
		r.n++
		r.last = now
		d := r.delay + time.Duration((2*r.rand.Float64()-1)*r.Jitter*float64(r.delay))
		return min(d, r.Max), r.Attempts == 0 || r.n <= r.Attempts
	}
	return 0, false
}

// lasting says that a failure would come again at once: a checkpoint that doesn't
// fit, a row that can't be read, a bug.
func lasting(err error) bool {
	var restore *RestoreError
	if errors.As(err, &restore) || errors.Is(err, operators.Done) || errors.Is(err, context.Canceled) {
		return true
	}
	for _, e := range sqlerr.All(err) {
		if e.Code != sqlerr.Runtime {
			return true
		}
	}
	return false
}

// restarting runs the graph, again and again as the strategy allows.
func restarting(soft context.Context, g *physical.Graph, cfg Config) error {
	r := &restarts{Restart: cfg.Restart, rand: cfg.Session.Rand("restart")}
	for {
		err := runOnce(soft, g, cfg)
		if err == nil || soft.Err() != nil || lasting(err) {
			return err
		}
		wait, ok := r.next(cfg.Session.Now())
		if !ok {
			if r.Kind != "" && r.Kind != NoRestart {
				return fmt.Errorf("%w (no more restarts: restart-strategy.type is %s)", err, r.Kind)
			}
			return err
		}
		if cfg.Checkpoint.Note != nil {
			cfg.Checkpoint.Note(fmt.Sprintf("job %q failed and begins again in %v: %v", g.Job, wait.Round(time.Millisecond), err))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-soft.Done():
			timer.Stop()
			return err
		}
	}
}
