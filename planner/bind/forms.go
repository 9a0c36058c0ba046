package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// form binds a call that is short for something else; nil when name is none.
func (x *exprBinder) form(name string, e *ast.Call) expr.Expr {
	at := e.Span()
	want := func(n int) {
		if len(e.Args) != n {
			failf(sqlerr.Type, at, "Invalid number of arguments to function '%s'. Was expecting %d arguments", name, n)
		}
	}
	switch name {
	case "NULLIF":
		want(2)
		v := x.bind(e.Args[0])
		if v.Type().Kind == types.Null {
			failf(sqlerr.Type, at, "ELSE clause or at least one THEN clause must be non-NULL")
		}
		c := &expr.Case{T: v.Type().Plain().Nullable(), Else: v, At: at}
		c.Whens = []expr.When{{Cond: x.compare("=", v, x.bind(e.Args[1]), at), Then: null(c.T, at)}}
		c.Else = coerce(v, c.T, x.b.Session)
		return c
	case "CURRENT_DATABASE":
		want(0)
		return coerce(text(x.b.Names.Database, at), types.StringType.NotNullable(), x.b.Session)
	}
	return nil
}

// overlaps is (a, b) OVERLAPS (c, d).
func (x *exprBinder) overlaps(e *ast.Binary) expr.Expr {
	var args []expr.Expr
	for _, side := range []ast.Expr{e.L, e.R} {
		r, ok := side.(*ast.Row)
		if !ok || len(r.Items) != 2 {
			failf(sqlerr.Type, side.Span(), "OVERLAPS takes two periods, each written (start, end) or (start, length)")
		}
		args = append(args, x.all(r.Items)...)
	}
	return x.call("OVERLAPS", args, e.Span())
}

// item is c['name'] of a row, c[i] of an array, c[key] of a map.
func (x *exprBinder) item(e *ast.Index) expr.Expr {
	of := x.bind(e.X)
	if name, ok := e.I.(*ast.String); ok && of.Type().IsRow() {
		return field(of, ast.Ident{Pos: name.Pos, Name: name.Value})
	}
	name := "ITEM"
	if of.Type().Kind == types.Variant {
		name = "VARIANT_ITEM"
	}
	return x.call(name, []expr.Expr{of, x.bind(e.I)}, e.Span())
}
