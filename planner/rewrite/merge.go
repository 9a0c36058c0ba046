package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// mergeProjects folds a Project or Filter over a Project into one, unless that
// would compute something volatile twice.
func mergeProjects(n logical.Node, _ *types.Session) (logical.Node, error) {
	switch n := n.(type) {
	case *logical.Project:
		p, ok := n.Input.(*logical.Project)
		if !ok || volatile(p) {
			return n, nil
		}
		m := *n
		m.Input, m.Exprs = p.Input, make([]expr.Expr, len(n.Exprs))
		for i, e := range n.Exprs {
			m.Exprs[i] = inline(e, p.Exprs)
		}
		return &m, nil
	case *logical.Filter:
		p, ok := n.Input.(*logical.Project)
		if !ok || volatile(p) {
			return n, nil
		}
		f := &logical.Filter{Base: logical.Base{Out: p.Input.Schema(), At: n.At}, Input: p.Input, Cond: inline(n.Cond, p.Exprs)}
		m := *p
		m.Input = f
		return &m, nil
	}
	return n, nil
}

func volatile(p *logical.Project) bool {
	for _, e := range p.Exprs {
		if expr.Class(e) == functions.PerRow {
			return true
		}
	}
	return false
}

// inline puts the expressions in place of the columns that refer to them.
func inline(e expr.Expr, by []expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok {
			return by[c.Index]
		}
		return e
	})
}
