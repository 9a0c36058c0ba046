package math

import (
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/math/libm"
	"github.com/millrace/millrace/types"
)

// log2 is Java's: a quotient, not the exact logarithm.
func log2(x float64) float64 { return libm.Log(x) / math.Ln2 }

// squareRoot is Java's power of one half, as Flink computes it.
func squareRoot(x float64) float64 {
	if math.IsInf(x, -1) {
		return math.Inf(1)
	}
	return math.Sqrt(x)
}

// double is a function of one number.
func double(name string, f func(float64) float64) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "arithmetic", Usage: name + "(x)"}, Total: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.DoubleParam}, Result: functions.Strict(types.DoubleType)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) { out.F64[i] = f(args[0].F64[i]) })
				return 0, nil
			}), nil
		},
	}
}

// constant is PI and E.
func constant(name string, x float64) *functions.Scalar {
	return doubles(name, 0, 0, func([]float64) float64 { return x })
}

var (
	power     = doubles("POWER", 2, 2, func(x []float64) float64 { return libm.Pow(x[0], x[1]) }).Says("x to the power of y, as DOUBLE.", "POWER(2, 10) -> 1024.0")
	logarithm = doubles("LOG", 1, 2, func(x []float64) float64 {
		if len(x) == 1 {
			return libm.Log(x[0])
		}
		return libm.Log(x[1]) / libm.Log(x[0])
	}).Says("The natural logarithm of one argument; of two, the logarithm of the second to the base of the first.", "LOG(2, 8) -> 3.0")
)

// doubles is a function of least to most numbers.
func doubles(name string, least, most int, f func([]float64) float64) *functions.Scalar {
	s := double(name, nil)
	var params []functions.Param
	usage := name + "("
	for k := range most {
		p := functions.DoubleParam
		if k >= least {
			p = p.Opt()
		}
		params = append(params, p)
		if k > 0 {
			usage += ", "
		}
		usage += string(rune('x' + k))
	}
	s.Doc.Usage = usage + ")"
	s.Sigs[0].Params = params
	s.Bind = func(c functions.Call) (functions.Kernel, error) {
		x := make([]float64, len(c.Args))
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				for k := range args {
					x[k] = args[k].F64[i]
				}
				out.F64[i] = f(x)
			})
			return 0, nil
		}), nil
	}
	return s
}

// sign is -1, 0 or 1 in the argument's type.
var sign = &functions.Scalar{
	Name: "SIGN", Doc: functions.Doc{Group: "arithmetic", Usage: "SIGN(x)", Text: "-1, 0 or 1 in the argument's type.", Example: []string{"SIGN(-2.5) -> -1.0"}},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: functions.ArgType(0)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		t := c.Result
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				if t.IsApprox() {
					x := args[0].F64[i]
					if x > 0 {
						x = 1
					} else if x < 0 {
						x = -1
					}
					out.F64[i] = x
					return
				}
				r := types.Int128Of(int64(args[0].Decimal(t, i).Sign()))
				ok := true
				if t.Kind == types.Decimal {
					r, ok = r.Rescale(0, t.Scale)
				}
				setDecimal(out, t, i, r, ok)
			})
			return 0, nil
		}), nil
	},
}
