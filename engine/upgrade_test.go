package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
)

// TestUpgrade reads pairs of queries, the second an edit of the first, with what
// becomes of the state of each operator. Where all of it is kept, or migrated, the
// edit is tried: what the new query writes after the old one has read half of the
// rows must be what it writes when it has read that half itself.
func TestUpgrade(t *testing.T) {
	pairs, tried := 0, 0
	datadriven.RunTest(t, "testdata/upgrade.test", func(t *testing.T, d *datadriven.TestData) string {
		old, edited, ok := strings.Cut(d.Input, "\n=>\n")
		if !ok {
			d.Fatalf(t, "no => between the queries")
		}
		pairs++
		u := &upgradeRun{t: t, dir: t.TempDir()}
		verdicts, exact := u.verdicts(old, edited)
		if exact {
			tried++
			want, got := u.halves("new", edited, edited), u.halves("old", old, edited)
			if strings.Join(want, "\n") != strings.Join(got, "\n") {
				t.Errorf("%s:\nafter the edit:\n%s\nfrom the start:\n%s", d.Pos, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if len(want) == 0 && !d.HasArg("silent") {
				t.Errorf("%s: the second half has no results: nothing was compared", d.Pos)
			}
		}
		return verdicts
	})
	t.Logf("%d pairs, %d of them tried", pairs, tried)
}

// upgradeRun is one pair.
type upgradeRun struct {
	t   *testing.T
	dir string
}

const upgradeTables = `
CREATE TABLE t (id BIGINT, k INT, v INT, s STRING, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '%[1]s/t', 'format' = 'json', 'source.monitor-interval' = '5 ms');
CREATE TABLE d (k INT, name STRING, since TIMESTAMP(3), WATERMARK FOR since AS since)
  WITH ('connector' = 'filesystem', 'path' = '%[1]s/d', 'format' = 'json', 'source.monitor-interval' = '5 ms');
`

// write makes half of the rows of t and d.
func (u *upgradeRun) write(dir string, half int) (rows map[string]int64) {
	var t, d strings.Builder
	for i := half * 20; i < half*20+20; i++ {
		fmt.Fprintf(&t, `{"id":%d,"k":%d,"v":%d,"s":"s%d","ts":"2024-01-01 00:00:%02d"}`+"\n", i, i*7%5, i*13%17, i%3, i)
	}
	for i := half * 5; i < half*5+5; i++ {
		fmt.Fprintf(&d, `{"k":%d,"name":"n%d","since":"2024-01-01 00:00:%02d"}`+"\n", i%5, i, i*4)
	}
	for name, text := range map[string]string{"t": t.String(), "d": d.String()} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o777); err != nil {
			u.t.Fatal(err)
		}
		temp := filepath.Join(dir, name+".tmp")
		if err := os.WriteFile(temp, []byte(text), 0o666); err != nil {
			u.t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(path, fmt.Sprintf("%d.json", half))); err != nil {
			u.t.Fatal(err)
		}
	}
	return map[string]int64{"t": 20, "d": 5}
}

// script is the tables, a sink per query and their INSERTs; the queries of a
// statement set are separated by ";".
func (u *upgradeRun) script(s *Session, dir, out, text string) *sqlerr.Source {
	b := fmt.Sprintf(upgradeTables, dir)
	var inserts []string
	for i, q := range strings.Split(strings.TrimSuffix(strings.TrimSpace(text), ";"), ";") {
		if q = strings.TrimSpace(q); strings.HasPrefix(q, "SET ") || strings.HasPrefix(q, "CREATE ") {
			b += q + ";\n"
			continue
		}
		columns := u.columns(b, q)
		name := fmt.Sprintf("r%d", i)
		if at, rest, ok := strings.Cut(q, ":"); ok && !strings.Contains(at, " ") {
			name, q = at, rest
			columns = u.columns(b, q)
		}
		b += fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'filesystem', 'path' = '%s/%s', 'format' = 'changelog-json');\n", name, columns, out, name)
		inserts = append(inserts, fmt.Sprintf("INSERT INTO %s %s;\n", name, q))
	}
	b += "SET 'pipeline.name' = 'j';\n"
	if len(inserts) == 1 {
		b += inserts[0]
	} else {
		b += "EXECUTE STATEMENT SET BEGIN\n" + strings.Join(inserts, "") + "END;\n"
	}
	return &sqlerr.Source{Name: "script", Text: b}
}

