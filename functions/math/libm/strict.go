package libm

import "math"

// The order of operations below is fdlibm's (Sun Microsystems, 1993), and products are
// rounded before they are added (the conversions see to it), so that every result is
// Java's StrictMath's.

const (
	pio2Hi = 1.57079632679489655800e+00
	pio2Lo = 6.12323399573676603587e-17
	pio4Hi = 7.85398163397448278999e-01
	piLo   = 1.2246467991473531772e-16
)

// Angles of which atan's intervals are measured, in two parts.
var (
	atanHi = [4]float64{4.63647609000806093515e-01, pio4Hi, 9.82793723247329054082e-01, pio2Hi}
	atanLo = [4]float64{2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17, pio2Lo}
	atanT  = [11]float64{3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01, -1.11111104054623557880e-01,
		9.09088713343650656196e-02, -7.69187620504482999495e-02, 6.66107313738753120669e-02, -5.83357013379057348645e-02,
		4.97687799461593236017e-02, -3.65315727442169155270e-02, 1.62858201153657823623e-02}
	asinP = [6]float64{1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01, -4.00555345006794114027e-02,
		7.91534994289814532176e-04, 3.47933107596021167570e-05}
	asinQ = [5]float64{1, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01, 7.70381505559019352791e-02}
	expP  = [5]float64{1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05, -1.65339022054652515390e-06,
		4.13813679705723846039e-08}
)

// series is c[0] + x*(c[1] + x*(c[2] + ...)), every step-th of c from first on.
func series(x float64, c []float64, first, step int) float64 {
	i := first + (len(c)-1-first)/step*step
	s := c[i]
	for i -= step; i >= first; i -= step {
		s = c[i] + float64(x*s)
	}
	return s
}

// high is the upper word of x without its sign, by which fdlibm chooses.
func high(x float64) uint32 { return uint32(math.Float64bits(x)>>32) & 0x7fffffff }

// Atan is the angle whose tangent is x.
func Atan(x float64) float64 {
	h := high(x)
	switch {
	case math.IsNaN(x) || h < 0x3e200000: // |x| below 2^-29
		return x
	case h >= 0x44100000: // from 2^66
		return math.Copysign(atanHi[3]+atanLo[3], x)
	}
	a, id := math.Abs(x), -1
	switch {
	case h < 0x3fdc0000: // 7/16
		a = x
	case h < 0x3fe60000: // 11/16
		id, a = 0, (2*a-1)/(2+a)
	case h < 0x3ff30000: // 19/16
		id, a = 1, (a-1)/(a+1)
	case h < 0x40038000: // 39/16
		id, a = 2, (a-1.5)/(1+float64(1.5*a))
	default:
		id, a = 3, -1/a
	}
	z := a * a
	w := z * z
	s1 := z * series(w, atanT[:], 0, 2)
	s2 := w * series(w, atanT[:], 1, 2)
	if id < 0 {
		return a - float64(a*(s1+s2))
	}
	return math.Copysign(atanHi[id]-((float64(a*(s1+s2))-atanLo[id])-a), x)
}

// Atan2 is the angle of the point (x, y).
func Atan2(y, x float64) float64 {
	if x == 0 || y == 0 || x != x || y != y || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return math.Atan2(y, x)
	}
	if x == 1 {
		return Atan(y)
	}
	var z float64
	switch k := (int32(high(y)) - int32(high(x))) >> 20; {
	case k > 60:
		z = pio2Hi + 0.5*piLo
	case x < 0 && k < -60:
		z = 0
	default:
		z = Atan(math.Abs(y / x))
	}
	switch {
	case x > 0:
		return math.Copysign(z, y)
	case y > 0:
		return math.Pi - (z - piLo)
	}
	return (z - piLo) - math.Pi
}

// asinRatio is what arcsine of sqrt(t) adds to it, by t.
func asinRatio(t float64) float64 {
	return t * series(t, asinP[:], 0, 1) / series(t, asinQ[:], 0, 1)
}

// short is x without the lower half of its digits.
func short(x float64) float64 { return math.Float64frombits(math.Float64bits(x) &^ 0xffffffff) }

