package text

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// printf writes its arguments by a format of java.util.Formatter. A format or an
// argument that doesn't suit it gives NULL. DATE, TIME and intervals are the
// numbers they are stored as.
var printf = &functions.Scalar{
	Name: "PRINTF", OwnNulls: true,
	Doc: functions.Doc{Group: "string", Usage: "PRINTF(format, value, ...)", Text: "The values written by a format as Java's Formatter reads it; NULL when the format doesn't suit them.", Example: []string{"PRINTF('%05d %s', 42, 'a') -> '00042 a'"}},
	Sigs: []functions.Sig{
		{Params: []functions.Param{str}, Result: functions.Nullable(types.StringType)},
		{Params: []functions.Param{str, functions.AnyParam}, Variadic: true, Result: functions.Nullable(types.StringType)},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		p := printer{call: c}
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			if args[0].Null(i) {
				out.SetNull(i)
				return
			}
			if f := args[0].Bytes(i); p.format != string(f) || p.specs == nil {
				p.format = string(f)
				p.specs, p.ok = parseFormat(p.format)
			}
			off := len(out.Buf)
			b, ok := out.Buf, p.ok
			if ok {
				b, ok = p.append(b, args, i)
			}
			if !ok {
				out.Buf = b[:off]
				out.SetNull(i)
				return
			}
			out.Buf = b
			out.EndBytes(i, off)
		}), nil
	},
}

// spec is literal text, or one conversion of a format.
type spec struct {
	text             string
	index            int // of the argument, from 1; 0 the next one, -1 the last one
	flags            string
	width, precision int // -1: not given
	verb             byte
	upper            bool
}

func (s *spec) has(flag byte) bool { return strings.IndexByte(s.flags, flag) >= 0 }

// parseFormat takes a format apart; ok is false when Java refuses it.
func parseFormat(f string) (out []spec, ok bool) {
	out = []spec{}
	for f != "" {
		at := strings.IndexByte(f, '%')
		if at != 0 {
			if at < 0 {
				at = len(f)
			}
			out = append(out, spec{text: f[:at]})
			f = f[at:]
			continue
		}
		s, n, ok := parseSpec(f[1:])
		if !ok {
			return out, false
		}
		out, f = append(out, s), f[1+n:]
	}
	return out, true
}

func parseSpec(f string) (s spec, n int, ok bool) {
	s.width, s.precision = -1, -1
	num := func() int {
		from := n
		for n < len(f) && f[n] >= '0' && f[n] <= '9' {
			n++
		}
		x, err := strconv.Atoi(f[from:n])
		if err != nil || x > 1<<20 {
			return -1
		}
		return x
	}
	if x := num(); x > 0 && n < len(f) && f[n] == '$' && f[0] != '0' {
		s.index = x
		n++
	} else if n = 0; f != "" && f[0] == '<' {
		s.index, n = -1, 1
	}
	for n < len(f) && strings.IndexByte("-#+ 0,(", f[n]) >= 0 {
		if s.has(f[n]) {
			return s, n, false
		}
		s.flags += f[n : n+1]
		n++
	}
	if n < len(f) && f[n] >= '1' && f[n] <= '9' {
		if s.width = num(); s.width < 0 {
			return s, n, false
		}
	}
	if n < len(f) && f[n] == '.' {
		n++
		if s.precision = num(); s.precision < 0 {
			return s, n, false
		}
	}
	if n == len(f) {
		return s, n, false
	}
	s.verb, n = f[n], n+1
	if strings.IndexByte("BHSXEGA", s.verb) >= 0 {
		s.upper = true
		s.verb |= 32
	}
	return s, n, s.valid()
}

// valid checks flags as Java does.
func (s *spec) valid() bool {
	if (s.has('-') || s.has('0')) && s.width < 0 && s.verb != 'n' || s.has('-') && s.has('0') || s.has('+') && s.has(' ') {
		return false
	}
	allowed := ""
	switch s.verb {
	case 'b', 'h', 's':
		allowed = "-"
	case 'c', '%':
		allowed = "-"
		if s.precision >= 0 {
			return false
		}
	case 'd':
		allowed = "-+ 0,("
		if s.precision >= 0 {
			return false
		}
	case 'o', 'x':
		allowed = "-#0"
		if s.precision >= 0 {
			return false
		}
	case 'e':
		allowed = "-#+ 0("
	case 'f':
		allowed = "-#+ 0,("
	case 'g':
		allowed = "-+ 0,("
	case 'a':
		allowed = "-#+ 0"
	case 'n':
		return s.flags == "" && s.width < 0 && s.precision < 0
	default:
		return false
	}
	return strings.Trim(s.flags, allowed) == ""
}

