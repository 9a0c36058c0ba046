// Package multijoin joins several changing tables on one key at once: inner joins in a
// row that all ask for the same columns.
//
// One table in state is keyed by the join key; each input's rows of a key hang from it in
// a list of their own. A row looks its key up once, goes through all combinations of the
// other inputs' rows, and is put into its own list. A chain of joins keeps in each of its
// joins what the one before has sent, whole; here each input's rows are kept once, and what
// is combined is found anew. Start with Spec, then Process.
package multijoin

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec is inner joins of all inputs on one key.
type Spec struct {
	In   []*types.Schema
	Keys [][]int // of each input, pairwise of one type
	Out  *types.Schema
	Cols []int  // of all inputs' columns, one input after the other: those of Out
	One  []bool // an input has one row a key, which lies with the key
}

// Name is Flink's.
func (s *Spec) Name() string { return "MultiJoin" }

// Args are the key and what comes out.
func (s *Spec) Args() []operators.Arg {
	var on []string
	for k := range s.Keys[0] {
		var same []string
		for i, in := range s.In {
			same = append(same, in.Fields[s.Keys[i][k]].Name)
		}
		on = append(on, strings.Join(same, " = "))
	}
	every := make([]int, s.Out.Len())
	for i := range every {
		every[i] = i
	}
	kinds := strings.TrimSuffix(strings.Repeat("INNER, ", len(s.In)-1), ", ")
	return []operators.Arg{{Name: "commonJoinKey", Value: "[" + strings.Join(on, ", ") + "]"}, {Name: "joinTypes", Value: "[" + kinds + "]"},
		{Name: "select", Value: operators.Columns(s.Out, every)}}
}

// Schema is what comes out.
func (s *Spec) Schema() *types.Schema { return s.Out }

// SetKeys decides which inputs have one row a key, as a join of two does.
func (s *Spec) SetKeys(in []operators.Keys, changes []batch.Changes) {
	for i := range in {
		keys := in[i].Upsert
		if changes[i].InsertOnly() {
			keys = append(slices.Clip(keys), in[i].Unique...)
		}
		s.One[i] = operators.HasKey(keys, s.Keys[i])
	}
}

// Changes passes on the kinds of the inputs.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	var out batch.Changes
	var unique, upsert [][][]int
	for i := range in {
		out.Kinds |= in[i].Kinds
		unique, upsert = append(unique, keys[i].Unique), append(upsert, keys[i].Upsert)
	}
	return out, operators.Keys{Unique: s.keys(unique), Upsert: s.keys(upsert)}, nil
}

// keys: a row is told apart by a key of each input but those that have one row for each
// of the others'.
func (s *Spec) keys(in [][][]int) [][]int {
	all := [][]int{nil}
	for i, keys := range in {
		if operators.HasKey(keys, s.Keys[i]) && (i < len(in)-1 || len(all[0]) > 0) {
			continue
		}
		var next [][]int
		for _, a := range all {
			for _, k := range operators.MapKeys(keys, func(c int) int { return s.sent(i, c) }) {
				next = append(next, append(slices.Clip(a), k...))
			}
		}
		if all = next; len(all) == 0 {
			return nil
		}
	}
	for i := range all {
		slices.Sort(all[i])
		all[i] = slices.Compact(all[i])
	}
	return all
}

// sent is where a column of an input, or one that equals it, is in Out; -1: nowhere.
func (s *Spec) sent(input, col int) int {
	first := 0
	k := slices.Index(s.Keys[input], col)
	for i, in := range s.In {
		c := -1
		if i == input {
			c = col
		} else if k >= 0 {
			c = s.Keys[i][k]
		}
		if at := slices.Index(s.Cols, first+c); c >= 0 && at >= 0 {
			return at
		}
		first += in.Len()
	}
	return -1
}

// Needs: rows are found again by all their columns, so both images are needed.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the key.
func (s *Spec) Distribution(input int) operators.Distribution { return operators.Keyed(s.Keys[input]) }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
