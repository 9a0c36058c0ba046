// Package expand copies each row once per grouping set: Flink's Expand. Stateless;
// every copy keeps the row's kind.
//
// Output: the input's columns, then a copy of each key column, NULL where the set
// lacks it, then the set's id. The originals stay, because an aggregate may read a
// column that is also a key.
package expand

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Set is one grouping set.
type Set struct {
	Has []bool // of each key
	ID  int64
}

// Spec makes len(Sets) rows of each, set after set within a row.
type Spec struct {
	In   *types.Schema
	Keys []int
	Sets []Set
	Out  *types.Schema
}

// Name is Expand.
func (s *Spec) Name() string { return "Expand" }

// Args are the sets by their keys.
func (s *Spec) Args() []operators.Arg {
	sets := make([]string, len(s.Sets))
	for i, set := range s.Sets {
		var cols []string
		for k, has := range set.Has {
			if has {
				cols = append(cols, s.In.Fields[s.Keys[k]].Name)
			}
		}
		sets[i] = fmt.Sprintf("{%s, %d AS $e}", strings.Join(cols, ", "), set.ID)
	}
	return []operators.Arg{{Name: "projects", Value: "[" + strings.Join(sets, ", ") + "]"}}
}

// Schema is the input, the key copies and the id.
func (s *Spec) Schema() *types.Schema { return s.Out }

// Changes pass; a row isn't identified by its key alone any more but by key and
// set.
func (s *Spec) Changes(in []batch.Changes, keys []operators.Keys) (batch.Changes, operators.Keys, error) {
	id := s.Out.Len() - 1
	with := func(ks [][]int) (out [][]int) {
		for _, k := range ks {
			out = append(out, append(append([]int(nil), k...), id))
		}
		return out
	}
	return in[0], operators.Keys{Unique: with(keys[0].Unique), Upsert: with(keys[0].Upsert)}, nil
}

// Needs passes on what is wanted.
func (s *Spec) Needs(_ int, wanted operators.Need) operators.Need { return wanted }

// Placement is the input's: its columns come first.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec *Spec
	ts   []types.Type
	idx  []int32
	out  batch.Batch
}

// Open knows the input's types.
func (o *operator) Open(_ *operators.Env, out operators.Output) error {
	o.Out, o.ts = out, o.spec.Out.Types()
	o.out.Cols = make([]batch.Vector, len(o.ts))
	return nil
}

// Process sends as many batches as the copies need.
func (o *operator) Process(_ int, b *batch.Batch) error {
	rows := max(1, batch.MaxRows/len(o.spec.Sets))
	for from := 0; from < b.Len; from += rows {
		if err := o.expand(b, from, min(from+rows, b.Len)); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) expand(b *batch.Batch, from, to int) error {
	s, sets := o.spec, len(o.spec.Sets)
	o.idx = o.idx[:0]
	for i := from; i < to; i++ {
		for range sets {
			o.idx = append(o.idx, int32(i))
		}
	}
	n, width := len(o.idx), s.In.Len()
	for c := 0; c < width; c++ {
		o.out.Cols[c].Take(o.ts[c], &b.Cols[c], o.idx)
	}
	for k, c := range s.Keys {
		at := width + k
		for i := range o.idx {
			if !s.Sets[i%sets].Has[k] {
				o.idx[i] = -1
			}
		}
		o.out.Cols[at].Take(o.ts[at], &b.Cols[c], o.idx)
		for i := range o.idx {
			o.idx[i] = int32(from + i/sets)
		}
	}
	id := &o.out.Cols[width+len(s.Keys)]
	id.Prepare(types.BigIntType, n)
	for i := range id.I64 {
		id.I64[i] = s.Sets[i%sets].ID
	}
	o.out.Len, o.out.Kinds = n, nil
	if b.Kinds != nil {
		kinds := make([]batch.Kind, n)
		for i, k := range o.idx {
			kinds[i] = b.Kinds[k]
		}
		o.out.Kinds = kinds
	}
	return o.Out.Emit(&o.out)
}
