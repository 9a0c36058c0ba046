package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Parse reads a text as Run does; statements without fault are returned beside the
// error.
func (s *Session) Parse(src *sqlerr.Source) ([]ast.Stmt, error) {
	return s.parse(src)
}

// Execute executes one statement for someone who waits: a query runs until its end
// or ctx's; an INSERT begins and goes on by itself, as the job that is returned,
// until Job.Stop, unless table.dml-sync is set.
func (s *Session) Execute(ctx context.Context, stmt ast.Stmt, out Output) (*Job, error) {
	switch stmt := stmt.(type) {
	case *ast.QueryStmt:
		return nil, sqlerr.At(s.selectRows(ctx, stmt, out), stmt.Span())
	case *ast.Insert:
		j, err := s.submit(ctx, stmt, out)
		return j, sqlerr.At(err, stmt.Span())
	case *ast.StatementSet:
		fill, err := s.createAll(stmt)
		if err != nil {
			return nil, sqlerr.At(err, stmt.Span())
		}
		j, err := s.submit(ctx, fill, out)
		return j, sqlerr.At(err, stmt.Span())
	case *ast.CreateTable:
		if stmt.Query == nil {
			break
		}
		fill, err := s.createAs(stmt)
		if err != nil {
			return nil, sqlerr.At(err, stmt.Span())
		}
		j, err := s.submit(ctx, fill, out)
		return j, sqlerr.At(err, stmt.Span())
	case *ast.Analyze:
		return nil, sqlerr.At(s.analyze(ctx, stmt), stmt.Span())
	}
	if x, ok := stmt.(*ast.Explain); ok && slices.Contains(x.Details, "ANALYZE") {
		return nil, sqlerr.At(s.explainAnalyze(ctx, x, out), stmt.Span())
	}
	return nil, sqlerr.At(s.define(stmt, out), stmt.Span())
}

func (s *Session) submit(ctx context.Context, stmt ast.Stmt, out Output) (*Job, error) {
	p, _, err := s.plan(stmt, nil)
	if err != nil {
		return nil, err
	}
	s.number(p)
	if strings.EqualFold(s.Option("table.dml-sync", "false"), "true") {
		return nil, s.run(ctx, p, out)
	}
	w := &began{Output: out, job: make(chan *Job, 1)}
	run, err := s.prepare(p, w)
	if err != nil {
		return nil, err
	}
	go func() { _ = run(context.WithoutCancel(ctx)) }() // how it ends is in the Job
	return <-w.job, nil
}

// began learns of the job; its progress isn't shown, for others are at work.
type began struct {
	Output
	job chan *Job
}

// Progress is dropped.
func (b *began) Progress(job.Progress) {}

// Began takes the job.
func (b *began) Began(j *Job) {
	b.job <- j
	if w, ok := b.Output.(JobWatcher); ok {
		w.Began(j)
	}
}

// showJobs are the rows of SHOW JOBS.
func (s *Session) showJobs(out Output) error {
	var rows [][]string
	for _, j := range s.list.All() {
		rows = append(rows, j.row())
	}
	return answer(out, jobColumns, rows)
}

var jobColumns = []string{"job id", "job name", "status", "start time"}

func (j *Job) row() []string {
	start, _ := j.Times()
	return []string{j.ID, j.Name, string(j.Status()), start.UTC().Format("2006-01-02T15:04:05.000")}
}

// job finds the job that a statement names.
func (s *Session) job(id *ast.Text) (*Job, error) {
	if j := s.list.Find(id.Value); j != nil {
		return j, nil
	}
	var known []string
	for _, j := range s.list.All() {
		known = append(known, j.Name)
	}
	return nil, sqlerr.New(sqlerr.NotFound, id.Span(), "job %q not found%s", id.Value, sqlerr.DidYouMean(id.Value, known)).
		WithHint("SHOW JOBS lists the jobs of this session")
}

func (s *Session) stopJob(stmt *ast.StopJob, out Output) error {
	j, err := s.job(&stmt.ID)
	if err != nil {
		return err
	}
	if stmt.Savepoint {
		path, err := j.Savepoint(SavepointOptions{Stop: true, Drain: stmt.Drain})
		if err != nil {
			return err
		}
		return answer(out, []string{"savepoint path"}, [][]string{{path}})
	}
	j.Stop()
	<-j.Done()
	if j.Status() == Failed {
		return fmt.Errorf("job %q failed: %w", j.Name, j.Err())
	}
	return answer(out, []string{"result"}, [][]string{{"OK"}})
}
