// Package normalize turns a changelog that knows rows by key alone into one with
// whole rows: Flink's ChangelogNormalize.
//
// It keeps the last row of each key. An upsert source's +U becomes +I, -U and +U,
// its -D the stored row; repeated rows and unknown deletions vanish. A condition on
// columns that aren't the key is applied here: only rows that pass are kept, and a
// key whose row stops passing is deleted. Start with Spec, then Process.
package normalize

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/types"
)

// Spec keeps the last row of each Key.
type Spec struct {
	In   *types.Schema
	Key  []int
	Used []bool    // the columns that anybody reads: the others come out NULL
	Cond expr.Expr // nil: every row
	TTL  time.Duration

	before bool
}

// Name is ChangelogNormalize.
func (s *Spec) Name() string { return "ChangelogNormalize" }

// Args are the key and the condition.
func (s *Spec) Args() []operators.Arg {
	args := []operators.Arg{{Name: "key", Value: operators.Columns(s.In, s.Key)}}
	if s.Cond != nil {
		args = append(args, operators.Arg{Name: "condition", Value: "[" + calc.Show(s.Cond, s.In) + "]"})
	}
	return args
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes are of all kinds, with whole rows.
func (s *Spec) Changes([]batch.Changes, []operators.Keys) (batch.Changes, operators.Keys, error) {
	k := [][]int{s.Key}
	return batch.Changes{Kinds: batch.All}, operators.Keys{Unique: k, Upsert: k}, nil
}

// Needs nothing: that is what it is for.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// Distribution is by the key.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Key) }

// Placement is the input's: all columns pass.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }
