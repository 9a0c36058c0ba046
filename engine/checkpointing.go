package engine

import (
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

// checkpointing reads execution.checkpointing.*.
func (s *Session) checkpointing(c *job.Config, number func(string, int) int, duration func(key, def string) time.Duration) {
	c.Checkpoint.Interval = duration("execution.checkpointing.interval", "10 s")
	c.Checkpoint.Retain = 2
	for _, key := range []string{"state.checkpoints.num-retained", "execution.checkpointing.num-retained"} {
		c.Checkpoint.Retain = number(key, c.Checkpoint.Retain)
	}
	c.Checkpoint.Rate = int64(number("millrace.checkpoint-mb-per-second", 200)) << 20
	c.Checkpoint.MinPause = duration("execution.checkpointing.min-pause", "0 ms")
	c.Checkpoint.Timeout = duration("execution.checkpointing.timeout", "10 min")
	c.Checkpoint.Tolerable = number("execution.checkpointing.tolerable-failed-checkpoints", 0)
}

// refused are settings whose other value would change what a checkpoint promises:
// they are checked, not passed over.
func (s *Session) refused() error {
	for _, o := range []struct{ key, only, why string }{
		{"execution.checkpointing.mode", "EXACTLY_ONCE", "checkpoints in mode "},
		{"execution.checkpointing.unaligned.enabled", "false", "unaligned checkpoints: "},
		{"execution.checkpointing.unaligned", "false", "unaligned checkpoints: "},
		{"execution.checkpointing.max-concurrent-checkpoints", "1", "concurrent checkpoints: "},
		{"execution.checkpointing.checkpoints-after-tasks-finish", "true", "checkpoints-after-tasks-finish: "},
		{"execution.checkpointing.checkpoints-after-tasks-finish.enabled", "true", "checkpoints-after-tasks-finish: "},
	} {
		if v := s.Option(o.key, o.only); !strings.EqualFold(v, o.only) {
			return sqlerr.Unsupported(sqlerr.Span{}, o.why+v+" ("+o.key+")")
		}
	}
	return nil
}

// restart reads restart-strategy.*. Without a type a failed job stays down: it goes
// on from its checkpoint when it is started again.
func (s *Session) restart(c *job.Config, number func(string, int) int, duration func(key, def string) time.Duration) error {
	const key = "restart-strategy.type"
	kind := strings.ToLower(s.first("none", key, "restart-strategy"))
	real := func(key string, def float64) (float64, error) {
		v := s.Option(key, "")
		if v == "" {
			return def, nil
		}
		x, err := strconv.ParseFloat(v, 64)
		if err != nil {
			err = sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s is %q, not a number", key, v)
		}
		return x, err
	}
	r := &c.Restart
	var err error
	switch kind {
	case "none", "off", "disable":
		r.Kind = job.NoRestart
	case "fixed-delay", "fixeddelay":
		r.Kind = job.FixedDelay
		r.Attempts = number("restart-strategy.fixed-delay.attempts", 1)
		r.Delay = duration("restart-strategy.fixed-delay.delay", "1 s")
	case "failure-rate", "failurerate":
		r.Kind = job.FailureRate
		r.Failures = number("restart-strategy.failure-rate.max-failures-per-interval", 1)
		r.Interval = duration("restart-strategy.failure-rate.failure-rate-interval", "1 min")
		r.Delay = duration("restart-strategy.failure-rate.delay", "1 s")
	case "exponential-delay", "exponentialdelay":
		r.Kind = job.ExponentialDelay
		r.Delay = duration("restart-strategy.exponential-delay.initial-backoff", "1 s")
		r.Max = duration("restart-strategy.exponential-delay.max-backoff", "1 min")
		r.Reset = duration("restart-strategy.exponential-delay.reset-backoff-threshold", "1 h")
		if s.Option("restart-strategy.exponential-delay.attempts-before-reset-backoff", "infinite") != "infinite" {
			r.Attempts = number("restart-strategy.exponential-delay.attempts-before-reset-backoff", 0)
		}
		if r.Multiplier, err = real("restart-strategy.exponential-delay.backoff-multiplier", 1.5); err == nil {
			r.Jitter, err = real("restart-strategy.exponential-delay.jitter-factor", 0.1)
		}
	default:
		return sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s is %q; it can be none, fixed-delay, failure-rate or exponential-delay", key, kind)
	}
	return err
}