// printer writes one row after another.
type printer struct {
	call   functions.Call
	format string
	specs  []spec
	ok     bool
	room   []byte
}

func (p *printer) append(b []byte, args []batch.Vector, i int) ([]byte, bool) {
	next, last := 1, 0
	for k := range p.specs {
		s := &p.specs[k]
		switch s.verb {
		case 0:
			b = append(b, s.text...)
			continue
		case 'n':
			b = append(b, '\n')
			continue
		case '%':
			b = s.pad(b, []byte("%"))
			continue
		}
		switch {
		case s.index > 0:
			last = s.index
		case s.index == 0:
			last, next = next, next+1
		}
		if last < 1 || last >= len(args) {
			return b, false
		}
		body, ok := p.room[:0], true
		if args[last].Null(i) {
			body, ok = s.null(body)
		} else {
			body, ok = p.value(body, s, p.call.Args[last].Type, &args[last], i)
		}
		if p.room = body; !ok {
			return b, false
		}
		if s.upper {
			body = []byte(strings.ToUpper(string(body)))
		}
		b = s.pad(b, body)
	}
	return b, true
}

func (s *spec) null(b []byte) ([]byte, bool) {
	text := "null"
	if s.verb == 'b' {
		text = "false"
	}
	if s.precision >= 0 && s.precision < len(text) {
		text = text[:s.precision]
	}
	return append(b, text...), true
}

// pad appends body, blanks before or behind it to the width.
func (s *spec) pad(b, body []byte) []byte {
	fill := s.width - utf8.RuneCount(body)
	if s.has('-') {
		b = append(b, body...)
	}
	for ; fill > 0; fill-- {
		b = append(b, ' ')
	}
	if !s.has('-') {
		b = append(b, body...)
	}
	return b
}

func (p *printer) value(b []byte, s *spec, t types.Type, v *batch.Vector, i int) ([]byte, bool) {
	whole := t.IsInteger() || t.Kind == types.Date || t.Kind == types.Time || t.IsInterval()
	switch s.verb {
	case 'b':
		text := "true"
		if t.Kind == types.Boolean && v.I64[i] == 0 {
			text = "false"
		}
		return append(b, cut(text, s.precision)...), true
	case 's':
		return append(b, cut(string(p.text(b, t, v, i)), s.precision)...), true
	case 'h':
		return append(b, cut(strconv.FormatUint(uint64(uint32(functions.HashCode(t, v, i))), 16), s.precision)...), true
	case 'c':
		if !t.IsInteger() && t.Kind != types.Date && t.Kind != types.Time && t.Kind != types.IntervalYM || t.Kind == types.BigInt || v.I64[i] < 0 || v.I64[i] > utf8.MaxRune {
			return b, false
		}
		return utf8.AppendRune(b, rune(v.I64[i])), true
	case 'd':
		if !whole {
			return b, false
		}
		x := v.I64[i]
		u := uint64(x)
		if x < 0 {
			u = -u
		}
		return s.signed(b, x < 0, strconv.AppendUint(nil, u, 10), 0), true
	case 'o', 'x':
		return s.digits(b, t, v.I64, i, whole)
	}
	if !t.IsApprox() {
		return b, false
	}
	return s.real(b, v.F64[i])
}

func cut(s string, n int) string {
	if n < 0 || utf8.RuneCountInString(s) <= n {
		return s
	}
	return s[:skip([]byte(s), int64(n))]
}

// text is what toString gives for Flink's value of the type.
func (p *printer) text(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(b, v.I64[i] != 0)
	case types.Date, types.Time, types.IntervalYM, types.IntervalDT:
		return strconv.AppendInt(b, v.I64[i], 10)
	case types.Timestamp, types.TimestampLTZ:
		nanos := int64(0)
		if t.Layout() == types.LayoutWide {
			nanos = v.Hi[i]
		}
		return types.AppendISO(b, v.I64[i], nanos)
	}
	return cast.AppendText(b, t, v, i, p.call.Session)
}

