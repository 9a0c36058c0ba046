package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// windowAggregate recognises an aggregation over a window function that groups by
// window_start and window_end: the window becomes the aggregation's own, and its
// columns come out as properties.
func windowAggregate(n logical.Node, _ *types.Session) (logical.Node, error) {
	a, ok := n.(*logical.Aggregate)
	if !ok || a.Window != nil || a.Sets != nil {
		return n, nil
	}
	p, ok := a.Input.(*logical.Project)
	if !ok {
		return n, nil
	}
	input := p.Input
	var cond expr.Expr
	if f, ok := input.(*logical.Filter); ok {
		cond, input = f.Cond, f.Input
	}
	tvf, ok := input.(*logical.WindowTVF)
	if !ok {
		return n, nil
	}
	first := tvf.Input.Schema().Len() // of the window columns
	prop := func(k int) int {
		if c, ok := p.Exprs[k].(*expr.Column); ok && c.Index >= first {
			return c.Index - first
		}
		return -1
	}
	has := map[int]bool{}
	for _, k := range a.Keys {
		has[prop(k)] = true
	}
	if !has[0] || !has[1] {
		return n, nil
	}
	if cond != nil && reads(cond, first) {
		return n, nil
	}
	for i, e := range p.Exprs {
		if prop(i) < 0 && reads(e, first) {
			return n, nil
		}
	}
	for _, c := range a.Calls {
		reads := append([]int(nil), c.Args...)
		if c.Filter >= 0 {
			reads = append(reads, c.Filter)
		}
		for _, x := range reads {
			if prop(x) >= 0 {
				return nil, sqlerr.Unsupported(c.At, "an aggregate over a window column")
			}
		}
	}
	return rebuild(a, p, tvf, cond, first, prop), nil
}

// reads says whether e reads a column from first on.
func reads(e expr.Expr, first int) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	for c := range set {
		if c >= first {
			return true
		}
	}
	return false
}

// rebuild makes the window aggregation and a Project that restores the order of
// the columns.
func rebuild(a *logical.Aggregate, p *logical.Project, tvf *logical.WindowTVF, cond expr.Expr, first int, prop func(int) int) logical.Node {
	in := tvf.Input
	if cond != nil {
		in = &logical.Filter{Base: logical.Base{Out: in.Schema(), At: p.At}, Input: in, Cond: cond}
	}
	below := &logical.Project{Base: logical.Base{Out: &types.Schema{}, At: p.At}, Input: in}
	to := make([]int, len(p.Exprs)) // where each expression went; -1 - property for window columns
	for i, e := range p.Exprs {
		if k := prop(i); k >= 0 {
			to[i] = -1 - k
			continue
		}
		to[i] = len(below.Exprs)
		below.Exprs = append(below.Exprs, e)
		below.Out.Fields = append(below.Out.Fields, p.Out.Fields[i])
	}
	w := tvf.Window
	w.Time = len(below.Exprs)
	below.Exprs = append(below.Exprs, &expr.Column{Index: tvf.Window.Time, T: tvf.Input.Schema().Fields[tvf.Window.Time].Type})
	below.Out.Fields = append(below.Out.Fields, tvf.Input.Schema().Fields[tvf.Window.Time])
	out := &logical.Aggregate{Base: logical.Base{Out: &types.Schema{}, At: a.At}, Input: below, Window: &w}
	order := make([]int, 0, len(a.Out.Fields)) // column of out for each column of a
	var propAt [3]int
	for i, k := range a.Keys {
		if to[k] < 0 {
			order = append(order, to[k])
			continue
		}
		order = append(order, len(out.Keys))
		out.Keys = append(out.Keys, to[k])
		out.Out.Fields = append(out.Out.Fields, a.Out.Fields[i])
	}
	for i, c := range a.Calls {
		d := c
		d.Args = nil
		for _, x := range c.Args {
			d.Args = append(d.Args, to[x])
		}
		if d.Filter >= 0 {
			d.Filter = to[d.Filter]
		}
		order = append(order, len(out.Out.Fields))
		out.Calls = append(out.Calls, d)
		out.Out.Fields = append(out.Out.Fields, a.Out.Fields[len(a.Keys)+i])
	}
	for k := 0; k < 3; k++ {
		propAt[k] = len(out.Out.Fields)
		out.Props = append(out.Props, logical.WindowProp(k))
		out.Out.Fields = append(out.Out.Fields, tvf.Out.Fields[first+k])
	}
	top := &logical.Project{Base: logical.Base{Out: a.Out, At: a.At}, Input: out}
	for i, c := range order {
		if c < 0 {
			c = propAt[-1-c]
		}
		top.Exprs = append(top.Exprs, &expr.Column{Index: c, Name: a.Out.Fields[i].Name, T: out.Out.Fields[c].Type})
	}
	return top
}
