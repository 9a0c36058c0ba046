package tests

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestAllocations: queries over insert-only input allocate nothing per row. What a
// job allocates at its start and as its state grows is in the small number of events
// as well as in the great one.
func TestAllocations(t *testing.T) {
	const few, many = "100000", "300000"
	for _, q := range []string{"q0", "q1", "q2", "q14", "q15", "q17", "q18", "q19", "q20", "q21", "q22"} {
		t.Run(q, func(t *testing.T) {
			text, err := os.ReadFile("../examples/nexmark/" + q + ".sql")
			if err != nil {
				t.Fatal(err)
			}
			allocs := func(events string) float64 {
				sql := strings.ReplaceAll(string(text), "'events.num' = '200000'", "'events.num' = '"+events+"'")
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				s := engine.New(engine.Config{})
				if err := s.Run(context.Background(), &sqlerr.Source{Name: q, Text: sql}, discard{}); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				return float64(after.Mallocs - before.Mallocs)
			}
			start := allocs(few)
			if per := (allocs(many) - start) / 200_000; per > 0.1 {
				t.Errorf("%.2f allocations per event", per)
			}
		})
	}
}
