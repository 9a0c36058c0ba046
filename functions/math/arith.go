// Package math is arithmetic and the numeric functions.
//
// arith.go declares the operators and chooses the kernel by the types; integers.go,
// floats.go and decimals.go are the kernels: loops over whole columns with the
// operator inside. round.go, double.go and random.go are the functions. All is the
// list.
package math

import (
	"errors"
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/functions/math/libm"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	arithmetic("+").Shown("1 + 2 -> 3"),
	arithmetic("-").Shown("3 - 5 -> -2"),
	arithmetic("*").Shown("3 * 2.5 -> 7.5"),
	arithmetic("/").Shown("7 / 2 -> 3", "7.0 / 2 -> 3.500000000000"),
	arithmetic("%", "MOD").Shown("-7 % 3 -> -1"),
	negate, abs, sign,
	whole("FLOOR", math.Floor, -1).Shown("FLOOR(-1.5) -> -2"),
	whole("CEIL", math.Ceil, 1).Shown("CEIL(1.2) -> 2"),
	rounding("ROUND", true).Shown("ROUND(2.345, 2) -> 2.35", "ROUND(1234, -2) -> 1200"),
	rounding("TRUNCATE", false).Shown("TRUNCATE(-2.347, 2) -> -2.34"),
	double("SQRT", squareRoot).Says("The square root; NULL for a number below zero.", "SQRT(16.0) -> 4.0"),
	double("LN", libm.Log).Says("The natural logarithm.", "LN(1) -> 0.0"),
	double("EXP", libm.Exp).Says("e to the power of x.", "EXP(0) -> 1.0"),
	double("LOG10", libm.Log10).Says("The logarithm to base 10.", "LOG10(1000) -> 3.0"),
	double("LOG2", log2).Says("The logarithm to base 2.", "LOG2(8) -> 3.0"),
	double("SIN", libm.Sin).Says("The sine of an angle in radians.", "SIN(0) -> 0.0"),
	double("COS", libm.Cos).Says("The cosine of an angle in radians.", "COS(0) -> 1.0"),
	double("TAN", libm.Tan).Says("The tangent of an angle in radians.", "TAN(0) -> 0.0"),
	double("COT", func(x float64) float64 { return 1 / libm.Tan(x) }).Says("The cotangent of an angle in radians.", "COT(1) -> 0.6420926159343306"),
	double("SINH", libm.Sinh).Says("The hyperbolic sine.", "SINH(0) -> 0.0"),
	double("COSH", libm.Cosh).Says("The hyperbolic cosine.", "COSH(0) -> 1.0"),
	double("TANH", libm.Tanh).Says("The hyperbolic tangent.", "TANH(0) -> 0.0"),
	double("ASIN", libm.Asin).Says("The angle in radians whose sine is x.", "ASIN(1) -> 1.5707963267948966"),
	double("ACOS", libm.Acos).Says("The angle in radians whose cosine is x.", "ACOS(1) -> 0.0"),
	double("ATAN", libm.Atan).Says("The angle in radians whose tangent is x.", "ATAN(1) -> 0.7853981633974483"),
	doubles("ATAN2", 2, 2, func(x []float64) float64 { return libm.Atan2(x[0], x[1]) }).Says(
		"The angle in radians of the point (y, x).", "ATAN2(1, 1) -> 0.7853981633974483"),
	double("DEGREES", func(x float64) float64 { return x * (180 / math.Pi) }).Says("An angle in radians as degrees.", "DEGREES(PI()) -> 180.0"),
	double("RADIANS", func(x float64) float64 { return x * (math.Pi / 180) }).Says("An angle in degrees as radians.", "RADIANS(180) -> 3.141592653589793"),
	constant("PI", math.Pi).Says("The ratio of a circle's circumference to its diameter.", "PI() -> 3.141592653589793"),
	constant("E", math.E).Says("The base of natural logarithms.", "E() -> 2.718281828459045"),
	power, logarithm, random, randomInteger,
}

// arithmetic brings both sides to one type: DECIMAL by Flink's rules, else the
// wider. % has the type of its right side, a FLOAT with a DOUBLE that of its left.
func arithmetic(op string, aliases ...string) *functions.Scalar {
	f := &functions.Scalar{Name: op, Aliases: aliases, Doc: functions.Doc{Group: "arithmetic", Usage: "a " + op + " b", Text: operatorDocs[op]}}
	f.Sigs = []functions.Sig{{
		Params: []functions.Param{functions.NumericParam, functions.NumericParam},
		Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) != 2 {
				return nil, types.Type{}, false, nil
			}
			return operands(op[0], args[0].Type.Plain(), args[1].Type.Plain())
		},
	}}
	f.Total = op == "+" || op == "-" || op == "*"
	f.Bind = func(c functions.Call) (functions.Kernel, error) {
		switch {
		case c.Result.IsApprox():
			return floats(op[0], c.Result.Kind == types.Float), nil
		case c.Result.Kind == types.Decimal:
			return decimals(op[0], c), nil
		}
		return integers(op[0], c), nil
	}
	return f
}

