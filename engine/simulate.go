package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"sort"
	"strings"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/types"
)

// Simulation runs a script's INSERT jobs again and again as they might run in a bad
// world: tasks overtake each other, processes die and are started again, the disk is
// slow, full, and tears what wasn't synced, sinks time out between two of their
// results. Everything follows from a seed. What the sinks hold at the end must be
// what an undisturbed run writes. Sources are read as they are and must end; nothing
// is written outside.
type Simulation struct {
	Config  Config // of the sessions
	Sources []*sqlerr.Source
	Plant   job.Plant // a fault of ours that must be found; "": none
}

// SeedResult is one seed.
type SeedResult struct {
	Seed            int64
	Attempts, Kills int
	Steps           int
	Between         int    // kills that fell between prepare and commit
	Savepoints      int    // that were made, and gone on from
	Err             error  // it ends with this one again and again
	Diff            string // how the result differs; "": it doesn't
}

// Expect runs the script undisturbed, its tasks in an order that is always the same: a
// result that hangs on the order then differs for the same seeds each time.
func (s *Simulation) Expect(ctx context.Context) (want string, err error) {
	w := &world{committed: map[string]bool{}, rows: map[string]int{}}
	c := s.Config
	c.StateDir, c.Connector = "", w.connector
	sim := job.NewSimulator(0)
	c.Driver, c.Now = func() job.Driver { return sim }, sim.Now
	if err := s.run(ctx, New(c)); err != nil {
		return "", err
	}
	return w.String(), nil
}

// run executes a script whose INSERTs are bounded.
func (s *Simulation) run(ctx context.Context, session *Session) error {
	jobs := 0
	for _, src := range s.Sources {
		n, err := s.script(ctx, session, src)
		if err != nil {
			return err
		}
		jobs += n
	}
	if jobs == 0 {
		return errors.New("there is no INSERT: only those are simulated")
	}
	return nil
}

// script executes one and counts its jobs.
func (s *Simulation) script(ctx context.Context, session *Session, src *sqlerr.Source) (jobs int, err error) {
	stmts, err := session.Parse(src)
	if err != nil {
		return 0, err
	}
	for _, stmt := range stmts {
		switch stmt.(type) {
		case *ast.Insert, *ast.StatementSet:
			p, _, err := session.plan(stmt, nil)
			if err != nil {
				return jobs, sqlerr.At(err, stmt.Span())
			}
			if !p.bounded {
				return jobs, sqlerr.New(sqlerr.Invalid, stmt.Span(), "a simulation needs sources that end")
			}
			if p.session.Batch {
				return jobs, sqlerr.New(sqlerr.Invalid, stmt.Span(), "a simulation is about checkpoints, which batch mode has none of")
			}
			session.number(p)
			jobs++
			if err := session.run(ctx, p, nopOutput{}); err != nil {
				return jobs, sqlerr.At(err, stmt.Span())
			}
		case *ast.QueryStmt:
		default:
			if err := session.define(stmt, nopOutput{}); err != nil {
				return jobs, sqlerr.At(err, stmt.Span())
			}
		}
	}
	return jobs, nil
}

