package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestStateOfRunningJob: what two operators of a running job hold is read at one point
// of its input, again and again, and the job's result stays right.
func TestStateOfRunningJob(t *testing.T) {
	dir := t.TempDir()
	s := engine.New(engine.Config{Options: map[string]string{"parallelism.default": "2"}})
	do := func(sql string) (*engine.Job, []string) {
		t.Helper()
		stmts, err := s.Parse(&sqlerr.Source{Name: "t", Text: sql})
		if err != nil {
			t.Fatal(sqlerr.Render(err))
		}
		out := &lines{}
		var last *engine.Job
		for _, stmt := range stmts {
			j, err := s.Execute(context.Background(), stmt, out)
			if err != nil {
				t.Fatal(sqlerr.Render(err))
			}
			if j != nil {
				last = j
			}
		}
		return last, out.rows
	}
	job, _ := do(fmt.Sprintf(`
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20000');
CREATE TABLE p (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'changelog-json');
SET 'pipeline.name' = 'counts';
INSERT INTO p SELECT SUM(c) FROM (SELECT ABS(MOD(id, 50)) AS k, COUNT(*) AS c FROM g GROUP BY ABS(MOD(id, 50)));`, dir))
	ask := "SELECT a.n, b.n FROM (SELECT SUM(`COUNT(*)`) AS n, 1 AS x FROM state.counts.`GroupAggregate$groups`) a JOIN (SELECT `SUM(c)_2` AS n, 1 AS x FROM state.counts.`GroupAggregate-2$groups`) b ON a.x = b.x"
	looks, last := 0, ""
	for looks < 5 {
		_, got := do("SET 'execution.runtime-mode' = 'batch'; SET 'parallelism.default' = '1'; " + ask + ";")
		if len(got) == 0 { // no row yet
			continue
		}
		looks++
		if job.Status() != engine.Running {
			t.Fatalf("the job has ended: %v", job.Err())
		}
		l, r, _ := strings.Cut(got[0], "|")
		if len(got) != 1 || l != r {
			t.Fatalf("the operators are read at different points: %q", got)
		}
		if len(l) < len(last) || len(l) == len(last) && l < last {
			t.Fatalf("%s after %s", l, last)
		}
		last = l
	}
	job.Stop()
	<-job.Done()
	if job.Err() != nil {
		t.Fatal(job.Err())
	}
	rows := job.Report().Operators[0].RowsOut
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0) // what is taken back cancels out
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var x struct {
				Op  string
				Row struct{ N int64 }
			}
			if err := json.Unmarshal([]byte(l), &x); err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			if strings.HasPrefix(x.Op, "-") {
				x.Row.N = -x.Row.N
			}
			sum += x.Row.N
		}
	}
	if sum != rows {
		t.Errorf("the job counts %d rows of %d", sum, rows)
	}
}
