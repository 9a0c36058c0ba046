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
	var tmp [32]byte
	s := strconv.AppendFloat(tmp[:0], f, 'e', -1, size)
	e := bytes.IndexByte(s, 'e')
	b = append(b, s[:e]...)
	if bytes.IndexByte(s[:e], '.') < 0 {
		b = append(b, ".0"...)
	}
	b = append(b, 'E')
	exp := s[e+1:]
	if exp[0] == '-' {
		b = append(b, '-')
	}
	exp = bytes.TrimLeft(exp[1:], "0")
	return append(b, exp...)
}

// appendPlain is the shortest form without an exponent.
func appendPlain(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'f', -1, 64) }
