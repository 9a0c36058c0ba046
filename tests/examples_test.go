package tests

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestOrdersExample runs examples/orders and checks that no order is lost but the
// late ones: each window's count adds up.
func TestOrdersExample(t *testing.T) {
	t.Chdir("..")
	text, err := os.ReadFile("examples/orders/job.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: string(text)}, &sink{w: &out}); err != nil {
		t.Fatal(err)
	}
	const windows, customers = 7, 5
	if n := bytes.Count(out.Bytes(), []byte("\n")); n < (windows-1)*customers || n > windows*customers {
		t.Errorf("%d rows:\n%s", n, out.String())
	}
}

// runExample runs an example in a copy of its directory and returns what it prints.
func runExample(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "examples", name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "examples", name))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(filepath.Dir(dir)))
	text, err := os.ReadFile(filepath.Join("examples", name, "job.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: string(text)}, &sink{w: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// JSON and CSV become Parquet by day: every visit but the one without a time, which
// is kept apart.
func TestFilesToParquetExample(t *testing.T) {
	out := runExample(t, "files-to-parquet")
	want := `{"day":"2024-03-01","visits":67,"users":37,"ms":456}
{"day":"2024-03-02","visits":42,"users":26,"ms":468}
{"day":"2024-03-03","visits":51,"users":29,"ms":445}
`
	if out != want {
		t.Errorf("got\n%s", out)
	}
	if days, _ := filepath.Glob("examples/files-to-parquet/out/visits/day=*"); len(days) != 3 {
		t.Errorf("days: %q", days)
	}
	lost, _ := filepath.Glob("examples/files-to-parquet/out/unreadable/*")
	if len(lost) != 1 {
		t.Fatalf("unreadable: %q", lost)
	}
	if text, err := os.ReadFile(lost[0]); err != nil || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), "yesterday") {
		t.Errorf("%s %v", text, err)
	}
}

func TestReportExample(t *testing.T) {
	out := runExample(t, "report")
	for _, want := range []string{
		`{"region":"all","month":"quarter","orders":400,"amount":57290.23}`,
		`{"region":"unknown","month":"quarter","orders":26,"amount":3592.30}`,
		`{"region":"west","month":"3","orders":35,"amount":5452.42}`,
		`{"name":"Customer 24","region":"west","amount":2911.55,"percent":5.08}`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\n"); n != 17+5 {
		t.Errorf("%d rows", n)
	}
}
