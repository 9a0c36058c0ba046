package engine_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// dry runs a script dry and gives a line per finding, without the directory's name.
func dry(t *testing.T, s *engine.Session, dir, script string) ([]string, error) {
	t.Helper()
	found, err := s.DryRun(context.Background(), &sqlerr.Source{Name: "job.sql", Text: script})
	var out []string
	line := func(x *engine.Probed, kind, text string) {
		name := x.Table[strings.LastIndex(x.Table, ".")+1:] + x.Job
		out = append(out, strings.ReplaceAll(fmt.Sprintf("%s %s %s: %s: %s", x.At, name, x.Use, kind, text), dir, "DIR"))
	}
	for _, x := range found {
		for _, text := range x.Seen {
			line(x, "ok", text)
		}
		for _, text := range x.Unknown {
			line(x, "unknown", text)
		}
		for _, err := range x.Faults {
			line(x, "fault", err.Error())
		}
		if x.State != nil {
			line(x, "state", x.State.Error())
		}
	}
	return out, err
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDryRun: every table that is used is looked at, several faults are told at their
// CREATE TABLEs, what isn't used isn't looked at, and nothing is written: neither rows
// nor tables of a catalog on disk.
func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/in.json", `{"id": 1, "v": "a"}`+"\n")
	put(t, dir+"/bad.json", `{"id": "x", "v": "a"}`+"\n")
	put(t, dir+"/file", "")
	s := engine.New(engine.Config{Stdout: io.Discard})
	if err := s.KeepTables(dir + "/catalog"); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	got, err := dry(t, s, dir, fmt.Sprintf(`CREATE TABLE good (id INT, v STRING, p AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '%[1]s/in.json', 'format' = 'json');
CREATE TABLE bad (id INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '%[1]s/bad.json', 'format' = 'json');
CREATE TABLE missing (id INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '%[1]s/none', 'format' = 'json');
CREATE TABLE unused (id INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '%[1]s/none', 'format' = 'json');
CREATE TABLE later (id INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '%[1]s/later', 'format' = 'json');
CREATE TABLE blocked (id INT, v STRING) WITH ('connector' = 'filesystem', 'path' = '%[1]s/file/out', 'format' = 'json');
CREATE TABLE command (id INT, v STRING) WITH ('connector' = 'exec', 'command' = 'no-such-program -x', 'format' = 'json');
CREATE TABLE shell (id INT, v STRING) WITH ('connector' = 'exec', 'command' = '(cat; echo)', 'format' = 'json');
INSERT INTO later SELECT id, v FROM good;
INSERT INTO blocked SELECT * FROM later UNION ALL SELECT * FROM bad;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO command SELECT * FROM missing;
  INSERT INTO shell SELECT g.id, m.v FROM good g JOIN bad FOR SYSTEM_TIME AS OF g.p AS m ON g.id = m.id;
END;
CREATE TABLE copied WITH ('connector' = 'print') AS SELECT id FROM good;
SELECT nope FROM good;
SELECT * FROM good;`, dir))
	if err == nil || !strings.Contains(err.Error(), "job.sql:16:8") {
		t.Errorf("the fault in the SQL: %v", err)
	}
	want := []string{
		"job.sql:1:1 good read: ok: 1 file in DIR/in.json",
		"job.sql:1:1 good read: ok: DIR/in.json: its first rows can be read",
		"job.sql:5:1 later written: ok: files can be made in DIR/later",
		"job.sql:5:1 later read: unknown: table default_catalog.default_database.later: lstat DIR/later: no such file or directory; a statement before fills the table",
		"job.sql:2:1 bad read: ok: 1 file in DIR/bad.json",
		"job.sql:2:1 bad read: fault: table default_catalog.default_database.bad: DIR/bad.json at offset 0 can't be decoded: ",
		"job.sql:6:1 blocked written: fault: table default_catalog.default_database.blocked: ",
		"job.sql:3:1 missing read: fault: table default_catalog.default_database.missing: lstat DIR/none: no such file or directory",
		`job.sql:7:1 command written: fault: table default_catalog.default_database.command: command "no-such-program -x": there is no program "no-such-program"`,
		"job.sql:2:1 bad looked up: ok: 1 file in DIR/bad.json",
		"job.sql:2:1 bad looked up: fault: table default_catalog.default_database.bad: DIR/bad.json at offset 0 can't be decoded: ",
		`job.sql:8:1 shell written: unknown: whether the shell finds what "(cat; echo)" begins with`,
		"job.sql:15:1 copied written: ok: there is nothing outside",
	}
	for i, line := range got {
		if i < len(want) && strings.HasPrefix(line, want[i]) {
			continue
		}
		t.Fatalf("line %d:\n%s\nall:\n%s", i, line, strings.Join(got, "\n"))
	}
	if len(got) != len(want) {
		t.Errorf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// listing is all files below a directory with their sizes.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&b, p, info.Size())
		} else {
			fmt.Fprintln(&b, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDryRunState: a dry run says whether a job goes on from its state, and refuses
// what the run would refuse; the state stays as it is.
func TestDryRunState(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/in.json", `{"k": 1, "v": 2}`+"\n")
	table := "CREATE TABLE t (k INT, v INT) WITH ('connector' = 'filesystem', 'path' = '" + dir + "/in.json', 'format' = 'json');\nCREATE TABLE b (k INT, n BIGINT) WITH ('connector' = 'blackhole');\nSET 'pipeline.name' = 'counting';\n"
	query := table + "INSERT INTO b SELECT k, COUNT(*) FROM t GROUP BY k;"
	session := func(accept ...string) *engine.Session {
		return engine.New(engine.Config{Stdout: io.Discard, StateDir: dir + "/state", Accept: accept})
	}
	first := func(s *engine.Session, script string) string {
		t.Helper()
		got, err := dry(t, s, dir, script)
		if err != nil || len(got) == 0 {
			t.Fatal(got, err)
		}
		return got[0]
	}
	if got := first(session(), query); got != `job.sql:4:1 counting state: ok: begins anew: DIR/state has no state of job "counting"` {
		t.Error(got)
	}
	if err := session().Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: query}, &lines{}); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	if got := first(session(), query); !strings.HasPrefix(got, "job.sql:4:1 counting state: ok: goes on from checkpoint ") || !strings.HasSuffix(got, " in DIR/state; all of it is kept") {
		t.Error(got)
	}
	edited := table + "INSERT INTO b SELECT v, COUNT(*) FROM t GROUP BY v;"
	if got := first(session(), edited); !strings.Contains(got, "state: state: checkpoint ") || !strings.Contains(got, "is that of another query") {
		t.Error(got)
	}
	if got := first(session("rebuilt", "dropped"), edited); !strings.Contains(got, "state: ok: goes on from checkpoint ") {
		t.Error(got)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