// digits is %o and %x: of a negative number as many bits as its type has.
func (s *spec) digits(b []byte, t types.Type, v []int64, i int, whole bool) ([]byte, bool) {
	if !whole {
		return b, false
	}
	x := uint64(v[i])
	switch t.Kind {
	case types.TinyInt:
		x &= 0xFF
	case types.SmallInt:
		x &= 0xFFFF
	case types.BigInt, types.IntervalDT:
	default:
		x &= 0xFFFFFFFF
	}
	base, lead := 16, "0x"
	if s.verb == 'o' {
		base, lead = 8, "0"
	}
	if !s.has('#') {
		lead = ""
	}
	num := strconv.AppendUint(nil, x, base)
	b = append(b, lead...)
	for n := s.width - len(lead) - len(num); s.has('0') && n > 0; n-- {
		b = append(b, '0')
	}
	return append(b, num...), true
}

// signed puts the sign, the grouping commas and the zeros around a number's
// digits; whole is how many of them stand before the point, 0 all.
func (s *spec) signed(b []byte, neg bool, num []byte, whole int) []byte {
	if whole == 0 {
		whole = len(num)
	}
	if s.has(',') {
		grouped := make([]byte, 0, len(num)+whole/3)
		for k, c := range num {
			if k > 0 && k < whole && (whole-k)%3 == 0 {
				grouped = append(grouped, ',')
			}
			grouped = append(grouped, c)
		}
		num = grouped
	}
	before, behind := "", ""
	switch {
	case neg && s.has('('):
		before, behind = "(", ")"
	case neg:
		before = "-"
	case s.has('+'):
		before = "+"
	case s.has(' '):
		before = " "
	}
	b = append(b, before...)
	for n := s.width - len(before) - len(behind) - len(num); s.has('0') && n > 0; n-- {
		b = append(b, '0')
	}
	return append(append(b, num...), behind...)
}

// real is %e %f %g %a. Java rounds the shortest digits HALF_UP.
func (s *spec) real(b []byte, f float64) ([]byte, bool) {
	neg := math.Signbit(f)
	if math.IsNaN(f) {
		return append(b, "NaN"...), true
	}
	if math.IsInf(f, 0) {
		n := *s
		n.flags = strings.NewReplacer("0", "", ",", "").Replace(s.flags)
		return n.signed(b, neg, []byte("Infinity"), 0), true
	}
	if s.verb == 'a' {
		return s.hexadecimal(b, f)
	}
	prec := s.precision
	if prec < 0 {
		prec = 6
	}
	verb := s.verb
	if verb == 'g' {
		prec = max(prec, 1)
		verb = 'f'
		if f != 0 {
			exp := types.ShortestDigits(math.Abs(f)).Round(prec).Exp
			if exp < -4 || exp >= prec {
				verb, prec = 'e', prec-1
			} else {
				prec -= exp + 1
			}
		} else {
			prec--
		}
	}
	var num []byte
	whole := 0
	if verb == 'e' {
		num = scientific(math.Abs(f), prec, s.has('#'))
	} else {
		num, whole = fixed(math.Abs(f), prec, s.has('#'))
	}
	return s.signed(b, neg, num, whole), true
}

func (s *spec) hexadecimal(b []byte, f float64) ([]byte, bool) {
	t := strconv.FormatFloat(f, 'x', s.precision, 64)
	mant, exp, _ := strings.Cut(t, "p")
	if !strings.Contains(mant, ".") {
		mant += ".0"
	}
	exp = strings.TrimPrefix(exp, "+")
	sign := ""
	if strings.HasPrefix(exp, "-") {
		sign = "-"
	}
	exp = strings.TrimLeft(strings.TrimPrefix(exp, "-"), "0")
	if exp == "" {
		exp = "0"
	}
	if math.Signbit(f) {
		mant = mant[1:]
	}
	return s.signed(b, math.Signbit(f), []byte(mant+"p"+sign+exp), 0), true
}
