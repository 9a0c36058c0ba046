package mysql

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// TestPairs reads pairs of a query in MySQL's dialect and in Flink's: both give the
// same tree.
func TestPairs(t *testing.T) {
	text, err := os.ReadFile("testdata/pairs.sql")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, pair := range strings.Split(string(text), "\n\n") {
		m, f, ok := strings.Cut(strings.TrimSpace(pair), "\n")
		if !ok {
			continue
		}
		n++
		src := &sqlerr.Source{Name: "mysql", Text: m}
		got, err := Parse(src, 0, Statement(m, 0))
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		want, err := parser.Parse(&sqlerr.Source{Name: "flink", Text: f})
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if !ast.Equal(got, want[0]) {
			t.Errorf("%s\n got  %s\n want %s", m, ast.Print(got), ast.Print(want[0]))
		}
	}
	if n < 40 {
		t.Errorf("%d pairs", n)
	}
}

// TestErrors are places of errors, TestDDL's tables and changes: testdata/*.test.
func TestFiles(t *testing.T) {
	datadriven.Walk(t, "testdata/ddl", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "error":
				_, err := Parse(&sqlerr.Source{Name: "q", Text: d.Input}, 0, len(d.Input))
				if err == nil {
					return "no error\n"
				}
				return err.Error() + "\n"
			case "table":
				x, err := ParseTable(d.Input)
				if err != nil {
					return err.Error() + "\n"
				}
				return show(x)
			case "ddl":
				changes, err := ParseDDL(d.Input)
				if err != nil {
					return err.Error() + "\n"
				}
				var b strings.Builder
				for _, c := range changes {
					fmt.Fprintf(&b, "kind %d of %s.%s: column %s %s from %q first %v after %q key %v new %s.%s like %q\n", c.Kind, c.Schema, c.Name, c.Column.Name, c.Column.Type, c.From, c.First, c.After, c.Key, c.NewSchema, c.NewName, c.Like)
				}
				return b.String()
			case "apply":
				create, alter, _ := strings.Cut(d.Input, ";\n")
				x, err := ParseTable(create)
				if err != nil {
					return err.Error() + "\n"
				}
				for _, sql := range strings.Split(alter, ";\n") {
					changes, err := ParseDDL(sql)
					if err != nil {
						return err.Error() + "\n"
					}
					for _, c := range changes {
						if err := x.Apply(c); err != nil {
							return err.Error() + "\n"
						}
					}
				}
				return show(x)
			}
			return "unknown command"
		})
	})
}

func show(t *Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.%s key %v unique %v comment %q\n", t.Schema, t.Name, t.Key, t.Unique, t.Comment)
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "  %s %s (%s) %v %v %q\n", c.Name, c.Type, c.MySQL, c.Elements, c.Generated, c.Comment)
	}
	return b.String()
}

// FuzzParse: no text makes the translator panic.
func FuzzParse(f *testing.F) {
	f.Add("SELECT a, COUNT(*) FROM t WHERE b LIKE 'x' GROUP BY a")
	f.Fuzz(func(t *testing.T, text string) {
		end := Statement(text, 0)
		_, _ = Parse(&sqlerr.Source{Name: "f", Text: text}, 0, end)
		_, _ = ParseDDL(text)
	})
}
