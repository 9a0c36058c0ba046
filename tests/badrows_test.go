package tests

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/sqlerr"
)

// A row that can't be decoded fails the job by its file, offset and text; with a
// limit, the row beyond it does.
func TestBadRowsFail(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"j.json": "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":3\n{\"id\":4}\n", "c.csv": "1\nx\n\"\n4\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, set, want string }{
		{"j.json", "", `j.json at offset 9 can't be decoded: field "id": "x" isn't a INT`},
		{"j.json", "SET 'millrace.on-error.t' = 'skip'; SET 'millrace.on-error.t.max' = '1';", "at offset 20 can't be decoded: not valid JSON"},
		{"j.json", "SET 'millrace.on-error.t' = 'skip'; SET 'millrace.on-error.t.max' = '1';", "it is bad row 2, and 'millrace.on-error.t.max' allows 1"},
		{"j.json", "SET 'millrace.on-error.t' = 'skip'; SET 'millrace.on-error.t.max' = '2';", ""},
		{"j.json", "SET 'millrace.on-error.t.max' = 'two';", "must be a number of rows"},
		{"c.csv", "", `c.csv at offset 2 can't be decoded`},
		{"c.csv", "SET 'millrace.on-error.t' = 'skip';", ""},
	} {
		var out bytes.Buffer
		text := c.set + "CREATE TABLE t (id INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/" + c.file + "', 'format' = '" + filepath.Ext(c.file)[1:] + "'); SELECT * FROM t;"
		err := settings[0].session(dir, t.TempDir()).Run(context.Background(), &sqlerr.Source{Name: "test", Text: text}, &sink{w: &out})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %s: %v", c.file, c.set, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %s: %v, want %q", c.file, c.set, err, c.want)
		}
	}
}

// TestBadRowsAreCountedPerJob: the limit is that of all subtasks together.
func TestBadRowsAreCountedPerJob(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1\nx\ny\n2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ most, want string }{{"7", "it is bad row 8, and 'millrace.on-error.t.max' allows 7"}, {"8", ""}} {
		var out bytes.Buffer
		text := "SET 'parallelism.default' = '2'; SET 'millrace.on-error.t' = 'skip'; SET 'millrace.on-error.t.max' = '" + c.most + "';" +
			"CREATE TABLE t (id INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}', 'format' = 'csv'); SELECT * FROM t;"
		err := settings[0].session(dir, t.TempDir()).Run(context.Background(), &sqlerr.Source{Name: "test", Text: text}, &sink{w: &out})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("at most %s: %v, want %q", c.most, err, c.want)
		}
	}
}
