package physical

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators/intervaljoin"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// join chooses a join.
func (b *builder) join(n *logical.Join, in []Input) (*Node, error) {
	if n.Temporal {
		return b.temporalJoin(n, in)
	}
	if n.Interval != nil {
		return b.intervalJoin(n, in)
	}
	if n.Windows != nil {
		return b.windowJoin(n, in), nil
	}
	spec := &join.Spec{Left: n.Left.Schema(), Right: n.Right.Schema(), Kind: join.Kind(n.Kind), Out: n.Schema(), Session: b.cfg.Session}
	spec.Keys, spec.NullSafe, spec.Rest = equalities(n)
	spec.Together = slices.ContainsFunc(n.Hints, func(h logical.Hint) bool { return h.Name == "MULTI_JOIN" })
	node := b.add(spec, n.Span(), in...)
	if b.cfg.Session.Batch {
		node.First = stored(n)
		spec.Build = node.First
	}
	for i, ttl := range n.TTL {
		b.hinted(ttl, &spec.TTL[i])
	}
	return node, nil
}

// stored is the side, counted from 1, that a join in batch mode stores and is best read
// first: the right one, of an inner join the smaller; 0 when that isn't known.
func stored(n *logical.Join) int {
	switch l, r := n.Rows[0], n.Rows[1]; {
	case n.Kind != logical.Inner:
		return 2
	case l == 0 || r == 0:
		return 0
	case l < r:
		return 1
	}
	return 2
}

// equalities splits a join's condition into pairs of equal columns of the sides and
// the rest.
func equalities(n *logical.Join) (keys [2][]int, nullSafe []bool, rest expr.Expr) {
	var others []expr.Expr
	for _, c := range expr.Conjuncts(n.Cond) {
		if always(c) {
			continue
		}
		l, r, safe, ok := equal(c, n.Left.Schema().Len())
		if !ok {
			others = append(others, c)
			continue
		}
		keys[0], keys[1], nullSafe = append(keys[0], l), append(keys[1], r), append(nullSafe, safe)
	}
	switch len(others) {
	case 0:
	case 1:
		rest = others[0]
	default:
		rest = &expr.Logic{Args: others, At: n.Span()}
	}
	return keys, nullSafe, rest
}

// intervalJoin is a join by times that lie near one another.
func (b *builder) intervalJoin(n *logical.Join, in []Input) (*Node, error) {
	i := n.Interval
	spec := &intervaljoin.Spec{Left: n.Left.Schema(), Right: n.Right.Schema(), Time: [2]int{i.Left, i.Right}, Lower: i.Lower, Upper: i.Upper, Proctime: i.Proctime,
		Outer: [2]bool{n.Kind == logical.Left || n.Kind == logical.Full, n.Kind == logical.Right || n.Kind == logical.Full}, Out: n.Schema(), Session: b.cfg.Session}
	spec.Keys, spec.NullSafe, spec.Rest = equalities(n)
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
	if !okx || !oky || !sameKey(x.T, y.T) {
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

// sameKey says that equal values of the types have equal bytes.
func sameKey(x, y types.Type) bool {
	if x.IsString() && y.IsString() {
		return true
	}
	return x.Kind == y.Kind && x.Layout() == y.Layout() && x.Scale == y.Scale
}
