package operators

import "fmt"

// Distribution says which subtask of an operator must see which rows of an input
// when it runs with several.
type Distribution struct {
	Kind DistributionKind
	Cols []int // of ByKey, columns of the input, in the order they are hashed in
}

// DistributionKind is the kind of a Distribution.
type DistributionKind uint8

const (
	// Anywhere: rows stay with the subtask that made them, in its order.
	Anywhere DistributionKind = iota
	// ByKey: rows equal in Cols meet at the subtask that owns their key group, in
	// the order in which each sender sent them.
	ByKey
	// Together: one subtask sees all rows; the operator runs with parallelism 1.
	Together
	// Everywhere: each subtask sees every row.
	Everywhere
)

// Distributed is a Spec whose operator can't take its rows wherever they happen to
// be. EVERY spec whose operator keeps state, counts rows or holds them back
// implements it; a spec that doesn't is taken to be stateless (Anywhere), and a
// task refuses it state at a parallelism above 1.
//
// The key of a ByKey must be the key of the operator's tables, column for column
// and in that order: a restore at another parallelism gives a row of state to the
// subtask that owns its hash. Two inputs that meet under one key answer with
// columns of pairwise equal types.
type Distributed interface {
	Distribution(input int) Distribution
}

// Keyed is ByKey, or Together when there are no columns.
func Keyed(cols []int) Distribution {
	if len(cols) == 0 {
		return Distribution{Kind: Together}
	}
	return Distribution{Kind: ByKey, Cols: cols}
}

// Placed is a Spec that knows how its own rows lie, so that a consumer which asks
// for just that needs no exchange: in are the distributions of its inputs as they
// arrive. ByKey promises that each row was made by the owner of its hash over Cols
// (output columns); Anywhere promises nothing. Optional.
type Placed interface {
	Placement(in []Distribution) Distribution
}

// First places rows by their first n columns when the input was spread by key:
// what an operator does that emits its n key columns first.
func First(in Distribution, n int) Distribution {
	if in.Kind != ByKey {
		return in
	}
	cols := make([]int, n)
	for i := range cols {
		cols[i] = i
	}
	return Distribution{Kind: ByKey, Cols: cols}
}

// Shifted is d with each column n further to the right.
func (d Distribution) Shifted(n int) Distribution {
	cols := make([]int, len(d.Cols))
	for i, c := range d.Cols {
		cols[i] = c + n
	}
	return Distribution{Kind: d.Kind, Cols: cols}
}

func (d Distribution) String() string {
	switch d.Kind {
	case ByKey:
		return fmt.Sprintf("by key %v", d.Cols)
	case Together:
		return "together"
	case Everywhere:
		return "everywhere"
	}
	return "anywhere"
}
