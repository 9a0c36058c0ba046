package text

import "strconv"

// decimal is digits d.ddd times ten to the exp.
type decimal struct {
	digits []byte
	exp    int
}

// shortest is the fewest digits that give f back.
func shortest(f float64) decimal {
	var room [32]byte
	t := strconv.AppendFloat(room[:0], f, 'e', -1, 64)
	d := decimal{}
	k := 0
	for ; k < len(t) && t[k] != 'e'; k++ {
		if t[k] != '.' {
			d.digits = append(d.digits, t[k])
		}
	}
	d.exp, _ = strconv.Atoi(string(t[k+1:]))
	return d
}

// round keeps n digits, rounding HALF_UP; n <= 0 may leave none.
func (d decimal) round(n int) decimal {
	if n >= len(d.digits) {
		return d
	}
	if n < 0 {
		return decimal{exp: d.exp}
	}
	up := d.digits[n] >= '5'
	d.digits = d.digits[:n]
	for k := n - 1; up && k >= 0; k-- {
		if d.digits[k] < '9' {
			d.digits[k]++
			return d
		}
		d.digits[k] = '0'
	}
	if up {
		d.digits = append([]byte{'1'}, d.digits...)
		d.exp++
	}
	return d
}

func halfUp(f float64, n int) decimal { return shortest(f).round(n) }

// scientific is d.ddde+xx with prec digits behind the point.
func (d decimal) scientific(prec int, point bool) []byte {
	for len(d.digits) < prec+1 {
		d.digits = append(d.digits, '0')
	}
	b := append([]byte{}, d.digits[0])
	if prec > 0 || point {
		b = append(b, '.')
	}
	b = append(b, d.digits[1:prec+1]...)
	sign, e := byte('+'), d.exp
	if e < 0 {
		sign, e = '-', -e
	}
	b = append(b, 'e', sign)
	if e < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(e), 10)
}

// fixed is ddd.ddd with prec digits behind the point; whole is how many lie
// before it.
func fixed(f float64, prec int, point bool) (b []byte, whole int) {
	d := shortest(f)
	if f == 0 {
		d.exp = 0
	}
	d = d.round(d.exp + 1 + prec)
	at := func(k int) byte { // the digit of ten to the k
		if j := d.exp - k; j >= 0 && j < len(d.digits) {
			return d.digits[j]
		}
		return '0'
	}
	whole = max(d.exp, 0) + 1
	for k := whole - 1; k >= -prec; k-- {
		if k == -1 {
			b = append(b, '.')
		}
		b = append(b, at(k))
	}
	if prec == 0 && point {
		b = append(b, '.')
	}
	return b, whole
}
