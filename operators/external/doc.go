// Package external is rows that operators of batch mode keep until their input has
// ended, and that go to disk when memory is short.
//
// Rows is a list: what a join's one side sends before the other is stored, or a
// partition of an OVER window. Sorter orders them: it keeps rows as bytes with a sort
// key in front, sorts what it holds and writes it out as a run when it must, and
// merges the runs at the end (Knuth, volume 3, 5.4: replacement by a tree of losers).
//
// Both are Keepers of their task's Room, which says when to write, and charge what
// they hold in memory to the operator's Budget. Files have no names and go with the
// process. Start with Store, which has what both need.
package external

import (
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Store is what rows are kept by: their types, and where memory and disk come from.
type Store struct {
	Types  []types.Type
	Memory *operators.Budget
	Room   *operators.Room // nil: no disk
}

// charge asks for bytes more, or gives some back.
func (s *Store) charge(n int64) error { return s.Memory.Grow(n) }

// refund gives bytes back.
func (s *Store) refund(n int64) { _ = s.Memory.Grow(-n) } // giving back can't fail
