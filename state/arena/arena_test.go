package arena_test

import (
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/plain"
	"github.com/millrace/millrace/state/statetest"
)

func TestConformance(t *testing.T) {
	statetest.Run(t, func(o state.Options) state.Store { return arena.New(o) })
}

// TestBlocksAreShared restores each implementation from the other's blocks.
func TestBlocksAreShared(t *testing.T) {
	was := arena.SetBlockBytes(300) // so that there are several of each group
	rows := arena.SetBulkRows(1)
	t.Cleanup(func() { arena.SetBlockBytes(was); arena.SetBulkRows(rows) })
	n := 0
	statetest.Run(t, func(o state.Options) state.Store {
		if n++; n%2 == 0 {
			return plain.New(o)
		}
		return arena.New(o)
	})
}
