package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// where filters the relation below. Each condition of a top-level AND that is
// [NOT] IN, [NOT] EXISTS or a comparison with ANY or ALL of a query becomes a semi or
// anti join; the others are one filter, whose sub-queries are joined below it.
func (s *selection) where(e ast.Expr) {
	var plain []expr.Expr
	var f faults
	for _, c := range ands(e) {
		f.try(func() {
			if !s.member(c) {
				plain = append(plain, s.x.condition(c, "WHERE"))
			}
		})
	}
	f.check()
	if len(plain) > 0 {
		s.node = filter(s.node, and(plain))
	}
}

// member joins with a query that the condition says a row has to be in, if it says
// so.
func (s *selection) member(c ast.Expr) bool {
	not := false
	for {
		u, ok := c.(*ast.Unary)
		if !ok || u.Op != "NOT" {
			break
		}
		not, c = !not, u.X
	}
	switch q := c.(type) {
	case *ast.In:
		if q.Query != nil {
			s.in(s.x.sub(q.Query), tuple(q.X), "=", q.Not != not, q.Span())
			return true
		}
	case *ast.Exists:
		if !q.Unique {
			s.semi(s.x.sub(q.Query), nil, not, q.Span())
			return true
		}
	case *ast.Quantified:
		if q.Query != nil {
			op, all := q.Op, q.All
			if not {
				op, all = opposite[op], !all
			}
			if all { // there is none of which it isn't so
				op = opposite[op]
			}
			s.in(s.x.sub(q.Query), tuple(q.X), op, all, q.Span())
			return true
		}
	}
	return false
}

