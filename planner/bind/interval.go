package bind

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// unitMillis is a day-time unit in ms; unitMonths a year-month unit in months.
var (
	unitMillis = map[string]int64{"WEEK": 7 * types.MillisPerDay, "DAY": types.MillisPerDay, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000, "MILLISECOND": 1}
	unitMonths = map[string]int64{"YEAR": 12, "QUARTER": 3, "MONTH": 1}
)

// intervalFields are the units of the two families in their order, the mark before
// each in a literal, and where the next greater one begins.
var intervalFields = [][]struct {
	unit  string
	mark  byte
	limit int64
}{
	{{"YEAR", 0, 0}, {"MONTH", '-', 12}},
	{{"DAY", 0, 0}, {"HOUR", ' ', 24}, {"MINUTE", ':', 60}, {"SECOND", ':', 60}},
}

// interval is an INTERVAL literal with a text or number in it.
func interval(n *ast.Interval) *expr.Const {
	var s string
	neg, precision := n.Neg, n.Unit.Precision
	if precision < 0 { // not said
		precision = 2
	}
	switch v := n.Value.(type) {
	case *ast.String:
		s = strings.TrimSpace(v.Value)
	case *ast.Number:
		s, precision = v.Text, 18 // a number isn't measured
	default:
		unsupported(n.Span(), "INTERVAL of an expression")
	}
	text := s
	if strings.HasPrefix(s, "-") {
		neg, s = !neg, s[1:]
	}
	s = strings.TrimPrefix(s, "+")
	lead, total, ok := intervalValue(s, n.Unit)
	if !ok {
		unit := n.Unit.From
		if n.Unit.To != "" {
			unit += " TO " + n.Unit.To
		}
		failf(sqlerr.Type, n.Span(), "Illegal interval literal format '%s' for INTERVAL %s", text, unit)
	}
	if len(strconv.FormatInt(lead, 10)) > precision {
		sign := ""
		if neg {
			sign = "-"
		}
		fail(sqlerr.New(sqlerr.Type, n.Span(), "Interval field value %s%s exceeds precision of %s(%d) field", sign, thousands(lead), n.Unit.From, precision).
			WithHint("say how many digits it has: INTERVAL '%s' %s(%d)", text, n.Unit.From, len(strconv.FormatInt(lead, 10))))
	}
	if neg {
		total = -total
	}
	if _, months := unitMonths[n.Unit.From]; months {
		return integer(total, types.MonthsType, n.Span())
	}
	return integer(total, types.MillisType, n.Span())
}

// intervalValue reads the text of a literal without its sign: the value of the first
// field, and the whole in months or ms. What is below a millisecond is cut off.
func intervalValue(s string, u ast.IntervalUnit) (lead, total int64, ok bool) {
	to := u.To
	if to == "" {
		to = u.From
	}
	inside := false
	for _, family := range intervalFields {
		for _, f := range family {
			first := f.unit == u.From
			if inside = inside || first; !inside {
				continue
			}
			if !first {
				if s == "" || s[0] != f.mark {
					return 0, 0, false
				}
				s = s[1:]
			}
			x, width := leadingDigits(s)
			if width == 0 || !first && x >= f.limit {
				return 0, 0, false
			}
			s = s[width:]
			if first {
				lead = x
			}
			total += x * (unitMillis[f.unit] + unitMonths[f.unit])
			if f.unit == "SECOND" && strings.HasPrefix(s, ".") {
				ms, fine := fraction(s[1:], u.Fraction)
				return lead, total + ms, fine
			}
			if f.unit == to {
				return lead, total, s == ""
			}
		}
		if inside {
			return 0, 0, false
		}
	}
	x, width := leadingDigits(s) // WEEK, QUARTER, MILLISECOND
	unit := unitMillis[u.From] + unitMonths[u.From]
	return x, x * unit, unit > 0 && u.To == "" && width > 0 && width == len(s)
}

// leadingDigits reads a number from the front of s, no more than an interval may have.
func leadingDigits(s string) (x int64, width int) {
	for width < len(s) && width < 12 && s[width] >= '0' && s[width] <= '9' {
		x = x*10 + int64(s[width]-'0')
		width++
	}
	return x, width
}

// fraction is the digits behind the seconds' point in ms; no more than most,
// 6 when that isn't said (-1).
func fraction(s string, most int) (ms int64, ok bool) {
	if most < 0 {
		most = 6
	}
	_, width := leadingDigits(s)
	if width == 0 || width != len(s) || width > most {
		return 0, false
	}
	ms, _ = leadingDigits((s + "00")[:3])
	return ms, true
}

// thousands is a number with commas, as Flink writes it in messages.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
