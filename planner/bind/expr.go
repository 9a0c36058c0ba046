package bind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// exprBinder binds expressions over a scope.
type exprBinder struct {
	b     *Binder
	scope *scope
	group *grouper   // aggregates are allowed and collected here; nil: refused
	over  *overs     // likewise OVER calls
	sel   *selection // where sub-queries are joined; nil: refused
	match *matcher   // names are pattern variables' columns; nil: outside MATCH_RECOGNIZE

	aliases []ast.SelectItem // QUALIFY: names that the scope hasn't may be theirs

	embeds bool // what is bound next is a value of JSON_OBJECT or JSON_ARRAY
}

func (x *exprBinder) bind(e ast.Expr) expr.Expr {
	if n := x.b.bareName(e); n != nil {
		e = n
	}
	if n, ok := e.(*ast.Name); ok && x.match != nil {
		return x.match.name(n)
	}
	if n, ok := e.(*ast.Name); ok && x.b.outer != nil && !x.scope.has(n) && x.b.outer.x.reaches(n) {
		return x.b.outer.ref(n)
	}
	if n, ok := e.(*ast.Name); ok && len(n.Parts) == 1 && !x.scope.has(n) {
		for _, item := range x.aliases {
			if item.Alias != nil && item.Alias.Name == n.Parts[0].Name {
				return x.bind(item.Expr)
			}
		}
	}
	if x.group != nil {
		if g := x.group.key(e); g != nil {
			return g
		}
	}
	at := e.Span()
	if n, ok := e.(*ast.Name); ok && len(n.Parts) == 1 && strings.EqualFold(n.Parts[0].Name, "PI") && !x.scope.has(n) {
		return x.call("PI", nil, at)
	}
	switch e := e.(type) {
	case *ast.Name:
		if x.group != nil {
			x.group.ungrouped(e)
		}
		return x.scope.resolve(e)
	case *ast.Number:
		return number(e, false)
	case *ast.String:
		return text(e.Value, at)
	case *ast.Bytes:
		return bytesLiteral(e)
	case *ast.Bool:
		return boolean(e.Value, at)
	case *ast.Null:
		return null(types.NullType, at)
	case *ast.Unknown:
		return null(types.BooleanType, at)
	case *ast.Time:
		return timeLiteral(e)
	case *ast.Interval:
		return interval(e)
	case *ast.Unary:
		return x.unary(e)
	case *ast.Binary:
		return x.binary(e)
	case *ast.Is:
		return x.is(e)
	case *ast.Distinct:
		name := "IS DISTINCT FROM"
		if e.Not {
			name = "IS NOT DISTINCT FROM"
		}
		args := x.all([]ast.Expr{e.L, e.R})
		return x.compare(name, args[0], args[1], at)
	case *ast.Between:
		return x.between(e)
	case *ast.In:
		return x.in(e)
	case *ast.Like:
		args := x.all([]ast.Expr{e.X, e.Pattern})
		if e.Escape != nil {
			args = append(args, x.bind(e.Escape))
		}
		return x.not(e.Not, x.call(e.Op, args, at), at)
	case *ast.Case:
		return x.caseOf(e)
	case *ast.Cast:
		return x.cast(e)
	case *ast.Call:
		return x.function(e)
	case *ast.Row:
		return x.call("ROW", x.all(e.Items), at)
	case *ast.Array:
		if e.Query == nil {
			return x.call("ARRAY", x.all(e.Items), at)
		}
	case *ast.Map:
		if e.Query == nil {
			return x.call("MAP", x.all(e.Items), at)
		}
	case *ast.Index:
		return x.item(e)
	case *ast.Field:
		return field(x.bind(e.X), e.Name)
	case *ast.Subquery:
		return x.scalar(e)
	case *ast.Exists:
		return x.exists(e)
	case *ast.Quantified:
		unsupported(at, "this sub-query")
	case *ast.NamedArg:
		failf(sqlerr.Invalid, at, "only the functions of a FROM clause take named arguments: write the value without %s =>", e.Name.Name)
	case *ast.MinusInterval:
		return x.call("TIME_DIFF", []expr.Expr{symbol(e.Unit.From, at), x.bind(e.L), x.bind(e.R)}, at)
	}
	unsupported(at, fmt.Sprintf("expression %T", e)[len("expression *ast."):])
	return nil
}

// bareName is the column that a word like USER means: the grammar takes it for a
// function without parentheses, but there is none of that name. nil for all else.
func (b *Binder) bareName(e ast.Expr) *ast.Name {
	if c, ok := e.(*ast.Call); ok && c.NoParens && b.Functions.Scalar(c.Name.Last().Name) == nil {
		return c.Name
	}
	return nil
}

