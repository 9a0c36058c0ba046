package tests

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestMemoryLimit: what grows beyond the limit goes to disk or fails by name; what fits
// runs, and gives its memory back.
func TestMemoryLimit(t *testing.T) {
	numbers := "CREATE TABLE numbers (n BIGINT, t STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '400000', 'rows-per-second' = '1000000000', " +
		"'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '400000', 'fields.t.length' = '100');"
	for _, c := range []struct{ name, mode, query, fails string }{
		{"groups", "streaming", "SELECT COUNT(*), SUM(c), SUM(n) FROM (SELECT n, COUNT(*) AS c FROM numbers GROUP BY n, t)", ""}, // on disk
		{"groups in batch mode", "batch", "SELECT COUNT(*), SUM(c), SUM(n) FROM (SELECT n, COUNT(*) AS c FROM numbers GROUP BY n, t)", ""},
		{"one large group", "streaming", "SELECT COUNT(DISTINCT t) FROM numbers", "GroupAggregate ("},
		{"a sort", "batch", "SELECT n, t FROM numbers ORDER BY t", ""},
		{"windows", "batch", "SELECT COUNT(*), SUM(s) FROM (SELECT SUM(n) OVER (PARTITION BY n / 100 ORDER BY t) AS s FROM numbers)", ""},
		{"a window over all", "batch", "SELECT COUNT(*), SUM(s) FROM (SELECT LAG(t, 1000) OVER (ORDER BY t) AS t, SUM(n) OVER (ORDER BY t) AS s FROM numbers)", ""},
		{"rows that wait", "batch", "SELECT COUNT(*), MAX(a.t) FROM numbers a LEFT JOIN (SELECT n, COUNT(*) AS c FROM numbers GROUP BY n, t) b ON a.n = b.n", ""},
		{"a stored side without a key", "batch", "SELECT COUNT(*), MAX(b.t) FROM (SELECT n FROM numbers WHERE n < 4) a LEFT JOIN numbers b ON a.n < b.n", ""},
		{"one group", "streaming", "SELECT COUNT(*) FROM numbers", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			s := engine.New(engine.Config{Memory: 24 << 20, Options: map[string]string{"execution.runtime-mode": c.mode}})
			err := s.Run(context.Background(), &sqlerr.Source{Name: "memory", Text: numbers + c.query}, &sink{w: &out})
			switch {
			case c.fails == "" && err != nil:
				t.Fatal(err)
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), "more than the limit of 24 MB") || !strings.Contains(err.Error(), c.fails)):
				t.Fatalf("fails with %v", err)
			}
		})
	}
}
