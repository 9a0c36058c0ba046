package bind

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// aggCall is a matched call of an aggregate.
type aggCall struct {
	values []expr.Expr     // the arguments that are columns
	consts []functions.Arg // all arguments: types and constants
	order  []batch.Order   // ORDER BY inside the call, over values
	result types.Type
}

// aggregate binds and matches the arguments of an aggregate call, with its clauses
// as constant arguments behind them.
func (x *exprBinder) aggregate(fn *functions.Aggregate, e *ast.Call) aggCall {
	at := e.Span()
	if len(e.Args) == 0 && (!e.Star || fn.Name != "COUNT") {
		failf(sqlerr.Invalid, at, "Invalid number of arguments to function '%s'. Was expecting 1 arguments", fn.Name)
	}
	if len(e.WithinGroup) > 0 {
		failf(sqlerr.Invalid, at, "Aggregate expression '%s' must not contain a WITHIN GROUP clause", fn.Name)
	}
	var args []expr.Expr
	for _, a := range e.Args {
		b := x.constant(x.bind(a))
		if c, ok := b.(*expr.Const); ok && c.T.Kind == types.Null {
			failf(sqlerr.Type, a.Span(), "Illegal use of 'NULL'")
		}
		args = append(args, b)
	}
	if fn.Name == "COUNT" && len(args) > 1 {
		if e.Distinct || functions.AnyNull(argsOf(args)) {
			failf(sqlerr.Invalid, at, "We now only support the count of one field")
		}
		args = nil // of columns that are never NULL: every row counts
	}
	var out aggCall
	args = x.clauses(fn, e, args, &out)
	as, result, err := functions.Match(fn.Name, fn.Sigs, argsOf(args), at)
	if err != nil {
		fail(err)
	}
	for i := range args {
		args[i] = coerce(args[i], as[i], x.b.Session)
		if fn.Constant == nil || !fn.Constant(i) {
			out.values = append(out.values, args[i])
		}
	}
	out.consts, out.result = argsOf(args), result
	if fn.Check != nil {
		if err := fn.Check(functions.Call{Name: fn.Name, Args: out.consts, Result: result, Session: x.b.Session, At: at}); err != nil {
			fail(err)
		}
	}
	return out
}

// clauses adds what stands inside or behind the parentheses as arguments.
func (x *exprBinder) clauses(fn *functions.Aggregate, e *ast.Call, args []expr.Expr, out *aggCall) []expr.Expr {
	at := e.Span()
	if e.Nulls != "" && fn.Name != "ARRAY_AGG" {
		failf(sqlerr.Invalid, at, "Cannot specify IGNORE NULLS or RESPECT NULLS following '%s'", fn.Name)
	}
	if len(e.OrderBy) > 0 && (fn.Name != "ARRAY_AGG" || e.Distinct) {
		unsupported(at, "ORDER BY inside "+fn.Name)
	}
	switch fn.Name {
	case "ARRAY_AGG":
		if len(args) != 1 {
			failf(sqlerr.Invalid, at, "Invalid number of arguments to function 'ARRAY_AGG'. Was expecting 1 arguments")
		}
		args = append(args, symbol(e.Nulls, at))
		for i, o := range e.OrderBy {
			last := o.Desc
			if o.Nulls != "" {
				last = o.Nulls == "LAST"
			}
			args = append(args, x.bind(o.Expr))
			out.order = append(out.order, batch.Order{Col: 1 + i, Desc: o.Desc, NullsLast: last})
		}
	case "JSON_OBJECTAGG", "JSON_ARRAYAGG":
		on := map[string]string{"JSON_OBJECTAGG": "NULL", "JSON_ARRAYAGG": "ABSENT"}[fn.Name]
		if e.JSON != nil && e.JSON.OnNull != "" {
			on = e.JSON.OnNull
		}
		v := len(args) - 1
		args[v] = x.jsonText(args[v])
		args = append(args, symbol(on, at))
	}
	return args
}

// jsonText is e as JSON text: what a JSON function made is that already.
func (x *exprBinder) jsonText(e expr.Expr) expr.Expr {
	if c, ok := e.(*expr.Call); ok {
		switch c.Fn.Name {
		case "JSON_OBJECT", "JSON_ARRAY", "JSON_QUERY":
			return e
		case "JSON":
			failf(sqlerr.Invalid, e.Span(), "The JSON() function is currently only supported inside JSON_ARRAY() or as the VALUE param of JSON_OBJECT()")
		}
	}
	return x.call("JSON_STRING", []expr.Expr{e}, e.Span())
}

// constant computes an expression without columns at once; one that fails is left
// to fail when it runs.
func (x *exprBinder) constant(e expr.Expr) expr.Expr {
	if _, ok := e.(*expr.Const); ok || expr.Class(e) != functions.Deterministic || reads(e) {
		return e
	}
	v, err := expr.Eval1(e, x.b.Session)
	if err != nil {
		return e
	}
	return &expr.Const{Value: v, T: e.Type(), At: e.Span()}
}

// reads says that e refers to a column.
func reads(e expr.Expr) bool {
	if _, ok := e.(*expr.Column); ok {
		return true
	}
	for _, c := range expr.Children(e) {
		if reads(c) {
			return true
		}
	}
	return false
}
