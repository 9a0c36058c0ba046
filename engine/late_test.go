package engine_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
)

// TestLateRows: what each kind of operator leaves out because it comes too late can
// be read, newest rows first to be kept.
func TestLateRows(t *testing.T) {
	dir := t.TempDir()
	var data strings.Builder
	for i, ts := range []string{"10:00:01", "10:05:00", "10:00:30", "10:05:01", "10:00:40", "10:06:00", "10:00:50"} {
		fmt.Fprintf(&data, "{\"id\": %d, \"k\": \"a\", \"ts\": \"2024-01-01 %s\"}\n", i, ts)
	}
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte(data.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	windows := "SELECT id, k, window_start, window_end FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"
	for _, c := range []struct {
		keep, query string
		want        []string // of row_text, the least that must be in it
	}{
		{"100", "SELECT CAST(SUM(id) AS BIGINT) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"2", "SELECT CAST(SUM(id) AS BIGINT) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end", []string{`"id":4`, `"id":6`}},
		{"0", "SELECT CAST(SUM(id) AS BIGINT) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end", []string{"NULL"}},
		{"100", "SELECT CAST(SUM(id) AS BIGINT) FROM SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND) GROUP BY k, window_start, window_end", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"100", "SELECT CAST(SUM(id) OVER (PARTITION BY k ORDER BY ts) AS BIGINT) FROM t", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"100", "SELECT CAST(id AS BIGINT) FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY id) rn FROM (" + windows + ")) WHERE rn <= 3", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"100", "SELECT CAST(l.id AS BIGINT) FROM (" + windows + ") l JOIN (" + windows + ") r ON l.id = r.id AND l.window_start = r.window_start AND l.window_end = r.window_end",
			[]string{`"id":2`, `"id":2`, `"id":4`, `"id":4`, `"id":6`, `"id":6`}},
		{"100", "SELECT CAST(id AS BIGINT) FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) rn FROM t) WHERE rn = 1", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"100", "SELECT CAST(b AS BIGINT) FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS b ONE ROW PER MATCH PATTERN (A) DEFINE A AS A.id >= 0)", []string{`"id":2`, `"id":4`, `"id":6`}},
		{"100", "SELECT CAST(id AS BIGINT) FROM t ORDER BY ts", []string{`:6,`}}, // a row is late where one of its time has gone out
	} {
		s := engine.New(engine.Config{Stdout: io.Discard, Options: map[string]string{"table.local-time-zone": "UTC", "millrace.late-rows": c.keep}})
		ask(t, s, "CREATE TABLE t (id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '"+dir+
			"/in.json', 'format' = 'json'); CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO b "+c.query)
		rows := ask(t, s, "SELECT row_text FROM sys.late")
		slices.Sort(rows)
		ok := len(rows) == len(c.want)
		for i := 0; ok && i < len(rows); i++ {
			ok = strings.Contains(rows[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s, %s kept: %q, want %q", c.query, c.keep, rows, c.want)
		}
	}
}
