// Package overagg computes OVER windows: each row with aggregates of the rows
// around it.
//
// Ordered by event time, rows wait for the watermark and go through in the order
// of time (time.go); by processing time they go through as they come. Ordered by
// anything else, a partition is kept sorted, and a change of one row changes those
// behind it too (sorted.go). Batch mode sorts once, with any frame (batch.go). The
// values themselves are computed in calls.go, for rows as they pass, and in
// sequence.go, for a whole partition. Start with Spec.
package overagg

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/types"
)

// Order is what orders the rows of a partition.
type Order uint8

const (
	Rowtime  Order = iota
	Proctime       // arrival
	Values         // any columns; the input may change
	Final          // batch mode: any columns, all rows known
)

// Call is an aggregate or a ranking function.
type Call struct {
	groupagg.Call
	Rank string // ROW_NUMBER, RANK, DENSE_RANK, LAG; in batch mode LEAD, NTILE, PERCENT_RANK, CUME_DIST too. "": an aggregate
}

// Bound is an end of a frame.
type Bound struct {
	Unbounded bool
	Following bool
	N         int64 // rows, or a distance in the units of the RANGE's column; 0: the current row
}

// Spec appends the results of Calls to its input.
type Spec struct {
	In        *types.Schema
	Order     Order
	Partition []int
	By        []batch.Order
	Rows      bool // ROWS, else RANGE
	Lower     Bound
	Upper     Bound
	Calls     []Call
	TTL       time.Duration // how long an unbounded frame is kept; 0: for ever
	Out       *types.Schema

	updating bool // of Values: the input isn't insert-only
	before   bool
}

// Name is OverAggregate.
func (s *Spec) Name() string { return "OverAggregate" }

// Args are the window and the calls.
func (s *Spec) Args() []operators.Arg {
	var a []operators.Arg
	if len(s.Partition) > 0 {
		a = append(a, operators.Arg{Name: "partitionBy", Value: operators.Columns(s.In, s.Partition)})
	}
	var by, sel []string
	for _, k := range s.By {
		dir := " ASC"
		if k.Desc {
			dir = " DESC"
		}
		by = append(by, s.In.Fields[k.Col].Name+dir)
	}
	unit := "RANGE"
	if s.Rows {
		unit = "ROWS"
	}
	for i, c := range s.Calls {
		text := c.Rank + "()"
		if c.Rank == "" {
			text = c.Describe(s.In)
		} else if len(c.Args) > 0 {
			text = c.Rank + "(" + s.In.Fields[c.Args[0]].Name + ")"
		}
		sel = append(sel, text+" AS "+s.Out.Fields[s.In.Len()+i].Name)
	}
	return append(a, operators.Arg{Name: "orderBy", Value: "[" + strings.Join(by, ", ") + "]"},
		operators.Arg{Name: "window", Value: fmt.Sprintf("[%s BETWEEN %s AND %s]", unit, s.Lower.text(), s.Upper.text())},
		operators.Arg{Name: "select", Value: "[*, " + strings.Join(sel, ", ") + "]"})
}

func (b Bound) text() string {
	side := " PRECEDING"
	if b.Following {
		side = " FOLLOWING"
	}
	switch {
	case b.Unbounded:
		return "UNBOUNDED" + side
	case b.N == 0:
		return "CURRENT ROW"
	}
	return fmt.Sprint(b.N) + side
}

// Schema is the input, then the calls.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes: by time only inserts come in and go out; by other columns any change
// may, and later rows are updated.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	k := operators.Keys{Unique: keys[0].Unique}
	for _, u := range keys[0].Upsert { // a key without the partition's columns may move to another partition, out of order
		if operators.HasKey([][]int{s.Partition}, u) {
			k.Upsert = append(k.Upsert, u)
		}
	}
	if s.Order == Final { // what comes in are final rows
		return batch.Changes{Kinds: batch.InsertOnly}, k, nil
	}
	if s.Order != Values {
		if err := operators.RefuseUpdates("StreamPhysicalOverAggregate", in[0]); err != nil {
			return in[0], operators.Keys{}, err
		}
		return batch.Changes{Kinds: batch.InsertOnly}, k, nil
	}
	kinds := batch.InsertOnly | batch.UpdateBefore.Set() | batch.UpdateAfter.Set()
	if s.updating = !in[0].InsertOnly(); s.updating {
		kinds = batch.All
	}
	return batch.Changes{Kinds: kinds}, k, nil
}

// Needs: a row taken away is found by all of its columns.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// Distribution is by the partition.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Partition) }

// Placement: the input's columns keep their places.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// Slice: any time matters.
func (s *Spec) Slice() int64 {
	if s.Order == Rowtime {
		return 1
	}
	return 0
}

// SetTTL sets how long an unbounded frame is kept.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = ttl }

// New makes the operator.
func (s *Spec) New() operators.Operator {
	switch s.Order {
	case Values:
		return &sorted{sequence: sequence{calls: calls{spec: s}}}
	case Final:
		return &final{sequence: sequence{calls: calls{spec: s}}}
	}
	return &timed{calls: calls{spec: s}}
}
