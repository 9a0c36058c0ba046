package cond

import (
	"bytes"
	"cmp"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// extreme is GREATEST (want 1) and LEAST (want -1) of numbers or strings, brought
// to their common type.
func extreme(name string, want int) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "conditional", Usage: name + "(value, ...)"},
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Variadic: true,
			Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
				if len(args) == 0 {
					return nil, types.Type{}, false, nil
				}
				as, t, ok := together(args)
				ok = ok && (t.IsNumeric() || t.IsString())
				return as, t.WithNull(functions.AnyNull(args)), ok, nil
			}}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Result
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				each(n, sel, func(i int) {
					best := 0
					for k := 1; k < len(args); k++ {
						if order(t, &args[k], &args[best], i) == want {
							best = k
						}
					}
					out.Set(t, i, &args[best], i)
				})
				return 0, nil
			}), nil
		},
	}
}

// order compares row i of two columns of type t.
func order(t types.Type, a, b *batch.Vector, i int) int {
	switch {
	case t.IsString():
		return bytes.Compare(a.Bytes(i), b.Bytes(i))
	case t.IsApprox():
		return cmp.Compare(a.F64[i], b.F64[i])
	}
	return a.Decimal(t, i).Add(b.Decimal(t, i).Neg()).Sign()
}
