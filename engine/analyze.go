package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/blackhole"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// explainAnalyze is EXPLAIN ANALYZE: of a job of the session, as it is now or was when it
// ended; or of a statement, which is run for that, reading and not writing.
func (s *Session) explainAnalyze(ctx context.Context, stmt *ast.Explain, out Output) error {
	if stmt.Job != nil {
		text, err := s.analyzedJob(ctx, stmt.Job)
		if err != nil {
			return err
		}
		return answer(out, []string{"result"}, [][]string{{text}})
	}
	text, err := s.analyzed(ctx, stmt.Stmt)
	if err != nil {
		return err
	}
	return answer(out, []string{"result"}, [][]string{{text}})
}

// analyzedJob is a job's plan with its numbers, of this session or of another process.
func (s *Session) analyzedJob(ctx context.Context, name *ast.Text) (string, error) {
	j, err := s.job(name)
	if err == nil {
		return j.Analyze(), nil
	}
	if s.cfg.Others != nil {
		ctx, cancel := context.WithTimeout(ctx, othersWait)
		defer cancel()
		text, found, oerr := s.cfg.Others.Analyze(ctx, name.Value)
		if oerr != nil {
			return "", sqlerr.New(sqlerr.Runtime, name.Span(), "job %q: %v", name.Value, oerr)
		}
		if found {
			return text, nil
		}
	}
	return "", err
}

// analyzed runs a query, INSERT or statement set for millrace.analyze-for, or to its
// end, with sinks that keep nothing.
func (s *Session) analyzed(ctx context.Context, stmt ast.Stmt) (string, error) {
	d, err := formats.ParseDuration(s.Option("millrace.analyze-for", "10 s"))
	if err != nil {
		return "", sqlerr.New(sqlerr.Option, sqlerr.Span{}, "millrace.analyze-for: %v", err)
	}
	swap := s.cfg.Connector
	s.cfg.Connector = func(c *connectors.Connector) *connectors.Connector {
		if swap != nil {
			c = swap(c)
		}
		return DrySinks(c)
	}
	p, _, err := s.plan(stmt, func(*batch.Batch) error { return nil })
	s.cfg.Connector = swap
	if err != nil {
		return "", err
	}
	dir := s.cfg.StateDir // nothing is restored or kept
	s.cfg.StateDir = ""
	defer func() { s.cfg.StateDir = dir }()
	p.collects = true
	w := &began{Output: nopOutput{}, job: make(chan *Job, 1)}
	run, err := s.prepare(p, w)
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithCancel(ctx) // not by a deadline: a job that misses one has failed
	defer cancel()
	defer time.AfterFunc(d, cancel).Stop()
	err = run(limited)
	if err != nil && limited.Err() == nil {
		return "", err
	}
	return (<-w.job).Analyze(), nil
}

// DrySinks is a connector whose tables are planned as they are and written nowhere.
func DrySinks(c *connectors.Connector) *connectors.Connector {
	if c.Sink == nil {
		return c
	}
	dry := *c
	dry.Sink = func(t connectors.Table) (connectors.Sink, error) {
		real, err := c.Sink(t)
		if err != nil {
			return nil, err
		}
		none, err := blackhole.Connector.Sink(t)
		return &drySink{Sink: none, changes: real.Changes}, err
	}
	return &dry
}

// drySink takes the changes that the real one would.
type drySink struct {
	connectors.Sink
	changes func(batch.Changes) batch.Changes
}

func (d *drySink) Changes(query batch.Changes) batch.Changes { return d.changes(query) }

// Analyze draws the job's plan with what each operator has done.
func (j *Job) Analyze() string {
	r := j.Report()
	var b strings.Builder
	life := r.At.Sub(r.Began)
	p := r.Progress()
	fmt.Fprintf(&b, "== Job %s (%s, %s) ==\n%d rows in, %d out", j.Name, j.Status(), life.Round(time.Millisecond), p.RowsIn, p.RowsOut)
	if p.Late > 0 {
		fmt.Fprintf(&b, ", %d late", p.Late)
	}
	if p.Bad > 0 {
		fmt.Fprintf(&b, ", %d couldn't be decoded", p.Bad)
	}
	b.WriteString("\n\n")
	read := map[int]bool{}
	for _, o := range r.Operators {
		for _, in := range o.Inputs {
			read[in] = true
		}
	}
	seen := map[int]bool{}
	var walk func(id int, lead, next string)
	walk = func(id int, lead, next string) {
		o := r.Operators[id-1]
		if seen[id] {
			fmt.Fprintf(&b, "%s#%d %s, as above\n", lead, id, o.Name)
			return
		}
		seen[id] = true
		fmt.Fprintf(&b, "%s#%d %s\n", lead, id, o.Text)
		bar := next + "     "
		if len(o.Inputs) > 0 {
			bar = next + "|    "
		}
		for _, line := range measures(&r, o, life) {
			b.WriteString(bar + line + "\n")
		}
		for i, in := range o.Inputs {
			last := i == len(o.Inputs)-1
			if last {
				walk(in, next+"+- ", next+"   ")
			} else {
				walk(in, next+":- ", next+":  ")
			}
		}
	}
	for _, o := range r.Operators {
		if !read[o.ID] {
			walk(o.ID, "", "")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// measures are an operator's numbers, in lines.
func measures(r *job.Report, o job.OperatorReport, life time.Duration) []string {
	rate := func(n int64) string {
		if life <= 0 {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%d (%.0f/s)", n, float64(n)/life.Seconds())
	}
	var a []string
	switch {
	case len(o.Inputs) == 0 && o.Read > 0 && o.Read != o.RowsOut:
		a = append(a, "read "+rate(o.Read))
	case len(o.Inputs) > 0:
		a = append(a, "in "+rate(o.RowsIn))
	}
	if len(o.Inputs) == 2 {
		a[len(a)-1] += fmt.Sprintf(" = %d left + %d right", o.In[0].Rows, o.In[1].Rows)
	}
	if o.RowsOut > 0 || len(o.Inputs) == 0 {
		a = append(a, "out "+rate(o.RowsOut))
	}
	a = append(a, fmt.Sprintf("busy %.1f %%", 100*r.Share(o.Busy, o)), fmt.Sprintf("back-pressured %.1f %%", 100*r.Share(o.Blocked, o)))
	if o.Parallelism > 1 {
		a = append(a, fmt.Sprintf("%d subtasks", o.Parallelism))
	}
	switch o.Watermark {
	case operators.MinWatermark:
	case operators.MaxWatermark:
		a = append(a, "watermark end")
	default:
		a = append(a, "watermark "+time.UnixMilli(o.Watermark).UTC().Format("2006-01-02 15:04:05.000"))
	}
	if o.Late > 0 {
		a = append(a, fmt.Sprintf("late %d (up to %s)", o.Late, time.Duration(o.LateByMs)*time.Millisecond))
	}
	if o.StateKeys > 0 {
		a = append(a, fmt.Sprintf("state %d keys, %s", o.StateKeys, size(o.StateSize)))
	}
	for _, x := range []struct {
		n    int64
		what string
	}{{o.NullKeys, "rows with a NULL key"}, {o.Expired, "forgotten by TTL"}, {o.Dropped, "retractions of nothing"}, {o.Bad, "not decoded"}} {
		if x.n > 0 {
			a = append(a, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	out := []string{strings.Join(a, ", ")}
	if sql := fragment(o.At); sql != "" {
		if len(sql) > 100 {
			sql = sql[:97] + "..."
		}
		out = append(out, o.At.String()+": "+sql)
	}
	return out
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
