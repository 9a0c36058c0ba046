package batch_test

import (
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// What lies at a NULL row doesn't count: kernels leave there what they like. NULL and
// zero differ.
func TestHashOfNulls(t *testing.T) {
	decimal := types.DecimalType(30, 2)
	for _, c := range []struct {
		t types.Type
		v batch.Vector // zero, then 7
	}{
		{types.BigIntType, batch.Vector{I64: []int64{0, 7}}},
		{types.DoubleType, batch.Vector{F64: []float64{0, 7}}},
		{decimal, batch.Vector{I64: []int64{0, 7}, Hi: []int64{0, 7}}},
		{types.StringType, batch.Vector{Str: make([]batch.View, 2)}},
	} {
		if c.t.Layout() == types.LayoutBytes {
			c.v.SetString(1, "seven")
		}
		hash := func(nulls ...int) (zero, seven uint64) {
			v := c.v
			if v.Valid = nil; len(nulls) > 0 {
				v.Valid = []uint64{^uint64(0)}
			}
			for _, i := range nulls {
				v.Valid[0] &^= 1 << i
			}
			var out [2]uint64
			batch.Hash([]types.Type{c.t}, []batch.Vector{v}, 2, out[:])
			return out[0], out[1]
		}
		zero, seven := hash()
		if a, b := hash(0, 1); a != b || a == zero || b == seven {
			t.Errorf("%s: NULLs hash to %x and %x, 0 to %x", c.t, a, b, zero)
		}
		if a, b := hash(0); a == zero || b != seven {
			t.Errorf("%s: with a NULL before it the second row hashes to %x, alone to %x", c.t, b, seven)
		}
		if a, b := hash(1); a != zero || b == seven {
			t.Errorf("%s: with a NULL behind it the first row hashes to %x, alone to %x", c.t, a, zero)
		}
	}
}
