package shell

import (
	"context"
	"errors"
	"strings"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// take adds a line to what was typed, and executes the statements that it
// completes. A line that begins with a backslash is a command.
func (s *Shell) take(line string) {
	s.lines++
	trimmed := strings.TrimSpace(line)
	if i := strings.LastIndex(trimmed, `\`); i >= 0 && isCommand(trimmed[i:]) && (i == 0 || s.isQuery(s.pending+"\n"+trimmed[:i])) {
		before := strings.TrimSpace(s.pending + "\n" + trimmed[:i])
		s.pending = ""
		s.backslash(trimmed[i:], before)
		return
	}
	if s.pending == "" && isClientWord(trimmed) { // QUIT and HELP need no semicolon
		s.keep(trimmed)
		s.client(strings.ToUpper(strings.TrimSuffix(trimmed, ";")))
		return
	}
	if s.pending == "" && trimmed == "" {
		return
	}
	if s.pending != "" {
		s.pending += "\n"
	}
	s.pending += line
	complete, rest := parser.Split(s.pending)
	if complete == "" {
		if blank(s.pending) { // comments alone
			s.pending = ""
		}
		return
	}
	s.pending = strings.TrimLeft(rest, "\n")
	if blank(s.pending) {
		s.pending = ""
	}
	s.keep(complete)
	s.run(complete)
}

// blank says that a text has nothing but white space and closed comments.
func blank(text string) bool {
	for _, t := range parser.Tokens(text) {
		if t.Kind != parser.Comment {
			return false
		}
	}
	return true
}

// keep puts a statement into the history, before it is executed.
func (s *Shell) keep(text string) {
	if !s.tty {
		return
	}
	if err := s.history.Add(redact(text)); err != nil {
		s.note("history isn't kept: %v", err)
	}
}

// redact hides values of options whose key says that they are secret.
func redact(text string) string {
	toks := parser.Tokens(text)
	for i := len(toks) - 1; i >= 2; i-- {
		t := toks[i]
		if t.Kind != parser.String || toks[i-1].Text != "=" || toks[i-2].Kind != parser.String {
			continue
		}
		key := strings.ToLower(toks[i-2].Text)
		for _, w := range []string{"password", "secret", "token", "sasl.jaas", "access-key", "credential"} {
			if strings.Contains(key, w) && !strings.Contains(t.Text, "${") {
				text = text[:t.Start] + "'***'" + text[t.End:]
				break
			}
		}
	}
	return text
}

// run executes statements in order, up to the first that fails.
func (s *Shell) run(text string) {
	src := &sqlerr.Source{Name: "shell", Text: text}
	stmts, err := s.Session.Parse(src)
	if err != nil {
		s.fail(err)
		return
	}
	for _, stmt := range stmts {
		if s.quit || s.ctx.Err() != nil {
			return
		}
		if c, ok := stmt.(*ast.ClientCommand); ok {
			s.client(c.Command)
			continue
		}
		if !s.execute(stmt) {
			return
		}
	}
}

// execute runs a statement; false when it failed or was interrupted.
func (s *Shell) execute(stmt ast.Stmt) bool {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	interrupted := false
	if s.Signals != nil {
		defer s.Signals(func() { interrupted = true; cancel() })()
	}
	if _, ok := stmt.(*ast.QueryStmt); ok {
		s.last = stmt.Span().Text()
	}
	if s.detached(stmt) {
		return s.detach(stmt)
	}
	out := newResults(s, stmt, cancel)
	job, err := s.Session.Execute(ctx, stmt, out)
	out.end(err)
	switch {
	case err == nil || errors.Is(err, operators.Done):
	case errors.Is(err, context.Canceled):
		return !interrupted && s.ctx.Err() == nil
	default:
		s.fail(err)
		return false
	}
	if job != nil {
		s.jobs.add(s, job)
	} else if out.quiet() {
		s.okay(stmt)
	}
	return true
}

// isQuery says that a text is one query, perhaps without its semicolon.
func (s *Shell) isQuery(text string) bool {
	stmts, err := s.Session.Parse(&sqlerr.Source{Name: "shell", Text: text})
	if err != nil || len(stmts) != 1 {
		return false
	}
	_, ok := stmts[0].(*ast.QueryStmt)
	return ok
}

// okay confirms a statement that answers nothing, on a terminal.
func (s *Shell) okay(stmt ast.Stmt) {
	if _, ok := stmt.(*ast.QueryStmt); ok || !s.tty {
		return
	}
	s.say("OK")
}

func (s *Shell) say(text string) { _, _ = s.Out.WriteString(text + "\n") }
