package parser

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// TestParse runs testdata: `parse` prints each statement back as SQL, `dump`
// shows the tree, `expr`, `query` and `type` read those forms, `split` shows what
// a shell would run. Faults are shown as users see them. Everything that parses
// must also print and parse to the same tree.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			src := &sqlerr.Source{Name: "test.sql", Text: d.Input}
			if d.Cmd == "split" {
				complete, rest := Split(d.Input)
				return fmt.Sprintf("complete: %q\nrest: %q\n", complete, rest)
			}
			nodes, err := read(d.Cmd, src, Options{Lookup: lookup(d)})
			var b strings.Builder
			for _, n := range nodes {
				checkSpans(t, src, n)
				checkPrint(t, n)
				if strings.HasPrefix(d.Cmd, "dump") {
					b.WriteString(ast.Dump(n))
				} else {
					b.WriteString(ast.Print(n) + "\n")
				}
			}
			if err != nil {
				b.WriteString(sqlerr.Render(err))
			}
			return b.String()
		})
	})
}

// lookup is the variables of a test: vars=(A=1,B=2); nil without.
func lookup(d *datadriven.TestData) func(string) (string, bool) {
	if !d.HasArg("vars") {
		return nil
	}
	vars := map[string]string{}
	for _, a := range d.CmdArgs {
		if a.Key == "vars" {
			for _, v := range a.Vals {
				k, v, _ := strings.Cut(v, "=")
				vars[k] = v
			}
		}
	}
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func read(cmd string, src *sqlerr.Source, o Options) ([]ast.Node, error) {
	one := func(n ast.Node, err error) ([]ast.Node, error) {
		if err != nil {
			return nil, err
		}
		return []ast.Node{n}, nil
	}
	switch cmd {
	case "expr", "dump-expr":
		return one(ParseExpr(src))
	case "query":
		return one(ParseQuery(src))
	case "type":
		return one(ParseType(src))
	}
	stmts, err := o.Parse(src)
	nodes := make([]ast.Node, len(stmts))
	for i, s := range stmts {
		nodes[i] = s
	}
	return nodes, err
}

// checkPrint checks that printing and parsing n gives n again.
func checkPrint(t *testing.T, n ast.Node) {
	t.Helper()
	text := ast.Print(n)
	cmd := "parse"
	switch n.(type) {
	case ast.Expr:
		cmd = "expr"
	case ast.Query:
		cmd = "query"
	case ast.TypeName:
		cmd = "type"
	}
	again, err := read(cmd, &sqlerr.Source{Name: "printed", Text: text}, Options{})
	if err != nil {
		t.Errorf("printed text doesn't parse: %s\n%s", sqlerr.Render(err), text)
		return
	}
	if len(again) != 1 || !ast.Equal(n, again[0]) {
		t.Errorf("print and parse changed the tree:\n%s\nprinted: %s\nwas:\n%s", n.Span().Text(), text, ast.Dump(n))
		for _, a := range again {
			t.Errorf("is:\n%s", ast.Dump(a))
		}
	}
}

// checkSpans checks that every node lies in the text, and inside its parent's
// span.
func checkSpans(t *testing.T, src *sqlerr.Source, n ast.Node) {
	t.Helper()
	ast.Walk(n, func(m ast.Node) bool {
		s := m.Span()
		if s.Src != src || s.Start < 0 || s.Start > s.End || s.End > len(src.Text) {
			t.Errorf("span of %T is out of the text: %+v", m, s)
		}
		return true
	})
}

// TestCorpus reads every SQL text of a folder of JSON cases and checks that what
// parses also prints. MILLRACE_SQL_CASES names the folder.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MILLRACE_SQL_CASES")
	if dir == "" {
		t.Skip("MILLRACE_SQL_CASES is not set")
	}
	parsed, refused := 0, 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v any
		if json.Unmarshal(data, &v) != nil {
			return nil
		}
		for _, sql := range texts(v, "") {
			src := &sqlerr.Source{Name: filepath.Base(path), Text: sql}
			stmts, err := Parse(src)
			if err != nil {
				refused++
				t.Logf("%s\n%s", sql, sqlerr.Render(err))
				continue
			}
			parsed++
			for _, s := range stmts {
				checkSpans(t, src, s)
				checkPrint(t, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d texts parsed, %d refused", parsed, refused)
}

// texts collects the strings under the keys that hold SQL.
func texts(v any, key string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			out = append(out, texts(x, k)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, texts(x, key)...)
		}
	case string:
		if key == "sql" || key == "setup_sql" {
			out = append(out, v)
		}
	}
	return out
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.test")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			_, block, _ = strings.Cut(block, "\n")
			text, _, _ := strings.Cut(block, "\n----")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := &sqlerr.Source{Name: "fuzz", Text: text}
		stmts, err := Parse(src)
		for _, e := range sqlerr.All(err) {
			if e.At.Src != src || e.At.Start < 0 || e.At.Start > e.At.End || e.At.End > len(text) {
				t.Fatalf("span out of the text: %+v", e.At)
			}
		}
		for _, s := range stmts {
			checkSpans(t, src, s)
			if strings.ToValidUTF8(text, "") == text {
				checkPrint(t, s)
			}
		}
		Split(text)
	})
}