var operatorDocs = map[string]string{
	"+": "The sum. Integers wrap around.", "-": "The difference. Integers wrap around.", "*": "The product. Integers wrap around.",
	"/": "The quotient: of integers cut toward zero. Division of exact numbers by zero fails.", "%": "The remainder, with the sign of the left side.",
}

func operands(op byte, a, b types.Type) (as []types.Type, result types.Type, ok bool, err error) {
	if a.Kind == types.Null {
		a = b.Nullable()
	}
	if b.Kind == types.Null {
		b = a.Nullable()
	}
	if !a.IsNumeric() || !b.IsNumeric() || op == '%' && (a.IsApprox() || b.IsApprox()) {
		return nil, a, false, nil
	}
	null := !a.NotNull || !b.NotNull
	switch {
	case a.IsApprox() || b.IsApprox():
		t, _ := types.Common(a, b)
		if a.IsApprox() && b.IsApprox() {
			t = a
		}
		return []types.Type{t.WithNull(!a.NotNull), t.WithNull(!b.NotNull)}, t.WithNull(null), true, nil
	case a.Kind == types.Decimal || b.Kind == types.Decimal:
		x, y := a.AsDecimal(), b.AsDecimal()
		return []types.Type{x, y}, types.DecimalResult(op, x, y).WithNull(null), true, nil
	}
	t := types.Type{Kind: max(a.Kind, b.Kind)}
	result = t
	if op == '%' {
		result = types.Type{Kind: b.Kind}
	}
	return []types.Type{t.WithNull(!a.NotNull), t.WithNull(!b.NotNull)}, result.WithNull(null), true, nil
}

var errZero = errors.New("Division by zero")

// sparse says that a kernel which may compute every row should rather compute
// the selected ones alone.
func sparse(n int, sel []int32) bool { return sel != nil && len(sel) < n/4 }

var negate = &functions.Scalar{
	Name: "NEGATE", Doc: functions.Doc{Group: "arithmetic", Usage: "-x", Text: "The number or interval with its sign turned.", Example: []string{"-(3) -> -3"}}, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{signedParam}, Result: functions.ArgType(0)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return signs(c.Result, func(int) bool { return true }), nil
	},
}

var abs = &functions.Scalar{
	Name: "ABS", Doc: functions.Doc{Group: "arithmetic", Usage: "ABS(x)", Text: "The number or interval without its sign.", Example: []string{"ABS(-5) -> 5"}}, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{signedParam}, Result: functions.ArgType(0)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return signs(c.Result, func(sign int) bool { return sign < 0 }), nil
	},
}

// signedParam takes numbers and intervals.
var signedParam = functions.Param{Type: "<NUMERIC|INTERVAL>", Accept: func(a functions.Arg) (types.Type, bool) {
	t := a.Type.Plain()
	if t.Kind == types.Null {
		return types.IntType, true
	}
	return t, t.IsNumeric() || t.IsInterval()
}}

// signs negates the values whose sign flip holds for.
func signs(t types.Type, flip func(sign int) bool) functions.Kernel {
	always := flip(1)
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		if t.Layout() == types.LayoutI64 {
			o := out.I64[:n]
			for i, x := range args[0].I64[:n] {
				sign := x >> 63 // -1 turns the number around
				if always {
					sign = -1
				}
				o[i] = (x ^ sign) - sign
			}
			wrap(t.Kind, o)
			return 0, nil
		}
		functions.Each(n, sel, func(i int) {
			switch t.Layout() {
			case types.LayoutF64:
				f := args[0].F64[i]
				sign := 1
				if f < 0 {
					sign = -1
				}
				if flip(sign) {
					f = -f
				}
				out.F64[i] = f
			case types.LayoutWide:
				x := args[0].Wide(i)
				if flip(x.Sign()) {
					x = x.Neg()
				}
				out.SetWide(i, x)
			}
		})
		return 0, nil
	})
}

// whole is FLOOR and CEIL of numbers; toward says which way.
func whole(name string, f func(float64) float64, toward int) *functions.Scalar {
	var aliases []string
	text := "The greatest whole number that isn't greater."
	if name == "CEIL" {
		aliases = []string{"CEILING"}
		text = "The least whole number that isn't less."
	}
	return &functions.Scalar{
		Name: name, Aliases: aliases, Doc: functions.Doc{Group: "arithmetic", Usage: name + "(x)", Text: text},
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
				functions.Each(n, sel, func(i int) {
					if rt.IsApprox() {
						out.F64[i] = f(args[0].F64[i])
						return
					}
					q, r := args[0].Decimal(at, i).QuoRem(types.Pow10(at.Scale))
					if r.Sign() == toward {
						q = q.Add(types.Int128Of(int64(toward)))
					}
					setDecimal(out, rt, i, q, true)
				})
				return 0, nil
			}), nil
		},
	}
}

// setDecimal stores a number of an exact type, NULL when it doesn't fit.
func setDecimal(out *batch.Vector, t types.Type, i int, x types.Int128, ok bool) {
	switch {
	case t.Kind != types.Decimal:
		out.I64[i] = cast.Wrap(t.Kind, int64(x.Lo))
	case !ok || !x.Fits(t.Length):
		out.SetNull(i)
	case t.Length > 18:
		out.SetWide(i, x)
	default:
		out.I64[i] = int64(x.Lo)
	}
}
