// Package join joins two changing tables: Flink's regular join, inner, outer,
// semi and anti, with any condition.
//
// One table in state is keyed by the join key; each key's rows of both sides hang
// from it in two lists, whose cell counts the partners a row has where that
// matters; the row of a side that has one a key lies with the key (one.go). A row looks its key up once, meets the other side's list, and is put
// into its own. Inner joins do so for a whole batch at a time (inner.go); the
// others row by row, because each change depends on the counts (outer.go). In batch mode
// one side is stored before the other comes (batch.go), without a key as plain rows (nested.go).
package join

import (
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/types"
)

// Kind is the kind of join.
type Kind uint8

const (
	Inner Kind = iota
	Left
	Right
	Full
	Semi
	Anti
)

func (k Kind) String() string {
	return [...]string{"InnerJoin", "LeftOuterJoin", "RightOuterJoin", "FullOuterJoin", "LeftSemiJoin", "LeftAntiJoin"}[k]
}

// Spec is a regular join. Rest is over the columns of both sides, left first.
type Spec struct {
	Left, Right *types.Schema
	Keys        [2][]int // equal keys of the sides, pairwise of one type; empty: one partition
	NullSafe    []bool   // per key: IS NOT DISTINCT FROM
	Kind        Kind
	Rest        expr.Expr // what the keys don't say; nil: nothing
	Out         *types.Schema
	Session     *types.Session
	Build       int              // in batch mode, the side of an inner join that is stored, from 1; 0: the smaller, as far as it's seen
	TTL         [2]time.Duration // of each side's rows; 0: for ever
	One         [2]bool          // a side has one row a join key: one.go
	fixed       [2]bool          // a side's rows are added alone
	whole       [2]bool          // a side's rows are told apart by the join key itself
	upserts     bool             // rows come without those they take the place of
	Together    bool             // a MULTI_JOIN hint wants it in one operator with others
}

// Name is Join.
func (s *Spec) Name() string { return "Join" }

// Args are kind and condition.
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
	all := make([]int, s.Out.Len())
	for i := range all {
		all[i] = i
	}
	return []operators.Arg{{Name: "joinType", Value: "[" + s.Kind.String() + "]"}, {Name: "where", Value: "[" + strings.Join(on, " AND ") + "]"},
		{Name: "select", Value: operators.Columns(s.Out, all)}}
}

// Schema is the left columns, then (but for semi and anti) the right ones.
func (s *Spec) Schema() *types.Schema { return s.Out }

// outer says whether a side's rows come out without a partner.
func (s *Spec) outer(side int) bool {
	return s.Kind == Full || side == 0 && s.Kind == Left || side == 1 && s.Kind == Right
}

// Changes: an inner join passes the kinds of its inputs, the others may take back.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	kinds := in[0].Kinds | in[1].Kinds
	if err := expr.Stable(batch.Changes{Kinds: kinds}, s.Rest); err != nil {
		return batch.Changes{}, operators.Keys{}, err
	}
	switch s.Kind {
	case Inner:
	case Semi:
		if !in[1].InsertOnly() {
			kinds |= batch.Delete.Set()
		}
	default:
		kinds |= batch.InsertOnly | batch.Delete.Set()
	}
	return batch.Changes{Kinds: kinds}, s.keys(keys), nil
}

// keys: a side's keys survive where the other side has at most one row per join
// key; both sides' keys together always do.
func (s *Spec) keys(in []operators.Keys) operators.Keys {
	if s.Kind == Semi || s.Kind == Anti {
		return in[0]
	}
	one := [2]bool{operators.HasKey(in[0].Unique, s.Keys[0]), operators.HasKey(in[1].Unique, s.Keys[1])}
	shift := func(c int) int { return c + s.Left.Len() }
	join := func(l, r [][]int) [][]int {
		r = operators.MapKeys(r, shift)
		var out [][]int
		if one[1] && !s.outer(1) {
			out = append(out, l...)
		}
		if one[0] && !s.outer(0) {
			out = append(out, r...)
		}
		if len(out) == 0 {
			for _, a := range l {
				for _, b := range r {
					out = append(out, append(append([]int(nil), a...), b...))
				}
			}
		}
		if s.Kind == Inner {
			out = append(out, s.leftward(out)...)
		}
		return out
	}
	return operators.Keys{Unique: join(in[0].Unique, in[1].Unique), Upsert: join(in[0].Upsert, in[1].Upsert)}
}

// leftward is the keys that hold a right column of the join key, with the left
// column it equals instead.
func (s *Spec) leftward(keys [][]int) (out [][]int) {
	for _, k := range keys {
		var other []int
		moved := false
		for _, c := range k {
			if i := slices.Index(s.Keys[1], c-s.Left.Len()); i >= 0 {
				c, moved = s.Keys[0][i], true
			}
			if !slices.Contains(other, c) {
				other = append(other, c)
			}
		}
		if moved {
			out = append(out, other)
		}
	}
	return out
}

// Needs: rows are found again by all their columns, so both images are needed; but
// where a row takes the place of the one before.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need {
	return operators.Need{Before: wanted.Before || !s.keepsKey(), FullDeletes: true}
}

// Distribution is by the join key.
func (s *Spec) Distribution(side int) operators.Distribution { return operators.Keyed(s.Keys[side]) }

// Placement is the left side's: its columns come first. Where they may be padded
// with NULL nothing is promised.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution {
	if s.outer(1) {
		return operators.Distribution{}
	}
	return in[0]
}

// SetTTL sets how long rows are kept, of both sides.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = [2]time.Duration{ttl, ttl} }

// New makes the operator.
func (s *Spec) New() operators.Operator {
	if s.Session.Batch && len(s.Keys[0]) == 0 {
		return &nested{spec: s}
	}
	return &operator{spec: s}
}
