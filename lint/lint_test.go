package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/lint"
	"github.com/millrace/millrace/sqlerr"
)

const tables = `
CREATE TABLE orders (id BIGINT, user_id INT, amount DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE users (id INT, name STRING, since TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE clicks (user_id INT, page STRING, clicked TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE changes (k INT, v STRING, ts TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '/none', 'format' = 'changelog-json');
CREATE TABLE done (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '/none', 'format' = 'json');
CREATE TABLE by_user (user_id INT, n BIGINT, PRIMARY KEY (user_id) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE by_name (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE pairs (a INT, b INT) WITH ('connector' = 'blackhole');
`

// TestFixtures: what is found in a script behind the tables above. "-" is nothing.
func TestFixtures(t *testing.T) {
	n := 0
	datadriven.RunTest(t, "testdata/lints.test", func(t *testing.T, d *datadriven.TestData) string {
		n++
		s := engine.New(engine.Config{})
		if _, err := s.Lint(&sqlerr.Source{Name: "tables", Text: tables}, false); err != nil {
			t.Fatal(err)
		}
		found, err := s.Lint(&sqlerr.Source{Name: "job", Text: d.Input}, d.HasArg("all"))
		if err != nil {
			return sqlerr.Render(err)
		}
		var b strings.Builder
		for _, f := range found {
			line, col := f.At.Position()
			b.WriteString(strings.Join([]string{f.Code, " ", itoa(line), ":", itoa(col), " ", f.Msg, "\n"}, ""))
		}
		if b.Len() == 0 {
			return "-\n"
		}
		return b.String()
	})
	if n < 30 {
		t.Errorf("%d fixtures", n)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// TestExamples: the examples have nothing to be warned of.
func TestExamples(t *testing.T) {
	t.Chdir("..")
	paths, err := filepath.Glob("examples/*/*.sql")
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found, err := engine.New(engine.Config{}).Lint(&sqlerr.Source{Name: path, Text: string(text)}, false)
		if err != nil {
			switch filepath.Base(path) { // what MySQL and PostgreSQL are given
			case "tables.sql", "orders.sql", "payments.sql":
			default:
				t.Errorf("%s isn't planned: %v", path, err)
			}
		}
		for _, f := range found {
			t.Errorf("%s", f.Render())
		}
	}
}

// TestPages: each code has a page.
func TestPages(t *testing.T) {
	for _, c := range lint.Codes() {
		text, err := os.ReadFile("../docs/lints/" + c + ".md")
		if err != nil || !strings.HasPrefix(string(text), "# "+c) {
			t.Errorf("docs/lints/%s.md: %v", c, err)
		}
	}
}
