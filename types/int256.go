package types

import "math/bits"

// wide is an unsigned 256-bit number, its words from low to high: what DECIMAL
// arithmetic needs between two 38-digit numbers and their rounded result.
type wide [4]uint64

// mulWide is x * y of non-negative numbers.
func mulWide(x, y Int128) (p wide) {
	a, b := [2]uint64{x.Lo, uint64(x.Hi)}, [2]uint64{y.Lo, uint64(y.Hi)}
	for i := range a {
		carry := uint64(0)
		for j := range b {
			hi, lo := bits.Mul64(a[i], b[j])
			lo, c := bits.Add64(lo, p[i+j], 0)
			hi += c
			p[i+j], c = bits.Add64(lo, carry, 0)
			carry = hi + c
		}
		p[i+2] = carry
	}
	return p
}

func (w wide) add(v wide) wide {
	c := uint64(0)
	for i := range w {
		w[i], c = bits.Add64(w[i], v[i], c)
	}
	return w
}

func (w wide) sub(v wide) wide {
	c := uint64(0)
	for i := range w {
		w[i], c = bits.Sub64(w[i], v[i], c)
	}
	return w
}

func (w wide) less(v wide) bool {
	for i := 3; i >= 0; i-- {
		if w[i] != v[i] {
			return w[i] < v[i]
		}
	}
	return false
}

// div64 divides in place.
func (w *wide) div64(d uint64) (rem uint64) {
	for i := 3; i >= 0; i-- {
		w[i], rem = bits.Div64(rem, w[i], d)
	}
	return rem
}

// downBy divides by ten to the n, rounding HALF_UP.
func (w wide) downBy(n int) wide {
	for n > 1 {
		k := min(n-1, 19)
		w.div64(pow10[k].Lo)
		n -= k
	}
	if n == 1 && w.div64(10) >= 5 {
		w = w.add(wide{1})
	}
	return w
}

// small is the number as 127 bits, and whether it is so small.
func (w wide) small() (Int128, bool) {
	return Int128{Hi: int64(w[1]), Lo: w[0]}, w[3] == 0 && w[2] == 0 && w[1]>>63 == 0
}

func signedResult(w wide, neg bool) (Int128, bool) {
	x, ok := w.small()
	if neg {
		x = x.Neg()
	}
	return x, ok
}

// MulDecimal is x * y with the given number of digits rounded off HALF_UP; ok is
// false on overflow.
func MulDecimal(x, y Int128, off int) (Int128, bool) {
	x, nx := x.Abs()
	y, ny := y.Abs()
	return signedResult(mulWide(x, y).downBy(off), nx != ny)
}

// AddDecimal is x * 10^up + y * 10^vp with digits rounded off HALF_UP.
func AddDecimal(x Int128, up int, y Int128, vp, off int) (Int128, bool) {
	x, nx := x.Abs()
	y, ny := y.Abs()
	a, b := mulWide(x, pow10[up]), mulWide(y, pow10[vp])
	switch {
	case nx == ny:
		a = a.add(b)
	case a.less(b):
		a, nx = b.sub(a), ny
	default:
		a = a.sub(b)
	}
	return signedResult(a.downBy(off), nx)
}

// DivDecimal is x * 10^up / y, rounded HALF_UP; up may be negative, y is not 0.
func DivDecimal(x Int128, up int, y Int128) (Int128, bool) {
	x, nx := x.Abs()
	y, ny := y.Abs()
	if up > MaxPrecision {
		return bigUp(x, up, y, nx != ny)
	}
	if up < 0 {
		q, ok := signedResult(mulWide(x, pow10[0]), false)
		if !ok {
			return q, false
		}
		d, ok := y.Mul(pow10[min(-up, MaxPrecision)])
		if !ok {
			return Int128{}, true
		}
		return signedResult(quotient(mulWide(q, pow10[0]), d), nx != ny)
	}
	return signedResult(quotient(mulWide(x, pow10[up]), y), nx != ny)
}

// bigUp is DivDecimal for more than 38 digits up: in two steps, exactly.
func bigUp(x Int128, up int, y Int128, neg bool) (Int128, bool) {
	n := mulWide(x, pow10[MaxPrecision])
	q, ok := n.small()
	if !ok {
		return Int128{}, false
	}
	return signedResult(quotient(mulWide(q, pow10[min(up-MaxPrecision, MaxPrecision)]), y), neg)
}

// quotient is n / d, rounded HALF_UP.
func quotient(n wide, d Int128) wide {
	if d.Hi == 0 {
		rem := n.div64(d.Lo)
		if rem >= d.Lo-rem {
			n = n.add(wide{1})
		}
		return n
	}
	q, rem := n.divide(d)
	if r := rem.add(rem); !r.less(wide{d.Lo, uint64(d.Hi)}) {
		q = q.add(wide{1})
	}
	return q
}

// divide by a number of two words, bit by bit.
func (w wide) divide(d Int128) (q, rem wide) {
	by := wide{d.Lo, uint64(d.Hi)}
	for i := 255; i >= 0; i-- {
		rem = rem.add(rem)
		rem[0] |= w[i>>6] >> uint(i&63) & 1
		if !rem.less(by) {
			rem = rem.sub(by)
			q[i>>6] |= 1 << uint(i&63)
		}
	}
	return q, rem
}

// RemDecimal is the remainder of x * 10^up by y * 10^vp, with x's sign; y is not 0.
func RemDecimal(x Int128, up int, y Int128, vp int) (Int128, bool) {
	x, nx := x.Abs()
	y, _ = y.Abs()
	n, d := mulWide(x, pow10[up]), mulWide(y, pow10[vp])
	var rem wide
	for i := 255; i >= 0; i-- {
		rem = rem.add(rem)
		rem[0] |= n[i>>6] >> uint(i&63) & 1
		if !rem.less(d) {
			rem = rem.sub(d)
		}
	}
	return signedResult(rem, nx)
}
