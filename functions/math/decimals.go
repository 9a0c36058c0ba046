package math

import (
	"math/bits"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// decimals computes exactly and gives NULL where the result doesn't fit. Up to 18
// digits all is int64 and can't overflow: the result type has room for it.
func decimals(op byte, c functions.Call) functions.Kernel {
	at, bt, rt := c.Args[0].Type, c.Args[1].Type, c.Result
	narrow := at.Length <= 18 && bt.Length <= 18
	switch {
	case narrow && rt.Length <= 18 && (op == '+' || op == '-') && rt.Scale == max(at.Scale, bt.Scale):
		return narrowSum(op, scaleOf(rt.Scale-at.Scale), scaleOf(rt.Scale-bt.Scale))
	case narrow && op == '*' && rt.Scale == at.Scale+bt.Scale:
		return narrowProduct(rt.Length <= 18)
	}
	if op == '*' && rt.Scale == at.Scale+bt.Scale && at.Length+bt.Length <= types.MaxPrecision && rt.Length > 18 {
		return wideProduct(at.Length > 18, bt.Length > 18)
	}
	one := wideDecimal(op, at, bt, rt)
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		return functions.Try(n, sel, func(i int) error {
			if out.Null(i) { // + - * see NULL rows too
				return nil
			}
			r, ok, err := one(args[0].Decimal(at, i), args[1].Decimal(bt, i))
			if err == nil {
				setDecimal(out, rt, i, r, ok)
			}
			return err
		})
	})
}

func scaleOf(n int) int64 { return int64(types.Pow10(n).Lo) }

func narrowSum(op byte, ka, kb int64) functions.Kernel {
	if op == '-' {
		kb = -kb
	}
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		o := out.I64[:n]
		a, b := args[0].I64[:len(o)], args[1].I64[:len(o)]
		for i := range o {
			o[i] = a[i]*ka + b[i]*kb
		}
		return 0, nil
	})
}

func narrowProduct(one bool) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		o := out.I64[:n]
		a, b := args[0].I64[:len(o)], args[1].I64[:len(o)]
		if one {
			for i := range o {
				o[i] = a[i] * b[i]
			}
			return 0, nil
		}
		top := out.Hi[:len(o)]
		for i := range o {
			hi, lo := bits.Mul64(uint64(a[i]), uint64(b[i]))
			o[i], top[i] = int64(lo), int64(hi)-(a[i]>>63)&b[i]-(b[i]>>63)&a[i]
		}
		return 0, nil
	})
}

// wideProduct multiplies numbers whose product has room in 38 digits: nothing is
// rounded and nothing overflows. wide says which sides have two words.
func wideProduct(wideA, wideB bool) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		lo, hi := out.I64[:n], out.Hi[:n]
		a, b := args[0].I64[:n], args[1].I64[:n]
		for i := range lo {
			x, y := uint64(a[i]), uint64(b[i])
			xh, yh := uint64(a[i]>>63), uint64(b[i]>>63)
			if wideA {
				xh = uint64(args[0].Hi[i])
			}
			if wideB {
				yh = uint64(args[1].Hi[i])
			}
			top, low := bits.Mul64(x, y)
			lo[i], hi[i] = int64(low), int64(top+xh*y+x*yh)
		}
		return 0, nil
	})
}

// wideDecimal is one operation with the room that 38 digits need.
func wideDecimal(op byte, at, bt, rt types.Type) func(x, y types.Int128) (types.Int128, bool, error) {
	s := max(at.Scale, bt.Scale)
	up, vp := s-at.Scale, s-bt.Scale
	switch op {
	case '*':
		off := at.Scale + bt.Scale - rt.Scale
		return func(x, y types.Int128) (types.Int128, bool, error) {
			r, ok := types.MulDecimal(x, y, off)
			return r, ok, nil
		}
	case '/':
		shift := rt.Scale + bt.Scale - at.Scale
		return func(x, y types.Int128) (types.Int128, bool, error) {
			if y.Sign() == 0 {
				return x, false, errZero
			}
			r, ok := types.DivDecimal(x, shift, y)
			return r, ok, nil
		}
	case '%':
		return func(x, y types.Int128) (types.Int128, bool, error) {
			if y.Sign() == 0 {
				return x, false, errZero
			}
			r, ok := types.RemDecimal(x, up, y, vp)
			if ok {
				r, ok = r.Rescale(s, rt.Scale)
			}
			return r, ok, nil
		}
	}
	return func(x, y types.Int128) (types.Int128, bool, error) {
		if op == '-' {
			y = y.Neg()
		}
		r, ok := types.AddDecimal(x, up, y, vp, s-rt.Scale)
		return r, ok, nil
	}
}
