package math

import (
	"math/bits"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// integers computes in 64 bits and wraps to the result's width. + - * go over
// every row, NULL and unselected ones too: that is cheaper than looking.
func integers(op byte, c functions.Call) functions.Kernel {
	k := c.Result.Kind
	if op == '/' || op == '%' {
		if d := c.Args[1].Const; d != nil && !d.Null(0) && d.I64[0] > 1 {
			return divideBy(op, d.I64[0], k)
		}
		return divide(op, k)
	}
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		a, b, o := args[0].I64, args[1].I64, out.I64
		if sparse(n, sel) {
			for _, i := range sel {
				switch op {
				case '+':
					o[i] = cast.Wrap(k, a[i]+b[i])
				case '-':
					o[i] = cast.Wrap(k, a[i]-b[i])
				default:
					o[i] = cast.Wrap(k, a[i]*b[i])
				}
			}
			return 0, nil
		}
		o = o[:n]
		a, b = a[:len(o)], b[:len(o)]
		switch op {
		case '+':
			for i := range o {
				o[i] = a[i] + b[i]
			}
		case '-':
			for i := range o {
				o[i] = a[i] - b[i]
			}
		default:
			for i := range o {
				o[i] = a[i] * b[i]
			}
		}
		wrap(k, o)
		return 0, nil
	})
}

func wrap(k types.Kind, o []int64) {
	switch k {
	case types.Int:
		for i, x := range o {
			o[i] = int64(int32(x))
		}
	case types.SmallInt:
		for i, x := range o {
			o[i] = int64(int16(x))
		}
	case types.TinyInt:
		for i, x := range o {
			o[i] = int64(int8(x))
		}
	}
}

func divide(op byte, k types.Kind) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		a, b, o := args[0].I64, args[1].I64, out.I64
		return functions.Try(n, sel, func(i int) error {
			if b[i] == 0 {
				return errZero
			}
			if op == '/' {
				o[i] = cast.Wrap(k, a[i]/b[i])
			} else {
				o[i] = cast.Wrap(k, a[i]%b[i])
			}
			return nil
		})
	})
}

// divideBy divides by a known d > 1: the high half of a product with a rounded
// reciprocal, less than half the cost of a division.
func divideBy(op byte, d int64, k types.Kind) functions.Kernel {
	shift := uint(bits.Len64(uint64(d - 1)))
	// 2^64 * 2^shift / d, rounded up, less 2^64: Granlund and Montgomery's multiplier.
	m, _ := bits.Div64(1<<shift-uint64(d), 0, uint64(d))
	m++
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		a, o := args[0].I64, out.I64
		one := func(x int64) int64 {
			s := uint64(x >> 63)
			u := (uint64(x) ^ s) - s
			hi, _ := bits.Mul64(m, u)
			q := (hi + (u-hi)>>1) >> (shift - 1)
			return int64((q ^ s) - s)
		}
		switch {
		case sel == nil && op == '/':
			for i := range o[:n] {
				o[i] = one(a[i])
			}
		case sel == nil && d>>32 == 0 && small(a[:n]):
			remainders(a[:n], uint64(d), o[:n])
			return 0, nil
		case sel == nil:
			for i := range o[:n] {
				o[i] = a[i] - one(a[i])*d
			}
		default:
			for _, i := range sel {
				if o[i] = one(a[i]); op == '%' {
					o[i] = a[i] - o[i]*d
				}
			}
		}
		if op == '/' { // a remainder is less than d, which has the result's type
			wrap(k, o[:n])
		}
		return 0, nil
	})
}

// small says that all numbers are less than 2^31 without their signs.
func small(a []int64) bool {
	all := int64(0)
	for _, x := range a {
		all |= x ^ x>>63
	}
	return all>>31 == 0
}

// remainders are those of small numbers by d < 2^32: the fraction that is left of
// x/d, in 64 bits, times d (Lemire, Kaser and Kurz, "Faster remainder by direct
// computation").
func remainders(a []int64, d uint64, o []int64) {
	c := ^uint64(0)/d + 1
	a = a[:len(o)]
	for i := range o {
		s := a[i] >> 63
		r, _ := bits.Mul64(c*uint64((a[i]^s)-s), d)
		o[i] = (int64(r) ^ s) - s
	}
}
