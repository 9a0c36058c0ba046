package engine_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestPartitionStatistics: what was counted of partitions decides the order of joins that
// ask for one, and is counted again when it has changed.
func TestPartitionStatistics(t *testing.T) {
	dir := t.TempDir()
	s := engine.New(engine.Config{Stdout: io.Discard})
	run := func(text string) string {
		t.Helper()
		out := &lines{}
		stmts, err := s.Parse(&sqlerr.Source{Name: "job.sql", Text: strings.ReplaceAll(text, "DIR", filepath.ToSlash(dir))})
		if err != nil {
			t.Fatal(err)
		}
		for _, stmt := range stmts {
			if _, err := s.Execute(context.Background(), stmt, out); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(out.rows, "\n")
	}
	run(`SET 'execution.runtime-mode' = 'batch';
SET 'table.dml-sync' = 'true';
CREATE TABLE g (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000');
CREATE TABLE days (amount INT, ` + "`day`" + ` STRING, n INT) PARTITIONED BY (` + "`day`" + `, n) WITH ('connector' = 'filesystem', 'path' = 'DIR/days', 'format' = 'json');
CREATE TABLE m (a INT) WITH ('connector' = 'filesystem', 'path' = 'DIR/m', 'format' = 'json');
CREATE TABLE o (a INT, b INT) WITH ('connector' = 'filesystem', 'path' = 'DIR/o', 'format' = 'json');
INSERT INTO days SELECT id, CASE WHEN id < 990 THEN 'big' ELSE 'small' END, CASE WHEN id < 500 THEN 1 ELSE 2 END FROM g;
INSERT INTO m SELECT id FROM g WHERE id <= 300;
INSERT INTO o SELECT id, id FROM g WHERE id <= 300;
ANALYZE TABLE m COMPUTE STATISTICS;
ANALYZE TABLE o COMPUTE STATISTICS;
ANALYZE TABLE days PARTITION (` + "`day`" + ` = 'small', n) COMPUTE STATISTICS FOR COLUMNS amount;
ANALYZE TABLE days PARTITION (n = 2, ` + "`day`" + `) COMPUTE STATISTICS;`)
	// days is joined first when it is the smallest
	first := func(day string) bool {
		text := run("EXPLAIN SELECT COUNT(*) FROM m, o, days WHERE m.a = o.a AND o.b = days.amount AND days.`day` = '" + day + "' AND n = 2")
		_, text, ok := strings.Cut(text, "Optimized Logical Plan")
		if !ok {
			t.Fatal(text)
		}
		at := func(name string) int { return strings.Index(text, "default_database."+name+"]") }
		return at("m") < at("o") && at("o") < at("days") && strings.Index(text, "Join(") < at("m") && strings.Count(text[:at("o")], "Join(") == 2 && strings.Count(text[:at("m")], "Join(") == 1
	}
	if !first("small") || first("big") {
		t.Errorf("small first: %v, big first: %v", first("small"), first("big"))
	}
	run("INSERT INTO days SELECT id, 'small', 2 FROM g; ANALYZE TABLE days PARTITION (`day` = 'small', n = 2) COMPUTE STATISTICS;")
	if first("small") {
		t.Error("a partition that has grown and was counted again is joined first")
	}
	if text := run("EXPLAIN ESTIMATED_COST SELECT amount FROM days"); !strings.Contains(text, "rowcount = 1501.0") { // 490 of big in 2, 1011 of small in 2
		t.Errorf("not 1501 rows in\n%s", text)
	}
}
