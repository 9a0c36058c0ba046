package physical

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
)

// join chooses a join: so far the regular one.
func (b *builder) join(n *logical.Join, in []Input) (*Node, error) {
	if n.Temporal {
		return nil, sqlerr.Unsupported(n.Span(), "FOR SYSTEM_TIME AS OF")
	}
	if n.NullAware {
		return nil, sqlerr.Unsupported(n.Span(), "NOT IN over nullable columns")
	}
	spec := &join.Spec{Left: n.Left.Schema(), Right: n.Right.Schema(), Kind: join.Kind(n.Kind), Out: n.Schema(), Session: b.cfg.Session}
	var rest []expr.Expr
	for _, c := range expr.Conjuncts(n.Cond) {
		if always(c) {
			continue
		}
		l, r, safe, ok := equal(c, n.Left.Schema().Len())
		if !ok {
			rest = append(rest, c)
			continue
		}
		spec.Keys[0], spec.Keys[1], spec.NullSafe = append(spec.Keys[0], l), append(spec.Keys[1], r), append(spec.NullSafe, safe)
	}
	switch len(rest) {
	case 0:
	case 1:
		spec.Rest = rest[0]
	default:
		spec.Rest = &expr.Logic{Args: rest, At: n.Span()}
	}
	return b.add(spec, n.Span(), in...), nil
}

// always says that e is the constant TRUE.
func always(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && !c.Value.Null(0) && c.Value.I64[0] != 0
}

// equal recognises left column = right column, of one type. A key of another form
// has been projected to a column by the binder or stays in the rest.
func equal(e expr.Expr, left int) (l, r int, nullSafe, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 || c.Fn.Name != "=" && c.Fn.Name != "IS NOT DISTINCT FROM" {
		return 0, 0, false, false
	}
	x, okx := c.Args[0].(*expr.Column)
	y, oky := c.Args[1].(*expr.Column)
	if !okx || !oky || x.T.Kind != y.T.Kind || x.T.Layout() != y.T.Layout() || x.T.Scale != y.T.Scale {
		return 0, 0, false, false
	}
	if x.Index >= left {
		x, y = y, x
	}
	if x.Index >= left || y.Index < left {
		return 0, 0, false, false
	}
	return x.Index, y.Index - left, c.Fn.Name != "=", true
}
