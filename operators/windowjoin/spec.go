// Package windowjoin joins the rows of two streams that belong to the same window:
// Flink's WindowJoin, inner, outer, semi and anti.
//
// Rows carry their window. Each window is a slice of a table in state, keyed by
// the join key, with the rows of both sides in two lists. When the watermark of
// both inputs passes the window's end, the lists of each key are joined and sent,
// and the slice is dropped: nothing is ever taken back.
package windowjoin

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/types"
)

// Spec joins rows of one window with equal Keys for which Rest, over the columns of
// both sides, holds.
type Spec struct {
	Left, Right *types.Schema
	Windows     [2]window.Window // attached; of the sides
	Keys        [2][]int
	NullSafe    []bool
	Kind        join.Kind
	Rest        expr.Expr
	Out         *types.Schema
	Session     *types.Session
}

func (s *Spec) in(side int) *types.Schema {
	if side == 0 {
		return s.Left
	}
	return s.Right
}

// outer says whether a side's rows come out without a partner.
func (s *Spec) outer(side int) bool {
	return s.Kind == join.Full || side == 0 && s.Kind == join.Left || side == 1 && s.Kind == join.Right
}

// Name is WindowJoin.
func (s *Spec) Name() string { return "WindowJoin" }

// Args are windows, kind and condition.
func (s *Spec) Args() []operators.Arg {
	var on []string
	for i, l := range s.Keys[0] {
		op := " = "
		if s.NullSafe[i] {
			op = " IS NOT DISTINCT FROM "
		}
		on = append(on, s.Left.Fields[l].Name+op+s.Right.Fields[s.Keys[1][i]].Name)
	}
	if s.Rest != nil {
		both := &types.Schema{Fields: append(append([]types.Field(nil), s.Left.Fields...), s.Right.Fields...)}
		on = append(on, calc.Show(s.Rest, both))
	}
	if len(on) == 0 {
		on = []string{"true"}
	}
	return []operators.Arg{{Name: "leftWindow", Value: "[" + s.Windows[0].Describe(s.Left) + "]"}, {Name: "rightWindow", Value: "[" + s.Windows[1].Describe(s.Right) + "]"},
		{Name: "joinType", Value: "[" + s.Kind.String() + "]"}, {Name: "where", Value: "[" + strings.Join(on, " AND ") + "]"}}
}

// Schema is the left columns, then (but for semi and anti) the right ones.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are inserts.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	for _, c := range in {
		if err := operators.RefuseUpdates("StreamPhysicalWindowJoin", c); err != nil {
			return c, operators.Keys{}, err
		}
	}
	k := operators.Keys{}
	if s.Kind == join.Semi || s.Kind == join.Anti {
		k = keys[0]
	}
	return batch.Changes{Kinds: batch.InsertOnly}, k, nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution is by the join key.
func (s *Spec) Distribution(side int) operators.Distribution { return operators.Keyed(s.Keys[side]) }

// Slice is how fine watermarks must cut.
func (s *Spec) Slice() int64 { return s.Windows[0].Cut() }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
