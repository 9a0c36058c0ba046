package cond

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// extreme is GREATEST (want 1) and LEAST (want -1) of values that have an order,
// brought to their common type.
func extreme(name string, want int) *functions.Scalar {
	text := "The greatest of the values, NULL if any is."
	if want < 0 {
		text = "The least of the values, NULL if any is."
	}
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "conditional", Usage: name + "(value, ...)", Text: text},
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Variadic: true,
			Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
				if len(args) == 0 {
					return nil, types.Type{}, false, nil
				}
				as, t, ok := together(args, types.Merged)
				ok = ok && t.Kind != types.Null && t.Layout() < types.LayoutList && t.Kind != types.Variant && t.Kind != types.Raw && t.Kind != types.Bitmap
				return as, t.WithNull(functions.AnyNull(args)), ok, nil
			}}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Result
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				if t.Layout() == types.LayoutI64 {
					o := out.I64[:n]
					copy(o, args[0].I64)
					for k := 1; k < len(args); k++ {
						keep(want, o, args[k].I64)
					}
					return 0, nil
				}
				functions.Each(n, sel, func(i int) {
					best := 0
					for k := 1; k < len(args); k++ {
						if batch.Compare(t, &args[k], i, &args[best], i)*want > 0 {
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

// keep puts the greater (want 1) or lesser of o and a into o.
func keep(want int, o, a []int64) {
	a = a[:len(o)]
	if want > 0 {
		for i, x := range a {
			o[i] = max(o[i], x)
		}
		return
	}
	for i, x := range a {
		o[i] = min(o[i], x)
	}
}
