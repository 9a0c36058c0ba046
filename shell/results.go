package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// results shows what one statement answers: an engine.Output.
//
// By the result mode a query's rows are a table that lives on the screen (live.go),
// a log of its changes, or a printed tableau, as in Flink's client. Without a mode
// a bounded query prints its final rows and an unbounded one lives. Off a terminal
// changes are printed.
type results struct {
	s      *Shell
	query  bool
	cancel context.CancelFunc
	live   *live
	bar    *bar
	job    *engine.Job
	shown  bool
	close  func(err error) // prints what is left
}

func newResults(s *Shell, stmt ast.Stmt, cancel context.CancelFunc) *results {
	_, query := stmt.(*ast.QueryStmt)
	return &results{s: s, query: query, cancel: cancel, bar: newBar(s)}
}

// quiet says that nothing was shown.
func (r *results) quiet() bool { return !r.shown }

// Began is told of the query's job.
func (r *results) Began(j *engine.Job) {
	r.job = j
	if r.s.Began != nil {
		r.s.Began(j)
	}
	r.s.watchSilence(j, r.Note)
}

// Note says a remark, not while a live table has the screen.
func (r *results) Note(text string) {
	if r.live != nil && r.live.onScreen() {
		r.live.remark(text)
		return
	}
	r.bar.clear()
	r.s.note("%s", text)
}

// Progress draws a line below what is printed.
func (r *results) Progress(p job.Progress) {
	if r.live != nil {
		r.live.progress(p)
		if r.live.onScreen() {
			return
		}
	}
	r.bar.draw(p)
}

// end is called when the statement is over.
func (r *results) end(err error) {
	r.bar.clear()
	r.bar.stop()
	if r.close != nil {
		r.close(err)
	}
}

const modeKey = "sql-client.execution.result-mode"

// Rows begins a result.
func (r *results) Rows(schema *types.Schema, changes batch.Changes, bounded bool) (func(*batch.Batch) error, error) {
	r.shown = true
	mode := strings.ToLower(r.s.Session.Option(modeKey, ""))
	streaming := r.query && !strings.EqualFold(r.s.Session.Option("execution.runtime-mode", "streaming"), "batch")
	switch {
	case !r.query:
		return r.print(schema, false, false)
	case r.s.Format != "":
		return r.print(schema, streaming && !changes.InsertOnly(), !bounded)
	case mode == "tableau":
		return r.print(schema, streaming, true)
	case mode != "" && mode != "table" && mode != "changelog":
		return nil, sqlerr.New(sqlerr.Option, sqlerr.Span{}, "%s is %q; it can be table, changelog or tableau", modeKey, mode)
	case !r.s.tty:
		return r.print(schema, streaming && (!bounded || mode == "changelog"), !bounded)
	}
	return r.begin(schema, mode, bounded)
}

// soon is how long a bounded query may take before its rows are shown live.
const soon = 1500 * time.Millisecond

