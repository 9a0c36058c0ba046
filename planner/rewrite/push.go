package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// pushIntoScan hands a filter, a projection, or a limit without an order, to a table
// whose connector can leave rows and columns out itself. The scan filters all the
// same: the connector may take a part of the condition, or none.
func pushIntoScan(n logical.Node, _ *types.Session) (logical.Node, error) {
	switch n := n.(type) {
	case *logical.Filter:
		s, ok := n.Input.(*logical.Scan)
		if !ok || !s.Table.Connector.Pushes || s.Watermark != nil || s.Limit > 0 || expr.Class(n.Cond) != functions.Deterministic {
			break
		}
		c := *s
		c.Filter = expr.Map(n.Cond, func(e expr.Expr) expr.Expr {
			if col, ok := e.(*expr.Column); ok {
				return s.Exprs[col.Index]
			}
			return e
		})
		if s.Filter != nil {
			c.Filter = &expr.Logic{Args: []expr.Expr{s.Filter, c.Filter}, At: n.Span()}
		}
		return &c, nil
	case *logical.Project:
		if s, ok := n.Input.(*logical.Scan); ok && s.Table.Connector.Pushes {
			return columnsOf(n, s), nil
		}
	case *logical.Sort:
		if len(n.By) > 0 || n.Limit < 0 {
			break
		}
		switch in := n.Input.(type) {
		case *logical.Scan:
			if s := limited(in, n); s != nil {
				return n.With([]logical.Node{s}), nil
			}
		case *logical.Project:
			if scan, ok := in.Input.(*logical.Scan); ok {
				if s := limited(scan, n); s != nil {
					return n.With([]logical.Node{in.With([]logical.Node{s})}), nil
				}
			}
		}
	}
	return n, nil
}

// limited is the scan that stops after the rows a sort keeps, nil when it can't.
func limited(s *logical.Scan, n *logical.Sort) logical.Node {
	if !s.Table.Connector.Pushes || s.Filter != nil || s.Limit > 0 || n.Limit+n.Offset <= 0 {
		return nil
	}
	c := *s
	c.Limit = n.Limit + n.Offset
	return &c
}

// columnsOf is a projection over a scan that reads the columns it needs.
func columnsOf(n *logical.Project, s *logical.Scan) logical.Node {
	need := make(columns, len(s.Exprs))
	for _, e := range n.Exprs {
		need.read(e)
	}
	if !slices.Contains(need, false) || s.Watermark != nil || s.RowtimeExpr != nil || len(s.Meta) > 0 {
		return n
	}
	in, m := scanOf(s, need)
	p := *n
	p.Input, p.Exprs = in, make([]expr.Expr, len(n.Exprs))
	for i, e := range n.Exprs {
		p.Exprs[i] = m.expr(e)
	}
	return &p
}
