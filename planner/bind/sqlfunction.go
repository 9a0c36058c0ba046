package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/parser"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// SQLFunction is a user's function written in SQL: its body over its parameters
// as columns 0, 1, .. A call is replaced by the body.
type SQLFunction struct {
	Name   string
	Params []types.Field
	Result types.Type
	Body   expr.Expr
	Text   string
}

// SQLFunctions is what a Functions may be besides: it finds functions written in
// SQL, nil when there is none.
type SQLFunctions interface {
	SQL(name string) *SQLFunction
}

// SQLFunction binds CREATE FUNCTION .. LANGUAGE SQL.
func (b *Binder) SQLFunction(stmt *ast.CreateFunction) (f *SQLFunction, err error) {
	defer catch(&err)
	name := stmt.Name.Last().Name
	if !stmt.HasParams || stmt.Returns == nil || stmt.As == nil {
		failf(sqlerr.Invalid, stmt.Span(), "a function in SQL is written CREATE FUNCTION %s(a INT, ...) RETURNS INT LANGUAGE SQL AS '...'", name)
	}
	f = &SQLFunction{Name: name, Params: b.fields(stmt.Params), Text: stmt.As.Value}
	seen := map[string]bool{}
	for i, p := range f.Params {
		if seen[p.Name] {
			failf(sqlerr.Invalid, stmt.Params[i].Span(), "parameter %q is there twice", p.Name)
		}
		seen[p.Name] = true
	}
	f.Result = b.castType(stmt.Returns)
	body := must(parser.ParseExpr(&sqlerr.Source{Name: "function " + name, Text: f.Text}))
	x := &exprBinder{b: b, scope: named(&types.Schema{Fields: f.Params}, "")}
	f.Body = x.bind(body)
	if bt := f.Body.Type(); !cast.Possible(bt, f.Result, b.Session) {
		failf(sqlerr.Type, stmt.As.Span(), "function %q returns %s, but its body is %s", name, f.Result, bt)
	}
	f.Body = coerce(f.Body, f.Result, b.Session)
	return f, nil
}

// inlined is a call of a function written in SQL; nil when name is none.
func (x *exprBinder) inlined(name string, e *ast.Call) expr.Expr {
	fs, ok := x.b.Functions.(SQLFunctions)
	if !ok {
		return nil
	}
	f := fs.SQL(name)
	if f == nil {
		return nil
	}
	args := x.arguments(name, e)
	if len(args) != len(f.Params) {
		failf(sqlerr.Type, e.Span(), "Invalid number of arguments to function '%s'. Was expecting %d arguments", f.Name, len(f.Params))
	}
	for i, p := range f.Params {
		if t, ok := types.Common(args[i].Type(), p.Type); !ok || !t.Nullable().Plain().Same(p.Type.Nullable()) && !(t.IsString() && p.Type.IsString()) {
			failf(sqlerr.Type, args[i].Span(), "parameter %q of %s takes %s, not %s", p.Name, f.Name, p.Type, args[i].Type())
		}
		args[i] = coerce(args[i], p.Type.WithNull(!args[i].Type().NotNull), x.b.Session)
	}
	uses := make([]int, len(args))
	body := expr.Map(f.Body, func(e expr.Expr) expr.Expr {
		c, ok := e.(*expr.Column)
		if !ok {
			return e
		}
		if uses[c.Index]++; uses[c.Index] > 1 && expr.Class(args[c.Index]) == functions.PerRow {
			failf(sqlerr.Invalid, args[c.Index].Span(), "parameter %q of %s is used twice, so its value can't be random", f.Params[c.Index].Name, f.Name)
		}
		return args[c.Index]
	})
	return body
}
