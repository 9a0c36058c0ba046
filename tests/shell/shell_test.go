package shell

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

const table = "CREATE TABLE customers (customer_id BIGINT, customer_name STRING, age INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');"

// TestMultiline: a statement ends with its semicolon, not with its line.
func TestMultiline(t *testing.T) {
	t.Parallel()
	x := start(t, "", 100, 40)
	x.prompt()
	x.send("SELECT 20 + 1 AS a,\r")
	x.sees("       ->")
	x.send("'x;y' AS b;\r")
	x.sees("21", "x;y", "1 row in set")
	x.prompt()
	x.line("SELEKT 1;")
	x.sees("error:", "did you mean SELECT")
}

// TestCompletion: what is offered depends on the place.
func TestCompletion(t *testing.T) {
	t.Parallel()
	x := start(t, "", 110, 40)
	x.prompt()
	x.line(table)
	x.send("SELECT * FROM cu")
	x.sees("customers")
	x.send("\t\r")
	x.waits("the table's name completed", func(s string) bool { return strings.Contains(s, "SELECT * FROM customers") })
	x.send("\x03")
	x.prompt()

	x.send("SELECT c.customer_n")
	x.send(" FROM customers c")
	for range len(" FROM customers c") { // back to the word
		x.send("\x1b[D")
	}
	x.sees("customer_name")
	x.send("\x03")
	x.prompt()

	x.send("CREATE TABLE k (a INT) WITH ('connector' = 'da")
	x.sees("datagen")
	x.send("\t', 'rows")
	x.sees("'datagen', 'rows", "rows-per-second")
	x.send("\x03")
	x.prompt()

	x.send("SET 'sql-client.execution.res")
	x.sees("result-mode")
	x.send("\x03")
	x.prompt()

	x.send("SELECT concat_w")
	x.sees("CONCAT_WS(")
}

// TestPaste: five statements pasted at once run in order, with bracketed paste and
// without, tabs, CRLF and all.
func TestPaste(t *testing.T) {
	t.Parallel()
	const five = "SELECT 'one' AS a\r\n  -- a comment; not an end\r\n\t;\r\nSELECT 'two' AS a;\r\nSELECT 'three;3' AS a; SELECT 'four'\r\nAS a;\r\nSELECT 'five' AS a;\r\n"
	check := func(x *terminal) {
		x.sees("| five |")
		x.prompt()
		out := x.output()
		at := 0
		for _, w := range []string{"one |", "two |", "three;3 |", "four |", "five |"} {
			i := strings.Index(out[at:], w)
			if i < 0 {
				t.Fatalf("no %q in order in\n%s", w, x.screen())
			}
			at += i
		}
	}
	t.Run("bracketed", func(t *testing.T) {
		x := start(t, "", 100, 60)
		x.prompt()
		if !strings.Contains(x.output(), "\x1b[?2004h") {
			t.Error("bracketed paste isn't switched on")
		}
		x.send("\x1b[200~" + five + "\x1b[201~")
		x.sees("⏎")
		x.send("\r")
		check(x)
	})
	t.Run("plain", func(t *testing.T) {
		x := start(t, "", 100, 60)
		x.prompt()
		x.send(strings.ReplaceAll(five, "\r\n", "\r"))
		check(x)
	})
}

// TestHistory: a statement is kept whole, though the shell is killed; Up and Ctrl-R
// find it; secrets aren't written.
func TestHistory(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	x := start(t, home, 100, 40)
	x.prompt()
	x.send("SELECT 'remembered'\r")
	x.sees("->")
	x.send("AS word;\r")
	x.sees("1 row in set")
	x.prompt()
	x.line("CREATE TABLE s (a INT) WITH ('connector' = 'blackhole', 'password' = 'hunter2');")
	if err := x.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	x.ends()
	kept, err := os.ReadFile(filepath.Join(home, "state", "millrace", "history"))
	if err != nil || strings.Contains(string(kept), "hunter2") || !strings.Contains(string(kept), "***") {
		t.Fatalf("history %q, %v", kept, err)
	}

	y := start(t, home, 100, 40)
	y.prompt()
	y.send("\x1b[A\x1b[A")
	y.sees("SELECT 'remembered'⏎AS word;")
	y.send("\r")
	y.sees("| remembered |", "1 row in set")
	y.prompt()
	y.send("black")
	y.send("\x12")
	y.sees("search 'black'>", "CREATE TABLE s")
	y.send("\x03")
	y.prompt()
}

// TestInterrupt: Ctrl-C ends the query, not the shell, and forgets a line.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	x := start(t, "", 100, 30)
	x.prompt()
	x.line(table)
	x.send("SELECT 'abandoned'\r")
	x.sees("->")
	x.send("\x03")
	x.line("SET 'sql-client.execution.result-mode' = 'tableau';")
	x.send("SELECT customer_id FROM customers;\r")
	x.sees("+I")
	x.send("\x03")
	x.sees("Received a total of")
	x.prompt()
	x.line("SELECT 'still here' AS a;")
	x.sees("still here")
	if strings.Contains(x.output(), "abandoned |") {
		t.Error("the abandoned line was executed")
	}
}

