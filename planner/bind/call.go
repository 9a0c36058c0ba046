package bind

import (
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// function binds a call: a window's auxiliary function, an OVER call, an
// aggregate, or a scalar function.
func (x *exprBinder) function(e *ast.Call) expr.Expr {
	name := strings.ToUpper(e.Name.Last().Name)
	embedded := x.embeds
	if x.embeds = false; name == "JSON" && !embedded {
		failf(sqlerr.Type, e.Span(), "JSON() can stand only in JSON_ARRAY() or as a value of JSON_OBJECT()")
	}
	if x.match != nil && e.Over == nil {
		if m := x.match.call(x, name, e); m != nil {
			return m
		}
	}
	if x.group != nil {
		if p := x.group.property(name, e); p != nil {
			return p
		}
	}
	if e.Over != nil {
		if x.over == nil {
			failf(sqlerr.Invalid, e.Span(), "an OVER call can't stand here; it may in SELECT, ORDER BY and QUALIFY")
		}
		return x.over.call(x, name, e)
	}
	if agg := x.b.Functions.Aggregate(name); agg != nil && x.b.Functions.Scalar(name) == nil {
		if x.group == nil {
			failf(sqlerr.Invalid, e.Span(), "aggregate %s can't stand here; it may in SELECT, HAVING and ORDER BY", name)
		}
		return x.group.call(agg, e)
	}
	switch name {
	case "GROUPING", "GROUPING_ID", "GROUP_ID":
		if x.group == nil {
			failf(sqlerr.Invalid, e.Span(), "%s needs GROUP BY", name)
		}
		return x.group.grouping(name, e)
	}
	if f := x.inlined(name, e); f != nil {
		return f
	}
	if f := x.form(name, e); f != nil {
		return f
	}
	fn := x.b.Functions.Scalar(name)
	if special := specialName(name, e); special != "" {
		if s := x.b.Functions.Scalar(special); s != nil {
			fn = s
		}
	}
	if fn == nil {
		failf(sqlerr.NotFound, e.Span(), "No match found for function signature %s%s", e.Name, x.b.nearFunction(name))
	}
	return x.b.apply(fn, x.arguments(name, e), e.Span())
}

// specialName is the function behind a syntax with a keyword.
func specialName(name string, e *ast.Call) string {
	switch {
	case e.Keyword != "" && name == "FLOOR":
		return "FLOOR_TIME"
	case e.Keyword != "" && (name == "CEIL" || name == "CEILING"):
		return "CEIL_TIME"
	}
	return ""
}

// arguments binds a call's arguments; keywords become constants of type SYMBOL in
// the place the function wants them.
func (x *exprBinder) arguments(name string, e *ast.Call) []expr.Expr {
	var args []expr.Expr
	var f faults
	embeds := name == "JSON_OBJECT" || name == "JSON_ARRAY" || name == "JSON_OBJECTAGG" || name == "JSON_ARRAYAGG"
	for _, a := range e.Args {
		f.try(func() {
			x.embeds = embeds
			args = append(args, x.bind(a))
		})
	}
	x.embeds = false
	f.check()
	switch name {
	case "EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF":
		if e.Keyword != "" {
			args = append([]expr.Expr{symbol(e.Keyword, e.Span())}, args...)
		}
	case "JSON_STRING", "JSON_EXISTS", "JSON_VALUE", "JSON_QUERY", "JSON_OBJECT", "JSON_ARRAY":
		args = x.jsonArguments(name, e, args)
	case "FLOOR", "CEIL", "CEILING":
		if e.Keyword != "" {
			args = append(args, symbol(e.Keyword, e.Span()))
		}
	case "TRIM":
		if e.Keyword != "" || len(args) == 2 {
			k := e.Keyword
			if k == "" {
				k = "BOTH"
			}
			args = append(args, symbol(k, e.Span()))
		}
	}
	return args
}
