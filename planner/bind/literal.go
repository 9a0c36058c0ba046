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
		if !ok || strings.Count(strings.TrimPrefix(n.Value, "-"), "-") != 2 {
			bad("yyyy-MM-dd")
		}
		return integer(d, types.DateType, n.Span())
	case "TIME":
		ms, ok := types.ParseTime([]byte(n.Value))
		if !ok || strings.Count(n.Value, ":") != 2 {
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
