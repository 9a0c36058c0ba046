// Package dropbefore leaves out the rows before updates (-U) that nobody behind a
// source needs: Flink's DropUpdateBefore. Stateless.
package dropbefore

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Spec passes all rows but -U.
type Spec struct{ In *types.Schema }

// Name is DropUpdateBefore.
func (s *Spec) Name() string { return "DropUpdateBefore" }

// Args are none.
func (s *Spec) Args() []operators.Arg { return nil }

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes are the input's without -U.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	out := in[0]
	out.Kinds &^= batch.UpdateBefore.Set()
	return out, keys[0], nil
}

// Needs passes on what is wanted; -U isn't.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need {
	wanted.Before = false
	return wanted
}

// Placement is the input's.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{ts: s.In.Types()} }

type operator struct {
	operators.Stateless
	ts    []types.Type
	sel   []int32
	dense batch.Batch
}

// Process sends the other rows.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.sel = o.sel[:0]
	for i, k := range b.Kinds {
		if k != batch.UpdateBefore {
			o.sel = append(o.sel, int32(i))
		}
	}
	if b.Kinds == nil || len(o.sel) == b.Len {
		return o.Out.Emit(b)
	}
	if len(o.sel) == 0 {
		return nil
	}
	rest := *b
	rest.Sel = o.sel
	return o.Out.Emit(rest.Compact(o.ts, &o.dense))
}