var opposite = map[string]string{"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}

// ands are the parts of an AND.
func ands(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "AND" {
		return append(ands(b.L), ands(b.R)...)
	}
	return []ast.Expr{e}
}

// tuple is the values on the left of IN.
func tuple(e ast.Expr) []ast.Expr {
	if r, ok := e.(*ast.Row); ok {
		return r.Items
	}
	return []ast.Expr{e}
}

// in joins with the rows of a query whose columns compare with the values. Where not
// is set a comparison that may be unknown counts as one that holds.
func (s *selection) in(q *inner, values []ast.Expr, op string, not bool, at sqlerr.Span) {
	if len(q.scope.cols) != len(values) {
		failf(sqlerr.Invalid, at, "Values passed to IN operator must have compatible types: %d beside a sub-query of %d columns", len(values), len(q.scope.cols))
	}
	bound := s.x.all(values)      // their own sub-queries are joined first
	left := s.node.Schema().Len() // behind it are the query's columns
	var conds []expr.Expr
	for i, v := range bound {
		f := q.node.Schema().Fields[i]
		right := &expr.Column{Index: left + i, Name: f.Name, T: f.Type, At: at}
		c := s.x.compare(op, v, right, at)
		if not && (!v.Type().NotNull || !right.T.NotNull) {
			or := &expr.Logic{Or: true, Args: []expr.Expr{c}, At: at}
			for _, e := range []expr.Expr{v, right} {
				if !e.Type().NotNull {
					or.Args = append(or.Args, s.x.call("IS NULL", []expr.Expr{e}, at))
				}
			}
			c = or
		}
		conds = append(conds, c)
	}
	s.semi(q, conds, not, at)
}

// semi keeps the rows that have a partner in the query, or those that have none.
func (s *selection) semi(q *inner, conds []expr.Expr, not bool, at sqlerr.Span) {
	kind := logical.Semi
	if not {
		kind = logical.Anti
	}
	n, more := q.flatten(s.node, true)
	s.node = joinOf(kind, s.node, n, append(conds, more...), at)
}

// pending is a sub-query whose value is wanted above an aggregation that isn't made
// yet: the value has a placeholder till then.
type pending struct {
	q     *inner
	value func() expr.Expr
	args  []expr.Expr // over the aggregation, like the parameters
}

const subBase = 1 << 24

// place joins a sub-query below the expression that wants its value, at once or when
// the aggregation is made.
func (x *exprBinder) place(q *inner, t types.Type, args []expr.Expr, value func(args []expr.Expr) expr.Expr) expr.Expr {
	if x.sel == nil {
		unsupported(q.at, "a sub-query here")
	}
	if x.group == nil {
		return value(args)
	}
	p := &pending{q: q, args: args}
	p.value = func() expr.Expr { return value(p.args) }
	x.sel.pending = append(x.sel.pending, p)
	return &expr.Column{Index: subBase + len(x.sel.pending) - 1, Name: "subquery", T: t, At: q.at}
}

// settle joins the pending sub-queries over the aggregation and puts their values in
// their places. moved are the parameters and arguments, as hidden listed them, over
// the aggregation.
func (s *selection) settle(moved []expr.Expr, in ...[]expr.Expr) {
	var values []expr.Expr
	put := func(e expr.Expr) expr.Expr {
		if e == nil {
			return nil
		}
		return expr.Map(e, func(e expr.Expr) expr.Expr {
			if c, ok := e.(*expr.Column); ok && c.Index >= subBase && c.Index < paramBase {
				return values[c.Index-subBase]
			}
			return e
		})
	}
	for _, p := range s.pending {
		for i := range p.q.params {
			p.q.params[i], moved = put(moved[0]), moved[1:]
		}
		for i := range p.args {
			p.args[i], moved = put(moved[0]), moved[1:]
		}
		values = append(values, p.value())
	}
	for _, es := range in {
		for i := range es {
			es[i] = put(es[i])
		}
	}
}

// hidden lists what the pending sub-queries read.
func (s *selection) hidden() []expr.Expr {
	var out []expr.Expr
	for _, p := range s.pending {
		out = append(append(out, p.q.params...), p.args...)
	}
	return out
}

// left joins a plan to the rows so far, keeping those without a partner, and returns
// where its columns are.
func (s *selection) left(n logical.Node, conds []expr.Expr, at sqlerr.Span) int {
	first := s.node.Schema().Len()
	s.node = joinOf(logical.Left, s.node, n, conds, at)
	return first
}

func (s *selection) column(i int) expr.Expr { return column(s.node.Schema(), i) }

// scalar is the value of a query of one column and at most one row.
func (x *exprBinder) scalar(e *ast.Subquery) expr.Expr {
	q := x.sub(e.Query)
	if len(q.scope.cols) != 1 {
		failf(sqlerr.Invalid, e.Span(), "Cannot apply '$SCALAR_QUERY' to arguments of %d columns", len(q.scope.cols))
	}
	t := q.scope.cols[0].t.Plain().Nullable()
	return x.place(q, t, nil, func([]expr.Expr) expr.Expr { return x.sel.scalarOf(q, x) })
}

func (s *selection) scalarOf(q *inner, x *exprBinder) expr.Expr {
	exprs, agg := topAggregate(q.node)
	if agg != nil && q.correlated() {
		return s.aggregateOf(q, x, exprs, agg)
	}
	if !single(q.node) {
		q.node = x.b.singleValue(q.node, q.at)
	}
	n, conds := q.flatten(s.node, false)
	return s.column(s.left(n, conds, q.at))
}

// aggregateOf is the value of expressions over an aggregation of all rows that the
// parameters select. Where they select none a count is 0, so the expressions are
// computed above the join.
func (s *selection) aggregateOf(q *inner, x *exprBinder, value expr.Expr, agg *logical.Aggregate) expr.Expr {
	q.node = agg
	n, conds := q.flatten(s.node, false)
	first := s.left(n, conds, q.at)
	return expr.Map(value, func(e expr.Expr) expr.Expr {
		c, ok := e.(*expr.Column)
		switch {
		case !ok:
			return e
		case c.Index >= paramBase:
			return q.params[c.Index-paramBase]
		case agg.Calls[c.Index].Fn.Name == "COUNT":
			return x.call("COALESCE", []expr.Expr{s.column(first + c.Index), integer(0, types.BigIntType, q.at)}, q.at)
		}
		return s.column(first + c.Index)
	})
}

// topAggregate recognises projections over an aggregation of all rows: the first
// column over the aggregation's.
func topAggregate(n logical.Node) (expr.Expr, *logical.Aggregate) {
	var e expr.Expr = &expr.Column{Index: 0, T: n.Schema().Fields[0].Type}
	for {
		switch x := n.(type) {
		case *logical.Project:
			e = expr.Map(e, func(e expr.Expr) expr.Expr {
				if c, ok := e.(*expr.Column); ok && c.Index < paramBase {
					return x.Exprs[c.Index]
				}
				return e
			})
			n = x.Input
			continue
		case *logical.Aggregate:
			if len(x.Keys) == 0 && x.Sets == nil && x.Window == nil && !x.Distinct {
				return e, x
			}
		}
		return nil, nil
	}
}

// single says that a plan has one row at most.
func single(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Aggregate:
		return len(n.Keys) == 0 && n.Sets == nil && n.Window == nil
	case *logical.Project:
		return single(n.Input)
	case *logical.Filter:
		return single(n.Input)
	case *logical.Sort:
		return n.Limit == 0 || n.Limit == 1 || single(n.Input)
	case *logical.Values:
		return len(n.Rows) < 2
	}
	return false
}

// singleValue aggregates a plan's one column to its only value; more than one fails
// the job.
func (b *Binder) singleValue(n logical.Node, at sqlerr.Span) logical.Node {
	return b.aggregated(n, "SINGLE_VALUE", []int{0}, at)
}

// aggregated is an aggregate over all rows of a plan.
func (b *Binder) aggregated(n logical.Node, name string, args []int, at sqlerr.Span) *logical.Aggregate {
	a := &logical.Aggregate{Base: logical.Base{Out: &types.Schema{}, At: at}, Input: n}
	b.addCall(a, name, args, at)
	return a
}

