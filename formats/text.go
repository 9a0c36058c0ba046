package formats

import (
	"strconv"

	"github.com/millrace/millrace/types"
)

// AppendBigDecimal appends a DECIMAL without trailing zeros, as csv and json write
// it: 1.5, and 1E+2 for 100.00 unless plain.
func AppendBigDecimal(b []byte, x types.Int128, scale int, plain bool) []byte {
	ten := types.Int128Of(10)
	for x.Sign() != 0 {
		q, r := x.QuoRem(ten)
		if r.Sign() != 0 {
			break
		}
		x, scale = q, scale-1
	}
	switch {
	case x.Sign() == 0:
		return append(b, '0')
	case scale <= 0 && (plain || scale == 0):
		b = types.AppendDecimal(b, x, 0)
		for ; scale < 0; scale++ {
			b = append(b, '0')
		}
		return b
	}
	abs, neg := x.Abs()
	digits := types.AppendDecimal(nil, abs, 0)
	exp := len(digits) - 1 - scale
	if plain || scale > 0 && exp >= -6 {
		return types.AppendDecimal(b, x, scale)
	}
	if neg {
		b = append(b, '-')
	}
	b = append(b, digits[0])
	if len(digits) > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	b = append(b, 'E')
	if exp > 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(exp), 10)
}

// AppendTimestamp appends yyyy-MM-dd, sep, HH:mm:ss and the fraction without its
// trailing zeros.
func AppendTimestamp(b []byte, micros int64, nanos int, sep byte) []byte {
	at := len(b)
	b = types.AppendTimestamp(b, micros, nanos, 9)
	b[at+10] = sep
	n := len(b)
	for b[n-1] == '0' && b[n-2] != ':' && b[n-1] != '.' && n > at+19 {
		n--
	}
	if b[n-1] == '.' {
		n--
	}
	return b[:n]
}

// AppendTime appends HH:mm:ss and the fraction without its trailing zeros.
func AppendTime(b []byte, ms int64) []byte {
	if ms%1000 == 0 {
		return types.AppendTime(b, ms, 0)
	}
	b = types.AppendTime(b, ms, 3)
	n := len(b)
	for b[n-1] == '0' {
		n--
	}
	return b[:n]
}