func (x *exprBinder) all(es []ast.Expr) []expr.Expr {
	out := make([]expr.Expr, len(es))
	var f faults
	for i, e := range es {
		f.try(func() { out[i] = x.bind(e) })
	}
	f.check()
	return out
}

// condition binds e and wants a BOOLEAN.
func (x *exprBinder) condition(e ast.Expr, clause string) expr.Expr {
	c := x.bind(e)
	if k := c.Type().Kind; k != types.Boolean && k != types.Null {
		failf(sqlerr.Type, e.Span(), "%s needs a BOOLEAN, not %s", clause, c.Type())
	}
	return coerce(c, types.BooleanType.WithNull(!c.Type().NotNull), x.b.Session)
}

// call matches a scalar function by name and casts the arguments.
func (x *exprBinder) call(name string, args []expr.Expr, at sqlerr.Span) expr.Expr {
	fn := x.b.Functions.Scalar(name)
	if fn == nil {
		unsupported(at, "function "+name)
	}
	return x.b.apply(fn, args, at)
}

func argsOf(args []expr.Expr) []functions.Arg {
	out := make([]functions.Arg, len(args))
	for i, a := range args {
		out[i] = functions.Arg{Type: a.Type(), At: a.Span()}
		if c, ok := a.(*expr.Const); ok {
			out[i].Const = &c.Value
		}
	}
	return out
}

func (b *Binder) apply(fn *functions.Scalar, args []expr.Expr, at sqlerr.Span) expr.Expr {
	as, result, err := functions.Match(fn.Name, fn.Sigs, argsOf(args), at)
	if err != nil {
		fail(err)
	}
	args = append([]expr.Expr(nil), args...)
	for i := range args {
		args[i] = coerce(args[i], as[i], b.Session)
	}
	return &expr.Call{Fn: fn, Args: args, T: result, At: at}
}

// coerce casts e to t unless it is of that type.
func coerce(e expr.Expr, t types.Type, session *types.Session) expr.Expr {
	et := e.Type()
	if et.Plain().Same(t.Plain()) || t.Kind == types.Null || t.Kind == types.Symbol {
		return e
	}
	return fold(&expr.Cast{From: e, T: t.Plain().WithNull(!et.NotNull), Implicit: true, At: e.Span()}, session)
}

// fold computes a cast of a constant at once, so that signatures see its value.
func fold(c *expr.Cast, session *types.Session) expr.Expr {
	if _, ok := c.From.(*expr.Const); !ok {
		return c
	}
	v, err := expr.Eval1(c, session)
	if err != nil {
		return c // it fails at run time, if it is ever reached
	}
	return &expr.Const{Value: v, T: c.T, At: c.At}
}

func (x *exprBinder) not(neg bool, e expr.Expr, at sqlerr.Span) expr.Expr {
	if !neg {
		return e
	}
	return x.call("NOT", []expr.Expr{e}, at)
}

func (x *exprBinder) unary(e *ast.Unary) expr.Expr {
	switch e.Op {
	case "-":
		if n, ok := e.X.(*ast.Number); ok {
			return number(n, true)
		}
		return x.call("NEGATE", []expr.Expr{x.bind(e.X)}, e.Span())
	case "+":
		return x.bind(e.X)
	case "NOT":
		return x.call("NOT", []expr.Expr{x.condition(e.X, "NOT")}, e.Span())
	case "FINAL", "RUNNING":
		if x.match != nil {
			return x.match.unary(x, e)
		}
	}
	unsupported(e.Span(), e.Op)
	return nil
}

func (x *exprBinder) binary(e *ast.Binary) expr.Expr {
	at := e.Span()
	switch e.Op {
	case "AND", "OR":
		l := &expr.Logic{Or: e.Op == "OR", At: at}
		var left, right expr.Expr
		both(func() { left = x.condition(e.L, e.Op) }, func() { right = x.condition(e.R, e.Op) })
		for _, c := range []expr.Expr{left, right} {
			if n, ok := c.(*expr.Logic); ok && n.Or == l.Or {
				l.Args = append(l.Args, n.Args...)
			} else {
				l.Args = append(l.Args, c)
			}
		}
		return l
	case "OVERLAPS":
		return x.overlaps(e)
	case "=", "<>", "<", "<=", ">", ">=":
		if _, ok := e.L.(*ast.Row); ok && e.Op == "=" {
			return x.equal(e.L, e.R, nil, at)
		}
		args := x.all([]ast.Expr{e.L, e.R})
		return x.compare(e.Op, args[0], args[1], at)
	case "+", "-", "*", "/", "%", "||":
		sides := x.all([]ast.Expr{e.L, e.R})
		l, r := sides[0], sides[1]
		if name, args := timeArithmetic(e.Op, l, r); name != "" {
			return x.call(name, args, at)
		}
		return x.call(e.Op, []expr.Expr{l, r}, at)
	}
	unsupported(at, e.Op)
	return nil
}

