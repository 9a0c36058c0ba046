package job

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Config is how a job runs.
type Config struct {
	Session   *types.Session
	Store     state.Store
	BatchRows int
	MiniBatch MiniBatch
	Memory    *operators.Budget
	Publish   time.Duration // how often sinks publish without checkpoints; 0: at the end alone
	// Progress is called now and then by the task's goroutine; nil: never.
	Progress func(Progress)

	published time.Time
	reported  time.Time
	commits   uint64
}

// MiniBatch is table.exec.mini-batch.*.
type MiniBatch struct {
	Enabled bool
	Latency time.Duration
	Size    int
}

// Progress is what a running job has done so far.
type Progress struct {
	RowsIn, RowsOut, Late, Bad int64
	Watermark                  int64 // MinWatermark: none yet
	Final                      bool
}

// Run runs the graph to its end, to the first failure, or until ctx is done. It
// closes everything it opened.
func Run(ctx context.Context, g *physical.Graph, cfg Config) (err error) {
	defer guard(&err)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t, err := newTask(g, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := t.close(); err == nil {
			err = cerr
		}
	}()
	if err := t.open(ctx); err != nil {
		return err
	}
	t.cfg.published = t.now
	err = t.loop(ctx)
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	if stopped { // a clean stop publishes what was written
		if ferr := t.flushAll(); ferr != nil {
			return ferr
		}
	}
	if cerr := t.commit(context.WithoutCancel(ctx), !stopped); cerr != nil {
		return cerr
	}
	t.report(true)
	return err
}

// assign lists a scan's splits and hands them out.
func assign(ctx context.Context, v *vertex, session *types.Session) error {
	defer v.head.NoMoreSplits()
	spec, ok := v.node.Spec.(*scan.Spec)
	if !ok {
		return nil
	}
	splits, err := spec.Source.Splits(ctx, nil, 1)
	if err != nil {
		return err
	}
	add := make([]operators.Assigned, len(splits))
	for i, s := range splits {
		add[i] = operators.Assigned{Split: operators.SplitRef{Name: s.Name, Data: s.Data, Bounded: s.Bounded}, MaxTs: operators.MinWatermark}
	}
	return v.head.Assign(add)
}

// interval publishes what sinks have written, when it is time.
func (c *Config) interval(t *Task) error {
	if c.Publish == 0 || t.now.Sub(c.published) < c.Publish {
		return nil
	}
	c.published = t.now
	return t.commit(context.Background(), false)
}

// commit runs Prepare and Commit of every sink: without a state directory there
// is no manifest between the two.
func (t *Task) commit(ctx context.Context, final bool) error {
	t.cfg.commits++
	n := t.cfg.commits
	for _, v := range t.nodes {
		s, ok := v.op.(*sink.Operator)
		if !ok {
			continue
		}
		p, err := s.Prepare(n)
		if err != nil {
			return v.fail(err)
		}
		var pending [][]byte
		if p != nil {
			pending = append(pending, p)
		}
		wm := int64(operators.MaxWatermark)
		if !final {
			wm, _ = v.low()
		}
		if _, err := s.Sink().Commit(ctx, connectors.Commit{N: n, Watermark: wm, Final: final, Now: t.now}, pending); err != nil {
			return v.fail(err)
		}
	}
	return nil
}

const reportEvery = 200 * time.Millisecond

func (c *Config) progress(t *Task) {
	if c.Progress != nil && t.now.Sub(c.reported) >= reportEvery {
		c.reported = t.now
		t.report(false)
	}
}

func (t *Task) report(final bool) {
	if t.cfg.Progress == nil {
		return
	}
	p := Progress{Watermark: operators.MaxWatermark, Final: final}
	for _, v := range t.nodes {
		p.Late += v.metrics.Late.Load()
		p.Bad += v.metrics.Bad.Load()
		if v.head != nil {
			p.RowsIn += v.metrics.RowsOut.Load()
			p.Watermark = min(p.Watermark, v.passed)
		}
		for _, o := range v.out {
			if len(o.to.out) == 0 {
				p.RowsOut += v.metrics.RowsOut.Load()
			}
		}
	}
	t.cfg.Progress(p)
}

// stack is the panicking goroutine's stack, short.
func stack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	return strings.Join(lines[min(7, len(lines)):min(27, len(lines))], "\n")
}
