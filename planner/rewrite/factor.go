package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// pullFactors takes what all alternatives of an OR demand out of it: (a AND b) OR
// (a AND c) is a AND (b OR c). An equality of two tables that stands in each
// alternative becomes a join's key so.
func pullFactors(n logical.Node, _ *types.Session) (logical.Node, error) {
	switch n := n.(type) {
	case *logical.Filter:
		if c := factored(n.Cond); c != n.Cond {
			f := *n
			f.Cond = c
			return &f, nil
		}
	case *logical.Join:
		if n.Cond == nil {
			return n, nil
		}
		if c := factored(n.Cond); c != n.Cond {
			j := *n
			j.Cond = c
			return &j, nil
		}
	}
	return n, nil
}

// factored is e with common factors taken out of the ORs among its conjuncts, e
// itself when there are none.
func factored(e expr.Expr) expr.Expr {
	var out []expr.Expr
	changed := false
	for _, c := range expr.Conjuncts(e) {
		common, rest := factors(c)
		if len(common) == 0 {
			out = append(out, c)
			continue
		}
		changed = true
		out = append(out, common...)
		if rest != nil {
			out = append(out, rest)
		}
	}
	if !changed {
		return e
	}
	return all(out)
}

// factors is what every alternative of an OR has, and the OR without it: nil when an
// alternative has nothing else.
func factors(e expr.Expr) (common []expr.Expr, rest expr.Expr) {
	or, ok := e.(*expr.Logic)
	if !ok || !or.Or || len(or.Args) < 2 || expr.Class(e) == functions.PerRow {
		return nil, nil
	}
	alternatives := make([][]expr.Expr, len(or.Args))
	for i, a := range or.Args {
		alternatives[i] = expr.Conjuncts(a)
	}
	has := func(list []expr.Expr, c expr.Expr) bool {
		for _, x := range list {
			if expr.Equal(x, c) {
				return true
			}
		}
		return false
	}
	for _, c := range alternatives[0] {
		everywhere := !has(common, c)
		for _, a := range alternatives[1:] {
			everywhere = everywhere && has(a, c)
		}
		if everywhere {
			common = append(common, c)
		}
	}
	if len(common) == 0 {
		return nil, nil
	}
	left := &expr.Logic{Or: true, At: or.At}
	for _, a := range alternatives {
		var own []expr.Expr
		for _, c := range a {
			if !has(common, c) {
				own = append(own, c)
			}
		}
		if len(own) == 0 {
			return common, nil
		}
		left.Args = append(left.Args, all(own))
	}
	return common, left
}
