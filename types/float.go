package types

import (
	"bytes"
	"math"
	"strconv"
)

// AppendDouble appends Java's Double.toString form: "1.0", "1.0E10", "NaN".
func AppendDouble(b []byte, f float64) []byte { return appendJava(b, f, 64) }

// AppendFloat appends Java's Float.toString form of a FLOAT.
func AppendFloat(b []byte, f float64) []byte { return appendJava(b, f, 32) }

func appendJava(b []byte, f float64, size int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	if a := math.Abs(f); f == 0 || a >= 1e-3 && a < 1e7 {
		at := len(b)
		b = strconv.AppendFloat(b, f, 'f', -1, size)
		if bytes.IndexByte(b[at:], '.') < 0 {
			b = append(b, ".0"...)
		}
		return b
	}
	if x, ok := wholeDigits(math.Abs(f), size); ok {
		if f < 0 {
			b = append(b, '-')
		}
		return appendWhole(b, x)
	}
	var tmp [32]byte
	s := strconv.AppendFloat(tmp[:0], f, 'e', -1, size)
	if bytes.IndexByte(s, '.') < 0 { // Java wants two digits, the nearest: 4.9E-324 where 5E-324 would do
		s = strconv.AppendFloat(tmp[:0], f, 'e', 1, size)
	}
	e := bytes.IndexByte(s, 'e')
	b = append(b, s[:e]...)
	b = append(b, 'E')
	exp := s[e+1:]
	if exp[0] == '-' {
		b = append(b, '-')
	}
	exp = bytes.TrimLeft(exp[1:], "0")
	return append(b, exp...)
}

// wholeDigits is a large whole number with the digits that Java (up to 18) prints
// of it: all but as many as the bits below its precision can make out, rounded,
// which can be more than the fewest that tell it apart.
func wholeDigits(a float64, size int) (x uint64, ok bool) {
	if a < 1e7 || a >= 1<<63 || a != math.Trunc(a) {
		return 0, false
	}
	precision := 53
	if size == 32 {
		precision = 24
	}
	_, exp := math.Frexp(a)
	unit := uint64(1)
	if exp-1 > precision {
		for k := (exp - 2 - precision) * 30103 / 100000; k > 0; k-- {
			unit *= 10
		}
	}
	return (uint64(a) + unit/2) / unit * unit, true
}

// appendWhole appends d.dddEx.
func appendWhole(b []byte, x uint64) []byte {
	var room [20]byte
	d := strconv.AppendUint(room[:0], x, 10)
	exp := len(d) - 1
	d = bytes.TrimRight(d, "0")
	b = append(b, d[0], '.')
	if len(d) == 1 {
		b = append(b, '0')
	}
	b = append(append(b, d[1:]...), 'E')
	return strconv.AppendInt(b, int64(exp), 10)
}
