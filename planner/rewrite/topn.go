package rewrite

import (
	"github.com/millrace/millrace/batch"
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
	t := &logical.TopN{Base: logical.Base{Out: o.Schema(), At: f.At}, Input: o.Input, Partition: g.Partition, By: g.Order,
		From: 1, To: noEnd, ToCol: -1, WithRank: true, Fn: g.Calls[0].Rank}
	var rest []expr.Expr
	for _, c := range expr.Conjuncts(f.Cond) {
		if !narrow(t, c, rank) {
			rest = append(rest, c)
		}
	}
	if t.To == noEnd && t.ToCol < 0 {
		return n, nil
	}
	if t.To <= 0 {
		return nil, sqlerr.New(sqlerr.Invalid, f.At, "Rank end should not less than zero, but now is %d", t.To)
	}
	var out logical.Node = t
	if t.From == t.To && t.Fn == "ROW_NUMBER" && t.ToCol < 0 {
		out = constantRank(t)
	}
	for _, c := range rest {
		out = &logical.Filter{Base: logical.Base{Out: out.Schema(), At: f.At}, Input: out, Cond: c}
	}
	return out, nil
}

// narrow takes a condition on the rank into t, if it is one.
func narrow(t *logical.TopN, c expr.Expr, rank int) bool {
	op, end, ok := comparison(c, rank)
	if !ok {
		return false
	}
	if col, isCol := end.(*expr.Column); isCol {
		if t.ToCol >= 0 || t.To != noEnd || op != "<=" && op != "<" || col.T.Layout() != types.LayoutI64 {
			return false
		}
		t.ToCol, t.ToLess = col.Index, op == "<"
		return true
	}
	v := end.(*expr.Const).Value.I64[0]
	if t.ToCol >= 0 && op != ">=" && op != ">" {
		return false
	}
	switch op {
	case "<=":
		t.To = min(t.To, v)
	case "<":
		t.To = min(t.To, v-1)
	case "=":
		t.From, t.To = max(t.From, v), min(t.To, v)
	case ">=":
		t.From = max(t.From, v)
	case ">":
		t.From = max(t.From, v+1)
	}
	return true
}

// constantRank is a Top-N of a single rank, whose number is known.
func constantRank(t *logical.TopN) logical.Node {
	all := t.Schema()
	c := *t
	c.WithRank, c.Out = false, t.Input.Schema()
	p := &logical.Project{Base: logical.Base{Out: all, At: t.At}, Input: &c}
	for i, f := range all.Fields {
		p.Exprs = append(p.Exprs, &expr.Column{Index: i, Name: f.Name, T: f.Type})
	}
	last := len(p.Exprs) - 1
	var v batch.Vector
	v.Prepare(all.Fields[last].Type, 1)
	v.I64[0] = t.From
	p.Exprs[last] = &expr.Const{Value: v, T: all.Fields[last].Type, At: t.At}
	return p
}

// noEnd is no upper bound of the ranks.
const noEnd = 1<<63 - 1

// comparison reads `rank op end` in either order, where end is a constant or another
// column.
func comparison(e expr.Expr, rank int) (op string, end expr.Expr, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 {
		return "", nil, false
	}
	l, r, op := strip(c.Args[0]), strip(c.Args[1]), c.Fn.Name
	if col, isCol := r.(*expr.Column); isCol && col.Index == rank {
		l, r = r, l
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if col, isCol := l.(*expr.Column); !isCol || col.Index != rank {
		return "", nil, false
	}
	switch op {
	case "<", "<=", "=", ">", ">=":
	default:
		return "", nil, false
	}
	switch r := r.(type) {
	case *expr.Const:
		return op, r, r.T.Layout() == types.LayoutI64 && !r.Value.Null(0)
	case *expr.Column:
		return op, r, r.Index != rank
	}
	return "", nil, false
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
