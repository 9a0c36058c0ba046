package types

import (
	"math"
	"strconv"
)

// Digits is a non-negative number as decimal digits d.ddd times ten to the Exp.
type Digits struct {
	Digits []byte
	Exp    int
}

// ShortestDigits are the fewest digits that give f back; f is finite and not
// negative.
func ShortestDigits(f float64) Digits {
	var room [32]byte
	t := strconv.AppendFloat(room[:0], f, 'e', -1, 64)
	d := Digits{}
	k := 0
	for ; k < len(t) && t[k] != 'e'; k++ {
		if t[k] != '.' {
			d.Digits = append(d.Digits, t[k])
		}
	}
	d.Exp, _ = strconv.Atoi(string(t[k+1:]))
	return d
}

// Cut keeps the first n digits; n <= 0 leaves none.
func (d Digits) Cut(n int) Digits {
	d.Digits = d.Digits[:min(max(n, 0), len(d.Digits))]
	return d
}

// Round keeps n digits, rounding HALF_UP; n <= 0 may leave none.
func (d Digits) Round(n int) Digits {
	if n >= len(d.Digits) || n < 0 {
		return d.Cut(n)
	}
	up := d.Digits[n] >= '5'
	d.Digits = d.Digits[:n]
	for k := n - 1; up && k >= 0; k-- {
		if d.Digits[k] < '9' {
			d.Digits[k]++
			return d
		}
		d.Digits[k] = '0'
	}
	if up {
		d.Digits = append([]byte{'1'}, d.Digits...)
		d.Exp++
	}
	return d
}

// At is the digit of ten to the k.
func (d Digits) At(k int) byte {
	if j := d.Exp - k; j >= 0 && j < len(d.Digits) {
		return d.Digits[j]
	}
	return '0'
}

// Float64 is the number again.
func (d Digits) Float64() float64 {
	if len(d.Digits) == 0 {
		return 0
	}
	b := append(append([]byte{}, d.Digits...), 'e')
	f, _ := strconv.ParseFloat(string(strconv.AppendInt(b, int64(d.Exp-len(d.Digits)+1), 10)), 64)
	return f
}

// RoundFloat rounds f to n digits behind the point (before it when n is
// negative), HALF_UP or toward zero, on its shortest decimal form as Java's
// BigDecimal.valueOf has it.
func RoundFloat(f float64, n int, half bool) float64 {
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	d := ShortestDigits(math.Abs(f))
	keep := d.Exp + 1 + n
	if half {
		d = d.Round(keep)
	} else {
		d = d.Cut(keep)
	}
	return math.Copysign(d.Float64(), f)
}
