package json

import (
	"bytes"
	"strconv"
)

// appendNumber appends a JSON number as Java's BigDecimal prints it: digits as
// they were written, an exponent only where the plain form would need one.
func appendNumber(b, s []byte) []byte {
	if !bytes.ContainsAny(s, ".eE") {
		if string(s) == "-0" {
			s = s[1:]
		}
		return append(b, s...)
	}
	mantissa, exp := s, 0
	if e := bytes.IndexAny(s, "eE"); e >= 0 {
		n, err := strconv.Atoi(string(s[e+1:]))
		if err != nil {
			return append(b, s...)
		}
		mantissa, exp = s[:e], n
	}
	if len(mantissa) > 0 && mantissa[0] == '-' {
		if bytes.ContainsAny(mantissa, "123456789") {
			b = append(b, '-')
		}
		mantissa = mantissa[1:]
	}
	var room [40]byte
	digits := room[:0]
	scale := -exp
	if dot := bytes.IndexByte(mantissa, '.'); dot >= 0 {
		digits = append(append(digits, mantissa[:dot]...), mantissa[dot+1:]...)
		scale += len(mantissa) - dot - 1
	} else {
		digits = append(digits, mantissa...)
	}
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	adjusted := len(digits) - 1 - scale
	if scale >= 0 && adjusted >= -6 {
		return appendPlain(b, digits, scale)
	}
	b = append(b, digits[0])
	if len(digits) > 1 {
		b = append(append(b, '.'), digits[1:]...)
	}
	if adjusted == 0 {
		return b
	}
	b = append(b, 'E')
	if adjusted > 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, int64(adjusted), 10)
}

// appendPlain appends digits with the last scale of them behind the point.
func appendPlain(b, digits []byte, scale int) []byte {
	if scale == 0 {
		return append(b, digits...)
	}
	whole := len(digits) - scale
	if whole > 0 {
		b = append(b, digits[:whole]...)
		return append(append(b, '.'), digits[whole:]...)
	}
	b = append(b, '0', '.')
	for ; whole < 0; whole++ {
		b = append(b, '0')
	}
	return append(b, digits...)
}
