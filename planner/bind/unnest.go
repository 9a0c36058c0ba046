package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// rowFunction is a table reference that is applied to each row of what stands left
// of it: UNNEST or a table function, with its alias.
type rowFunction struct {
	fn      *functions.Table
	args    []ast.Expr
	alias   string
	columns []ast.Ident
	at      sqlerr.Span
}

// rowFunction recognises one; nil for any other reference.
func (b *Binder) rowFunction(r ast.TableRef) *rowFunction {
	f := &rowFunction{at: r.Span()}
	if a, ok := r.(*ast.Aliased); ok {
		f.alias, f.columns, r = a.Name.Name, a.Columns, a.Ref
	}
	switch r := r.(type) {
	case *ast.Unnest:
		name := "UNNEST"
		if r.Ordinality {
			name += " WITH ORDINALITY"
		}
		f.fn, f.args = b.Functions.Table(name), r.Exprs
		if len(r.Exprs) != 1 {
			failf(sqlerr.Invalid, r.Span(), "UNNEST takes one collection")
		}
	case *ast.TableFunc:
		f.fn, f.args = b.Functions.Table(upper(r.Call.Name)), r.Call.Args
	}
	if f.fn == nil {
		return nil
	}
	return f
}

// correlate binds l beside what f gives for each of its rows.
func (b *Binder) correlate(l *relation, f *rowFunction, kind ast.JoinKind, on ast.Expr) *relation {
	if kind == ast.RightJoin || kind == ast.FullJoin {
		unsupported(f.at, "a right or full join with a table function")
	}
	x := &exprBinder{b: b, scope: l.scope}
	n := &logical.Correlate{Base: logical.Base{Out: &types.Schema{}, At: f.at}, Input: l.node, Fn: f.fn, Args: x.all(f.args), Left: kind == ast.LeftJoin}
	if f.fn.Params != nil {
		n.Args = b.matched(f, n.Args)
	}
	made, err := f.fn.Result(argsOf(n.Args))
	if err != nil {
		fail(sqlerr.At(err, f.at))
	}
	if made == nil {
		failf(sqlerr.Type, f.at, "Cannot apply '%s' to arguments of type %s", f.fn.Name, n.Args[0].Type().Nullable())
	}
	n.Out.Fields = append(append([]types.Field(nil), l.node.Schema().Fields...), f.named(made, n.Args)...)
	right := &scope{}
	for i, field := range n.Out.Fields[l.node.Schema().Len():] {
		if n.Left {
			field.Type = field.Type.Nullable()
			n.Out.Fields[l.node.Schema().Len()+i] = field
		}
		right.cols = append(right.cols, scopeColumn{table: f.alias, name: field.Name, t: field.Type})
	}
	both := l.scope.beside(right)
	if on != nil {
		cond := (&exprBinder{b: b, scope: both}).condition(on, "ON")
		if c, ok := cond.(*expr.Const); !ok || c.Value.Null(0) || c.Value.I64[0] == 0 {
			n.Cond = cond
		}
	}
	return &relation{node: n, scope: both}
}

// matched casts the arguments to the function's parameters.
func (b *Binder) matched(f *rowFunction, args []expr.Expr) []expr.Expr {
	if len(args) != len(f.fn.Params) {
		failf(sqlerr.Type, f.at, "Invalid number of arguments to function '%s'. Was expecting %d arguments", f.fn.Name, len(f.fn.Params))
	}
	for i, a := range argsOf(args) {
		t, ok := f.fn.Params[i].Accept(a)
		if !ok {
			failf(sqlerr.Type, a.At, "parameter %q of %s takes %s, not %s", f.fn.Params[i].Name, f.fn.Name, f.fn.Params[i].Type, a.Type)
		}
		args[i] = coerce(args[i], t, b.Session)
	}
	return args
}

// named gives the produced columns the alias's names; an alias alone names a single
// plain element.
func (f *rowFunction) named(s *types.Schema, args []expr.Expr) []types.Field {
	out := append([]types.Field(nil), s.Fields...)
	if len(f.columns) > 0 && len(f.columns) != len(out) {
		failf(sqlerr.Invalid, f.at, "List of column aliases must have same degree as table; table has %d columns, whereas alias list has %d columns", len(out), len(f.columns))
	}
	for i, c := range f.columns {
		out[i].Name = c.Name
	}
	if len(args) == 0 {
		return out
	}
	if t := args[0].Type(); f.alias != "" && len(f.columns) == 0 && len(out) == 1 && t.IsCollection() && !t.Elem().IsRow() {
		out[0].Name = f.alias
	}
	return out
}

// alone is a row function that no table stands left of: over one row, whose column
// goes.
func (b *Binder) alone(f *rowFunction) *relation {
	one := b.from(&ast.Select{})
	one.scope.cols = nil
	r := b.correlate(one, f, ast.InnerJoin, nil)
	s := r.node.Schema()
	return &relation{node: project(r.node, columns(s)[1:], s.Names()[1:], f.at), scope: r.scope}
}
