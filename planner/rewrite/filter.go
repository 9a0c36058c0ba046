package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// pushFilter moves the conditions of a Filter down to where their columns come
// from: through projections, and into joins, where a condition over both sides
// becomes part of an inner join's. A condition that no padded row passes makes an
// outer join an inner one first.
func pushFilter(n logical.Node, _ *types.Session) (logical.Node, error) {
	if f, ok := n.(*logical.Filter); ok {
		return filtered(f.Input, expr.Conjuncts(f.Cond)), nil
	}
	return n, nil
}

// joinSides moves the conditions of a join's ON that concern one side alone below
// it, where that doesn't change which rows are padded.
func joinSides(n logical.Node, _ *types.Session) (logical.Node, error) {
	j, ok := n.(*logical.Join)
	if !ok || j.Temporal {
		return n, nil
	}
	left := j.Left.Schema().Len()
	var kept, l, r []expr.Expr
	for _, c := range expr.Conjuncts(j.Cond) {
		switch side := sideOf(c, left); {
		case always(c):
		case side == onLeft && (j.Kind == logical.Inner || j.Kind == logical.Right || j.Kind == logical.Semi):
			l = append(l, c)
		case side == onRight && j.Kind != logical.Right && j.Kind != logical.Full:
			r = append(r, c)
		default:
			kept = append(kept, c)
		}
	}
	if len(l)+len(r) == 0 {
		return n, nil
	}
	c := *j
	c.Cond = all(kept)
	c.Left, c.Right = filtered(j.Left, l), filtered(j.Right, shifted(r, -left))
	return &c, nil
}

// filtered is n under the conditions, as far down as they go.
func filtered(n logical.Node, conds []expr.Expr) logical.Node {
	if len(conds) == 0 {
		return n
	}
	for _, c := range conds {
		if expr.Class(c) == functions.PerRow { // it is asked once per row, here
			return above(n, conds)
		}
	}
	switch n := n.(type) {
	case *logical.Filter:
		return filtered(n.Input, append(expr.Conjuncts(n.Cond), conds...))
	case *logical.Project:
		if volatile(n) {
			break
		}
		moved := make([]expr.Expr, len(conds))
		for i, c := range conds {
			moved[i] = inline(c, n.Exprs)
		}
		c := *n
		c.Input = filtered(n.Input, moved)
		return &c
	case *logical.Join:
		return joined(n, conds)
	}
	return above(n, conds)
}

func above(n logical.Node, conds []expr.Expr) logical.Node {
	if len(conds) == 0 {
		return n
	}
	return &logical.Filter{Base: logical.Base{Out: n.Schema(), At: conds[0].Span()}, Input: n, Cond: all(conds)}
}

// joined is a join under conditions.
func joined(n *logical.Join, conds []expr.Expr) logical.Node {
	left := n.Left.Schema().Len()
	j := *n
	if !j.Temporal {
		for _, c := range conds {
			j.Kind = narrowed(j.Kind, c, left)
		}
	}
	var l, r, on, rest []expr.Expr
	for _, c := range conds {
		switch side := sideOf(c, left); {
		case side == onLeft && j.Kind != logical.Right && j.Kind != logical.Full && !(j.Temporal && readsTime(c, j.AsOf)):
			l = append(l, c)
		case j.Temporal:
			rest = append(rest, c)
		case side == onRight && (j.Kind == logical.Inner || j.Kind == logical.Right):
			r = append(r, c)
		case j.Kind == logical.Inner:
			on = append(on, c)
		default:
			rest = append(rest, c)
		}
	}
	j.Left, j.Right = filtered(n.Left, l), filtered(n.Right, shifted(r, -left))
	j.Cond = all(append(expr.Conjuncts(n.Cond), on...))
	return above(&j, rest)
}

func readsTime(c expr.Expr, col int) bool {
	set := map[int]bool{}
	expr.Columns(c, set)
	return set[col]
}

// narrowed is the kind of an outer join above which a condition drops the rows
// padded on some side.
func narrowed(k logical.JoinKind, c expr.Expr, left int) logical.JoinKind {
	l := rejectsNulls(c, func(col int) bool { return col < left })
	r := rejectsNulls(c, func(col int) bool { return col >= left })
	switch {
	case k == logical.Full && l && r, k == logical.Left && r, k == logical.Right && l:
		return logical.Inner
	case k == logical.Full && l:
		return logical.Left
	case k == logical.Full && r:
		return logical.Right
	}
	return k
}

// rejectsNulls says that c isn't TRUE when the columns of which are all NULL.
func rejectsNulls(c expr.Expr, of func(col int) bool) bool {
	switch e := c.(type) {
	case *expr.Logic:
		for _, a := range e.Args {
			if rejectsNulls(a, of) != e.Or {
				return !e.Or
			}
		}
		return e.Or
	case *expr.Call:
		if e.Fn.Name == "IS NOT NULL" || e.Fn.Name == "IS TRUE" || e.Fn.Name == "IS FALSE" {
			return isNull(e.Args[0], of)
		}
		return isNull(c, of)
	case *expr.Column:
		return of(e.Index)
	}
	return false
}

// isNull says that e is NULL when the columns of which are.
func isNull(e expr.Expr, of func(col int) bool) bool {
	switch e := e.(type) {
	case *expr.Column:
		return of(e.Index)
	case *expr.Cast:
		return isNull(e.From, of)
	case *expr.Call:
		if e.Fn.OwnNulls {
			return false
		}
		for _, a := range e.Args {
			if isNull(a, of) {
				return true
			}
		}
	}
	return false
}

type side uint8

const (
	onNeither side = iota
	onLeft
	onRight
	onBoth
)

// sideOf says which side's columns e reads.
func sideOf(e expr.Expr, left int) side {
	set := map[int]bool{}
	expr.Columns(e, set)
	s := onNeither
	for c := range set {
		if c < left {
			s |= onLeft
		} else {
			s |= onRight
		}
	}
	return s
}

func shifted(es []expr.Expr, by int) []expr.Expr {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = expr.Remap(e, func(c int) int { return c + by })
	}
	return out
}

// all is the AND of conditions, nil for none.
func all(conds []expr.Expr) expr.Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	}
	return &expr.Logic{Args: conds, At: conds[0].Span()}
}

// always says that e is the constant TRUE.
func always(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && !c.Value.Null(0) && c.Value.I64[0] != 0
}
