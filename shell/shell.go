// Package shell is Millrace's interactive SQL: it reads statements, executes them
// in one engine.Session, and shows what they answer.
//
// A statement is read line by line until its semicolon (read.go) through a line
// editor (lineedit), with completion (complete.go) and colours (highlight.go).
// Queries run in the foreground: results.go decides how their rows are shown, live.go
// draws a table that changes. INSERTs run beside the shell as jobs and end with it
// (jobs.go). Commands that aren't SQL are in commands.go. Start with Run.
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/shell/lineedit"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/why"
)

// Config is what the command decides.
type Config struct {
	Session *engine.Session
	In, Out *os.File
	Err     io.Writer
	History string // file; "" for none
	Format  string // of results; "": by the result mode
	Color   bool
	Version string
	Now     func() time.Time
	// Signals delivers Ctrl-C while a query runs: f is called for each until the
	// returned function is. nil: nobody delivers them.
	Signals func(f func()) (stop func())
	// Detach starts a script in a process of its own and says where it logs.
	Detach func(name, script string) (string, error)
	// Began is told of each job when it begins; nil: nobody is.
	Began func(*engine.Job)
	// Why explains a job of another process; nil: there are none.
	Why func(ctx context.Context, name string) (*why.Finding, error)
}

// Shell is a running shell. It belongs to one goroutine.
type Shell struct {
	Config
	ctx     context.Context
	editor  lineedit.Editor
	history *lineedit.History
	tty     bool

	pending string // the beginning of a statement
	last    string // the last query, for \watch
	lines   int    // lines read, for messages
	jobs    jobs
	quit    bool
	code    int

	mu sync.Mutex // guards Err and Out while a query runs
}

// Run reads and executes statements until QUIT, the end of the input or ctx's; it
// returns an exit code. Without a terminal the first failing statement ends it.
func Run(ctx context.Context, c Config) int {
	s := &Shell{Config: c, ctx: ctx}
	h, err := lineedit.OpenHistory(c.History)
	if err != nil {
		s.note("history isn't kept: %v", err)
	}
	s.history = h
	e := lineedit.Config{History: h, Complete: s.complete}
	if c.Color {
		e.Highlight = newHighlighter(func() string { return s.pending })
	}
	s.tty = term.IsTerminal(int(c.In.Fd())) && term.IsTerminal(int(c.Out.Fd()))
	s.editor = lineedit.New(e, c.In, c.Out)
	defer s.editor.Close()
	if s.tty {
		fmt.Fprintf(c.Out, "millrace %s. Statements end with a semicolon; HELP; shows more, Ctrl-D leaves.\n", c.Version)
	}
	for !s.quit && ctx.Err() == nil {
		s.turn()
	}
	s.jobs.stopAll(s)
	return s.code
}

// turn reads a line and executes what it completes.
func (s *Shell) turn() {
	s.jobs.report(s)
	label := "millrace> "
	if s.pending != "" {
		label = "       -> "
	}
	line, err := s.editor.ReadLine(s.ctx, label)
	switch {
	case errors.Is(err, lineedit.ErrInterrupt):
		s.pending = ""
		return
	case errors.Is(err, io.EOF):
		if strings.TrimSpace(s.pending) != "" && !s.tty { // the last statement needs no semicolon
			s.run(s.pending)
		}
		s.leave()
		return
	case err != nil:
		s.quit = true
		return
	}
	s.take(line)
}

// leave ends the shell, if the user agrees to end what runs.
func (s *Shell) leave() {
	if s.mayLeave() {
		s.quit = true
	}
}

// note says something beside results.
func (s *Shell) note(format string, args ...any) {
	fmt.Fprintf(s.Err, "note: "+format+"\n", args...)
}

// fail shows an error.
func (s *Shell) fail(err error) {
	fmt.Fprint(s.Err, sqlerr.Render(err))
	if !s.tty {
		s.quit, s.code = true, 3
		for _, e := range sqlerr.All(err) {
			if e.Code == sqlerr.Runtime {
				s.code = 1
			}
		}
	}
}

// size is the terminal's.
func (s *Shell) size() (width, height int) {
	w, h, err := term.GetSize(int(s.Out.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 80, 24
	}
	return w, h
}

// command runs another program on the terminal.
func (s *Shell) command(name string, args ...string) error {
	c := exec.CommandContext(s.ctx, name, args...)
	c.Stdin, c.Stdout, c.Stderr = s.In, s.Out, s.Err
	return c.Run()
}
