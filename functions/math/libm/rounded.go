package libm

import (
	"math"
	"sync"
)

// Constants in two and three parts.
var (
	ln2  = pair{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	ln10 = pair{0x1.26bb1bbb55516p+1, -0x1.f48ad494ea3e9p-53}
)

const (
	ln2High = 0x1.62e42fefp-1 // 33 bits: a product with an exponent is exact
	ln2Mid  = 0x1.473de6af278edp-34
	ln2Low  = -0x1.9ff0342542fc3p-90

	halfPi1 = 0x1.921fb54442d18p+0
	halfPi2 = 0x1.1a62633145c07p-54
	halfPi3 = -0x1.f1976b7ed8fbcp-110
)

// expm1 is e^r - 1 for |r| up to 0.4, its relative error below 2^-80: the series of
// r/256, squared eight times. The tables are made with it.
func expm1(r pair) pair {
	r = r.scaled(1.0 / 256)
	s := inverseFactorials[9]
	for n := 8; n > 0; n-- {
		s = s.mul(r).add(inverseFactorials[n])
	}
	s = s.mul(r)
	for range 8 {
		s = s.scaled(2).add(s.mul(s)) // (1+s)^2 - 1
	}
	return s
}

// roots are 2 to the power of j/64, made when first asked for.
var roots = sync.OnceValue(func() *[64]pair {
	var t [64]pair
	for j := range t {
		x, half := ln2.times(float64(j)/64), j >= 32
		if half {
			x = ln2.times(float64(j)/64 - 1)
		}
		t[j] = pair{1, 0}.add(expm1(x))
		if half {
			t[j] = t[j].scaled(2)
		}
	}
	return &t
})

// expPair is e^x, |x| below 746, as a number near 1 and a power of two: a root of two
// times e^r, of whose series all but the first two terms are small enough for one number.
func expPair(x pair) (pair, int) {
	n := math.RoundToEven(x.hi * (64 / math.Ln2))
	f := n / 64
	r := sum(x.hi, -f*ln2High).add(pair{-f * ln2Low, x.lo}).add(product(-f, ln2Mid))
	h := r.hi
	e := r.add(r.mul(r).scaled(0.5)).add(pair{h * h * h * (1.0/6 + h*(1.0/24+h*(1.0/120+h*(1.0/720)))), 0})
	root := roots()[int(n)&63]
	return root.add(root.mul(e)), int(n) >> 6
}

// Exp is e^x.
func Exp(x float64) float64 {
	if !(math.Abs(x) < 746) {
		return math.Exp(x)
	}
	e, k := expPair(pair{x, 0})
	return math.Ldexp(e.hi+e.lo, k)
}

// inverses are numbers of nine bits near 1/m, for m in steps of 1/128, and the
// logarithms of these inverses, negated: the first guess of the standard library, put
// right by a step of Newton's, y + x/e^y - 1. Made when first asked for.
var inverses = sync.OnceValue(func() *[256]inverse {
	var t [256]inverse
	for j := range t {
		m := (float64(j) + 0.5) / 128
		if m < 0.65 || m > 1.5 {
			continue
		}
		c := math.Round(512/m) / 512
		if math.Abs(m-1) < 1.0/128 {
			c = 1
		}
		y := math.Log(c)
		u := sum(c, -1).add(expm1(pair{-y, 0}).times(c))
		t[j].c, t[j].log = c, pair{y, 0}.add(u).add(pair{-u.hi * u.hi / 2, 0}).neg()
	}
	return &t
})

type inverse struct {
	c   float64
	log pair
}

// logPair is the natural logarithm of a number above 0 that isn't infinite: of a power
// of two, of an inverse from the table, and of what is left, a number near 1.
func logPair(x float64) pair {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	by := &inverses()[int(m*128)]
	p := product(m, by.c)
	t := sum(p.hi-1, p.lo) // exact: p is near 1
	h, t2 := t.hi, t.mul(t)
	l := t.add(t2.scaled(-0.5)).add(t2.mul(t).mul(third)).add(pair{-h * h * h * h * (1.0/4 - h*(1.0/5-h*(1.0/6-h*(1.0/7-h*(1.0/8-h*(1.0/9-h*(1.0/10))))))), 0})
	return ln2.times(float64(k)).add(by.log).add(l)
}

var third = pair{1, 0}.div(pair{3, 0})

// Log is the natural logarithm.
func Log(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log(x)
	}
	l := logPair(x)
	return l.hi + l.lo
}

