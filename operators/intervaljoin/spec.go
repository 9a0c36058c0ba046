// Package intervaljoin joins rows of two tables whose times lie near one another:
// Flink's IntervalJoin, inner and outer, by event or processing time.
//
// One table in state is keyed by the join key; a key's rows of both sides hang from
// it in two lists. A row meets the other side's list, then waits in its own for as
// long as a partner may still come; a timer per key and side lets rows go, padded
// with NULL where the join is outer and none has met them. What the join passes on
// of event time is held back by as long as a row may wait, so that its times stay
// valid. Start with Spec, then Process.
package intervaljoin

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/types"
)

// Spec joins left and right rows with Lower <= left time - right time <= Upper, in
// ms.
type Spec struct {
	Left, Right  *types.Schema
	Keys         [2][]int // equal keys of the sides; empty: one partition
	NullSafe     []bool   // per key: IS NOT DISTINCT FROM
	Time         [2]int
	Lower, Upper int64
	Proctime     bool
	Outer        [2]bool   // rows of the side come out without a partner
	Rest         expr.Expr // over the columns of both sides; nil: nothing
	Out          *types.Schema
	Session      *types.Session
}

// Name is IntervalJoin.
func (s *Spec) Name() string { return "IntervalJoin" }

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	kind := map[[2]bool]string{{}: "InnerJoin", {true, false}: "LeftOuterJoin", {false, true}: "RightOuterJoin", {true, true}: "FullOuterJoin"}[s.Outer]
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
	bounds := fmt.Sprintf("isRowTime=%v, leftLowerBound=%d, leftUpperBound=%d, leftTimeIndex=%d, rightTimeIndex=%d", !s.Proctime, s.Lower, s.Upper, s.Time[0], s.Time[1])
	every := make([]int, s.Out.Len())
	for i := range every {
		every[i] = i
	}
	return []operators.Arg{{Name: "joinType", Value: "[" + kind + "]"}, {Name: "windowBounds", Value: "[" + bounds + "]"},
		{Name: "where", Value: "[" + strings.Join(on, " AND ") + "]"}, {Name: "select", Value: operators.Columns(s.Out, every)}}
}

// Schema is the left columns, then the right ones.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes takes and makes inserts.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	for _, c := range in {
		if err := operators.RefuseUpdates("StreamPhysicalIntervalJoin", c); err != nil {
			return c, operators.Keys{}, err
		}
	}
	return batch.Changes{Kinds: batch.InsertOnly}, operators.Keys{}, nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Slice: rows go at any time.
func (s *Spec) Slice() int64 {
	if s.Proctime {
		return 0
	}
	return 1
}

// Distribution is by the join key.
func (s *Spec) Distribution(side int) operators.Distribution { return operators.Keyed(s.Keys[side]) }

// Placement is the left side's, unless its columns may be NULL.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution {
	if s.Outer[1] {
		return operators.Distribution{}
	}
	return in[0]
}

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

// reach is how far around a row of a side its partners' times lie: from time-back
// to time+ahead.
func (s *Spec) reach(side int) (back, ahead int64) {
	if side == 0 {
		return s.Upper, -s.Lower
	}
	return -s.Lower, s.Upper
}
