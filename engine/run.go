package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/planner/rewrite"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Run executes a script: bounded INSERTs are awaited in order, unbounded ones run
// side by side, a SELECT runs in the foreground. It returns when all have ended,
// with the first failure.
func (s *Session) Run(ctx context.Context, src *sqlerr.Source, out Output) error {
	stmts, err := s.parse(src)
	if err != nil {
		return err
	}
	jobs := newJobs(ctx)
	for _, stmt := range stmts {
		if err := s.execute(jobs, stmt, out); err != nil {
			jobs.cancel()
			_ = jobs.wait()
			if errors.Is(err, operators.Done) {
				return nil
			}
			return err
		}
	}
	return jobs.wait()
}

// Check parses, binds and plans a script without running anything.
func (s *Session) Check(src *sqlerr.Source) error {
	stmts, err := s.parse(src)
	if err != nil {
		return err
	}
	return s.checkAll(stmts, func(ast.Stmt, *planned) error { return nil })
}

// checkAll checks statements, tells of each that is right, with its plan if it is a
// query or an INSERT, and returns the faults.
func (s *Session) checkAll(stmts []ast.Stmt, right func(ast.Stmt, *planned) error) error {
	var faults sqlerr.List
	undefined := map[string]bool{} // what statements at fault would have made
	for _, stmt := range stmts {
		p, err := s.check(stmt)
		if err == nil {
			if err := right(stmt, p); err != nil {
				return err
			}
			continue
		}
		if name := defines(stmt); name != nil {
			undefined[name.Last().Name] = true
		}
		for _, e := range sqlerr.All(sqlerr.At(err, stmt.Span())) {
			words := strings.FieldsFunc(e.At.Text(), func(r rune) bool { return r == '.' || r == '`' })
			if e.Code == sqlerr.NotFound && len(words) > 0 && undefined[words[len(words)-1]] {
				continue // told where it was to be made
			}
			faults = append(faults, e)
		}
	}
	return faults.Sort().Err()
}

// defines is the table, view or function that a statement makes, or nil.
func defines(stmt ast.Stmt) *ast.Name {
	switch s := stmt.(type) {
	case *ast.CreateTable:
		return s.Name
	case *ast.CreateView:
		return s.Name
	case *ast.CreateFunction:
		return s.Name
	}
	return nil
}

// check plans a query or an INSERT and executes any other statement; its answer is
// dropped.
func (s *Session) check(stmt ast.Stmt) (p *planned, err error) {
	switch stmt := stmt.(type) {
	case *ast.QueryStmt, *ast.Insert:
		p, _, err = s.plan(stmt, func(b *batch.Batch) error { return nil })
		return p, err
	case *ast.StatementSet:
		fill, err := s.createAll(stmt)
		if err == nil {
			p, _, err = s.plan(fill, nil)
		}
		return p, err
	case *ast.CreateTable:
		if stmt.Query == nil {
			break
		}
		fill, err := s.createAs(stmt)
		if err == nil {
			p, _, err = s.plan(fill, nil)
		}
		return p, err
	case *ast.StopJob:
		return nil, nil
	case *ast.Explain:
		if slices.Contains(stmt.Details, "ANALYZE") { // would run it
			if stmt.Job == nil {
				_, _, err = s.plan(stmt.Stmt, func(*batch.Batch) error { return nil })
			}
			return nil, err
		}
	}
	return nil, s.define(stmt, nopOutput{})
}

// createAs is the first half of CREATE TABLE AS: it makes the table and returns the
// INSERT that fills it.
func (s *Session) createAs(stmt *ast.CreateTable) (*ast.Insert, error) {
	q, err := s.query()
	if err != nil {
		return nil, err
	}
	return s.createTable(stmt, q)
}

// createAll makes the tables of a statement set's CREATE TABLE AS statements, each with
// its INSERT in its place.
func (s *Session) createAll(stmt *ast.StatementSet) (*ast.StatementSet, error) {
	fill := *stmt
	fill.Stmts = nil
	for _, x := range stmt.Stmts {
		if c, ok := x.(*ast.CreateTable); ok && c.Query != nil {
			insert, err := s.createAs(c)
			if err != nil {
				return nil, sqlerr.At(err, c.Span())
			}
			x = insert
		}
		fill.Stmts = append(fill.Stmts, x)
	}
	return &fill, nil
}

