package bind

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// constant makes a Const of one value set by f.
func constant(t types.Type, at sqlerr.Span, f func(v *batch.Vector)) *expr.Const {
	c := &expr.Const{T: t, At: at}
	c.Value.Prepare(t, 1)
	f(&c.Value)
	return c
}

func integer(n int64, t types.Type, at sqlerr.Span) *expr.Const {
	return constant(t.NotNullable(), at, func(v *batch.Vector) { v.I64[0] = n })
}

func boolean(x bool, at sqlerr.Span) *expr.Const {
	n := int64(0)
	if x {
		n = 1
	}
	return integer(n, types.BooleanType, at)
}

func null(t types.Type, at sqlerr.Span) *expr.Const {
	return constant(t.Nullable(), at, func(v *batch.Vector) { v.SetNull(0) })
}

func text(s string, at sqlerr.Span) *expr.Const {
	return constant(types.CharType(utf8.RuneCountInString(s)).NotNullable(), at, func(v *batch.Vector) { v.SetString(0, s) })
}

func symbol(s string, at sqlerr.Span) *expr.Const {
	return constant(types.Type{Kind: types.Symbol, NotNull: true}, at, func(v *batch.Vector) { v.SetString(0, s) })
}

// number types a numeric literal as Flink does; neg is the sign before it.
func number(n *ast.Number, neg bool) expr.Expr {
	at, s := n.Span(), n.Text
	if neg {
		s = "-" + s
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(f, 0) {
			failf(sqlerr.Type, at, "numeric literal %q out of range", n.Text)
		}
		return constant(types.DoubleType.NotNullable(), at, func(v *batch.Vector) { v.F64[0] = f })
	}
	if dot := strings.IndexByte(s, '.'); dot >= 0 {
		scale := len(s) - dot - 1
		digits := strings.TrimLeft(strings.TrimPrefix(strings.Replace(s, ".", "", 1), "-"), "0")
		if _, err := strconv.ParseInt(digits, 10, 64); err != nil && digits != "" {
			failf(sqlerr.Type, at, "numeric literal %q out of range", n.Text)
		}
		t := types.DecimalType(max(len(digits), scale, 1), scale).NotNullable()
		if scale > 0 && len(digits) <= scale {
			t.Length = scale
			if strings.HasPrefix(n.Text, "0") {
				t.Length = scale + 1
			}
		}
		x, _ := types.ParseDecimal([]byte(s), 38, scale)
		return constant(t, at, func(v *batch.Vector) {
			if t.Length > 18 {
				v.SetWide(0, x)
			} else {
				v.I64[0] = int64(x.Lo)
			}
		})
	}
	x, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		failf(sqlerr.Type, at, "numeric literal %q out of range", n.Text)
	}
	if x >= math.MinInt32 && x <= math.MaxInt32 {
		return integer(x, types.IntType, at)
	}
	return integer(x, types.BigIntType, at)
}

func bytesLiteral(n *ast.Bytes) expr.Expr {
	raw, err := hex.DecodeString(n.Hex)
	if err != nil {
		failf(sqlerr.Syntax, n.Span(), "%q isn't hexadecimal", n.Hex)
	}
	t := types.Type{Kind: types.Binary, Length: len(raw), NotNull: true}
	return constant(t, n.Span(), func(v *batch.Vector) { v.SetBytes(0, raw) })
}