// begin draws a live table; without a mode its rows are printed when it is over.
func (r *results) begin(schema *types.Schema, mode string, bounded bool) (func(*batch.Batch) error, error) {
	keep := 1000000
	if _, err := fmt.Sscan(r.s.Session.Option("sql-client.execution.max-table-result.rows", "1000000"), &keep); err != nil || keep <= 0 {
		keep = 1000000
	}
	after := time.Duration(0)
	if mode == "" && bounded {
		after, keep = soon, 1<<62
	}
	l, err := newLive(r.s, schema, mode == "changelog", keep, after, r.cancel)
	if err != nil {
		return nil, err
	}
	r.live = l
	r.close = func(err error) {
		l.finish(mode == "table" && (err == nil || !errors.Is(err, context.Canceled)))
		if mode != "" {
			r.s.say(fmt.Sprintf("%s in the table, %d changes", rows(l.len()), l.changes))
			return
		}
		var page bytes.Buffer
		w, err := render.New("tableau", &page, schema, false, l.session)
		if err == nil {
			err = l.write(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			r.s.fail(err)
			return
		}
		r.s.page(page.Bytes())
	}
	return l.take, nil
}

// print writes rows as they come, or, when they are to be final, at the end. flow
// says that no end may be waited for.
func (r *results) print(schema *types.Schema, changelog, flow bool) (func(*batch.Batch) error, error) {
	format := r.s.Format
	if format == "" {
		format = "tableau"
	}
	session := types.NewSession(r.s.Now)
	var page bytes.Buffer
	if flow {
		w, err := r.flowing(format, schema, changelog, session)
		if err != nil {
			return nil, err
		}
		return func(b *batch.Batch) error {
			r.s.mu.Lock()
			defer r.s.mu.Unlock()
			r.bar.clear()
			if b == nil {
				return w.Close()
			}
			if err := w.Write(b); err != nil {
				return err
			}
			return w.Flush()
		}, nil
	}
	w, err := render.New(format, &page, schema, changelog, session)
	if err != nil {
		return nil, err
	}
	if !r.query && schema.Len() == 1 && schema.Fields[0].Name == "result" && format == "tableau" {
		w = &plainText{&page}
	}
	keep := newRows(schema, changelog, 1<<62)
	var mu sync.Mutex
	r.close = func(error) {
		mu.Lock()
		defer mu.Unlock()
		if err := keep.write(w); err != nil {
			r.s.fail(err)
			return
		}
		if err := w.Close(); err != nil {
			r.s.fail(err)
			return
		}
		r.s.page(page.Bytes())
	}
	return func(b *batch.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		if b != nil {
			keep.apply(b)
		}
		return nil
	}, nil
}

// flowing is the writer of rows that are shown as they come.
func (r *results) flowing(format string, schema *types.Schema, changelog bool, session *types.Session) (render.Writer, error) {
	if format == "tableau" {
		return newTableau(r.s.Out, schema, changelog, session), nil
	}
	return render.New(format, r.s.Out, schema, changelog, session)
}

// plainText writes the one cell of SHOW CREATE and EXPLAIN as it is.
type plainText struct{ to *bytes.Buffer }

func (p *plainText) Write(b *batch.Batch) error {
	for i := 0; i < b.Len; i++ {
		p.to.Write(b.Cols[0].Bytes(i))
		p.to.WriteByte('\n')
	}
	return nil
}
func (p *plainText) Flush() error { return nil }
func (p *plainText) Close() error { return nil }

// page shows a text, through the pager when it is longer than the screen.
func (s *Shell) page(text []byte) {
	_, height := s.size()
	pager := s.Session.Option("millrace.pager", os.Getenv("PAGER"))
	if pager == "" {
		pager = "less -SRFX"
	}
	if !s.tty || bytes.Count(text, []byte("\n")) < height || strings.EqualFold(pager, "off") {
		_, _ = s.Out.Write(text)
		return
	}
	words := strings.Fields(pager)
	c := exec.CommandContext(s.ctx, words[0], words[1:]...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(text), s.Out, s.Err
	if err := c.Run(); err != nil {
		var gone *exec.Error
		if errors.As(err, &gone) {
			_, _ = s.Out.Write(text)
		}
	}
}

func rows(n int) string { return count(n, "row", "rows") }

// bar is a line that tells how a statement gets on; it is drawn over.
type bar struct {
	s     *Shell
	mu    sync.Mutex
	on    bool
	drawn bool
	ended bool
	began time.Time
	rate  rate
}

func newBar(s *Shell) *bar { return &bar{s: s, on: s.tty, began: s.Now()} }

func (b *bar) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

func (b *bar) draw(p job.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.on || b.ended {
		return
	}
	width, _ := b.s.size()
	line := render.Cut(b.rate.line(p, b.began, b.s.Now()), width-1)
	fmt.Fprint(b.s.Err, "\r\x1b[K"+line)
	b.drawn = true
	if p.Final {
		fmt.Fprint(b.s.Err, "\r\x1b[K")
		b.drawn = false
	}
}

func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn {
		fmt.Fprint(b.s.Err, "\r\x1b[K")
		b.drawn = false
	}
}
