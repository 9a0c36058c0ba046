package physical

import (
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/match"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// match makes the operator of MATCH_RECOGNIZE.
func (b *builder) match(n *logical.Match, in Input) (*Node, error) {
	schema := n.Input.Schema()
	spec := &match.Spec{In: schema, Partition: n.Partition, By: n.Order, Measures: n.Measures, Skip: match.SkipKind(n.Skip.Kind), SkipVar: n.Skip.Var,
		Within: n.Within, Out: n.Schema(), At: n.Span()}
	switch attr := schema.Fields[n.Order[0].Col].Type.Attr; {
	case attr == types.Proctime:
		spec.Order = match.Proctime
	case attr == types.NoTimeAttr && !b.cfg.Session.Batch:
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "You must specify either rowtime or proctime for order by as the first one.")
	}
	for _, v := range n.Pattern {
		spec.Vars = append(spec.Vars, match.Variable{Name: v.Name, Min: v.Min, Max: v.Max, Greedy: v.Greedy, Cond: v.Cond})
	}
	for _, v := range n.Navs {
		nav := match.Nav{Vars: v.Vars, Col: v.Col, First: v.First, Offset: v.Offset}
		if c := v.Agg; c != nil {
			nav.Agg = groupagg.Call{Fn: c.Fn, Args: c.Args, Filter: -1, Result: c.T, Consts: c.Consts, Order: c.Order, At: c.At}
			nav.T = c.T
		} else {
			nav.T = schema.Fields[v.Col].Type.Plain().Nullable()
		}
		spec.Navs = append(spec.Navs, nav)
	}
	for _, f := range n.Schema().Fields[len(n.Partition):] {
		spec.Timed = spec.Timed || f.Type.Attr == types.Rowtime
	}
	return b.add(spec, n.Span(), in), nil
}
