package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// cast is CAST and TRY_CAST. A pair of types without a conversion is refused here.
func (x *exprBinder) cast(e *ast.Cast) expr.Expr {
	at := e.Span()
	t := x.b.castType(e.Type).Nullable()
	from := x.bind(e.X)
	ft := from.Type()
	switch {
	case ft.IsNumeric() && t.IsTimestamp():
		failf(sqlerr.Type, at, "The cast from NUMERIC type to TIMESTAMP type is not allowed. It's recommended to use TO_TIMESTAMP(FROM_UNIXTIME(numeric_col)) instead")
	case ft.IsTimestamp() && t.IsNumeric():
		failf(sqlerr.Type, at, "The cast from TIMESTAMP type to NUMERIC type is not allowed. It's recommended to use UNIX_TIMESTAMP(CAST(timestamp_col AS STRING)) instead")
	case !cast.Possible(ft, t, x.b.Session):
		failf(sqlerr.Type, at, "Cast function cannot convert value of type %s to type %s", ft.Nullable().Plain(), t)
	}
	if c, ok := from.(*expr.Const); ok && ft.Kind == types.Int && t.IsInterval() && !c.Value.Null(0) {
		if unit, known := e.Type.(*ast.IntervalType); known {
			return units(c, t, unit.Unit)
		}
	}
	return fold(&expr.Cast{From: from, T: t.WithNull(e.Try || !ft.NotNull), Try: e.Try, At: at}, x.b.Session)
}

// units is a constant cast to an interval: that many of the unit. (A column's
// value counts as months or milliseconds, as in Flink.)
func units(c *expr.Const, t types.Type, u ast.IntervalUnit) expr.Expr {
	if u.To != "" {
		failf(sqlerr.Type, c.At, "Cast function cannot convert value of type INT to type INTERVAL %s TO %s", u.From, u.To)
	}
	n := unitMonths[u.From]
	if t.Kind == types.IntervalDT {
		n = unitMillis[u.From]
	}
	return integer(c.Value.I64[0]*n, t, c.At)
}

// castType is a type as CAST reads it: VARCHAR and VARBINARY without a length have
// no limit there, while a column's are of length 1; TIME keeps milliseconds at
// most.
func (b *Binder) castType(n ast.TypeName) types.Type {
	t := b.typ(n)
	if s, ok := n.(*ast.ScalarType); ok && len(s.Args) == 0 && (t.Kind == types.VarChar || t.Kind == types.VarBinary) {
		t.Length = types.MaxLength
	}
	if t.Kind == types.Time {
		t.Length = min(t.Length, 3)
	}
	return t
}
