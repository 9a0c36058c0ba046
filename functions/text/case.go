package text

import (
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
)

// letterCase is UPPER and LOWER, of the argument's type. ASCII goes byte by byte;
// the rest by Unicode, with the characters that become several.
func letterCase(name, about string, ascii func(byte) byte, other func(b []byte, r rune, s []byte, at int) []byte) *functions.Scalar {
	var table [utf8.RuneSelf]byte
	for c := range table {
		table[c] = ascii(byte(c))
	}
	f := strict(name, name+"(string)", functions.ArgType(0), []functions.Param{str},
		func(args []batch.Vector, out *batch.Vector, i int) {
			s, off := args[0].Bytes(i), len(out.Buf)
			out.Buf = append(out.Buf, s...)
			to := out.Buf[off:]
			for at, c := range s {
				if c >= utf8.RuneSelf {
					out.Buf = letters(out.Buf[:off+at], s, at, &table, other)
					break
				}
				to[at] = table[c]
			}
			out.EndBytes(i, off)
		})
	f.Doc.Text = about
	return f
}

// letters appends s from at on.
func letters(b, s []byte, at int, table *[utf8.RuneSelf]byte, other func(b []byte, r rune, s []byte, at int) []byte) []byte {
	for at < len(s) {
		if c := s[at]; c < utf8.RuneSelf {
			b = append(b, table[c])
			at++
			continue
		}
		r, w := utf8.DecodeRune(s[at:])
		b = other(b, r, s, at)
		at += w
	}
	return b
}

var upper = letterCase("UPPER", "The string in capitals.", func(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}, func(b []byte, r rune, _ []byte, _ int) []byte {
	if s := severalCapitals[r]; s != "" {
		return append(b, s...)
	}
	return utf8.AppendRune(b, unicode.ToUpper(r))
}).Shown("UPPER('straße') -> 'STRASSE'")

var lower = letterCase("LOWER", "The string in small letters.", func(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}, func(b []byte, r rune, s []byte, at int) []byte {
	switch r {
	case 'İ':
		return append(b, "i\u0307"...)
	case 'Σ':
		if endsWord(s, at) {
			return append(b, "ς"...)
		}
	}
	return utf8.AppendRune(b, unicode.ToLower(r))
}).Shown("LOWER('ABC') -> 'abc'")

// endsWord says that the letter at a place has one before it and none behind: a
// sigma is written differently there.
func endsWord(s []byte, at int) bool {
	before, _ := utf8.DecodeLastRune(s[:at])
	behind, _ := utf8.DecodeRune(s[at+2:])
	return at > 0 && unicode.IsLetter(before) && !(at+2 < len(s) && unicode.IsLetter(behind))
}

// severalCapitals are the letters whose capital is more than one.
var severalCapitals = map[rune]string{
	'ß': "SS", 'ŉ': "ʼN", 'ǰ': "J\u030c", 'ΐ': "Ι\u0308\u0301", 'ΰ': "Υ\u0308\u0301", 'և': "ԵՒ", 'ẖ': "H\u0331", 'ẗ': "T\u0308", 'ẘ': "W\u030a", 'ẙ': "Y\u030a", 'ẚ': "Aʾ",
	'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL", 'ﬅ': "ST", 'ﬆ': "ST", 'ﬓ': "ՄՆ", 'ﬔ': "ՄԵ", 'ﬕ': "ՄԻ", 'ﬖ': "ՎՆ", 'ﬗ': "ՄԽ",
}