// TestLive: a query without end is a table that changes in place; pages turn, the
// window may change its size, Q gives the screen back.
func TestLive(t *testing.T) {
	t.Parallel()
	x := start(t, "", 90, 16)
	x.prompt()
	x.line("CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '200', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '100000000');")
	x.send("SELECT MOD(id, 40) AS grp, COUNT(*) AS n FROM g GROUP BY MOD(id, 40);\r")
	x.sees("rows 1-11 of 40", "Q quit", "rows in")
	first := x.screen()
	x.waits("another count", func(s string) bool { return s != first && strings.Contains(s, "rows 1-11 of 40") })
	if n := strings.Count(x.screen(), "\n|"); n != 11 { // the header is at the top
		t.Errorf("%d rows on the screen:\n%s", n, x.screen())
	}
	x.send("n")
	x.sees("rows 12-22 of 40")
	if err := pty.Setsize(x.pty, &pty.Winsize{Rows: 30, Cols: 60}); err != nil {
		t.Fatal(err)
	}
	x.vt.Resize(60, 30)
	x.sees("-36 of 40")
	x.send("q")
	x.prompt()
	x.sees("40 rows in set")
	x.line("SELECT 'back' AS a;")
	x.sees("| back |")
}

// TestResize: the line being typed survives a change of the window's size.
func TestResize(t *testing.T) {
	t.Parallel()
	x := start(t, "", 100, 30)
	x.prompt()
	x.send("SELECT 'a rather long line that will not fit into the window once it has become narrow' AS x")
	x.sees("narrow")
	if err := pty.Setsize(x.pty, &pty.Winsize{Rows: 25, Cols: 50}); err != nil {
		t.Fatal(err)
	}
	x.vt.Resize(50, 25)
	time.Sleep(200 * time.Millisecond)
	x.send(";\r")
	x.sees("1 row in set")
	x.prompt()
}

// TestWide: characters of two columns are edited and printed in line.
func TestWide(t *testing.T) {
	t.Parallel()
	x := start(t, "", 80, 24)
	x.prompt()
	x.send("SELECT '日本語' AS a, 'xy' AS b;")
	x.send(strings.Repeat("\x1b[D", len("' AS a, 'xy' AS b;")) + "\x7f語\r")
	x.sees("日本語", "1 row in set")
	for _, l := range strings.Split(x.output(), "\n") {
		if strings.Contains(l, "| 日本語 | xy |") {
			return
		}
	}
	t.Errorf("the row isn't in line:\n%s", x.screen())
}

// TestJobs: INSERT runs beside the shell, which asks before it ends it.
func TestJobs(t *testing.T) {
	t.Parallel()
	x := start(t, "", 110, 40)
	x.prompt()
	x.line(table)
	x.line("CREATE TABLE sink WITH ('connector' = 'blackhole') LIKE customers (EXCLUDING OPTIONS);")
	x.line("INSERT INTO sink SELECT * FROM customers;")
	x.sees("Job ID: ")
	x.line("SHOW JOBS;")
	x.sees("RUNNING", "insert-into_default_catalog")
	x.send("QUIT;\r")
	x.sees("1 job is still running", "Leave? [y/N]")
	x.send("n\r")
	x.prompt()
	_, id, _ := strings.Cut(x.screen(), "Job ID: ")
	x.line("STOP JOB '" + id[:32] + "';")
	x.line("SHOW JOBS;")
	x.sees("CANCELED")
	x.send("QUIT;\r")
	if code := x.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTerminalRestored: however the shell ends, the terminal is as it was.
func TestTerminalRestored(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		name string
		how  func(x *terminal)
	}{
		{"quit", func(x *terminal) { x.send("QUIT;\r") }},
		{"ctrl-d", func(x *terminal) { x.send("\x04") }},
		{"term", func(x *terminal) { _ = x.cmd.Process.Signal(syscall.SIGTERM) }},
		{"term in a live table", func(x *terminal) {
			x.line(table)
			x.send("SELECT * FROM customers;\r")
			x.sees("Q quit")
			_ = x.cmd.Process.Signal(syscall.SIGTERM)
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			x := start(t, "", 90, 24)
			x.prompt()
			tty, err := os.OpenFile(x.tty(), os.O_RDWR|syscall.O_NOCTTY, 0) // keeps the other side open
			if err != nil {
				t.Skip(err)
			}
			defer tty.Close()
			end.how(x)
			x.ends()
			if !x.cooked() {
				t.Error("the terminal is left raw")
			}
			x.waits("bracketed paste switched off", func(string) bool { // what was written last is still to be read
				out := x.output()
				return strings.LastIndex(out, "\x1b[?2004l") > strings.LastIndex(out, "\x1b[?2004h")
			})
		})
	}
}
