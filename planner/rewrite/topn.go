package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// topN recognises a filter on ROW_NUMBER: Filter over Over, or over a Project of
// it that was pushed below the filter by mergeProjects.
func topN(n logical.Node, _ *types.Session) (logical.Node, error) {
	f, ok := n.(*logical.Filter)
	if !ok {
		return n, nil
	}
	o, ok := f.Input.(*logical.Over)
	if !ok || len(o.Groups) != 1 || len(o.Groups[0].Calls) != 1 {
		return n, nil
	}
	g := o.Groups[0]
	switch g.Calls[0].Rank {
	case "ROW_NUMBER", "RANK", "DENSE_RANK":
	default:
		return n, nil
	}
	rank := o.Input.Schema().Len()
	from, to := int64(1), int64(noEnd)
	var rest []expr.Expr
	for _, c := range expr.Conjuncts(f.Cond) {
		op, v, ok := bound(c, rank)
		if !ok {
			rest = append(rest, c)
			continue
		}
		switch op {
		case "<=":
			to = least(to, v)
		case "<":
			to = least(to, v-1)
		case "=":
			from, to = max(from, v), least(to, v)
		case ">=":
			from = max(from, v)
		case ">":
			from = max(from, v+1)
		}
	}
	if to == noEnd {
		return n, nil
	}
	if to <= 0 {
		return nil, sqlerr.New(sqlerr.Invalid, f.At, "Rank end should not less than zero, but now is %d", to)
	}
	var out logical.Node = &logical.TopN{Base: logical.Base{Out: o.Schema(), At: f.At}, Input: o.Input, Partition: g.Partition, By: g.Order,
		From: from, To: to, ToCol: -1, WithRank: true, Fn: g.Calls[0].Rank}
	for _, c := range rest {
		out = &logical.Filter{Base: logical.Base{Out: out.Schema(), At: f.At}, Input: out, Cond: c}
	}
	return out, nil
}

// noEnd is no upper bound of the ranks.
const noEnd = 1<<63 - 1

func least(a, b int64) int64 {
	if b < a {
		return b
	}
	return a
}

// bound reads `rank op constant`, in either order.
func bound(e expr.Expr, rank int) (op string, v int64, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 {
		return "", 0, false
	}
	l, r, op := c.Args[0], c.Args[1], c.Fn.Name
	if _, isCol := strip(r).(*expr.Column); isCol {
		l, r = r, l
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	col, ok1 := strip(l).(*expr.Column)
	k, ok2 := strip(r).(*expr.Const)
	if !ok1 || !ok2 || col.Index != rank || k.T.Layout() != types.LayoutI64 || k.Value.Null(0) {
		return "", 0, false
	}
	switch op {
	case "<", "<=", "=", ">", ">=":
		return op, k.Value.I64[0], true
	}
	return "", 0, false
}

func strip(e expr.Expr) expr.Expr {
	for {
		c, ok := e.(*expr.Cast)
		if !ok {
			return e
		}
		e = c.From
	}
}
