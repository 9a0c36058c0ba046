package cast

import (
	"math"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// ranges of the integer types.
var ranges = map[types.Kind][2]int64{
	types.TinyInt: {math.MinInt8, math.MaxInt8}, types.SmallInt: {math.MinInt16, math.MaxInt16},
	types.Int: {math.MinInt32, math.MaxInt32}, types.BigInt: {math.MinInt64, math.MaxInt64},
}

// Wrap cuts x to the width of an integer type, as Java's arithmetic does.
func Wrap(k types.Kind, x int64) int64 {
	switch k {
	case types.TinyInt:
		return int64(int8(x))
	case types.SmallInt:
		return int64(int16(x))
	case types.Int:
		return int64(int32(x))
	}
	return x
}

func number(from, to types.Type) convert {
	setDecimal := func(out *batch.Vector, i int, x types.Int128) bool {
		if !x.Fits(to.Length) {
			out.SetNull(i)
			return true
		}
		if to.Length > 18 {
			out.SetWide(i, x)
		} else {
			out.I64[i] = int64(x.Lo)
		}
		return true
	}
	switch {
	case from.IsInteger() && to.IsInteger():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.I64[i] = Wrap(to.Kind, in.I64[i]) // Flink wraps here and doesn't fail
			return true
		}
	case from.IsApprox() && to.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			out.F64[i] = in.F64[i]
			if to.Kind == types.Float {
				out.F64[i] = batch.Float32(in.F64[i])
			}
			return true
		}
	case from.IsApprox() && to.IsInteger():
		// As Java does: to INT or BIGINT with the nearest bound for what is outside,
		// from there wrapping to the narrower types; NaN is 0.
		r := ranges[max(to.Kind, types.Int)]
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			f, x := in.F64[i], int64(0)
			switch {
			case math.IsNaN(f):
			case f >= float64(r[1]):
				x = r[1]
			case f <= float64(r[0]):
				x = r[0]
			default:
				x = int64(f)
			}
			out.I64[i] = Wrap(to.Kind, x)
			return true
		}
	case from.IsApprox():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			f := in.F64[i]
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return false
			}
			x, ok := types.Int128FromFloat(f, to.Scale)
			if !ok {
				x = types.Pow10(types.MaxPrecision) // too large for any DECIMAL
			}
			return setDecimal(out, i, x)
		}
	case to.IsApprox():
		// Where both the digits and the power of ten are exact doubles, their quotient
		// is the nearest double (Clinger 1990); else the text is read.
		exact, power := from.Kind == types.Decimal && from.Scale <= 22, math.Pow10(from.Scale)
		var text []byte
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			x := in.Decimal(from, i)
			f := x.Float64()
			if n, small := x.Int64(); exact && small && n > -1<<53 && n < 1<<53 {
				f = float64(n) / power
			} else if from.Kind == types.Decimal && from.Scale > 0 {
				text = types.AppendDecimal(text[:0], x, from.Scale)
				f, _ = strconv.ParseFloat(string(text), 64)
			}
			if to.Kind == types.Float {
				f = batch.Float32(f)
			}
			out.F64[i] = f
			return true
		}
	case to.IsInteger():
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			q, _ := in.Decimal(from, i).QuoRem(types.Pow10(from.Scale))
			out.I64[i] = Wrap(to.Kind, int64(q.Lo))
			return true
		}
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		x, ok := in.Decimal(from, i).Rescale(from.Scale, to.Scale)
		if !ok {
			x = types.Pow10(types.MaxPrecision)
		}
		return setDecimal(out, i, x)
	}
}

// FromDouble casts row i of a DOUBLE column to a numeric type; false: it doesn't
// fit.
func FromDouble(to types.Type) func(in *batch.Vector, i int, out *batch.Vector) bool {
	return number(types.DoubleType, to)
}