// jobs are the unbounded jobs of a script.
type jobs struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	first  error
}

func newJobs(ctx context.Context) *jobs {
	ctx, cancel := context.WithCancel(ctx)
	return &jobs{ctx: ctx, cancel: cancel}
}

func (j *jobs) start(f func(ctx context.Context) error) {
	j.wg.Add(1)
	go func() {
		defer j.wg.Done()
		if err := f(j.ctx); err != nil {
			j.mu.Lock()
			if j.first == nil {
				j.first = err
			}
			j.mu.Unlock()
			j.cancel()
		}
	}()
}

func (j *jobs) wait() error {
	j.wg.Wait()
	j.cancel()
	return j.first
}

func (s *Session) execute(jobs *jobs, stmt ast.Stmt, out Output) error {
	switch stmt := stmt.(type) {
	case *ast.QueryStmt:
		return sqlerr.At(s.selectRows(jobs.ctx, stmt, out), stmt.Span())
	case *ast.Insert:
		return sqlerr.At(s.insert(jobs, stmt, out), stmt.Span())
	case *ast.StatementSet:
		fill, err := s.createAll(stmt)
		if err == nil {
			err = s.insert(jobs, fill, out)
		}
		return sqlerr.At(err, stmt.Span())
	case *ast.CreateTable:
		if stmt.Query == nil {
			break
		}
		fill, err := s.createAs(stmt)
		if err == nil {
			err = s.insert(jobs, fill, out)
		}
		return sqlerr.At(err, stmt.Span())
	case *ast.Analyze:
		return sqlerr.At(s.analyze(jobs.ctx, stmt), stmt.Span())
	}
	return sqlerr.At(s.define(stmt, out), stmt.Span())
}

// planned is a graph with what the engine must know of it.
type planned struct {
	graph     *physical.Graph
	session   *types.Session
	bounded   bool
	collects  bool   // a query: its rows go to the caller
	bound     string // the relations before they were rewritten, for EXPLAIN
	rewritten []logical.Node
	text      string // the statement
}

// plan binds, rewrites and builds a query, an INSERT or a statement set. A query's
// rows go to collect.
func (s *Session) plan(stmt ast.Stmt, collect func(*batch.Batch) error) (_ *planned, _ *types.Schema, err error) {
	defer func() { // a panic in the planner is a bug; it must not take the process with it
		if r := recover(); r != nil {
			err = sqlerr.New(sqlerr.Invalid, stmt.Span(), "internal error while planning: %v", r)
		}
	}()
	clear(s.snapshots)
	q, err := s.query()
	if err != nil {
		return nil, nil, err
	}
	var roots []logical.Node
	var schema *types.Schema
	b := s.binder(q)
	switch stmt := stmt.(type) {
	case *ast.QueryStmt:
		n, err := b.Query(stmt.Query)
		if err != nil {
			return nil, nil, err
		}
		schema = n.Schema()
		roots = append(roots, &logical.Sink{Base: logical.Base{Out: schema, At: stmt.Span()}, Input: n})
	case *ast.Insert:
		n, err := b.Insert(stmt)
		if err != nil {
			return nil, nil, err
		}
		roots = append(roots, n)
	case *ast.StatementSet:
		var faults sqlerr.List
		for _, x := range stmt.Stmts {
			ins, ok := x.(*ast.Insert)
			if !ok {
				return nil, nil, sqlerr.Unsupported(x.Span(), "EXPLAIN of CREATE TABLE AS in a statement set")
			}
			n, err := b.Insert(ins)
			if err != nil {
				faults = append(faults, sqlerr.All(err)...)
				continue
			}
			roots = append(roots, n)
		}
		if err := faults.Sort().Err(); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, sqlerr.Unsupported(stmt.Span(), fmt.Sprintf("planning %T", stmt))
	}
	bound := ""
	if s.explaining {
		for _, r := range roots {
			bound += logical.Print(r)
		}
	}
	for i := range roots {
		if q.Batch {
			physical.CountRows(roots[i], q)
		}
		if roots[i], err = rewrite.Apply(roots[i], q); err != nil {
			return nil, nil, err
		}
	}
	roots = rewrite.NarrowScans(roots, q, physical.Changing)
	name := s.jobName(roots)
	lost, err := b.BadRows(roots, scan.BadColumns)
	if err != nil {
		return nil, nil, err
	}
	roots = append(lost, roots...)
	parallelism, err := s.parallelism()
	if err != nil {
		return nil, nil, err
	}
	g, err := physical.Build(roots, physical.Config{Session: q, Parallelism: parallelism, Job: name, Collect: collect, Stdout: s.cfg.Stdout})
	if err != nil {
		return nil, nil, err
	}
	return &planned{graph: g, session: q, bounded: physical.Bounded(roots), collects: schema != nil, bound: bound, rewritten: roots, text: stmt.Span().Text()}, schema, nil
}

