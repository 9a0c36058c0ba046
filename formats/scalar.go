package formats

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Scalars reads the text of single values, as the text formats (csv, json, the
// values in a partition's path) share it: numbers with blanks around, base64 for
// binary, TIMESTAMP_LTZ in UTC with a Z.
type Scalars struct {
	ISO bool // timestamps as ISO-8601 has them (a T between date and time) instead of SQL
	// Loose takes timestamps in any of the forms CAST takes, and strings as they are
	// in TIMESTAMP_LTZ columns with or without Z.
	Loose bool
}

// Append appends text as a value of type t to v, which has n rows. On an error
// nothing is appended.
func (s Scalars) Append(v *batch.Vector, t types.Type, n int, text []byte) error {
	switch t.Kind {
	case types.Char, types.VarChar:
		off := len(v.Buf)
		if utf8.Valid(text) {
			v.Buf = append(v.Buf, text...)
		} else {
			v.Buf = append(v.Buf, bytes.ToValidUTF8(text, []byte("\uFFFD"))...)
		}
		v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
	case types.Binary, types.VarBinary:
		off := len(v.Buf)
		b, err := base64.StdEncoding.AppendDecode(v.Buf, text)
		if err != nil {
			return fmt.Errorf("%q isn't base64", clip(text))
		}
		v.Buf = b
		v.Str = append(v.Str[:n], batch.NewView(off, len(b)-off))
	case types.Float, types.Double:
		f, ok := ParseFloat(bytes.TrimSpace(text), t.Kind == types.Float)
		if !ok {
			return bad(text, t)
		}
		v.F64 = append(v.F64[:n], f)
	case types.Decimal:
		x, ok := types.ParseDecimal(bytes.TrimSpace(text), t.Length, t.Scale)
		if !ok {
			if _, ok := types.ParseDecimal(bytes.TrimSpace(text), types.MaxPrecision, min(t.Scale, 6)); !ok {
				return bad(text, t)
			}
			v.AppendNull(t, n) // a number of too many digits
			return nil
		}
		if v.I64 = append(v.I64[:n], int64(x.Lo)); t.Length > 18 {
			v.Hi = append(v.Hi[:n], x.Hi)
		}
	case types.Timestamp, types.TimestampLTZ:
		m, nanos, ok := s.timestamp(text, t)
		if !ok {
			return bad(text, t)
		}
		if v.I64 = append(v.I64[:n], m); t.Length > 6 {
			v.Hi = append(v.Hi[:n], int64(nanos))
		}
	default:
		x, ok := s.int64(text, t)
		if !ok {
			return bad(text, t)
		}
		v.I64 = append(v.I64[:n], x)
	}
	v.SetValid(n)
	return nil
}

func bad(text []byte, t types.Type) error {
	return fmt.Errorf("%q isn't a %s", clip(text), t.Nullable().Plain())
}

func clip(text []byte) []byte { return text[:min(len(text), 80)] }

// int64 reads the types that lie in one word.
func (s Scalars) int64(text []byte, t types.Type) (int64, bool) {
	text = bytes.TrimSpace(text)
	switch t.Kind {
	case types.Boolean:
		return map[bool]int64{true: 1}[bytes.EqualFold(text, []byte("true"))], true
	case types.Date:
		return types.ParseDate(text)
	case types.Time:
		return types.ParseTime(text)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt, types.IntervalYM, types.IntervalDT:
		x, ok := ParseInt(text)
		return x, ok && InRange(x, t.Kind)
	}
	return 0, false
}

// InRange says that x fits an integer type.
func InRange(x int64, k types.Kind) bool {
	switch k {
	case types.TinyInt:
		return x == int64(int8(x))
	case types.SmallInt:
		return x == int64(int16(x))
	case types.Int, types.IntervalYM:
		return x == int64(int32(x))
	}
	return true
}

// ParseInt reads a decimal integer with an optional sign.
func ParseInt(s []byte) (x int64, ok bool) {
	i, neg := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		i, neg = 1, s[0] == '-'
	}
	if i == len(s) || len(s)-i > 19 {
		return 0, false
	}
	var u uint64
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		u = u*10 + uint64(d)
	}
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// pow10 are the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// ParseFloat reads a number: digits below 2^53 with a short fraction at once, all
// else by strconv. narrow rounds to FLOAT.
func ParseFloat(s []byte, narrow bool) (float64, bool) {
	i, neg := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, neg = 1, true
	}
	var u uint64
	digits, scale, dot := 0, 0, false
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			if s[i] == '.' && !dot {
				dot = true
				continue
			}
			break
		}
		u = u*10 + uint64(d)
		digits++
		if dot {
			scale++
		}
	}
	if i == len(s) && digits > 0 && digits <= 19 && u < 1<<53 && scale <= 22 && !narrow {
		f := float64(u) / pow10[scale]
		if neg {
			f = -f
		}
		return f, true
	}
	bits := 64
	if narrow {
		bits = 32
	}
	if !javaNumber(s) {
		return 0, false
	}
	if n := len(s) - 1; n > 0 && bytes.IndexByte([]byte("fFdD"), s[n]) >= 0 && !bytes.ContainsAny(s[:n], "xXnN") {
		s = s[:n]
	}
	f, err := strconv.ParseFloat(string(s), bits)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, len(s) > 0
}