// timeLiteral is DATE, TIME or TIMESTAMP '...'.
func timeLiteral(n *ast.Time) expr.Expr {
	bad := func(want string) {
		failf(sqlerr.Type, n.Span(), "Illegal %s literal '%s': not in format '%s'", n.Kind, n.Value, want)
	}
	fraction := 0
	if i := strings.LastIndexByte(n.Value, '.'); i >= 0 {
		fraction = min(len(strings.TrimSpace(n.Value))-i-1, 9)
	}
	switch n.Kind {
	case "DATE":
		d, ok := types.ParseDate([]byte(n.Value))
		if !ok {
			bad("yyyy-MM-dd")
		}
		return integer(d, types.DateType, n.Span())
	case "TIME":
		ms, ok := types.ParseTime([]byte(n.Value))
		if !ok {
			bad("HH:mm:ss")
		}
		return integer(ms, types.TimeType(fraction), n.Span())
	case "TIMESTAMP":
		micros, nanos, ok := types.ParseTimestamp([]byte(n.Value))
		if !ok || strings.Count(n.Value, ":") == 1 {
			bad("yyyy-MM-dd HH:mm:ss")
		}
		t := types.TimestampType(fraction).NotNullable()
		return constant(t, n.Span(), func(v *batch.Vector) {
			v.I64[0] = micros
			if fraction > 6 {
				v.Hi[0] = int64(nanos)
			}
		})
	}
	unsupported(n.Span(), n.Kind+" literals")
	return nil
}

// unitMillis is a day-time unit in ms; unitMonths a year-month unit in months.
var (
	unitMillis = map[string]int64{"WEEK": 7 * types.MillisPerDay, "DAY": types.MillisPerDay, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000, "MILLISECOND": 1}
	unitMonths = map[string]int64{"YEAR": 12, "QUARTER": 3, "MONTH": 1}
)

// interval is an INTERVAL literal with a text or number in it.
func interval(n *ast.Interval) *expr.Const {
	var s string
	switch v := n.Value.(type) {
	case *ast.String:
		s = strings.TrimSpace(v.Value)
	case *ast.Number:
		s = v.Text
	default:
		unsupported(n.Span(), "INTERVAL of an expression")
	}
	neg := n.Neg
	if strings.HasPrefix(s, "-") {
		neg, s = !neg, s[1:]
	}
	s = strings.TrimPrefix(s, "+")
	total, months, ok := intervalValue(s, n.Unit)
	if !ok {
		failf(sqlerr.Type, n.Span(), "Illegal interval literal format '%s' for INTERVAL %s", s, n.Unit.From)
	}
	if neg {
		total = -total
	}
	if months {
		return integer(total, types.MonthsType, n.Span())
	}
	return integer(total, types.MillisType, n.Span())
}

func intervalValue(s string, u ast.IntervalUnit) (total int64, months, ok bool) {
	if m, isMonths := unitMonths[u.From]; isMonths {
		if u.To == "" {
			x, err := strconv.ParseInt(s, 10, 64)
			return x * m, true, err == nil
		}
		y, mo, cut := strings.Cut(s, "-")
		a, err1 := strconv.ParseInt(y, 10, 64)
		b, err2 := strconv.ParseInt(mo, 10, 64)
		return a*12 + b, true, cut && err1 == nil && err2 == nil && b < 12
	}
	if u.To == "" {
		unit, known := unitMillis[u.From]
		whole, frac, _ := strings.Cut(s, ".")
		x, err := strconv.ParseInt(whole, 10, 64)
		if u.From == "SECOND" && frac != "" {
			f, ferr := strconv.ParseFloat("0."+frac, 64)
			return x*unit + int64(f*1000+0.5), false, err == nil && ferr == nil
		}
		return x * unit, false, err == nil && known && frac == ""
	}
	return compound(s, u)
}

// compound reads "d h:m:s.f" and its parts, from the unit From to the unit To.
func compound(s string, u ast.IntervalUnit) (total int64, months, ok bool) {
	units := []string{"DAY", "HOUR", "MINUTE", "SECOND"}
	from, to := -1, -1
	for i, x := range units {
		if x == u.From {
			from = i
		}
		if x == u.To {
			to = i
		}
	}
	if from < 0 || to < from {
		return 0, false, false
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ':' })
	if len(parts) != to-from+1 {
		return 0, false, false
	}
	for i, p := range parts {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil || f < 0 {
			return 0, false, false
		}
		total += int64(f*float64(unitMillis[units[from+i]]) + 0.5)
	}
	return total, false, true
}