// compare brings both sides to a common type: numbers widen, a string beside a
// date or time is cast to it; numbers never meet strings.
func (x *exprBinder) compare(op string, l, r expr.Expr, at sqlerr.Span) expr.Expr {
	lt, rt := l.Type(), r.Type()
	equality := op == "=" || op == "<>" || strings.HasPrefix(op, "IS ")
	if t := lt; !equality && (t.Layout() >= types.LayoutList || t.Kind == types.Variant) {
		failf(sqlerr.Type, at, "Comparable type expected, but was '%s'", t)
	}
	switch {
	case lt.IsTemporal() && rt.IsString():
		r = x.read(r, lt, equality)
	case rt.IsTemporal() && lt.IsString():
		l = x.read(l, rt, equality)
	case lt.IsNumeric() && rt.IsString(), rt.IsNumeric() && lt.IsString():
		failf(sqlerr.Type, at, "implicit type conversion between %s and %s is not supported now", lt.Kind, rt.Kind)
	case lt.Kind == types.Date && rt.IsTimestamp(), rt.Kind == types.Date && lt.IsTimestamp():
		failf(sqlerr.Type, at, "Cannot apply '%s' to arguments of type '<%s> %s <%s>'", op, lt.Nullable(), op, rt.Nullable())
	default:
		t, ok := types.Comparable(lt, rt)
		if !ok {
			failf(sqlerr.Type, at, "Cannot apply '%s' to arguments of type '<%s> %s <%s>'", op, lt.Nullable(), op, rt.Nullable())
		}
		if !lt.IsString() || !rt.IsString() {
			l, r = coerce(l, t.WithNull(!lt.NotNull), x.b.Session), coerce(r, t.WithNull(!rt.NotNull), x.b.Session)
		}
	}
	return x.call(op, []expr.Expr{l, r}, at)
}

// read casts a text to the time it is compared with. In a comparison for equality
// a text of a column that is no time equals none: it is NULL there, as in Flink;
// elsewhere, and as a literal, it fails.
func (x *exprBinder) read(text expr.Expr, t types.Type, equality bool) expr.Expr {
	c := coerce(text, t, x.b.Session)
	if cast, ok := c.(*expr.Cast); ok && equality {
		if _, literal := text.(*expr.Const); !literal {
			cast.Try, cast.T = true, cast.T.Nullable()
		}
	}
	return c
}

// equal is a = b. Rows that are written out are compared field by field, so that
// a NULL in one leaves the answer open unless another field differs.
func (x *exprBinder) equal(l, r ast.Expr, left expr.Expr, at sqlerr.Span) expr.Expr {
	a, ok1 := l.(*ast.Row)
	b, ok2 := r.(*ast.Row)
	if !ok1 || !ok2 || len(a.Items) != len(b.Items) {
		if left == nil {
			left = x.bind(l)
		}
		return x.compare("=", left, x.bind(r), at)
	}
	all := &expr.Logic{At: at}
	for i := range a.Items {
		all.Args = append(all.Args, x.equal(a.Items[i], b.Items[i], nil, at))
	}
	if len(all.Args) == 1 {
		return all.Args[0]
	}
	return all
}

func (x *exprBinder) is(e *ast.Is) expr.Expr {
	if strings.HasPrefix(e.Kind, "JSON") {
		return x.isJSON(e)
	}
	name := "IS "
	if e.Not {
		name += "NOT "
	}
	v := x.bind(e.X)
	if k := v.Type().Kind; e.Kind != "NULL" && k != types.Boolean && k != types.Null {
		failf(sqlerr.Type, e.Span(), "Cannot apply '%s%s' to arguments of type '<%s> %s%s'", name, e.Kind, v.Type().Nullable(), name, e.Kind)
	}
	return x.call(name+e.Kind, []expr.Expr{v}, e.Span())
}

func (x *exprBinder) between(e *ast.Between) expr.Expr {
	args, at := x.all([]ast.Expr{e.X, e.Lo, e.Hi}), e.Span()
	v, lo, hi := args[0], args[1], args[2]
	within := func(lo, hi expr.Expr) expr.Expr {
		return &expr.Logic{Args: []expr.Expr{x.compare(">=", v, lo, at), x.compare("<=", v, hi, at)}, At: at}
	}
	c := within(lo, hi)
	if e.Symmetric {
		c = &expr.Logic{Or: true, Args: []expr.Expr{c, within(hi, lo)}, At: at}
	}
	return x.not(e.Not, c, at)
}

