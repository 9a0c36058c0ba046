package json

import (
	"bytes"
	"encoding/base64"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

// trim is Java's: all that isn't above a blank.
func trim(s []byte) []byte {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// isDecimal says that s is a number as java.math.BigDecimal reads it.
func isDecimal(s []byte) bool {
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	n := 0
	for dot := false; len(s) > 0 && (s[0]-'0' <= 9 || s[0] == '.' && !dot); s = s[1:] {
		if s[0] == '.' {
			dot = true
		} else {
			n++
		}
	}
	if n == 0 || len(s) == 0 {
		return n > 0
	}
	if s[0]|0x20 != 'e' {
		return false
	}
	x, ok := formats.ParseInt(s[1:])
	return ok && formats.InRange(x, types.Int)
}

// date reads yyyy-MM-dd, of days there are.
func date(s []byte) (int64, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9} {
		if s[i]-'0' > 9 {
			return 0, false
		}
	}
	return types.ParseDate(s)
}

// clock reads HH:mm:ss and a fraction, cut to the precision: milliseconds.
func clock(s []byte, precision int) (int64, bool) {
	var buf [40]byte
	if len(s) > 18 {
		return 0, false
	}
	micros, _, ok := formats.Timestamp(append(append(buf[:0], "1970-01-01 "...), s...), ' ')
	unit := int64(1)
	for k := precision; k < 3; k++ {
		unit *= 10
	}
	return micros / 1000 / unit * unit, ok
}

// appendBase64 decodes base64 as Jackson does: with padding, blanks allowed
// between groups of four.
func appendBase64(to, s []byte) ([]byte, bool) {
	for len(s) > 0 {
		if s[0] <= ' ' {
			s = s[1:]
			continue
		}
		if len(s) < 4 {
			return to, false
		}
		b, err := base64.StdEncoding.AppendDecode(to, s[:4])
		if err != nil || bytes.ContainsAny(s[:4], "\r\n") {
			return to, false
		}
		if s[3] == '=' && len(trim(s[4:])) > 0 {
			return to, false
		}
		to, s = b, s[4:]
	}
	return to, true
}

// appendJavaNumber appends a number as Jackson's tree prints it: whole ones as
// they stand, others as a double.
func appendJavaNumber(to, raw []byte) []byte {
	if !bytes.ContainsAny(raw, ".eE") {
		if string(raw) == "-0" {
			return append(to, '0')
		}
		return append(to, raw...)
	}
	f, _ := formats.ParseFloat(raw, false)
	return types.AppendDouble(to, f)
}

// appendCompact appends valid JSON without blanks, as Jackson's tree prints it:
// the last of equal keys counts, fractions are doubles.
func appendCompact(to, raw []byte) []byte {
	c := compactor{b: raw}
	return c.value(to)
}

type compactor struct {
	b []byte
	i int
}

func (c *compactor) value(to []byte) []byte {
	switch ch := c.b[c.i]; {
	case ch == '{':
		return c.object(to)
	case ch == '[':
		to = append(to, '[')
		c.i = jsonscan.Blank(c.b, c.i+1)
		for first := true; c.b[c.i] != ']'; first = false {
			if !first {
				to = append(to, ',')
			}
			to = c.value(to)
			c.next()
		}
		c.i++
		return append(to, ']')
	case ch == '"':
		return jsonscan.AppendString(to, c.text())
	case ch == '-' || ch-'0' <= 9:
		end, _ := jsonscan.Number(c.b, c.i)
		raw := c.b[c.i:end]
		c.i = end
		to = appendJavaNumber(to, raw)
		return to
	}
	end := jsonscan.Skip(c.b, c.i)
	to = append(to, c.b[c.i:end]...)
	c.i = end
	return to
}

// next passes over blanks and a comma.
func (c *compactor) next() {
	if c.i = jsonscan.Blank(c.b, c.i); c.b[c.i] == ',' {
		c.i = jsonscan.Blank(c.b, c.i+1)
	}
}

// text is the string at the place, unescaped.
func (c *compactor) text() string {
	end, escaped := jsonscan.String(c.b, c.i+1)
	raw := c.b[c.i+1 : end]
	c.i = end + 1
	if escaped {
		raw, _ = jsonscan.Unescape(nil, raw)
	}
	return string(raw)
}

func (c *compactor) object(to []byte) []byte {
	var keys []string
	values := map[string][]byte{}
	c.i = jsonscan.Blank(c.b, c.i+1)
	for c.b[c.i] != '}' {
		key := c.text()
		c.i = jsonscan.Blank(c.b, jsonscan.Blank(c.b, c.i)+1)
		if _, ok := values[key]; !ok {
			keys = append(keys, key)
		}
		values[key] = c.value(nil)
		c.next()
	}
	c.i++
	to = append(to, '{')
	for k, key := range keys {
		if k > 0 {
			to = append(to, ',')
		}
		to = append(append(jsonscan.AppendString(to, key), ':'), values[key]...)
	}
	return append(to, '}')
}
