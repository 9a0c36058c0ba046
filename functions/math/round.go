package math

import (
	"errors"
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

var errNotANumber = errors.New("ROUND and TRUNCATE can't round NaN or Infinity")

// rounding is ROUND (halves away from zero) and TRUNCATE.
func rounding(name string, half bool) *functions.Scalar {
	text := "The number rounded to a number of digits behind the point, before it when negative; halves away from zero."
	if !half {
		text = "The number cut to a number of digits behind the point, before it when negative."
	}
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "arithmetic", Usage: name + "(x[, digits])", Text: text},
		Sigs: []functions.Sig{{
			Params: []functions.Param{functions.NumericParam, functions.IntParam.Opt()},
			Result: roundedType,
		}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			at, rt := c.Args[0].Type, c.Result
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				return functions.Try(n, sel, func(i int) error {
					d := 0
					if len(args) > 1 {
						d = int(args[1].I64[i])
					}
					if rt.IsApprox() {
						f := args[0].F64[i]
						if math.IsNaN(f) || math.IsInf(f, 0) {
							return errNotANumber
						}
						if out.F64[i] = types.RoundFloat(f, d, half); rt.Kind == types.Float {
							out.F64[i] = batch.Float32(out.F64[i])
						}
						return nil
					}
					x, ok := roundDecimal(args[0].Decimal(at, i), at.Scale, d, half)
					if ok {
						x, ok = x.Rescale(at.Scale, rt.Scale)
					}
					setDecimal(out, rt, i, x, ok)
					return nil
				})
			}), nil
		},
	}
}

// roundDecimal rounds an unscaled number of a scale to d digits and keeps the
// scale.
func roundDecimal(x types.Int128, scale, d int, half bool) (types.Int128, bool) {
	off := scale - d
	switch {
	case off <= 0:
		return x, true
	case off > types.MaxPrecision:
		return types.Int128{}, true
	}
	if half {
		x = x.DivRound(types.Pow10(off))
	} else {
		x, _ = x.QuoRem(types.Pow10(off))
	}
	return x.Mul(types.Pow10(off))
}

// roundedType narrows DECIMAL when the number of digits is known.
func roundedType(args []functions.Arg) (types.Type, error) {
	t := args[0].Type
	null := functions.AnyNull(args)
	if t.Kind != types.Decimal {
		return t.WithNull(null), nil
	}
	d := 0
	if len(args) > 1 {
		if args[1].Const == nil || args[1].Const.Null(0) {
			return t.WithNull(null), nil
		}
		d = int(args[1].Const.I64[0])
	}
	switch {
	case d >= t.Scale:
	case d < 0:
		t = types.DecimalType(min(types.MaxPrecision, 1+t.Length-t.Scale), 0)
	default:
		t = types.DecimalType(1+t.Length-t.Scale+d, d)
	}
	return t.WithNull(null), nil
}