// in is a list as a chain of equalities.
func (x *exprBinder) in(e *ast.In) expr.Expr {
	if e.Query != nil {
		return x.memberOf(e)
	}
	v := x.bind(e.X)
	l := &expr.Logic{Or: true, At: e.Span()}
	for _, item := range e.List {
		if a, ok := item.(*ast.Row); ok {
			l.Args = append(l.Args, x.equal(e.X, a, v, item.Span()))
		} else {
			l.Args = append(l.Args, x.within(v, x.bind(item), item.Span()))
		}
	}
	if len(l.Args) == 1 {
		return x.not(e.Not, l.Args[0], e.Span())
	}
	return x.not(e.Not, l, e.Span())
}

// within is v = item of an IN list: a text that is no time fails there.
func (x *exprBinder) within(v, item expr.Expr, at sqlerr.Span) expr.Expr {
	if vt, it := v.Type(), item.Type(); vt.IsTemporal() && it.IsString() {
		item = coerce(item, vt, x.b.Session)
	}
	return x.compare("=", v, item, at)
}

func (x *exprBinder) caseOf(e *ast.Case) expr.Expr {
	c := &expr.Case{At: e.Span()}
	var operand expr.Expr
	if e.Operand != nil {
		operand = x.bind(e.Operand)
	}
	ts := []types.Type{}
	for _, w := range e.Whens {
		var conds []expr.Expr
		for _, k := range w.Conds {
			if operand != nil {
				conds = append(conds, x.compare("=", operand, x.bind(k), k.Span()))
			} else {
				conds = append(conds, x.condition(k, "WHEN"))
			}
		}
		cond := conds[0]
		if len(conds) > 1 {
			cond = &expr.Logic{Or: true, Args: conds, At: w.Span()}
		}
		then := x.bind(w.Result)
		c.Whens = append(c.Whens, expr.When{Cond: cond, Then: then})
		ts = append(ts, then.Type())
	}
	if e.Else != nil {
		c.Else = x.bind(e.Else)
		ts = append(ts, c.Else.Type())
	}
	t, ok := types.Common(ts...)
	if !ok {
		failf(sqlerr.Type, e.Span(), "Illegal mixing of types in CASE or COALESCE statement")
	}
	c.T = fieldNames(t, ts, c.Else == nil).WithNull(!t.NotNull || c.Else == nil)
	for i := range c.Whens {
		c.Whens[i].Then = coerce(c.Whens[i].Then, c.T, x.b.Session)
	}
	if c.Else != nil {
		c.Else = coerce(c.Else, c.T, x.b.Session)
	}
	return c
}

// fieldNames gives a CASE of rows the names of the first branch's fields or, with
// a NULL among the branches, of the last row's that isn't one just made by ROW.
func fieldNames(t types.Type, branches []types.Type, null bool) types.Type {
	last := t
	for _, b := range branches {
		if b.Kind == types.Null {
			null = true
		} else if len(b.Fields) > 0 && b.Fields[0].Name != "EXPR$0" {
			last = b
		}
	}
	if t.Kind != types.Row || last.Kind != types.Row || !null {
		return t
	}
	t.Fields = slices.Clone(t.Fields)
	for i := range t.Fields {
		t.Fields[i].Name = last.Fields[i].Name
	}
	return t
}

// timeArithmetic is the function behind + - * / on times and intervals.
func timeArithmetic(op string, l, r expr.Expr) (name string, args []expr.Expr) {
	lt, rt := l.Type(), r.Type()
	switch {
	case op == "+" && lt.IsInterval() && rt.IsTemporal():
		return "TIME_PLUS", []expr.Expr{r, l}
	case op == "+" && lt.IsTemporal() && rt.IsInterval():
		return "TIME_PLUS", []expr.Expr{l, r}
	case op == "-" && lt.IsTemporal() && rt.IsInterval():
		return "TIME_MINUS", []expr.Expr{l, r}
	case op == "+" && lt.IsInterval() && rt.IsInterval():
		return "INTERVAL_PLUS", []expr.Expr{l, r}
	case op == "-" && lt.IsInterval() && rt.IsInterval():
		return "INTERVAL_MINUS", []expr.Expr{l, r}
	case op == "*" && lt.IsInterval():
		return "INTERVAL_TIMES", []expr.Expr{l, r}
	case op == "*" && rt.IsInterval():
		return "INTERVAL_TIMES", []expr.Expr{r, l}
	case op == "/" && lt.IsInterval():
		return "INTERVAL_DIVIDE", []expr.Expr{l, r}
	}
	return "", nil
}
