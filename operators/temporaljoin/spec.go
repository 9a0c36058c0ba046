// Package temporaljoin joins rows with the version of another table's row that was
// valid at their time: Flink's TemporalJoin by event time.
//
// One table in state is keyed by the join key. A key's left rows wait in a list
// until event time has passed them on both sides; its right rows are versions in the
// order of their time, a deletion being a version too. One timer per key, at the
// earliest time that waits, sends the left rows that are due in the order of arrival
// and forgets the versions nobody can ask for any more. Start with Spec, then
// Process.
package temporaljoin

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/types"
)

// Spec joins each left row with the right row of its key at the left row's time.
type Spec struct {
	Left, Right *types.Schema
	Keys        [2][]int // equal keys of the sides
	NullSafe    []bool   // per key: IS NOT DISTINCT FROM
	Time        [2]int   // rowtime columns
	Outer       bool     // left rows without a version come out padded
	Rest        expr.Expr
	Out         *types.Schema
	Session     *types.Session
}

// Name is TemporalJoin.
func (s *Spec) Name() string { return "TemporalJoin" }

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	kind := map[bool]string{false: "InnerJoin", true: "LeftOuterJoin"}[s.Outer]
	var on []string
	for i, l := range s.Keys[0] {
		on = append(on, s.Left.Fields[l].Name+" = "+s.Right.Fields[s.Keys[1][i]].Name)
	}
	if s.Rest != nil {
		both := &types.Schema{Fields: append(append([]types.Field(nil), s.Left.Fields...), s.Right.Fields...)}
		on = append(on, calc.Show(s.Rest, both))
	}
	every := make([]int, s.Out.Len())
	for i := range every {
		every[i] = i
	}
	return []operators.Arg{{Name: "joinType", Value: "[" + kind + "]"}, {Name: "where", Value: "[" + strings.Join(on, " AND ") + "]"},
		{Name: "asOf", Value: "[" + s.Left.Fields[s.Time[0]].Name + "]"}, {Name: "select", Value: operators.Columns(s.Out, every)}}
}

// Schema is the left columns, then the right ones.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are the left side's: later versions revise nothing.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	return in[0], keys[0], nil
}

// Needs passes on what is wanted of the left side; a deletion on the right has to
// say when it was.
func (s *Spec) Needs(input int, wanted operators.Need) operators.Need {
	if input == 0 {
		return wanted
	}
	return operators.Need{FullDeletes: true}
}

// Slice: rows come out at any time.
func (s *Spec) Slice() int64 { return 1 }

// Distribution is by the join key.
func (s *Spec) Distribution(side int) operators.Distribution { return operators.Keyed(s.Keys[side]) }

// Placement is the left side's.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
