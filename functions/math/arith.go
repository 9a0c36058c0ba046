// Package math is arithmetic and the numeric functions.
package math

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{arithmetic("+"), arithmetic("-"), arithmetic("*"), arithmetic("/"), arithmetic("%", "MOD"), negate, abs,
	unary("FLOOR", math.Floor, -1), unary("CEIL", math.Ceil, 1), double("SQRT", math.Sqrt), double("LN", math.Log), double("EXP", math.Exp), double("LOG10", math.Log10),
	double("SIN", math.Sin), double("COS", math.Cos), double("TAN", math.Tan), double("LOG2", math.Log2),
	constant("PI", math.Pi), constant("E", math.E), power, logarithm, sign}

// arithmetic brings both sides to one type: DECIMAL by Flink's rules, else the
// wider.
func arithmetic(op string, aliases ...string) *functions.Scalar {
	f := &functions.Scalar{Name: op, Aliases: aliases, Doc: functions.Doc{Group: "arithmetic", Usage: "a " + op + " b"}}
	f.Sigs = []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		if len(args) != 2 {
			return nil, types.Type{}, false, nil
		}
		a, b := args[0].Type.Plain(), args[1].Type.Plain()
		if a.Kind == types.Null {
			a = b.Nullable()
		}
		if b.Kind == types.Null {
			b = a.Nullable()
		}
		if !a.IsNumeric() || !b.IsNumeric() || op == "%" && (a.IsApprox() || b.IsApprox()) {
			return nil, a, false, nil
		}
		null := !a.NotNull || !b.NotNull
		switch {
		case a.IsApprox() || b.IsApprox():
			t, _ := types.Common(a, b)
			return []types.Type{t.WithNull(!a.NotNull), t.WithNull(!b.NotNull)}, t.WithNull(null), true, nil
		case a.Kind == types.Decimal || b.Kind == types.Decimal:
			x, y := a.AsDecimal(), b.AsDecimal()
			return []types.Type{x, y}, types.DecimalResult(op[0], x, y).WithNull(null), true, nil
		}
		t := types.Type{Kind: max(a.Kind, b.Kind)}
		return []types.Type{t.WithNull(!a.NotNull), t.WithNull(!b.NotNull)}, t.WithNull(null), true, nil
	}}}
	f.Bind = func(c functions.Call) (functions.Kernel, error) {
		switch {
		case c.Result.IsApprox():
			return floats(op[0], c.Result.Kind == types.Float), nil
		case c.Result.Kind == types.Decimal:
			return decimals(op[0], c), nil
		}
		return integers(op[0], c.Result.Kind), nil
	}
	return f
}

func each(n int, sel []int32, f func(i int) error) (int, error) {
	if sel == nil {
		for i := 0; i < n; i++ {
			if err := f(i); err != nil {
				return i, err
			}
		}
		return 0, nil
	}
	for _, i := range sel {
		if err := f(int(i)); err != nil {
			return int(i), err
		}
	}
	return 0, nil
}

var errZero = fmt.Errorf("Division by zero")

func integers(op byte, k types.Kind) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		a, b, o := args[0].I64, args[1].I64, out.I64
		return each(n, sel, func(i int) error {
			var x int64
			switch op {
			case '+':
				x = a[i] + b[i]
			case '-':
				x = a[i] - b[i]
			case '*':
				x = a[i] * b[i]
			default:
				if b[i] == 0 {
					return errZero
				}
				if op == '/' {
					x = a[i] / b[i]
				} else {
					x = a[i] % b[i]
				}
			}
			o[i] = cast.Wrap(k, x)
			return nil
		})
	})
}

func floats(op byte, single bool) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		a, b, o := args[0].F64, args[1].F64, out.F64
		return each(n, sel, func(i int) error {
			switch op {
			case '+':
				o[i] = a[i] + b[i]
			case '-':
				o[i] = a[i] - b[i]
			case '*':
				o[i] = a[i] * b[i]
			case '/':
				o[i] = a[i] / b[i]
			}
			if single {
				o[i] = batch.Float32(o[i])
			}
			return nil
		})
	})
}

