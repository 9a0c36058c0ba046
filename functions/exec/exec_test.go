package exec_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// TestMain makes the test's own binary the command of the functions.
func TestMain(m *testing.M) {
	if mode := os.Getenv("CHILD"); mode != "" {
		if err := child(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child answers requests over a column "a" INT.
func child(mode string) error {
	in := types.NewSchema(types.Field{Name: "a", Type: types.IntType})
	out := types.NewSchema(types.Field{Name: "result", Type: types.IntType})
	switch mode {
	case "explode":
		out = types.NewSchema(types.Field{Name: "row", Type: types.IntType}, types.Field{Name: "x", Type: types.IntType}, types.Field{Name: "s", Type: types.StringType})
	case "misnamed":
		out.Fields[0].Name = "answer"
	}
	r, w := ipc.NewReader(os.Stdin, in, false), ipc.NewWriter(os.Stdout, out, false)
	first := true
	if marker := os.Getenv("MARKER"); marker != "" {
		_, err := os.Stat(marker)
		first = os.IsNotExist(err)
		_ = os.WriteFile(marker, nil, 0o600)
	}
	for {
		b, err := r.Next()
		if err != nil {
			return nil // the end
		}
		var answer batch.Batch
		answer.Reset(out.Types())
		meta := []string{"request", r.Meta("request")}
		for i := range b.Len {
			a, null := b.Cols[0].I64[i], b.Cols[0].Null(i)
			add := func(v int64) {
				answer.Cols[0].I64 = append(answer.Cols[0].I64, v)
				answer.Len++
			}
			switch {
			case mode == "explode":
				for k := int64(0); k < a && !null; k++ {
					answer.Cols[0].I64 = append(answer.Cols[0].I64, int64(i))
					answer.Cols[1].I64 = append(answer.Cols[1].I64, k)
					answer.Cols[2].Str = append(answer.Cols[2].Str, 0)
					answer.Cols[2].SetString(answer.Len, fmt.Sprint(a, "/", k))
					answer.Len++
				}
			case mode == "dies" && a == 13:
				return fmt.Errorf("thirteen is too much")
			case mode == "flaky" && first:
				return fmt.Errorf("not today")
			case mode == "hangs" && a == 13:
				time.Sleep(time.Hour)
			case mode == "refuses" && a == 13:
				meta = append(meta, "error", "13 brings bad luck", "row", fmt.Sprint(i))
				add(0)
			case mode == "short" && a == 13:
			case null:
				answer.Cols[0].AppendNull(types.IntType, answer.Len)
				answer.Len++
			default:
				add(2 * a)
			}
		}
		if err := w.WriteWith(&answer, meta); err != nil {
			return err
		}
	}
}

type rows struct{ bytes.Buffer }

func (r *rows) Rows(s *types.Schema, _ batch.Changes, _ bool) (func(*batch.Batch) error, error) {
	return func(b *batch.Batch) error {
		if b == nil {
			return nil
		}
		d := b.Compact(s.Types(), &batch.Batch{})
		for i := range d.Len {
			for c, f := range s.Fields {
				switch v := &d.Cols[c]; {
				case v.Null(i):
					fmt.Fprint(r, " NULL")
				case f.Type.IsString():
					fmt.Fprintf(r, " %s", v.Bytes(i))
				default:
					fmt.Fprint(r, " ", v.I64[i])
				}
			}
			fmt.Fprintln(r)
		}
		return nil
	}, nil
}
func (r *rows) Note(string)           {}
func (r *rows) Progress(job.Progress) {}

func run(t *testing.T, mode, with, query string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	returns := "INT"
	if mode == "explode" {
		returns = "TABLE (x INT, s STRING)"
	}
	command := fmt.Sprintf("CHILD=%s MARKER=%s %s", mode, os.Getenv("TEST_MARKER"), self)
	text := fmt.Sprintf("CREATE FUNCTION f(a INT) RETURNS %s LANGUAGE EXEC AS '%s' %s;\n%s", returns, command, with, query)
	var out rows
	s := engine.New(engine.Config{Stderr: &bytes.Buffer{}})
	err = s.Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: text}, &out)
	return out.String(), err
}

// TestFunction computes with commands that behave and with some that don't.
func TestFunction(t *testing.T) {
	numbers := "(VALUES (1), (13), (CAST(NULL AS INT)), (4)) AS t(x)"
	for _, c := range []struct{ name, mode, with, query, want, fails string }{
		{name: "scalar", mode: "doubles", query: "SELECT x, f(x) FROM " + numbers, want: " 1 2\n 13 26\n NULL NULL\n 4 8\n"},
		{name: "some rows", mode: "doubles", query: "SELECT x, f(x) FROM " + numbers + " WHERE x < 5", want: " 1 2\n 4 8\n"},
		{name: "a branch", mode: "dies", query: "SELECT CASE WHEN x = 13 THEN 0 ELSE f(x) END FROM " + numbers, want: " 2\n 0\n NULL\n 8\n"},
		{name: "a constant", mode: "doubles", with: "WITH ('deterministic' = 'true')", query: "SELECT f(21)", want: " 42\n"},
		{name: "table", mode: "explode", query: "SELECT x, s FROM (VALUES (2), (0), (1)) AS t(a), LATERAL TABLE(f(a)) AS u(x, s)", want: " 0 2/0\n 1 2/1\n 0 1/0\n"},
		{name: "table, left", mode: "explode", query: "SELECT a, x FROM (VALUES (2), (0)) AS t(a) LEFT JOIN LATERAL TABLE(f(a)) AS u(x, s) ON TRUE", want: " 2 0\n 2 1\n 0 NULL\n"},
		{name: "dies once", mode: "flaky", query: "SELECT f(x) FROM " + numbers, want: " 2\n 26\n NULL\n 8\n"},
		{name: "dies at a row", mode: "dies", query: "SELECT f(x) FROM " + numbers, fails: `job.sql:2:8: F: the command ended without an answer; command "CHILD=dies`},
		{name: "hangs", mode: "hangs", with: "WITH ('timeout' = '200 ms')", query: "SELECT f(x) FROM " + numbers, fails: "no answer within 200ms"},
		{name: "refuses", mode: "refuses", query: "SELECT f(x) FROM " + numbers, fails: "F: 13 brings bad luck"},
		{name: "too few rows", mode: "short", query: "SELECT f(x) FROM " + numbers, fails: "0 rows in the answer to a request of 1"},
		{name: "misnamed", mode: "misnamed", query: "SELECT f(x) FROM " + numbers, fails: `the answer has no column "result"`},
		{name: "wrong argument", mode: "doubles", query: "SELECT f('a')", fails: "f"},
		{name: "over updates", mode: "doubles", query: "SELECT f(n) FROM (SELECT CAST(COUNT(*) AS INT) AS n FROM " + numbers + ") AS c", fails: "F isn't declared deterministic"},
		{name: "over updates, declared", mode: "doubles", with: "WITH ('deterministic' = 'true')", query: "SELECT f(n) FROM (SELECT CAST(COUNT(*) AS INT) AS n FROM (VALUES (1)) AS t(x)) AS c", want: " 2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mode == "flaky" {
				t.Setenv("TEST_MARKER", t.TempDir()+"/started")
			}
			got, err := run(t, c.mode, c.with, c.query)
			switch {
			case c.fails == "" && err != nil:
				t.Fatal(err)
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Fatalf("fails with %v, want %s", err, c.fails)
			case got != c.want:
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if c.name == "dies at a row" && !strings.Contains(err.Error(), "thirteen is too much") {
				t.Errorf("no last words: %v", err)
			}
		})
	}
}

// TestCommandMissing: the shell says that there is no such command.
func TestCommandMissing(t *testing.T) {
	var out rows
	err := engine.New(engine.Config{Stderr: &bytes.Buffer{}}).Run(context.Background(), &sqlerr.Source{Name: "job.sql",
		Text: "CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE EXEC AS '/no/such/command'; SELECT f(1)"}, &out)
	if err == nil || !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
}
