package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

const stateJobs = `
CREATE TABLE t (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '$D/in', 'format' = 'json', 'source.monitor-interval' = '5 ms');
CREATE TABLE sums (k STRING, c BIGINT, s INT, d BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE top (k STRING, v INT, rn BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE wins (k STRING, w TIMESTAMP(3), s INT) WITH ('connector' = 'blackhole');
CREATE TABLE pairs (a INT, b INT) WITH ('connector' = 'blackhole');
SET 'pipeline.name' = 'sums';
INSERT INTO sums SELECT k, COUNT(*), SUM(v), COUNT(DISTINCT v) FROM t GROUP BY k;
SET 'pipeline.name' = 'top';
INSERT INTO top SELECT k, v, rn FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM t) WHERE rn <= 2;
SET 'pipeline.name' = 'wins';
INSERT INTO wins SELECT k, window_start, SUM(v) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY k, window_start, window_end;
SET 'pipeline.name' = 'pairs';
INSERT INTO pairs SELECT a.id, b.id FROM t a JOIN t b ON a.v = b.v WHERE a.k = 'a';
`

const stateRows = `{"id":1,"k":"a","v":5,"ts":"2024-01-01 00:00:01"}
{"id":2,"k":"b","v":7,"ts":"2024-01-01 00:00:02"}
{"id":3,"k":"a","v":5,"ts":"2024-01-01 00:00:03"}
{"id":4,"k":"a","v":9,"ts":"2024-01-01 00:00:12"}
{"id":5,"k":"a","v":8,"ts":"2024-01-01 00:00:13"}
`

// TestStateTables runs jobs over a few rows until they have a checkpoint of all of
// them, stops them, and asks what their operators keep.
func TestStateTables(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "in", "1.json"), []byte(stateRows), 0o666); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	s := engine.New(engine.Config{StateDir: state, Options: map[string]string{"execution.checkpointing.interval": "5 ms", "parallelism.default": "2"}})
	src := &sqlerr.Source{Name: "jobs", Text: strings.ReplaceAll(stateJobs, "$D", dir)}
	stmts, err := s.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, stmt := range stmts {
		j, err := s.Execute(context.Background(), stmt, &lines{})
		if err != nil {
			t.Fatal(sqlerr.Render(err))
		}
		if j == nil {
			continue
		}
		read := func() (n int64) {
			for _, x := range j.Report().Splits {
				n += x.Rows
			}
			return n
		}
		for tries := 0; read() < 5; tries++ {
			if tries > 2000 {
				t.Fatalf("the rows aren't read: %v", j.Report())
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(30 * time.Millisecond) // what of them waits goes on
		j.Stop()
		<-j.Done()
		if j.Err() != nil {
			t.Fatal(j.Err())
		}
	}
	ask := func(cfg engine.Config, query string) (string, error) {
		out := &lines{}
		err := engine.New(cfg).Run(context.Background(), &sqlerr.Source{Name: "ask", Text: query + ";"}, out)
		sort.Strings(out.rows)
		return strings.Join(out.rows, "\n"), err
	}
	for _, x := range []struct{ query, want string }{
		{"SELECT k, `COUNT(*)`, `SUM(v)`, `SUM(v)_2`, CARDINALITY(`set`) FROM state.sums.GroupAggregate", "a|4|4|27|3\nb|1|1|7|1"},
		{"SELECT k, COUNT(*) FROM state.sums.`GroupAggregate$groups` WHERE k = 'b' GROUP BY k", "b|1"},
		{"SELECT * FROM state.top.`Rank`", "a|[(a, 9), (a, 8)]\nb|[(b, 7)]"},
		{"SELECT k, slice, `SUM(v)_2` FROM state.wins.WindowAggregate", "a|1704067210000|10\na|1704067220000|17\nb|1704067210000|7"},
		{"SELECT * FROM state.pairs.`Join$join`", "5|[(1, 5), (3, 5)]|[(1, 5), (3, 5)]\n7|[]|[(2, 7)]\n8|[(5, 8)]|[(5, 8)]\n9|[(4, 9)]|[(4, 9)]"},
	} {
		got, err := ask(engine.Config{StateDir: state}, x.query)
		if err != nil {
			t.Fatalf("%s: %s", x.query, sqlerr.Render(err))
		}
		if got != x.want {
			t.Errorf("%s:\n%s\nwant\n%s", x.query, got, x.want)
		}
	}
	for _, x := range []struct{ state, query, want string }{
		{state, "SELECT * FROM state.sums.Nothing", "it has GroupAggregate"},
		{state, "SELECT * FROM state.nobody.GroupAggregate", "no checkpoint of job nobody"},
		{"", "SELECT * FROM state.sums.GroupAggregate", "give --state-dir"},
	} {
		if _, err := ask(engine.Config{StateDir: x.state}, x.query); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", x.query, err, x.want)
		}
	}
}
