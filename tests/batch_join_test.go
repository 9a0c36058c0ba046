package tests

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestBatchJoins compares joins of batch mode with what the same joins of streaming
// mode leave at the end.
func TestBatchJoins(t *testing.T) {
	dir, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	run := func(mode, query string) string {
		text := fmt.Sprintf(`SET 'execution.runtime-mode' = '%s';
CREATE TABLE t (id INT, symbol STRING, price INT, volume INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/matches.json', 'format' = 'json');
%s;`, mode, query)
		c := engine.Config{Options: map[string]string{"millrace.batch-rows": "7"}, Lookup: func(string) (string, bool) { return dir, true }}
		var out bytes.Buffer
		if err := engine.New(c).Run(context.Background(), &sqlerr.Source{Name: mode, Text: text}, &sink{w: &out, changelog: true}); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return table(out.String(), true)
	}
	var queries []string
	for _, kind := range []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"} {
		for _, on := range []string{"a.symbol = b.symbol AND a.id < b.volume", "a.volume = b.price", "a.symbol = b.symbol AND a.price IS NOT DISTINCT FROM b.price", "a.id < b.volume AND b.id > 50"} {
			for _, rows := range [][2]string{{"TRUE", "TRUE"}, {"id < 3", "TRUE"}, {"TRUE", "id > 58"}, {"id < 0", "id > 40"}} {
				queries = append(queries, fmt.Sprintf("SELECT a.id AS x, a.price AS p, b.id AS y FROM (SELECT * FROM t WHERE %s) a %s (SELECT * FROM t WHERE %s) b ON %s", rows[0], kind, rows[1], on))
			}
		}
	}
	for _, in := range []string{"symbol IN", "symbol NOT IN", "EXISTS", "NOT EXISTS"} {
		for _, more := range []string{"", " AND m.id > 30", " AND m.symbol IS NOT NULL"} {
			queries = append(queries, "SELECT id AS x, price AS p FROM t WHERE "+in+" (SELECT symbol FROM t m WHERE m.price = t.volume"+more+")")
		}
	}
	some := 0
	for _, q := range queries {
		got, want := run("batch", q), run("streaming", q)
		if got != want {
			t.Errorf("%s\nbatch:\n%s\nstreaming:\n%s", q, got, want)
		}
		if want != "" {
			some++
		}
	}
	if some < len(queries)/2 {
		t.Errorf("only %d of %d joins have rows", some, len(queries))
	}
}