// Asin is the angle whose sine is x; NaN outside [-1, 1].
func Asin(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a == 1:
		return float64(x*pio2Hi) + float64(x*pio2Lo)
	case !(a < 1):
		return math.NaN()
	case a < 0x1p-27:
		return x
	case a < 0.5:
		return x + float64(x*asinRatio(x*x))
	}
	t := (1 - a) * 0.5
	r := asinRatio(t)
	s := math.Sqrt(t)
	if high(x) >= 0x3fef3333 { // 0.975
		return math.Copysign(pio2Hi-(2*(s+float64(s*r))-pio2Lo), x)
	}
	w := short(s)
	c := (t - float64(w*w)) / (s + w)
	p := float64(2*s*r) - (pio2Lo - 2*c)
	q := pio4Hi - 2*w
	return math.Copysign(pio4Hi-(p-q), x)
}

// Acos is the angle whose cosine is x; NaN outside [-1, 1].
func Acos(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x == 1:
		return 0
	case x == -1:
		return math.Pi + 2*pio2Lo
	case !(a < 1):
		return math.NaN()
	case high(x) <= 0x3c600000: // 2^-57
		return pio2Hi + pio2Lo
	case a < 0.5:
		return pio2Hi - (x - (pio2Lo - float64(x*asinRatio(x*x))))
	}
	z := (1 - a) * 0.5
	s, r := math.Sqrt(z), asinRatio(z)
	if x < 0 {
		return math.Pi - 2*(s+(float64(r*s)-pio2Lo))
	}
	w := short(s)
	c := (z - float64(w*w)) / (s + w)
	return 2 * (w + (float64(r*s) + c))
}

// exp is fdlibm's e^x, not quite rounded correctly, for the hyperbolic functions.
func exp(x float64) float64 {
	const (
		ln2Hi = 6.93147180369123816490e-01
		ln2Lo = 1.90821492927058770002e-10
	)
	var hi, lo float64
	k, h := 0, high(x)
	if h > 0x3fd62e42 { // ln 2 / 2
		if h < 0x3ff0a2b2 { // 3/2 ln 2
			k = 1
			if x < 0 {
				k = -1
			}
		} else {
			k = int(float64(x*1.44269504088896338700e+00) + math.Copysign(0.5, x))
		}
		hi, lo = x-float64(float64(k)*ln2Hi), float64(k)*ln2Lo
		x = hi - lo
	} else if h < 0x3e300000 { // 2^-28
		return 1 + x
	}
	t := x * x
	c := x - float64(t*series(t, expP[:], 0, 1))
	if k == 0 {
		return 1 - (float64(x*c)/(c-2) - x)
	}
	return math.Ldexp(1-((lo-float64(x*c)/(2-c))-hi), k)
}

// Above logMax e^x is infinite; up to sinhMax half of it isn't.
const (
	logMax  = 7.09782712893383973096e+02
	sinhMax = 7.10475860073943863426e+02
)

// Sinh is the hyperbolic sine.
func Sinh(x float64) float64 {
	a, half := math.Abs(x), math.Copysign(0.5, x)
	switch {
	case x != x || math.IsInf(x, 0) || a < 0x1p-28:
		return x
	case a < 22:
		t := math.Expm1(a)
		if a < 1 {
			return half * (2*t - float64(t*t)/(t+1))
		}
		return half * (t + t/(t+1))
	case a < logMax:
		return half * exp(a)
	case a <= sinhMax:
		w := exp(0.5 * a)
		return half * w * w
	}
	return x * math.Inf(1)
}

// Cosh is the hyperbolic cosine.
func Cosh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x || math.IsInf(x, 0):
		return x * x
	case high(x) < 0x3fd62e43: // ln 2 / 2
		t := math.Expm1(a)
		w := 1 + t
		if a < 0x1p-55 {
			return w
		}
		return 1 + float64(t*t)/(w+w)
	case a < 22:
		t := exp(a)
		return float64(0.5*t) + 0.5/t
	case a < logMax:
		return 0.5 * exp(a)
	case a <= sinhMax:
		w := exp(0.5 * a)
		return 0.5 * w * w
	}
	return math.Inf(1)
}

// Tanh is the hyperbolic tangent.
func Tanh(x float64) float64 {
	a := math.Abs(x)
	var z float64
	switch {
	case x != x:
		return x
	case a < 0x1p-55:
		return x * (1 + x)
	case a >= 22:
		z = 1
	case a >= 1:
		z = 1 - 2/(math.Expm1(2*a)+2)
	default:
		t := math.Expm1(-2 * a)
		z = -t / (t + 2)
	}
	return math.Copysign(z, x)
}
