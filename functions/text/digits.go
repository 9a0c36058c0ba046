package text

import (
	"strconv"

	"github.com/millrace/millrace/types"
)

// scientific is d.ddde+xx of f with prec digits behind the point.
func scientific(f float64, prec int, point bool) []byte {
	d := types.ShortestDigits(f).Round(prec + 1)
	b := []byte{d.At(d.Exp)}
	if prec > 0 || point {
		b = append(b, '.')
	}
	for k := 1; k <= prec; k++ {
		b = append(b, d.At(d.Exp-k))
	}
	sign, e := byte('+'), d.Exp
	if e < 0 {
		sign, e = '-', -e
	}
	b = append(b, 'e', sign)
	if e < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(e), 10)
}

// fixed is ddd.ddd of f with prec digits behind the point; whole is how many lie
// before it.
func fixed(f float64, prec int, point bool) (b []byte, whole int) {
	d := types.ShortestDigits(f)
	d = d.Round(d.Exp + 1 + prec)
	whole = max(d.Exp, 0) + 1
	for k := whole - 1; k >= -prec; k-- {
		if k == -1 {
			b = append(b, '.')
		}
		b = append(b, d.At(k))
	}
	if prec == 0 && point {
		b = append(b, '.')
	}
	return b, whole
}
