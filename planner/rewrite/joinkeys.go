package rewrite

import (
	"strconv"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// joinKeys puts the sides of an equality that aren't columns into projections below
// the join, so that they can be keys of its state: a.k + 1 = b.k.
func joinKeys(n logical.Node, _ *types.Session) (logical.Node, error) {
	j, ok := n.(*logical.Join)
	if !ok {
		return n, nil
	}
	left := j.Left.Schema().Len()
	var add [2][]expr.Expr
	conds := expr.Conjuncts(j.Cond)
	type place struct{ cond, arg, side, at int }
	var places []place
	for i, c := range conds {
		call, ok := c.(*expr.Call)
		if !ok || len(call.Args) != 2 || call.Fn.Name != "=" && call.Fn.Name != "IS NOT DISTINCT FROM" {
			continue
		}
		x, y := sideOf(call.Args[0], left), sideOf(call.Args[1], left)
		if x|y != onBoth || x == onBoth || y == onBoth {
			continue
		}
		for a, s := range [2]side{x, y} {
			if _, isCol := call.Args[a].(*expr.Column); isCol || j.Temporal && s == onRight {
				continue
			}
			k := int(s - onLeft)
			places = append(places, place{i, a, k, len(add[k])})
			add[k] = append(add[k], call.Args[a])
		}
	}
	if len(places) == 0 {
		return n, nil
	}
	c := *j
	c.Left, c.Right = widened(j.Left, add[0], 0), widened(j.Right, add[1], left)
	wide := c.Left.Schema().Len()
	move := func(i int) int {
		if i >= left {
			return i - left + wide
		}
		return i
	}
	for i := range conds {
		conds[i] = expr.Remap(conds[i], move)
	}
	for _, p := range places {
		e := *conds[p.cond].(*expr.Call)
		e.Args = append([]expr.Expr(nil), e.Args...)
		at := left + p.at
		if p.side == 1 {
			at = wide + j.Right.Schema().Len() + p.at
		}
		e.Args[p.arg] = &expr.Column{Index: at, Name: "key", T: add[p.side][p.at].Type(), At: e.At}
		conds[p.cond] = &e
	}
	c.Cond = all(conds)
	return trimmed(&c, j, move), nil
}

// widened is n with more columns behind its own; the expressions count columns from
// first.
func widened(n logical.Node, add []expr.Expr, first int) logical.Node {
	if len(add) == 0 {
		return n
	}
	p := &logical.Project{Base: logical.Base{Out: &types.Schema{}, At: n.Span()}, Input: n}
	for i, f := range n.Schema().Fields {
		p.Exprs = append(p.Exprs, &expr.Column{Index: i, Name: f.Name, T: f.Type})
		p.Out.Fields = append(p.Out.Fields, f)
	}
	for i, e := range shifted(add, -first) {
		p.Exprs = append(p.Exprs, e)
		p.Out.Fields = append(p.Out.Fields, types.Field{Name: "$key" + strconv.Itoa(i), Type: e.Type().Plain()})
	}
	return p
}

// trimmed is the join over widened inputs with the columns it had before.
func trimmed(c, j *logical.Join, move func(int) int) logical.Node {
	p := &logical.Project{Base: logical.Base{Out: j.Out, At: j.At}, Input: c}
	for i, f := range j.Out.Fields {
		p.Exprs = append(p.Exprs, &expr.Column{Index: move(i), Name: f.Name, T: f.Type})
	}
	c.Out = &types.Schema{Fields: append([]types.Field(nil), c.Left.Schema().Fields...)}
	if j.Kind != logical.Semi && j.Kind != logical.Anti {
		c.Out.Fields = append(c.Out.Fields, c.Right.Schema().Fields...)
		padded := [2]bool{j.Kind == logical.Right || j.Kind == logical.Full, j.Kind == logical.Left || j.Kind == logical.Full}
		for i := range c.Out.Fields {
			f := &c.Out.Fields[i]
			right := i >= c.Left.Schema().Len()
			if !j.Temporal && j.Interval == nil {
				f.Type = f.Type.Plain()
			}
			if right && padded[1] || !right && padded[0] {
				f.Type = f.Type.Nullable()
			}
		}
	}
	return p
}
