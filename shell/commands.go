package shell

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/sqlerr"
)

// help is what HELP shows.
const help = `SQL statements end with a semicolon. Tab completes, Up and Down go through earlier statements, Ctrl-R searches them.

  SELECT ...;                  runs here; Ctrl-C ends it
  INSERT INTO ...;             runs beside the shell, as a job
  SHOW JOBS; STOP JOB 'id'; DESCRIBE JOB 'id';
  SHOW TABLES; DESCRIBE t; SHOW CREATE TABLE t; SHOW FUNCTIONS; DESCRIBE FUNCTION EXTENDED f;
  EXPLAIN SELECT ...;          the plan
  SET; SET 'key' = 'value'; RESET; RESET 'key';
  SET 'sql-client.execution.result-mode' = 'table' | 'changelog' | 'tableau';
  CLEAR; HELP; QUIT;

  \e [FILE]      edits the statement, or the last one, in $EDITOR
  \i FILE        executes a file
  \watch [SEC]   runs the query before it again and again
  \d [TABLE]     tables, or a table's columns
  \j             jobs
  \why [JOB]     why a running job sends nothing
  \q             leaves
`

// client runs HELP, QUIT, EXIT and CLEAR.
func (s *Shell) client(word string) {
	switch word {
	case "HELP":
		fmt.Fprint(s.Out, help)
	case "CLEAR":
		if s.tty {
			fmt.Fprint(s.Out, "\x1b[H\x1b[2J\x1b[3J")
		}
	default:
		s.leave()
	}
}

func isClientWord(line string) bool {
	switch strings.ToUpper(strings.TrimSpace(strings.TrimSuffix(line, ";"))) {
	case "HELP", "QUIT", "EXIT", "CLEAR":
		return true
	}
	return false
}

// backslashes are the commands and what each does with its argument and the text
// typed before it.
var backslashes = map[string]func(s *Shell, arg, before string){
	`\e`:     (*Shell).edit,
	`\i`:     func(s *Shell, arg, _ string) { s.include(arg) },
	`\watch`: (*Shell).watch,
	`\d`: func(s *Shell, arg, _ string) {
		if arg == "" {
			s.run("SHOW TABLES;")
		} else {
			s.run("DESCRIBE " + strings.TrimSuffix(arg, ";") + ";")
		}
	},
	`\why`: func(s *Shell, arg, _ string) { s.explainSilence(arg) },
	`\j`:   func(s *Shell, _, _ string) { s.run("SHOW JOBS;") },
	`\q`:   func(s *Shell, _, _ string) { s.leave() },
	`\?`:   func(s *Shell, _, _ string) { s.client("HELP") },
	`\h`:   func(s *Shell, _, _ string) { s.client("HELP") },
}

func isCommand(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return backslashes[word] != nil
}

func (s *Shell) backslash(text, before string) {
	word, arg, _ := strings.Cut(text, " ")
	backslashes[word](s, strings.TrimSpace(arg), before)
}

// edit opens $VISUAL or $EDITOR on the statement being typed, the last one, or a
// file, and executes what comes back.
func (s *Shell) edit(file, before string) {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	if file == "" {
		f, err := os.CreateTemp("", "millrace-*.sql")
		if err != nil {
			s.fail(err)
			return
		}
		file = f.Name()
		defer os.Remove(file)
		if items := s.history.Items(); before == "" && len(items) > 0 {
			before = items[len(items)-1]
		}
		_, err = f.WriteString(before + "\n")
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
	words := append(strings.Fields(editor), file)
	if err := s.command(words[0], words[1:]...); err != nil {
		s.fail(fmt.Errorf("%s: %w", editor, err))
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		s.fail(err)
		return
	}
	if t := strings.TrimSpace(string(text)); t != "" {
		s.say(t)
		s.keep(t)
		s.run(t)
	}
}

func (s *Shell) include(file string) {
	if file == "" {
		s.fail(errors.New(`\i needs a file`))
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		s.fail(err)
		return
	}
	s.run(string(text))
}

// watch runs a query again and again until Ctrl-C.
func (s *Shell) watch(arg, before string) {
	every := 2 * time.Second
	if arg != "" {
		sec, err := strconv.ParseFloat(arg, 64)
		if err != nil || sec < 0.1 {
			s.fail(fmt.Errorf(`\watch %s: the number of seconds between runs, at least 0.1`, arg))
			return
		}
		every = time.Duration(sec * float64(time.Second))
	}
	if before == "" {
		before = s.last
	}
	if before == "" {
		s.fail(errors.New(`there is no query to watch yet`))
		return
	}
	stmts, err := s.Session.Parse(&sqlerr.Source{Name: "shell", Text: before})
	if err != nil {
		s.fail(err)
		return
	}
	s.keep(before + ` \watch ` + arg)
	stop := make(chan struct{}, 1)
	if s.Signals != nil {
		defer s.Signals(func() {
			select {
			case stop <- struct{}{}:
			default:
			}
		})()
	}
	for !s.quit {
		if s.tty {
			fmt.Fprint(s.Out, "\x1b[H\x1b[2J")
		}
		fmt.Fprintf(s.Out, "%s (every %s)\n", s.Now().Format("2006-01-02 15:04:05"), every)
		for _, stmt := range stmts {
			if !s.execute(stmt) {
				return
			}
		}
		select {
		case <-stop:
			return
		case <-s.ctx.Done():
			return
		case <-time.After(every):
		}
	}
}