// Log10 is the logarithm to base 10.
func Log10(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log10(x)
	}
	l := logPair(x).div(ln10)
	return l.hi + l.lo
}

// Pow is x to the power of y, special cases as Java has them.
func Pow(x, y float64) float64 {
	if x == 1 && math.IsNaN(y) || x == 1 && math.IsInf(y, 0) || x == -1 && math.IsInf(y, 0) {
		return math.NaN() // C, and Go, have 1 here
	}
	whole := math.Trunc(y) == y
	if x == 0 || y == 0 || x != x || y != y || math.IsInf(x, 0) || math.Abs(y) > 0x1p1000 || x < 0 && !whole {
		return math.Pow(x, y) // beyond such a y its product with a logarithm may be too large
	}
	a := math.Abs(x)
	if whole && y > 0 && y <= 8 { // exact products, so that halves are rounded to even
		p := pair{a, 0}
		for range int(y) - 1 {
			p = p.times(a)
		}
		if p.hi > 0x1p-900 && p.hi < 0x1p1000 {
			return signed(p.hi+p.lo, x, y)
		}
	}
	p := logPair(a).times(y)
	switch {
	case p.hi > 710:
		return signed(math.Inf(1), x, y)
	case !(p.hi > -746):
		return signed(0, x, y)
	}
	e, k := expPair(p)
	return signed(math.Ldexp(e.hi+e.lo, k), x, y)
}

// signed gives r the sign of x to the power of a whole number y.
func signed(r, x, y float64) float64 {
	if x < 0 && math.Mod(y, 2) != 0 {
		return -r
	}
	return r
}

// largeAngle is where reduction by three parts of pi/2 isn't exact enough any more;
// Go's functions do from there.
const largeAngle = 1 << 30

// reduced is x less a multiple of pi/2, between -pi/4 and pi/4, and the multiple modulo 4.
func reduced(x float64) (r pair, quarter int) {
	k := math.RoundToEven(x * (2 / math.Pi))
	return pair{x, 0}.add(product(-k, halfPi1)).add(product(-k, halfPi2)).add(pair{-k * halfPi3, 0}), int(int64(k) & 3)
}

// alternating is f[first] - f[first+2]*q + f[first+4]*q^2 ..., f the inverse factorials,
// q up to 0.62. From the fourth term on the terms are small enough for one number.
func alternating(q pair, first int) pair {
	tail := 0.0
	for n := first + 22; n >= first+8; n -= 2 {
		tail = inverseFactorials[n].hi - tail*q.hi
	}
	s := pair{tail, 0}
	for n := first + 6; n >= first; n -= 2 {
		s = inverseFactorials[n].add(s.mul(q).neg())
	}
	return s
}

func sine(r pair) pair   { return alternating(r.mul(r), 1).mul(r) }
func cosine(r pair) pair { return alternating(r.mul(r), 0) }

// turned is the sine of r and so many quarters of a turn.
func turned(r pair, quarters int) float64 {
	var s pair
	if quarters&1 == 0 {
		s = sine(r)
	} else {
		s = cosine(r)
	}
	if quarters&2 != 0 {
		return -(s.hi + s.lo)
	}
	return s.hi + s.lo
}

// Sin is the sine of an angle in radians.
func Sin(x float64) float64 {
	if !(math.Abs(x) < largeAngle) {
		return math.Sin(x)
	}
	if math.Abs(x) < 0x1p-27 {
		return x
	}
	return turned(reduced(x))
}

// Cos is the cosine of an angle in radians.
func Cos(x float64) float64 {
	if !(math.Abs(x) < largeAngle) {
		return math.Cos(x)
	}
	r, quarter := reduced(x)
	return turned(r, quarter+1)
}

// Tan is the tangent of an angle in radians.
func Tan(x float64) float64 {
	if !(math.Abs(x) < largeAngle) {
		return math.Tan(x)
	}
	if math.Abs(x) < 0x1p-27 {
		return x
	}
	r, quarter := reduced(x)
	s, c := sine(r), cosine(r)
	if quarter&1 != 0 {
		s, c = c, s.neg()
	}
	t := s.div(c)
	return t.hi + t.lo
}
