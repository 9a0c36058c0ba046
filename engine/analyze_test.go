package engine_test

import (
	"context"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestExplainAnalyze: the operator that is slow is shown busy and the one before it
// back-pressured; each operator takes what the one before it sent; the SQL is named.
func TestExplainAnalyze(t *testing.T) {
	s := engine.New(engine.Config{Stdout: io.Discard})
	out := &lines{}
	stmts, err := s.Parse(&sqlerr.Source{Name: "job.sql", Text: `
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '3000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '3000');
CREATE TABLE b (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
EXPLAIN ANALYZE INSERT INTO b SELECT CHAR_LENGTH(REGEXP_REPLACE(REPEAT(CAST(id AS STRING) || 'ab', 300), '(a|b)+[0-9]', 'x')) AS k, COUNT(*) AS n FROM g WHERE MOD(id, 2) = 0
GROUP BY CHAR_LENGTH(REGEXP_REPLACE(REPEAT(CAST(id AS STRING) || 'ab', 300), '(a|b)+[0-9]', 'x'));`})
	if err != nil {
		t.Fatal(err)
	}
	for _, stmt := range stmts {
		if _, err := s.Execute(context.Background(), stmt, out); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Join(out.rows, "\n")
	busy := func(name string) (busy, blocked float64) {
		m := regexp.MustCompile(`(?s)#\d+ ` + name + `.*?busy ([0-9.]+) %, back-pressured ([0-9.]+) %`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in\n%s", name, text)
		}
		busy, _ = strconv.ParseFloat(m[1], 64)
		blocked, _ = strconv.ParseFloat(m[2], 64)
		return busy, blocked
	}
	slow, _ := busy(`Calc\(select=\[CHAR`) // how busy hangs on the machine, who is busiest doesn't
	for _, other := range []string{"TableSourceScan", "GroupAggregate", "Sink"} {
		if b, _ := busy(other); b >= slow {
			t.Errorf("%s is busy %v %%, the slow operator %v %%:\n%s", other, b, slow, text)
		}
	}
	if b, blocked := busy("TableSourceScan"); blocked <= b {
		t.Errorf("the source is busy %v %%, back-pressured %v %%:\n%s", b, blocked, text)
	}
	for _, want := range []string{"(FINISHED,", "3000 rows in", "in 3000 (", "in 1500 (", "job.sql:4:", "state "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	job := s.Jobs().All()[0]
	if again := job.Analyze(); again != text {
		t.Errorf("EXPLAIN ANALYZE of the job that has ended:\n%s", again)
	}
}

// TestCheckAnalyze: a check and a dry run plan what EXPLAIN ANALYZE would run, and don't.
func TestCheckAnalyze(t *testing.T) {
	const script = `
SET 'millrace.analyze-for' = '1000 h';
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1');
EXPLAIN ANALYZE SELECT id FROM g;
EXPLAIN ANALYZE SELECT nope FROM g;`
	s := engine.New(engine.Config{Stdout: io.Discard})
	if err := s.Check(&sqlerr.Source{Name: "job.sql", Text: script}); err == nil || !strings.HasPrefix(err.Error(), "job.sql:5:24: ") {
		t.Error(err)
	}
	found, err := engine.New(engine.Config{Stdout: io.Discard}).DryRun(t.Context(), &sqlerr.Source{Name: "job.sql", Text: script})
	if err == nil || len(found) != 0 {
		t.Error(found, err)
	}
}