// Seed runs one.
func (s *Simulation) Seed(ctx context.Context, seed int64, want string) (out SeedResult, err error) {
	out.Seed = seed
	r := rand.New(rand.NewSource(seed))
	disk := checkpoint.NewDisk(seed)
	w := &world{committed: map[string]bool{}, rows: map[string]int{}, rand: r, faults: r.Intn(4)}
	c := s.Config
	c.Options = map[string]string{}
	for k, v := range s.Config.Options {
		c.Options[k] = v
	}
	for k, v := range map[string]string{
		"millrace.batch-rows": []string{"1", "2", "7", "64"}[r.Intn(4)], "millrace.edge-batches": []string{"1", "2", "4"}[r.Intn(3)],
		"execution.checkpointing.interval": []string{"1 ms", "5 ms", "20 ms"}[r.Intn(3)], "millrace.checkpoint-mb-per-second": "0",
		"execution.checkpointing.tolerable-failed-checkpoints": []string{"0", "2"}[r.Intn(2)],
		"restart-strategy.type":                                "none", // Seed itself starts again
		"execution.buffer-timeout.interval":                    []string{"1 us", "1 ms", "100 ms"}[r.Intn(3)],
	} {
		c.Options[k] = v
	}
	c.StateDir, c.FS, c.Connector, c.Plant = "/state", disk, w.connector, s.Plant
	kills, length := r.Intn(4), 32<<r.Intn(7)
	var last error
	var fork *fork
	for out.Attempts = 1; out.Attempts <= 40; out.Attempts++ {
		sim := job.NewSimulator(r.Int63())
		disk.Full = 0
		w.pause, w.aim = sim.Yield, 0
		if out.Attempts < 6 && r.Intn(3) == 0 {
			disk.Full = 0.02
		}
		ctx, cancel := context.WithCancel(ctx)
		killed := false
		c.Driver, c.Now = func() job.Driver { return sim }, sim.Now
		session := New(c)
		kill := func() {
			killed = true
			disk.Kill()
			out.Between += w.kill()
			for _, j := range session.list.Running() {
				_ = j.monitor.Cancel()
			}
			cancel()
		}
		disk.Pause = sim.Yield
		if kills > 0 {
			sim.Kill = kill
			switch r.Intn(5) {
			case 0, 1:
				sim.KillAt = 1 + r.Intn(length)
			case 2, 3: // few steps lie between prepare and commit: aim there
				w.aim, w.aimed = 1+r.Intn(8), func() { sim.KillAt = sim.Steps + 1 + r.Intn(24) }
			default: // recovery is before the tasks' first step: aim at what it does with the disk and the sinks
				if r.Intn(3) == 0 {
					w.aim, w.aimed = 1+r.Intn(3), kill
					break
				}
				left := 1 + r.Intn(24)
				disk.Pause = func() {
					if left--; left == 0 {
						kill()
					}
					sim.Yield()
				}
			}
		}
		stopped := "" // the savepoint that it was stopped with
		w.orderIn = 0
		if r.Intn(3) == 0 {
			w.orderIn = 1 + r.Intn(12)
			stop, path := r.Intn(2) == 0, fmt.Sprintf("/savepoints/%d", out.Attempts)
			w.order = func() {
				dir, err := checkpoint.At(disk, path)
				running := session.list.Running()
				if err != nil || len(running) != 1 {
					return
				}
				_ = running[0].monitor.Order(&job.SavepointOrder{Dir: dir, Stop: stop, Told: func(err error) {
					switch {
					case err != nil:
					case stop:
						stopped = path
					default:
						fork = w.fork(path)
					}
				}})
			}
		}
		last = s.run(ctx, session)
		cancel()
		out.Steps += sim.Steps
		w.alive(out.Attempts)
		disk.Pause, w.pause = nil, nil
		disk.Restart()
		if stopped != "" && (!killed || r.Intn(2) == 0) { // both savepoint and checkpoint are the end
			out.Savepoints++
			c.StateDir = fmt.Sprintf("/state-%d", out.Attempts)
			c.Options["execution.savepoint.path"] = stopped
		}
		if killed {
			kills--
			out.Kills++
			continue
		}
		if last == nil && stopped != "" {
			continue
		}
		if last == nil || !errors.Is(last, checkpoint.ErrFull) && !errors.Is(last, errSimulated) {
			break // it has ended, or will fail again
		}
	}
	if last != nil {
		out.Err, out.Diff = last, fmt.Sprintf("it doesn't end: %v", last)
		return out, nil
	}
	if out.Diff = diffLines(want, w.String()); out.Diff != "" || fork == nil {
		return out, nil
	}
	out.Savepoints++
	sim := job.NewSimulator(r.Int63())
	disk.Pause, disk.Full = sim.Yield, 0
	c.StateDir, c.Connector = "/fork", fork.world.connector
	c.Options["execution.savepoint.path"] = fork.path
	c.Driver, c.Now = func() job.Driver { return sim }, sim.Now
	fork.world.pause = sim.Yield
	if err := s.run(ctx, New(c)); err != nil {
		out.Err, out.Diff = err, fmt.Sprintf("from the savepoint that a running job had made: %v", err)
		return out, nil
	}
	if d := diffLines(want, fork.world.String()); d != "" {
		out.Diff = "from the savepoint that a running job had made:\n" + d
	}
	return out, nil
}

// fork is the world as it was when a running job had made a savepoint: who goes on from
// there ends with the same rows.
type fork struct {
	path  string
	world *world
}

func (w *world) fork(path string) *fork {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &fork{path, &world{committed: maps.Clone(w.committed), rows: maps.Clone(w.rows), attempt: -1}}
}

// diffLines are the first lines that one text has and the other hasn't: - is
// missing, + is too much.
func diffLines(want, got string) string {
	if want == got {
		return ""
	}
	only := func(sign, of, not string, out []string) []string {
		has := map[string]bool{}
		for _, l := range strings.Split(not, "\n") {
			has[l] = true
		}
		for _, l := range strings.Split(of, "\n") {
			if l != "" && !has[l] {
				out = append(out, sign+" "+l)
			}
		}
		return out
	}
	out := only("+", got, want, only("-", want, got, nil))
	sort.SliceStable(out, func(i, j int) bool { return row(out[i]) < row(out[j]) }) // both counts of a row side by side
	if len(out) > 10 {
		out = append(out[:10], fmt.Sprintf("and %d more", len(out)-10))
	}
	return strings.Join(out, "\n")
}

// row is a line without its sign and count.
func row(line string) string {
	_, r, _ := strings.Cut(line, "x ")
	return r
}

