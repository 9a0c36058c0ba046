// Package union merges inputs of one schema: UNION ALL. Stateless; kinds pass.
package union

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec is UNION ALL of any number of inputs.
type Spec struct{ Out *types.Schema }

// Name is Union.
func (s *Spec) Name() string { return "Union" }

// Args are its columns.
func (s *Spec) Args() []operators.Arg {
	return []operators.Arg{{Name: "all", Value: "[true]"}}
}

// Schema is that of each input.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes are those of any input; no key survives.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	var out batch.Changes
	for _, c := range in {
		out.Kinds |= c.Kinds
		out.DeletesByKey = out.DeletesByKey || c.DeletesByKey
	}
	return out, operators.Keys{}, nil
}

// Needs passes on what is wanted.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need { return wanted }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{} }

type operator struct{ operators.Stateless }

func (o *operator) Process(_ int, b *batch.Batch) error { return o.Out.Emit(b) }
