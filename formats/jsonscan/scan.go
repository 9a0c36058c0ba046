// Package jsonscan is the lexical part of JSON: where a string, a number or any
// value ends, what its escapes say, and how text is quoted. It works on bytes in
// place and knows nothing of columns; formats/json, the change formats and the
// functions on JSON text share it.
//
// Start with Skip. Positions are indexes into one buffer; -1 means that what lies
// there isn't JSON.
package jsonscan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/types"
)

// MaxDepth is the deepest nesting that is read.
const MaxDepth = 1000

// Blank is the index of the first byte at or behind i that isn't white space.
func Blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	ones   = 0x0101010101010101
	high   = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
)

// zero has the high bit of each byte of w set that is zero; bits above the lowest
// of them may be wrong.
func zero(w uint64) uint64 { return (w - ones) &^ w & high }

// String finds the end of the string whose first character (behind the opening
// quote) is b[i]: the index of its closing quote, -1 when there is none or the
// text isn't UTF-8. escaped says that it has escapes, which Unescape checks.
func String(b []byte, i int) (end int, escaped bool) {
	from, seen := i, uint64(0)
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		stop := zero(w^quotes) | zero(w^slants)
		if stop == 0 {
			seen |= w
			i += 8
			continue
		}
		k := bits.TrailingZeros64(stop) &^ 7
		seen |= w & (1<<k - 1)
		i += k >> 3
		if b[i] == '"' {
			if seen&high != 0 && !utf8.Valid(b[from:i]) {
				return -1, false
			}
			return i, escaped
		}
		escaped = true
		i += 2
	}
	for ; i < len(b); i++ {
		seen |= uint64(b[i])
		switch b[i] {
		case '"':
			if seen&high != 0 && !utf8.Valid(b[from:i]) {
				return -1, false
			}
			return i, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	return -1, false
}

// Number finds the end of the number at b[i]; whole says that it has neither
// fraction nor exponent.
func Number(b []byte, i int) (end int, whole bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	from := i
	if i = digits(b, i); i == from || b[from] == '0' && i > from+1 {
		return -1, false
	}
	whole = true
	if i < len(b) && b[i] == '.' {
		from, whole = i+1, false
		if i = digits(b, from); i == from {
			return -1, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from, whole = i, false
		if i = digits(b, i); i == from {
			return -1, false
		}
	}
	return i, whole
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// Word says whether the literal true, false or null lies at b[i].
func Word(b []byte, i int, word string) bool {
	return len(b)-i >= len(word) && string(b[i:i+len(word)]) == word
}

// Skip finds the end of the value at b[i], which it checks whole.
func Skip(b []byte, i int) int { return skip(b, i, 0) }

func skip(b []byte, i, depth int) int {
	if i >= len(b) || depth > MaxDepth {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		end, escaped := String(b, i+1)
		if end < 0 || escaped && !escapes(b[i+1:end]) {
			return -1
		}
		return end + 1
	case c == '-' || c-'0' <= 9:
		end, _ := Number(b, i)
		return end
	case c == '{' || c == '[':
		return skipAll(b, i, depth)
	case c == 't' && Word(b, i, "true"), c == 'n' && Word(b, i, "null"):
		return i + 4
	case c == 'f' && Word(b, i, "false"):
		return i + 5
	}
	return -1
}

// skipAll finds the end of an object or array.
func skipAll(b []byte, i, depth int) int {
	end := b[i] + 2 // '}' or ']'
	i = Blank(b, i+1)
	if i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i = Key(b, i); i < 0 {
				return -1
			}
		}
		if i = skip(b, i, depth+1); i < 0 {
			return -1
		}
		i = Blank(b, i)
		if i >= len(b) || b[i] != ',' {
			break
		}
		i = Blank(b, i+1)
	}
	if i >= len(b) || b[i] != end {
		return -1
	}
	return i + 1
}

// Key passes over the key at b[i] and its colon: the index of the value.
func Key(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	end, escaped := String(b, i+1)
	if end < 0 || escaped && !escapes(b[i+1:end]) {
		return -1
	}
	if i = Blank(b, end+1); i >= len(b) || b[i] != ':' {
		return -1
	}
	return Blank(b, i+1)
}

// escapes says that every escape in s is one.
func escapes(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if i++; i >= len(s) {
			return false
		}
		switch s[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if _, ok := hex(s, i+1); !ok {
				return false
			}
			i += 4
		default:
			return false
		}
	}
	return true
}

func hex(s []byte, i int) (r rune, ok bool) {
	if i+4 > len(s) {
		return 0, false
	}
	for _, c := range s[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Unescape appends the text that the inside of a string stands for; false when an
// escape is none. Half of a surrogate pair becomes '?', as Java writes it.
func Unescape(to, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' {
			to = append(to, c)
			continue
		}
		if i++; i >= len(s) {
			return to, false
		}
		switch c = s[i]; c {
		case '"', '\\', '/':
			to = append(to, c)
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		case 'u':
			r, ok := hex(s, i+1)
			if !ok {
				return to, false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					if low, ok := hex(s, i+3); ok {
						pair = utf16.DecodeRune(r, low)
					}
				}
				if r = '?'; pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			to = utf8.AppendRune(to, r)
		default:
			return to, false
		}
	}
	return to, true
}

// AppendFloat appends a FLOAT or DOUBLE as Java prints it; NaN and the infinities,
// for which JSON has no numbers, in quotes.
func AppendFloat(to []byte, t types.Type, f float64) []byte {
	special := math.IsNaN(f) || math.IsInf(f, 0)
	if special {
		to = append(to, '"')
	}
	if t.Kind == types.Float {
		to = types.AppendFloat(to, f)
	} else {
		to = types.AppendDouble(to, f)
	}
	if special {
		to = append(to, '"')
	}
	return to
}

// AppendString appends s as a JSON string.
func AppendString[T ~string | ~[]byte](to []byte, s T) []byte {
	to = append(to, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)])); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			to = append(append(to, s[from:i]...), "\uFFFD"...)
		} else {
			to = appendEscape(append(to, s[from:i]...), c)
		}
		i++
		from = i
	}
	return append(append(to, s[from:]...), '"')
}

func appendEscape(to []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	switch c {
	case '"', '\\':
		return append(to, '\\', c)
	case '\b':
		return append(to, '\\', 'b')
	case '\f':
		return append(to, '\\', 'f')
	case '\n':
		return append(to, '\\', 'n')
	case '\r':
		return append(to, '\\', 'r')
	case '\t':
		return append(to, '\\', 't')
	}
	return append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