// javaNumber says that s isn't one of the forms that only Go reads: 1_000, inf.
func javaNumber(s []byte) bool {
	u := bytes.TrimLeft(s, "+-")
	if len(u) > 0 && (u[0]|0x20 == 'i' || u[0]|0x20 == 'n') {
		return string(u) == "Infinity" || string(u) == "NaN"
	}
	return bytes.IndexByte(s, '_') < 0
}

// timestamp reads a timestamp, cut to the type's precision.
func (s Scalars) timestamp(text []byte, t types.Type) (micros int64, nanos int, ok bool) {
	if t.Kind == types.TimestampLTZ {
		switch n := len(text); {
		case n > 0 && text[n-1] == 'Z':
			text = text[:n-1]
		case !s.Loose:
			return 0, 0, false
		}
	}
	if s.Loose {
		micros, nanos, ok = types.ParseTimestamp(text)
	} else {
		sep := byte(' ')
		if s.ISO {
			sep = 'T'
		}
		micros, nanos, ok = Timestamp(text, sep)
	}
	if ok {
		var n int64
		micros, n = Truncate(micros, int64(nanos), t.Length)
		nanos = int(n)
	}
	return micros, nanos, ok
}

// Truncate cuts an instant to a precision of 0-9 digits.
func Truncate(micros, nanos int64, precision int) (int64, int64) {
	unit := int64(1)
	if precision <= 6 {
		for k := precision; k < 6; k++ {
			unit *= 10
		}
		if r := micros % unit; r < 0 {
			return micros - r - unit, 0
		} else {
			return micros - r, 0
		}
	}
	for k := precision; k < 9; k++ {
		unit *= 10
	}
	return micros, nanos / unit * unit
}

// Timestamp reads exactly yyyy-MM-dd, sep, HH:mm:ss with up to nine digits of a
// fraction. With sep 'T' the seconds may be left out, as ISO-8601 has it. A day up
// to 31 that the month doesn't have is its last, as java.time resolves it.
func Timestamp(s []byte, sep byte) (micros int64, nanos int, ok bool) {
	if len(s) < 16 || s[4] != '-' || s[7] != '-' || s[10] != sep || s[13] != ':' {
		return 0, 0, false
	}
	y1, ok1 := twoDigits(s[0:])
	y2, ok2 := twoDigits(s[2:])
	mo, ok3 := twoDigits(s[5:])
	d, ok4 := twoDigits(s[8:])
	h, ok5 := twoDigits(s[11:])
	mi, ok6 := twoDigits(s[14:])
	y := y1*100 + y2
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 {
		return 0, 0, false
	}
	sec, frac := 0, 0
	switch {
	case len(s) >= 19 && s[16] == ':':
		var ok bool
		if sec, ok = twoDigits(s[17:]); !ok || sec > 59 {
			return 0, 0, false
		}
		if frac, ok = fraction(s[19:]); !ok {
			return 0, 0, false
		}
	case len(s) != 16 || sep != 'T':
		return 0, 0, false
	}
	seconds := types.Days(y, mo, min(d, daysOf(y, mo)))*86400 + int64(h*3600+mi*60+sec)
	return seconds*1e6 + int64(frac/1000), frac % 1000, true
}

func twoDigits(s []byte) (int, bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

func daysOf(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// fraction reads "" or a point and up to nine digits, in nanoseconds.
func fraction(s []byte) (nanos int, ok bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 10 {
		return 0, false
	}
	for _, c := range s[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		nanos = nanos*10 + int(c-'0')
	}
	for k := len(s); k < 10; k++ {
		nanos *= 10
	}
	return nanos, true
}

// Days reads timestamps and remembers the last one's day: most of a stream's are
// of the same.
type Days struct {
	text   [11]byte // yyyy-MM-dd and the separator
	micros int64
}

// Timestamp is the function of that name.
func (d *Days) Timestamp(s []byte, sep byte) (micros int64, nanos int, ok bool) {
	if len(s) >= 19 && [11]byte(s[:11]) == d.text && s[10] == sep && s[13] == ':' && s[16] == ':' {
		h, ok1 := twoDigits(s[11:])
		m, ok2 := twoDigits(s[14:])
		sec, ok3 := twoDigits(s[17:])
		frac, ok4 := fraction(s[19:])
		if !(ok1 && ok2 && ok3 && ok4) || h > 23 || m > 59 || sec > 59 {
			return 0, 0, false
		}
		return d.micros + int64(h*3600+m*60+sec)*1_000_000 + int64(frac/1000), frac % 1000, true
	}
	micros, nanos, ok = Timestamp(s, sep)
	if ok {
		const day = 86_400_000_000
		d.text, d.micros = [11]byte(s[:11]), micros-micros%day
		if micros%day < 0 {
			d.micros -= day
		}
	}
	return micros, nanos, ok
}
