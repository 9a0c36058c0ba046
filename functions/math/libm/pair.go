package libm

import "math"

// pair is the unevaluated sum hi + lo, |lo| at most half a unit in hi's last place:
// about 106 bits (T. J. Dekker, A floating-point technique for extending the available
// precision, 1971).
type pair struct{ hi, lo float64 }

// sum is a + b without an error (D. E. Knuth).
func sum(a, b float64) pair {
	s := a + b
	t := s - a
	return pair{s, (a - (s - t)) + (b - t)}
}

// ordered is a + b without an error, where |a| >= |b| or a is 0.
func ordered(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}

// product is a * b without an error.
func product(a, b float64) pair {
	p := a * b
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) add(b pair) pair {
	s, t := sum(a.hi, b.hi), sum(a.lo, b.lo)
	s = ordered(s.hi, s.lo+t.hi)
	return ordered(s.hi, s.lo+t.lo)
}

func (a pair) mul(b pair) pair {
	p := product(a.hi, b.hi)
	return ordered(p.hi, p.lo+math.FMA(a.hi, b.lo, a.lo*b.hi))
}

func (a pair) times(b float64) pair {
	p := product(a.hi, b)
	return ordered(p.hi, math.FMA(a.lo, b, p.lo))
}

func (a pair) div(b pair) pair {
	q := a.hi / b.hi
	r := a.add(b.times(-q))
	q2 := r.hi / b.hi
	r = r.add(b.times(-q2))
	return ordered(q, q2).add(pair{r.hi / b.hi, 0})
}

func (a pair) neg() pair { return pair{-a.hi, -a.lo} }

// scaled is a times a power of two.
func (a pair) scaled(two float64) pair { return pair{a.hi * two, a.lo * two} }

// inverseFactorials are 1/n!, n below 30.
var inverseFactorials = func() (f [30]pair) {
	f[0] = pair{1, 0}
	for n := 1; n < len(f); n++ {
		f[n] = f[n-1].div(pair{float64(n), 0})
	}
	return f
}()
