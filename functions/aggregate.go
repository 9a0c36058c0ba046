package functions

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Aggregate is a function of many rows.
type Aggregate struct {
	Name    string
	Aliases []string
	Doc     Doc
	Sigs    []Sig
	// Retract: the accumulator can take rows back. A retracting form may keep more
	// state; Bind is told by AggregateCall.Retract.
	Retract bool
	// Merge: partial results can be merged (slices, sessions, two phases).
	Merge bool
	// Total: it has a result over no rows at all (COUNT's 0), so never NULL.
	Total bool
	// Constant says which arguments are constants that Bind reads: a separator, a
	// clause. They are no columns: Step's args hold the others, in order. nil: none.
	Constant func(arg int) bool
	// Check refuses argument types or constants at planning; nil: whatever matches.
	Check func(Call) error
	// Parts are the aggregates of the same arguments that Flink computes it from. It
	// does so only beside a call that is Split; then a group's row is sent again when
	// a part has changed, the result or not.
	Parts []*Aggregate
	Split bool
	Bind  func(AggregateCall) (Accumulator, error)
}

// Constants is the constant arguments of a call as EXPLAIN shows them, each behind
// a comma.
func (a *Aggregate) Constants(args []Arg) string {
	s := ""
	for i, x := range args {
		if a.Constant == nil || !a.Constant(i) || x.Const == nil || x.Type.Layout() != types.LayoutBytes {
			continue
		}
		text := string(x.Const.Bytes(0))
		switch {
		case x.Type.Kind != types.Symbol:
			s += ", '" + text + "'"
		case text != "":
			s += ", " + text
		}
	}
	return s
}

// AggregateCall is a matched call of an aggregate.
type AggregateCall struct {
	Call
	Retract  bool          // rows will be taken back
	Distinct bool          // duplicates are removed before the accumulator sees rows
	Order    []batch.Order // WITHIN GROUP / ORDER BY inside the call, over Args
}

// Part is one piece of an accumulator's state: a fixed column, a multiset or a
// list. The operator opens them in its table, side by side with its own.
type Part struct {
	Kind  PartKind
	Types []types.Type // Fixed: one; Multiset and List: the value's columns
}

// PartKind is the shape of a Part.
type PartKind uint8

const (
	FixedPart    PartKind = iota // a cell: I64, Hi, F64 with a Valid bit, or Bytes
	MultisetPart                 // value -> count, ordered by value
	ListPart                     // rows in arrival order
)

// Rows is one batch's rows for an accumulator, in order.
type Rows struct {
	N     int
	IDs   []uint32 // the group of each row
	Signs []int8   // +1 or -1; nil: all +1
	// Sel lists the rows that count (FILTER, DISTINCT), ascending; nil: all. The
	// others have the same result before and after.
	Sel []int32
	// Reset[i] says that this row's group is new or was empty: clear its cells
	// before the row, also when Sel leaves the row out.
	Reset []bool
}

// Cells is a group's state as an accumulator sees it; part counts from 0 within
// the accumulator. Fixed cells of a Reset group hold anything.
type Cells interface {
	I64(part int) batch.Col[int64]
	Hi(part int) batch.Col[int64]
	F64(part int) batch.Col[float64]
	Valid(part int) batch.BitCol
	Bytes(part int, id uint32) []byte
	SetBytes(part int, id uint32, b []byte)
	Multiset(part int) Multiset
	List(part int) List
}

// Multiset is the part of state.Multiset that accumulators use.
type Multiset interface {
	Add(id uint32, values []batch.Vector, row int, delta int64) int64
	Count(id uint32, values []batch.Vector, row int) int64
	First(id uint32, to []batch.Vector, n int) bool
	Last(id uint32, to []batch.Vector, n int) bool
	Each(id uint32, f func(value []batch.Vector, count int64) bool)
	Distinct(id uint32) int
	Clear(id uint32)
}

// List is rows in arrival order, as accumulators use it.
type List interface {
	// Add appends row `row` of values.
	Add(id uint32, values []batch.Vector, row int)
	// Remove takes away the oldest equal row; false when there is none.
	Remove(id uint32, values []batch.Vector, row int) bool
	// Each calls f for each row in arrival order, which is row `row` of the vectors.
	Each(id uint32, f func(values []batch.Vector, row int) bool)
	Len(id uint32) int
	Clear(id uint32)
}

// Accumulator computes one aggregate call over many groups. It keeps nothing of
// its own between calls: all state is in Cells.
type Accumulator interface {
	// State is what to open for it.
	State() []Part
	// Step takes the rows in order and writes the group's result before and after
	// each: rows 0..N-1 of before and after, which are prepared for the result
	// type. The default path: every change leaves at once. before of a Reset row is
	// never read. before may be nil when nobody needs it.
	Step(c Cells, r Rows, args []batch.Vector, before, after *batch.Vector) error
	// Fold takes the rows without results: mini-batch and windows.
	Fold(c Cells, r Rows, args []batch.Vector) error
	// Merge adds the state of from[k], a row of other, to into[k], a row of c.
	// reset[k] says that into[k] is new.
	Merge(c Cells, into []uint32, reset []bool, other Cells, from []uint32) error
	// Result writes the results of ids to rows 0..len(ids)-1 of out; it is prepared.
	Result(c Cells, ids []uint32, out *batch.Vector) error
}
