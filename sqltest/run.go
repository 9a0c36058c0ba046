package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Result is how a case came out.
type Result struct {
	File *File
	Case *Case
	Took time.Duration
	Diff []string // what differs, in lines; none: it passed
	// got is, per expectation, the lines that would have passed.
	got [][]string
}

// Passed says that nothing differs.
func (r *Result) Passed() bool { return len(r.Diff) == 0 }

// trial is a case being run.
type trial struct {
	c      *Case
	script *script
	sinks  []*sink
	late   int64
	jobs   []*engine.Job
	err    error
}

// Run runs a case against the text of the job file.
func Run(ctx context.Context, c *Case, src *sqlerr.Source, now func() time.Time) *Result {
	began := now()
	r := &Result{File: c.file, Case: c}
	t := &trial{c: c, script: &script{now: begin}}
	if len(c.Expects) == 0 {
		r.Diff = []string{"the case expects nothing: it can't fail"}
		return r
	}
	t.err = t.run(ctx, src)
	for _, e := range c.Expects {
		diff, got := t.compare(e)
		r.Diff = append(r.Diff, diff...)
		r.got = append(r.got, got)
	}
	if t.err != nil && !slices.ContainsFunc(c.Expects, func(e Expect) bool { return e.Kind == Error }) {
		r.Diff = append([]string{"the job failed: " + strings.TrimRight(sqlerr.Render(t.err), "\n")}, r.Diff...)
	}
	r.Took = now().Sub(began)
	return r
}

// run executes the job file: each INSERT and query sees the whole case from its
// beginning.
func (t *trial) run(ctx context.Context, src *sqlerr.Source) error {
	options := map[string]string{"table.dml-sync": "true", "parallelism.default": "1", "table.exec.resource.default-parallelism": "-1", "execution.checkpointing.dir": "", "state.checkpoints.dir": "",
		"execution.savepoint.path": "", "execution.state-recovery.path": "", "table.local-time-zone": "UTC"}
	for _, kv := range t.c.Set {
		options[kv[0]] = kv[1]
	}
	s := engine.New(engine.Config{
		Options: options, Stdout: io.Discard, Cores: 1,
		Now:       func() time.Time { return t.script.clock() },
		Connector: t.swap,
		Lookup: func(name string) (string, bool) {
			if v, ok := t.c.Vars[name]; ok {
				return v, true
			}
			return os.LookupEnv(name)
		},
	})
	stmts, err := s.Parse(src)
	if err != nil {
		return err
	}
	for _, stmt := range stmts {
		if err := t.execute(ctx, s, stmt); err != nil {
			return err
		}
	}
	return t.unused(s)
}

func (t *trial) execute(ctx context.Context, s *engine.Session, stmt ast.Stmt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &script{steps: t.c.Steps, now: begin, finish: cancel}
	x.passed = func(steps int) {
		if steps == len(x.steps) {
			return // what the job writes at its end counts
		}
		for _, s := range t.sinks {
			if s.owner == x {
				s.mark(steps)
			}
		}
	}
	t.script = x
	_, err := s.Execute(ctx, stmt, &output{t})
	if errors.Is(err, operators.Done) || errors.Is(err, context.Canceled) && t.script.over {
		err = nil
	}
	for _, j := range t.jobs {
		for _, o := range j.Report().Operators {
			t.late += o.Late
		}
	}
	t.jobs = nil
	return err
}

// unused refuses rows for tables that the job hasn't.
func (t *trial) unused(s *engine.Session) error {
	for _, step := range t.c.Steps {
		if step.Table != "" && len(s.Columns(strings.Split(step.Table, ".")...)) == 0 {
			return fmt.Errorf("line %d: the job has no table %q%s", step.Line, step.Table, sqlerr.DidYouMean(step.Table, s.Tables("")))
		}
	}
	return nil
}

// output keeps a query's rows as a sink's, under the name result.
type output struct{ t *trial }

func (o *output) Rows(schema *types.Schema, changes batch.Changes, _ bool) (func(*batch.Batch) error, error) {
	x := o.t.sink(&connectors.Table{Path: "result", Schema: schema, Full: schema, Session: types.NewSession(o.t.script.clock)}, func(q batch.Changes) batch.Changes { return q })
	x.owner = o.t.script
	return func(b *batch.Batch) error {
		if b == nil {
			return nil
		}
		return x.Write(b)
	}, nil
}
func (o *output) Note(string)           {}
func (o *output) Progress(job.Progress) {}
func (o *output) Began(j *engine.Job)   { o.t.jobs = append(o.t.jobs, j) }

// sink is the table's, one for all that write to it.
func (t *trial) sink(table *connectors.Table, changes func(batch.Changes) batch.Changes) *sink {
	for _, s := range t.sinks {
		if s.table.Path == table.Path {
			s.table, s.changes, s.ts = table, changes, table.Schema.Types()
			return s
		}
	}
	s := &sink{trial: t, marks: map[int]int{}, table: table, changes: changes, ts: table.Schema.Types()}
	t.sinks = append(t.sinks, s)
	return s
}