// prepare reads the settings that p runs under, here and now, and returns what
// runs it.
func (s *Session) prepare(p *planned, out Output) (run func(ctx context.Context) error, err error) {
	cfg, err := s.jobConfig(p.session)
	if err != nil {
		return nil, err
	}
	if cfg.NewStore, err = s.store(); err != nil {
		return nil, err
	}
	cfg.Driver, cfg.Plant = s.cfg.Driver, s.cfg.Plant
	cfg.Progress = s.watch(p, out)
	closeDir, err := s.keep(&cfg, p, out)
	savepoints := s.first("", "execution.checkpointing.savepoint-dir", "state.savepoints.dir")
	if savepoints == "" && cfg.Checkpoint.Dir != nil {
		savepoints = cfg.Checkpoint.Dir.Path() + "/savepoints"
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer closeDir() // also after a panic
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		j := s.newJob(p, cancel)
		j.savepoints, j.option = savepoints, cfg.Session.Option
		s.list.add(j)
		if w, ok := out.(JobWatcher); ok {
			w.Began(j)
		}
		cfg.Monitor = &j.monitor
		err := job.Run(ctx, p.graph, cfg)
		closeDir() // before anyone hears of the end: they may start the next on it
		j.end(err, s.cfg.Now())
		if errors.Is(err, operators.Done) {
			return nil
		}
		return err
	}, nil
}

func (s *Session) run(ctx context.Context, p *planned, out Output) error {
	run, err := s.prepare(p, out)
	if err != nil {
		return err
	}
	return run(ctx)
}

// selectRows runs a query in the foreground.
func (s *Session) selectRows(ctx context.Context, stmt *ast.QueryStmt, out Output) error {
	var sinkRows func(*batch.Batch) error
	p, schema, err := s.plan(stmt, func(b *batch.Batch) error { return sinkRows(b) })
	if err != nil {
		return err
	}
	changes := p.graph.Nodes[len(p.graph.Nodes)-1].Changes
	if sinkRows, err = out.Rows(schema, changes, p.bounded); err != nil {
		return sqlerr.At(err, stmt.Span())
	}
	if err := s.run(ctx, p, out); err != nil {
		_ = sinkRows(nil)
		return err
	}
	if err := sinkRows(nil); err != nil && !errors.Is(err, operators.Done) {
		return err
	}
	return nil
}

// insert runs an INSERT or a statement set: at once to its end when bounded, else
// beside the rest of the script.
func (s *Session) insert(jobs *jobs, stmt ast.Stmt, out Output) error {
	p, _, err := s.plan(stmt, nil)
	if err != nil {
		return err
	}
	s.number(p)
	run, err := s.prepare(p, out)
	if err != nil {
		return err
	}
	if p.bounded || strings.EqualFold(s.Option("table.dml-sync", "false"), "true") {
		return run(jobs.ctx)
	}
	jobs.start(run)
	return nil
}

// nopOutput is for Check.
type nopOutput struct{}

func (nopOutput) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(*batch.Batch) error { return nil }, nil
}
func (nopOutput) Note(string)           {}
func (nopOutput) Progress(job.Progress) {}