// decimals computes exactly and gives NULL where the result doesn't fit.
func decimals(op byte, c functions.Call) functions.Kernel {
	at, bt, rt := c.Args[0].Type, c.Args[1].Type, c.Result
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		return each(n, sel, func(i int) error {
			x, y := args[0].Decimal(at, i), args[1].Decimal(bt, i)
			var r types.Int128
			ok := true
			switch op {
			case '*':
				if r, ok = x.Mul(y); ok {
					r, ok = r.Rescale(at.Scale+bt.Scale, rt.Scale)
				}
			case '/':
				if y.Sign() == 0 {
					return errZero
				}
				if up := rt.Scale + bt.Scale - at.Scale; up >= 0 {
					if x, ok = x.Rescale(0, up); ok {
						r = x.DivRound(y)
					}
				} else {
					r, ok = x.DivRound(y).Rescale(-up, 0)
				}
			default:
				s := max(at.Scale, bt.Scale)
				x, ok = x.Rescale(at.Scale, s)
				if ok {
					y, ok = y.Rescale(bt.Scale, s)
				}
				switch {
				case !ok:
				case op == '+':
					r = x.Add(y)
				case op == '-':
					r = x.Sub(y)
				case y.Sign() == 0:
					return errZero
				default:
					_, r = x.QuoRem(y)
				}
				if ok {
					r, ok = r.Rescale(s, rt.Scale)
				}
			}
			if !ok || !r.Fits(rt.Length) {
				out.SetNull(i)
			} else if rt.Length > 18 {
				out.SetWide(i, r)
			} else {
				out.I64[i] = int64(r.Lo)
			}
			return nil
		})
	})
}

var negate = &functions.Scalar{
	Name: "NEGATE", Doc: functions.Doc{Group: "arithmetic", Usage: "-x"},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: functions.ArgType(0)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return signs(c.Result, func(int) bool { return true }), nil
	},
}

var abs = &functions.Scalar{
	Name: "ABS", Doc: functions.Doc{Group: "arithmetic", Usage: "ABS(x)"},
	Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: functions.ArgType(0)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return signs(c.Result, func(sign int) bool { return sign < 0 }), nil
	},
}

// signs negates the values whose sign flip holds for.
func signs(t types.Type, flip func(sign int) bool) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		return each(n, sel, func(i int) error {
			if t.IsApprox() {
				f := args[0].F64[i]
				sign := 1
				if f < 0 {
					sign = -1
				}
				if flip(sign) {
					f = -f
				}
				out.F64[i] = f
				return nil
			}
			x := args[0].Decimal(t, i)
			if flip(x.Sign()) {
				x = x.Neg()
			}
			if t.Layout() == types.LayoutWide {
				out.SetWide(i, x)
			} else {
				out.I64[i] = cast.Wrap(t.Kind, int64(x.Lo))
			}
			return nil
		})
	})
}

// unary is FLOOR and CEIL of numbers; toward says which way.
func unary(name string, f func(float64) float64, toward int) *functions.Scalar {
	var aliases []string
	if name == "CEIL" {
		aliases = []string{"CEILING"}
	}
	return &functions.Scalar{
		Name: name, Aliases: aliases, Doc: functions.Doc{Group: "arithmetic", Usage: name + "(x)"},
		Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: func(args []functions.Arg) (types.Type, error) {
			t := args[0].Type
			if t.Kind == types.Decimal {
				t.Scale = 0
			}
			return t, nil
		}}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			at, rt := c.Args[0].Type, c.Result
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				return each(n, sel, func(i int) error {
					if rt.IsApprox() {
						out.F64[i] = f(args[0].F64[i])
						return nil
					}
					q, r := args[0].Decimal(at, i).QuoRem(types.Pow10(at.Scale))
					if r.Sign() == toward {
						q = q.Add(types.Int128Of(int64(toward)))
					}
					if rt.Layout() == types.LayoutWide {
						out.SetWide(i, q)
					} else {
						out.I64[i] = int64(q.Lo)
					}
					return nil
				})
			}), nil
		},
	}
}

func double(name string, f func(float64) float64) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "arithmetic", Usage: name + "(x)"}, Total: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.DoubleParam}, Result: functions.Strict(types.DoubleType)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				return each(n, sel, func(i int) error { out.F64[i] = f(args[0].F64[i]); return nil })
			}), nil
		},
	}
}
