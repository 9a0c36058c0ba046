package bind

import (
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// jsonArguments puts the clauses of a JSON function where package functions/json
// wants them.
func (x *exprBinder) jsonArguments(name string, e *ast.Call, args []expr.Expr) []expr.Expr {
	at, c := e.Span(), e.JSON
	if c == nil {
		c = &ast.JSONClauses{}
	}
	sym := func(s string) expr.Expr { return symbol(s, at) }
	behaviour := func(b *ast.JSONBehavior) (expr.Expr, expr.Expr) {
		if b == nil {
			return sym("NULL"), null(types.StringType, at)
		}
		def := expr.Expr(null(types.StringType, at))
		if b.Default != nil {
			def = x.bind(b.Default)
		}
		return sym(strings.ReplaceAll(b.Kind, " ", "_")), def
	}
	returning := func() expr.Expr {
		t := types.StringType
		if c.Returning != nil {
			t = x.b.castType(c.Returning)
		}
		return null(t, at)
	}
	switch name {
	case "JSON_STRING":
		if inner, ok := args[0].(*expr.Call); ok && (inner.Fn.Name == "JSON_OBJECT" || inner.Fn.Name == "JSON_ARRAY") {
			args[0] = x.call("JSON", args[:1], at)
		}
	case "JSON_EXISTS":
		if e.JSON != nil && c.OnError != nil {
			on, _ := behaviour(c.OnError)
			args = append(args, on)
		}
	case "JSON_VALUE":
		if e.JSON != nil {
			empty, emptyDef := behaviour(c.OnEmpty)
			bad, badDef := behaviour(c.OnError)
			args = append(args, returning(), empty, emptyDef, bad, badDef)
		}
	case "JSON_QUERY":
		if e.JSON != nil {
			empty, _ := behaviour(c.OnEmpty)
			bad, _ := behaviour(c.OnError)
			wrapper := strings.TrimPrefix(c.Wrapper, "WITH ")
			if wrapper == "" {
				wrapper = "WITHOUT"
			}
			args = append(args, returning(), sym(wrapper), empty, bad)
		}
	case "JSON_OBJECT", "JSON_ARRAY":
		on := c.OnNull
		if on == "" {
			on = map[string]string{"JSON_OBJECT": "NULL", "JSON_ARRAY": "ABSENT"}[name]
		}
		for i, a := range args {
			if inner, ok := a.(*expr.Call); ok && (name == "JSON_ARRAY" || i%2 == 1) {
				switch inner.Fn.Name {
				case "JSON_OBJECT", "JSON_ARRAY", "JSON_QUERY":
					args[i] = x.call("JSON", []expr.Expr{a}, at)
				}
			}
		}
		args = append([]expr.Expr{sym(on)}, args...)
	}
	return args
}

// isJSON is x IS [NOT] JSON [kind].
func (x *exprBinder) isJSON(e *ast.Is) expr.Expr {
	what := strings.TrimSpace(strings.TrimPrefix(e.Kind, "JSON"))
	if what == "" {
		what = "VALUE"
	}
	if x.b.Functions.Scalar("IS_JSON") == nil {
		fail(sqlerr.Unsupported(e.Span(), "IS JSON"))
	}
	return x.not(e.Not, x.call("IS_JSON", []expr.Expr{x.bind(e.X), symbol(what, e.Span())}, e.Span()), e.Span())
}