func (b *Binder) addCall(a *logical.Aggregate, name string, args []int, at sqlerr.Span) {
	es := make([]expr.Expr, len(args))
	for i, c := range args {
		es[i] = column(a.Input.Schema(), c)
	}
	fn := b.Functions.Aggregate(name)
	_, t, err := functions.Match(fn.Name, fn.Sigs, argsOf(es), at)
	if err != nil {
		fail(err)
	}
	a.Calls = append(a.Calls, logical.AggCall{Fn: fn, Args: args, Filter: -1, T: t, Consts: argsOf(es), Name: name, At: at})
	a.Out.Fields = append(a.Out.Fields, types.Field{Name: name, Type: t})
}

// exists is whether a query has rows, as a value.
func (x *exprBinder) exists(e *ast.Exists) expr.Expr {
	if e.Unique {
		unsupported(e.Span(), "UNIQUE")
	}
	q := x.sub(e.Query)
	return x.place(q, types.BooleanType.NotNullable(), nil, func([]expr.Expr) expr.Expr {
		s := x.sel
		if !q.correlated() {
			return s.counted(q, x)
		}
		return x.call("IS NOT NULL", []expr.Expr{s.found(q, nil)}, q.at)
	})
}

// counted is whether an uncorrelated query has rows: COUNT(*) > 0, FALSE for none.
func (s *selection) counted(q *inner, x *exprBinder) expr.Expr {
	n := x.b.aggregated(q.node, "COUNT", nil, q.at)
	c := s.column(s.left(n, nil, q.at))
	zero := integer(0, types.BigIntType, q.at)
	return x.call(">", []expr.Expr{x.call("COALESCE", []expr.Expr{c, zero}, q.at), zero}, q.at)
}

// found joins with the distinct values that a query's parameters have in it, and its
// first columns, which conds compare; the column is NULL where there are none.
func (s *selection) found(q *inner, keys []int) expr.Expr {
	q.node = reorder(q.node, keys)
	first := s.node.Schema().Len()
	n, conds := q.flatten(s.node, false)
	d := distinct(n)
	marked := project(d, append(columns(d.Schema()), boolean(true, q.at)), append(append([]string(nil), d.Schema().Names()...), "$found"), q.at)
	for i := range keys {
		conds = append(conds, q.keyed[i](&expr.Column{Index: first + i, Name: "key", T: d.Schema().Fields[i].Type, At: q.at}))
	}
	s.left(marked, conds, q.at)
	return s.column(s.node.Schema().Len() - 1)
}

// memberOf is whether a value is among a query's, as a value: TRUE, FALSE, or
// unknown, when NULLs may hide it.
func (x *exprBinder) memberOf(e *ast.In) expr.Expr {
	q := x.sub(e.Query)
	if len(tuple(e.X)) != 1 || len(q.scope.cols) != 1 {
		unsupported(e.Span(), "several columns IN (query) here")
	}
	v := x.bind(e.X)
	return x.not(e.Not, x.place(q, types.BooleanType, []expr.Expr{v}, func(args []expr.Expr) expr.Expr { return x.sel.memberOf(q, x, args[0]) }), e.Span())
}

func (s *selection) memberOf(q *inner, x *exprBinder, v expr.Expr) expr.Expr {
	at := q.at
	y := q.node.Schema().Fields[0].Type
	call := func(name string, args ...expr.Expr) expr.Expr { return x.call(name, args, at) }
	counts := &inner{b: q.b, node: q.node, scope: q.scope, params: append([]expr.Expr(nil), q.params...), at: at}
	q.keyed = []func(expr.Expr) expr.Expr{func(c expr.Expr) expr.Expr { return x.compare("=", v, c, at) }}
	hit := call("IS NOT NULL", s.found(q, []int{0}))
	if v.Type().NotNull && y.NotNull {
		return hit
	}
	a := x.b.aggregated(counts.node, "COUNT", nil, at)
	x.b.addCall(a, "COUNT", []int{0}, at)
	counts.node = a
	n, conds := counts.flatten(s.node, false)
	first := s.left(n, conds, at)
	all := call("COALESCE", s.column(first), integer(0, types.BigIntType, at))
	known := call("COALESCE", s.column(first+1), integer(0, types.BigIntType, at))
	null := null(types.BooleanType, at)
	return &expr.Case{T: types.BooleanType, At: at, Whens: []expr.When{
		{Cond: hit, Then: boolean(true, at)},
		{Cond: call("=", all, integer(0, types.BigIntType, at)), Then: boolean(false, at)},
		{Cond: &expr.Logic{Or: true, Args: []expr.Expr{call("IS NULL", v), call("<", known, all)}, At: at}, Then: null},
	}, Else: boolean(false, at)}
}