// columns are those of a query, as DDL.
func (u *upgradeRun) columns(definitions, query string) string {
	if at, rest, ok := strings.Cut(query, ":"); ok && !strings.Contains(at, " ") {
		query = rest
	}
	s := New(Config{})
	stmts, err := s.Parse(&sqlerr.Source{Name: "columns", Text: definitions + query + ";"})
	if err != nil {
		u.t.Fatal(sqlerr.Render(err))
	}
	for _, stmt := range stmts[:len(stmts)-1] {
		if err := s.define(stmt, nopOutput{}); err != nil {
			u.t.Fatal(sqlerr.Render(err))
		}
	}
	_, schema, err := s.plan(stmts[len(stmts)-1], func(*batch.Batch) error { return nil })
	if err != nil {
		u.t.Fatal(sqlerr.Render(err))
	}
	var out []string
	for i, f := range schema.Fields {
		out = append(out, fmt.Sprintf("c%d %s", i, f.Type.Plain().Nullable()))
	}
	return strings.Join(out, ", ")
}

// verdicts compares the queries without running them.
func (u *upgradeRun) verdicts(old, edited string) (text string, exact bool) {
	before, after := New(Config{}), New(Config{})
	list, err := after.Imagined(context.Background(), u.script(after, u.dir, u.dir, edited), before, u.script(before, u.dir, u.dir, old))
	if err != nil {
		return "error: " + err.Error() + "\n", false
	}
	var lines []string
	exact = true
	for _, x := range list {
		for _, c := range x.Changes {
			lines = append(lines, fmt.Sprintf("%s %s", c.Verdict, c.Role))
			exact = exact && (c.Verdict == job.Kept || c.Verdict == job.Migrated)
		}
		for _, r := range x.Refusals {
			lines = append(lines, "refused: "+r)
			exact = false
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "nothing is kept")
	}
	return strings.Join(lines, "\n") + "\n", exact
}

// halves runs the first query over the first half of the rows and the second over
// the rest, and returns what the second wrote.
func (u *upgradeRun) halves(name, first, second string) []string {
	dir := filepath.Join(u.dir, name)
	state := filepath.Join(dir, "state")
	u.run(first, dir, filepath.Join(dir, "out0"), state, u.write(dir, 0))
	u.run(second, dir, filepath.Join(dir, "out1"), state, u.write(dir, 1))
	var rows []string
	_ = filepath.WalkDir(filepath.Join(dir, "out1"), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(p)
			for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
				rows = append(rows, filepath.Base(filepath.Dir(p))+" "+l)
			}
		}
		return nil
	})
	sort.Strings(rows)
	return rows
}

// run runs a script until it has read its rows, and stops it.
func (u *upgradeRun) run(text, dir, out, state string, rows map[string]int64) {
	s := New(Config{StateDir: state, Memory: 4 << 30, Options: map[string]string{"execution.checkpointing.interval": "1 h"}})
	src := u.script(s, dir, out, text)
	stmts, err := s.Parse(src)
	if err != nil {
		u.t.Fatal(sqlerr.Render(err))
	}
	for _, stmt := range stmts {
		j, err := s.Execute(context.Background(), stmt, nopOutput{})
		if err != nil {
			u.t.Fatal(sqlerr.Render(err))
		}
		if j == nil {
			continue
		}
		read := func() bool {
			r := j.Report()
			if r.At.IsZero() {
				return false
			}
			for _, o := range r.Operators {
				for table, n := range rows {
					if o.Name == "TableSourceScan" && strings.Contains(o.Text, "."+table+"]]") && o.Read < n {
						return false
					}
				}
			}
			return true
		}
		for tries := 0; !read(); tries++ {
			if tries > 2000 {
				u.t.Fatalf("the rows aren't read: %v", j.Report())
			}
			select {
			case <-j.Done():
				u.t.Fatalf("%s\nended: %v", text, j.Err())
			case <-time.After(5 * time.Millisecond):
			}
		}
		time.Sleep(30 * time.Millisecond) // what of them waits goes on
		j.Stop()
		<-j.Done()
		if j.Err() != nil {
			u.t.Fatal(j.Err())
		}
	}
}