// errSimulated is a fault of the simulated outside.
var errSimulated = errors.New("simulated time-out of a sink")

// world is the outside of a simulation: what its sinks have published, as a table
// of rows and how many there are of each.
type world struct {
	mu        sync.Mutex
	committed map[string]bool // transactions
	rows      map[string]int
	rand      *rand.Rand // nil: nothing fails
	faults    int        // left
	dead      bool
	attempt   int
	prepared  map[string]bool // transactions since the last attempt began

	pause func() // a slow sink lets others go first; nil: nobody else is there
	aim   int    // calls of sinks until aimed is called
	aimed func()

	orderIn int // calls of sinks until order is called
	order   func()
}

// called is the beginning of a sink's call.
func (w *world) called() {
	if w.aim > 0 {
		if w.aim--; w.aim == 0 {
			w.aimed()
		}
	}
	if w.orderIn > 0 {
		if w.orderIn--; w.orderIn == 0 {
			w.order()
		}
	}
	if w.pause != nil {
		w.pause()
	}
}

func (w *world) kill() (between int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for id := range w.prepared {
		if !w.committed[id] {
			return 1
		}
	}
	return 0
}

func (w *world) alive(attempt int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead, w.attempt, w.prepared = false, attempt, nil
}

// String is a line per row and table: how many there are of it, and the row.
func (w *world) String() string {
	var lines []string
	for r, n := range w.rows {
		if n != 0 {
			lines = append(lines, fmt.Sprintf("%dx %s", n, r))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// fault decides whether something goes wrong here.
func (w *world) fault() bool {
	if w.rand == nil || w.faults == 0 || w.rand.Intn(10) > 0 {
		return false
	}
	w.faults--
	return true
}

// connector takes the place of a connector's sink.
func (w *world) connector(c *connectors.Connector) *connectors.Connector {
	if c.Sink == nil {
		return c
	}
	with := *c
	with.Sink = w.sink
	return &with
}

func (w *world) sink(t connectors.Table) (connectors.Sink, error) {
	return &simSink{world: w, table: t, ts: t.Schema.Types()}, nil
}

// simSink publishes rows in transactions that hold the rows themselves.
type simSink struct {
	*world
	table connectors.Table
	ts    []types.Type
}

// transaction is what Prepare returns, in JSON.
type transaction struct {
	ID   string
	Rows map[string]int
}

func (s *simSink) Changes(query batch.Changes) batch.Changes { return query }

func (s *simSink) Open(_ context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	return &simWriter{simSink: s, subtask: env.Subtask, rows: map[string]int{}}, nil
}

// Commit publishes what isn't yet; it may fail before, between and after.
func (s *simSink) Commit(_ context.Context, c connectors.Commit, pending [][]byte) ([][]byte, error) {
	for _, raw := range pending {
		s.called()
		var t transaction
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, err
		}
		if err := s.publish(t); err != nil {
			return nil, err
		}
	}
	s.called()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.fault() {
		return nil, errSimulated
	}
	return nil, nil
}

// publish is harmless when repeated.
func (s *simSink) publish(t transaction) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || s.fault() {
		return errSimulated
	}
	if s.committed[t.ID] {
		return nil
	}
	s.committed[t.ID] = true
	for r, n := range t.Rows {
		s.rows[r] += n
	}
	return nil
}

func (s *simSink) Abandon(context.Context, string, [][]byte) error { return nil }

type simWriter struct {
	*simSink
	subtask int
	rows    map[string]int
	buf     []byte
}

func (w *simWriter) Write(b *batch.Batch) error {
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		w.buf = append(append(w.buf[:0], w.table.Path...), '[')
		for c, t := range w.ts {
			if c > 0 {
				w.buf = append(w.buf, ", "...)
			}
			if b.Cols[c].Null(i) {
				w.buf = append(w.buf, "null"...)
			} else {
				w.buf = cast.AppendText(w.buf, t, &b.Cols[c], i, w.table.Session)
			}
		}
		w.buf = append(w.buf, ']')
		w.rows[string(w.buf)] += int(b.Kind(i).Sign())
	}
	return nil
}

func (w *simWriter) Flush(context.Context) error { return nil }

func (w *simWriter) Prepare(_ context.Context, n uint64) ([]byte, error) {
	w.called()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.fault() {
		return nil, errSimulated
	}
	if len(w.rows) == 0 {
		return nil, nil
	}
	t := transaction{ID: fmt.Sprintf("%s %d-%d-%d", w.table.Path, w.attempt, n, w.subtask), Rows: w.rows}
	w.rows = map[string]int{}
	if w.prepared == nil {
		w.prepared = map[string]bool{}
	}
	w.prepared[t.ID] = true
	return json.Marshal(t)
}

func (w *simWriter) Close() error { return nil }
