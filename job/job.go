// Package job runs a graph: its tasks, what travels between them, checkpoints, and
// the end of a job.
//
// A task is what lies between two exchanges, once per subtask, and one goroutine.
// At parallelism 1 the whole graph is one task: heads take turns in plan order, one
// batch of at most millrace.batch-rows rows each, and a batch goes through all
// operators by direct calls before the next is made. Otherwise rows travel from
// task to task in batches on edges, with watermarks, barriers and ends behind them
// in band. The task's loop is the only code that tells these apart.
//
// A coordinator beside the tasks hands out splits, asks for barriers, makes a
// checkpoint of the answers and commits the sinks. A Driver decides who runs when:
// goroutines for real work, a seeded baton in tests.
//
//	job.go          Config, Run
//	expand.go       graph -> tasks
//	task.go         the loop
//	time.go         watermarks, idleness, ends
//	vertex.go       an operator in its task
//	edge.go, exchange.go   between tasks
//	align.go        barriers in a task
//	coordinator.go, splits.go   beside the tasks
//	checkpoint.go, recover.go   what is kept and read back
//	savepoint.go, restart.go    what users order; what follows a failure
//	driver.go, simulator.go     who runs when
//	monitor.go, stopwatch.go    what a job tells of itself while it runs
//
// Start with Run, then task.loop.
package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

// Config is how a job runs.
type Config struct {
	Session       *types.Session
	NewStore      func(state.Options) state.Store // makes a task's store
	BatchRows     int
	LateRows      int // rows too late to count that each subtask keeps for reading
	MiniBatch     MiniBatch
	BufferTimeout time.Duration // how long a row may wait in an open batch of an exchange
	EdgeBatches   int           // batches a sender may have under way to one receiver; 0: the default
	Evict         bool          // a test mode: no state id survives its turn
	Memory        *operators.Budget
	Spill         Spill
	Checkpoint    Checkpoint
	Restart       Restart
	// Driver makes what runs an attempt; nil: NewWorkers.
	Driver func() Driver
	// Progress is called now and then, from a goroutine of the job's; nil: never.
	Progress func(Progress)
	// Monitor, when it isn't nil, can be asked about the job from any goroutine.
	Monitor *Monitor
	Plant   Plant
}

// Plant is a fault put into the protocol on purpose: a simulation that doesn't find
// it proves nothing.
type Plant string

// The faults.
const (
	PlantAlignment Plant = "alignment" // edges that have delivered a barrier aren't held
	PlantManifest  Plant = "manifest"  // sinks commit before the manifest is written
	PlantCommit    Plant = "commit"    // a manifest doesn't name what sinks have prepared
	PlantSavepoint Plant = "savepoint" // that of a savepoint doesn't
)

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

// Run runs the graph to its end or to the first failure. When ctx is done the job
// is stopped in good order: what was written is published, and the context's error
// returned. It closes everything it opened.
func Run(ctx context.Context, g *physical.Graph, cfg Config) error {
	if cfg.BufferTimeout <= 0 {
		cfg.BufferTimeout = 100 * time.Millisecond
	}
	if cfg.Checkpoint.Timeout <= 0 {
		cfg.Checkpoint.Timeout = 10 * time.Minute
	}
	return restarting(ctx, g, cfg)
}

// run is one attempt at running a graph.
type run struct {
	cfg     Config
	graph   *physical.Graph
	ctx     context.Context // done at the first failure
	cancel  context.CancelFunc
	driver  Driver
	tasks   []*task
	nodes   map[*physical.Node][]*vertex
	sources []source
	coord   *coordinator

	restored *checkpoint.Manifest // where the job goes on; nil: it begins
	from     *Upgrade             // how that fits the query
	gone     chan struct{}        // closed when it has ended

	mu    sync.Mutex
	first error
}

func runOnce(soft context.Context, g *physical.Graph, cfg Config) (err error) {
	defer guard(&err)
	r := &run{cfg: cfg, graph: g, driver: NewWorkers(), gone: make(chan struct{})}
	defer close(r.gone)
	if cfg.Driver != nil {
		r.driver = cfg.Driver()
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(soft))
	defer r.cancel()
	r.coord = newCoordinator(r)
	if err := r.expand(); err != nil {
		return err
	}
	r.coord.index = len(r.tasks)
	cfg.Monitor.attach(r)
	defer cfg.Monitor.detach(r)
	defer func() {
		for _, t := range r.tasks {
			if cerr := t.close(); err == nil {
				err = cerr
			}
		}
	}()
	if err := r.start(); err != nil {
		if errors.Is(err, errFinished) {
			return nil
		}
		return err
	}
	r.driver.run(len(r.tasks)+1, func(i int) { r.actor(soft, i) })
	if r.first != nil {
		return r.first
	}
	if !r.coord.over {
		return context.Canceled
	}
	if cfg.Progress != nil {
		cfg.Progress(r.progress(true))
	}
	if r.coord.stopping {
		return soft.Err()
	}
	return nil
}

// start brings the tasks to where they begin.
func (r *run) start() error {
	if err := r.recover(r.ctx); err != nil {
		return err
	}
	for _, t := range r.tasks {
		if err := t.open(r.ctx); err != nil {
			return err
		}
	}
	if r.restored != nil {
		if err := r.remember(); err != nil {
			return err
		}
	}
	return r.list(r.ctx)
}

// actor is the body of a task, or of the coordinator.
func (r *run) actor(soft context.Context, i int) {
	var err error
	defer func() {
		if err != nil {
			r.fail(err)
		}
	}()
	defer guard(&err)
	if i < len(r.tasks) {
		t := r.tasks[i]
		// A failure in the middle of a turn would keep the writer of a snapshot out for
		// ever, and the run waits for it.
		defer t.store.Release()
		err = t.loop(r.ctx)
	} else {
		err = r.coord.loop(soft)
	}
}

// fail keeps the first error and ends the attempt.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil && !errors.Is(err, context.Canceled) {
		r.first = err
	}
	r.cancel()
}

// progress sums up the counters.
func (r *run) progress(final bool) Progress {
	p := Progress{Watermark: operators.MaxWatermark, Final: final}
	for _, t := range r.tasks {
		for _, v := range t.vertices {
			p.Late += v.metrics.Late.Load()
			p.Bad += v.metrics.Bad.Load()
			if v.head != nil {
				p.RowsIn += v.metrics.RowsOut.Load()
				p.Watermark = min(p.Watermark, v.metrics.Watermark.Load())
			}
			if len(v.outs) == 0 {
				p.RowsOut += v.metrics.RowsIn.Load()
			}
		}
	}
	return p
}

// guard turns a panic, which is a bug, into an error with the operator's place.
func guard(err *error) {
	if r := recover(); r != nil {
		if f, ok := r.(*spill.Failure); ok { // of the disk
			*err = f.Err
			return
		}
		*err = fmt.Errorf("internal error: %v\n%s", r, stack())
	}
}

// stack is the panicking goroutine's stack, short.
func stack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	return strings.Join(lines[min(7, len(lines)):min(27, len(lines))], "\n")
}
