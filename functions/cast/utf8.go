package cast

import "unicode/utf8"

// AppendValidUTF8 appends s with U+FFFD for each sequence that isn't UTF-8: the
// longest beginning of a character counts as one, as Unicode advises and Java
// does.
func AppendValidUTF8(b, s []byte) []byte {
	for len(s) > 0 {
		if s[0] < utf8.RuneSelf {
			b = append(b, s[0])
			s = s[1:]
			continue
		}
		r, w := utf8.DecodeRune(s)
		if r == utf8.RuneError && w == 1 {
			w = broken(s)
		}
		b = utf8.AppendRune(b, r)
		s = s[w:]
	}
	return b
}

// broken is how many bytes at the start of s begin a character that doesn't
// end.
func broken(s []byte) int {
	lo, hi, need := byte(0x80), byte(0xBF), 0 // a surrogate's three bytes are one part, as Java has it
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c == 0xE0:
		lo, need = 0xA0, 2
	case c >= 0xE1 && c <= 0xEF:
		need = 2
	case c == 0xF0:
		lo, need = 0x90, 3
	case c >= 0xF1 && c <= 0xF4:
		need = 3
		if c == 0xF4 {
			hi = 0x8F
		}
	}
	n := 1
	for ; n <= need && n < len(s) && s[n] >= lo && s[n] <= hi; n++ {
		lo, hi = 0x80, 0xBF
	}
	return n
}
