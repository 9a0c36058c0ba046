package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDryRun: what a dry run prints, and its exit codes.
func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "job.sql")
	said := func(script string, args ...string) (out, complaint string, code int) {
		t.Helper()
		if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
			t.Fatal(err)
		}
		var o, e bytes.Buffer
		c := newRoot()
		c.SetArgs(append([]string{"run", "--dry-run", path}, args...))
		c.SetOut(&o)
		c.SetErr(&e)
		err := c.Execute()
		var x exit
		if errors.As(err, &x) {
			code = x.code
		} else if err != nil {
			t.Fatal(err)
		}
		return o.String(), e.String(), code
	}
	const good = "CREATE TABLE g (id INT) WITH ('connector' = 'datagen');\nCREATE TABLE b (id INT) WITH ('connector' = 'blackhole');\nINSERT INTO b SELECT id FROM g;\n"
	out, complaint, code := said(good)
	want := path + ":1:1: default_catalog.default_database.g, read by datagen\n  ok           there is nothing outside\n" + path + ":2:1: default_catalog.default_database.b, written by blackhole\n  ok           there is nothing outside\n"
	if code != exitOK || complaint != "" || out != want {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", code, out, complaint, want)
	}
	bad := good + "\n  CREATE TABLE f (id INT) WITH ('connector' = 'filesystem', 'path' = '" + dir + "/none', 'format' = 'csv');\nSELECT * FROM f;\n"
	out, complaint, code = said(bad)
	if code != exitExternal || !strings.Contains(out, path+":5:3: default_catalog.default_database.f, read by filesystem\n  fault        table default_catalog.default_database.f: lstat "+dir+"/none") || complaint != "error: the job would fail: 1 fault outside\n" {
		t.Errorf("exit code %d\n%s%s", code, out, complaint)
	}
	out, _, code = said(bad, "--json")
	var list struct {
		Schema string
		Found  []plainProbe
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitExternal || list.Schema != "millrace.dry-run/1" || len(list.Found) != 3 || list.Found[2].Line != 5 || len(list.Found[2].Faults) != 1 || len(list.Found[0].OK) != 1 {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
	if _, complaint, code = said(bad + "SELECT nope FROM f;"); code != exitSQL || !strings.Contains(complaint, path+":7:8") {
		t.Errorf("exit code %d\n%s", code, complaint)
	}
}
