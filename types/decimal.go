package types

import (
	"math"
	"math/bits"
	"strconv"
)

// MaxPrecision is the most digits a DECIMAL has.
const MaxPrecision = 38

// pow10 holds 10^0 .. 10^38.
var pow10 = func() (p [MaxPrecision + 1]Int128) {
	p[0] = Int128Of(1)
	for i := 1; i < len(p); i++ {
		p[i], _ = p[i-1].Mul(Int128Of(10))
	}
	return p
}()

// Pow10 is 10^n for 0 <= n <= 38.
func Pow10(n int) Int128 { return pow10[n] }

// Abs is the absolute value and whether a was negative.
func (a Int128) Abs() (Int128, bool) {
	if a.Hi < 0 {
		return a.Neg(), true
	}
	return a, false
}

// Mul is a * b; ok is false on overflow of 127 bits.
func (a Int128) Mul(b Int128) (p Int128, ok bool) {
	x, nx := a.Abs()
	y, ny := b.Abs()
	if x.Hi != 0 && y.Hi != 0 {
		return Int128{}, false
	}
	if y.Hi != 0 {
		x, y = y, x
	}
	hi, lo := bits.Mul64(x.Lo, y.Lo)
	over, cross := bits.Mul64(uint64(x.Hi), y.Lo)
	hi, carry := bits.Add64(hi, cross, 0)
	if over != 0 || carry != 0 || hi>>63 != 0 {
		return Int128{}, false
	}
	p = Int128{Hi: int64(hi), Lo: lo}
	if nx != ny {
		p = p.Neg()
	}
	return p, true
}

// quoRem divides non-negative numbers, schoolbook over bits where the divisor is
// wide.
func quoRem(a, b Int128) (q, r Int128) {
	if b.Hi == 0 {
		qh := uint64(a.Hi) / b.Lo
		ql, rem := bits.Div64(uint64(a.Hi)%b.Lo, a.Lo, b.Lo)
		return Int128{Hi: int64(qh), Lo: ql}, Int128{Lo: rem}
	}
	for i := 127; i >= 0; i-- {
		r = r.Add(r)
		bit := uint64(0)
		if i >= 64 {
			bit = uint64(a.Hi) >> uint(i-64) & 1
		} else {
			bit = a.Lo >> uint(i) & 1
		}
		r.Lo |= bit
		if r.Cmp(b) >= 0 {
			r = r.Sub(b)
			if i >= 64 {
				q.Hi |= 1 << uint(i-64)
			} else {
				q.Lo |= 1 << uint(i)
			}
		}
	}
	return q, r
}

// QuoRem divides, truncating toward zero; the remainder has a's sign.
func (a Int128) QuoRem(b Int128) (q, r Int128) {
	x, nx := a.Abs()
	y, ny := b.Abs()
	q, r = quoRem(x, y)
	if nx != ny {
		q = q.Neg()
	}
	if nx {
		r = r.Neg()
	}
	return q, r
}

// DivRound divides and rounds half away from zero (HALF_UP).
func (a Int128) DivRound(b Int128) Int128 {
	x, nx := a.Abs()
	y, ny := b.Abs()
	q, r := quoRem(x, y)
	if r.Add(r).Cmp(y) >= 0 {
		q = q.Add(Int128Of(1))
	}
	if nx != ny {
		q = q.Neg()
	}
	return q
}

// Rescale changes the scale, rounding HALF_UP; ok is false on overflow.
func (a Int128) Rescale(from, to int) (Int128, bool) {
	switch {
	case to == from:
		return a, true
	case to > from:
		if to-from > MaxPrecision {
			return a, a.Sign() == 0
		}
		return a.Mul(pow10[to-from])
	case from-to > MaxPrecision:
		return Int128{}, true
	}
	return a.DivRound(pow10[from-to]), true
}

// Fits says that a has at most precision digits.
func (a Int128) Fits(precision int) bool {
	x, _ := a.Abs()
	return x.Hi >= 0 && x.Cmp(pow10[precision]) < 0
}

// Float64 is the nearest float64, about.
func (a Int128) Float64() float64 {
	x, neg := a.Abs()
	f := float64(uint64(x.Hi))*(1<<64) + float64(x.Lo)
	if neg {
		return -f
	}
	return f
}

// Int128FromFloat rounds f * 10^scale HALF_UP, exactly: 2.675 lies below its
// decimal form and gives 2.67.
func Int128FromFloat(f float64, scale int) (Int128, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Int128{}, false
	}
	// With 40 digits more than are kept nothing that isn't a tie looks like one.
	return ParseDecimal(strconv.AppendFloat(nil, f, 'f', scale+40, 64), MaxPrecision, scale)
}

// AppendDecimal appends the plain form of an unscaled value with exactly scale
// fraction digits.
func AppendDecimal(b []byte, x Int128, scale int) []byte {
	x, neg := x.Abs()
	if neg {
		b = append(b, '-')
	}
	var digits [48]byte
	i := len(digits)
	n := 0
	for lo := x.Lo; x.Hi == 0 && (n <= scale || lo != 0); n++ { // one word: the usual case
		if n == scale && scale > 0 {
			i--
			digits[i] = '.'
		}
		i--
		digits[i] = byte('0' + lo%10)
		lo /= 10
		x.Lo = lo
	}
	for ; n <= scale || x.Sign() != 0; n++ {
		if n == scale && scale > 0 {
			i--
			digits[i] = '.'
		}
		var r uint64
		qh := uint64(x.Hi) / 10
		x.Lo, r = bits.Div64(uint64(x.Hi)%10, x.Lo, 10)
		x.Hi = int64(qh)
		i--
		digits[i] = byte('0' + r)
	}
	return append(b, digits[i:]...)
}

// ParseDecimal reads a decimal number (with optional exponent) as an unscaled
// value of the scale, rounding HALF_UP. ok is false when it isn't a number or has
// more than precision digits.
func ParseDecimal(s []byte, precision, scale int) (Int128, bool) {
	neg, i := false, 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	var x Int128
	digits, point, round, seen := 0, -1, byte(0), false
	dropped := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && point < 0 {
			point = digits
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen = true
		digits++
		if dropped > 0 || x.Cmp(pow10[37]) >= 0 {
			if dropped == 0 {
				round = c
			}
			dropped++
			continue
		}
		x, _ = x.Mul(Int128Of(10))
		x = x.Add(Int128Of(int64(c - '0')))
	}
	if !seen {
		return x, false
	}
	exp := 0
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		eneg := false
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			eneg = s[i] == '-'
			i++
		}
		start := i
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && exp < 10000; i++ {
			exp = exp*10 + int(s[i]-'0')
		}
		if i == start {
			return x, false
		}
		if eneg {
			exp = -exp
		}
	}
	if i < len(s) {
		return x, false
	}
	if point < 0 {
		point = digits
	}
	have := digits - point - exp - dropped // the scale of x
	if dropped > 0 && have <= scale {
		if have < scale && round != 0 && have < 0 {
			return x, false
		}
		if round >= '5' {
			x = x.Add(Int128Of(1))
		}
	}
	if x.Sign() == 0 {
		return x, true
	}
	x, ok := x.Rescale(have, scale)
	if !ok || !x.Fits(precision) {
		return x, false
	}
	if neg {
		x = x.Neg()
	}
	return x, true
}
