package arena_test

import (
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/statetest"
)

// TestSpillConformance runs the suite with stores that may hold nothing, or now and then
// nothing: what a turn leaves goes to disk, and comes back.
func TestSpillConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		keep func() func(held int64) int64
	}{
		{"nothing", func() func(int64) int64 { return func(int64) int64 { return 0 } }},
		{"now and then", func() func(int64) int64 {
			n := 0
			return func(held int64) int64 {
				if n++; n%3 == 0 {
					return 0
				}
				return held
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			statetest.Run(t, func(o state.Options) state.Store {
				o.Spill = &state.Spill{Dir: dir, Keep: c.keep()}
				return arena.New(o)
			})
		})
	}
}