// compare says what differs from an expectation, and what it would have to be.
func (t *trial) compare(e Expect) (diff, got []string) {
	at := func(format string, args ...any) {
		diff = append(diff, fmt.Sprintf("line %d: ", e.Line)+fmt.Sprintf(format, args...))
	}
	switch e.Kind {
	case Late:
		if t.late != e.Count {
			at("%d rows came too late, expected %d", t.late, e.Count)
		}
		return diff, []string{fmt.Sprint(t.late)}
	case Error:
		if t.err == nil {
			at("the job didn't fail, expected: %s", e.Text)
		} else if !strings.Contains(t.err.Error(), e.Text) {
			at("the job failed with: %v\n  expected: %s", t.err, e.Text)
		}
		if t.err != nil {
			got = []string{t.err.Error()}
		}
		return diff, got
	}
	var s *sink
	var known []string
	for _, x := range t.sinks {
		known = append(known, x.table.Path[strings.LastIndex(x.table.Path, ".")+1:])
		if names(x.table.Path, e.Table) {
			s = x
		}
	}
	if s == nil {
		if t.err == nil {
			at("nothing writes to %q%s", e.Table, sqlerr.DidYouMean(e.Table, known))
		}
		return diff, nil
	}
	changes := s.until(e.steps)
	if e.Kind == Table {
		changes = s.final(changes)
	}
	columns := mentioned(e.Rows, s.table.Schema)
	for _, c := range changes {
		var b batch.Batch
		b.Reset(s.ts)
		b.DecodeRow(c.row, s.ts)
		b.AppendKind(c.kind)
		got = append(got, s.show(&b, e.Kind == Changelog, columns))
	}
	var want []string
	for _, row := range e.Rows {
		var b batch.Batch
		b.Reset(s.ts)
		for name := range row.Values {
			if !slices.Contains(s.table.Schema.Names(), name) {
				at("%s has no column %q%s", e.Table, name, sqlerr.DidYouMean(name, s.table.Schema.Names()))
				return diff, got
			}
		}
		if err := changelogjson.AppendRow(&b, s.table.Schema, row.Values, row.Kind); err != nil {
			at("%v", &rowError{line: row.Line, table: s.table.Path, err: err})
			return diff, got
		}
		want = append(want, s.show(&b, e.Kind == Changelog, columns))
	}
	if e.Kind == Table {
		sort.Strings(got)
		sort.Strings(want)
	}
	if lines := lineDiff(want, got); len(lines) > 0 {
		at("%s isn't what was expected (- expected, + there)", e.Table)
		diff = append(diff, lines...)
	}
	return diff, got
}

// mentioned are the columns that some expected row names; all when there is none.
// Others aren't compared: they may change from run to run.
func mentioned(rows []Row, schema *types.Schema) []bool {
	out := make([]bool, schema.Len())
	any := false
	for i, f := range schema.Fields {
		for _, r := range rows {
			if _, ok := r.Values[f.Name]; ok {
				out[i], any = true, true
			}
		}
	}
	if !any {
		for i := range out {
			out[i] = true
		}
	}
	return out
}

// show is row 0 as a line of a test file.
func (s *sink) show(b *batch.Batch, kinds bool, columns []bool) string {
	var out []byte
	if kinds {
		out = append(out, b.Kind(0).String()+" "...)
	}
	out = append(out, '{')
	first := true
	for c, f := range s.table.Schema.Fields {
		if !columns[c] {
			continue
		}
		if !first {
			out = append(out, ", "...)
		}
		first = false
		out = jsonscan.AppendString(out, f.Name)
		out = append(out, ": "...)
		out = changelogjson.AppendJSON(out, f.Type, &b.Cols[c], 0, s.table.Session)
	}
	return string(append(out, '}'))
}

// lineDiff is the lines that only one side has, with a few that both have around
// them (longest common subsequence).
func lineDiff(want, got []string) (out []string) {
	n, m := len(want), len(got)
	if slices.Equal(want, got) {
		return nil
	}
	if n*m > 1<<22 {
		return []string{fmt.Sprintf("  %d lines expected, %d there", n, m)}
	}
	lcs := make([][]int32, n+1)
	for i := range lcs {
		lcs[i] = make([]int32, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if want[i] == got[j] {
				lcs[i][j] = lcs[i+1][j+1] + 1
			} else {
				lcs[i][j] = max(lcs[i+1][j], lcs[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && want[i] == got[j]:
			out = append(out, "    "+want[i])
			i, j = i+1, j+1
		case i < n && (j == m || lcs[i+1][j] >= lcs[i][j+1]):
			out = append(out, "  - "+want[i])
			i++
		default:
			out = append(out, "  + "+got[j])
			j++
		}
	}
	return out
}
