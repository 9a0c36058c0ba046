package physical

import (
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/overagg"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// over makes one operator per window, each appending its results to the rows of
// the one before.
func (b *builder) over(n *logical.Over, in Input) (*Node, error) {
	schema := n.Input.Schema()
	var node *Node
	for i := range n.Groups {
		g := &n.Groups[i]
		order, err := b.overOrder(n, g)
		if err != nil {
			return nil, err
		}
		end := schema.Len() + len(g.Calls)
		out := &types.Schema{Fields: n.Out.Fields[:end:end]}
		spec := &overagg.Spec{In: schema, Order: order, Partition: g.Partition, By: g.Order, Rows: g.Rows,
			Lower: overagg.Bound{Unbounded: g.Lower.Unbounded, Following: g.Lower.Following, N: g.Lower.N},
			Upper: overagg.Bound{Unbounded: g.Upper.Unbounded, Following: g.Upper.Following, N: g.Upper.N}, Out: out}
		for _, c := range g.Calls {
			spec.Calls = append(spec.Calls, overagg.Call{Rank: c.Rank, Call: groupagg.Call{Fn: c.Fn, Args: c.Args, Distinct: c.Distinct,
				Filter: -1, Result: c.T, Consts: c.Consts, Order: c.Order, At: c.At}})
		}
		node = b.add(spec, n.Span(), in)
		in, schema = Input{From: node}, out
	}
	return node, nil
}

// overOrder is what orders the rows of a window, or why streaming can't have it.
func (b *builder) overOrder(n *logical.Over, g *logical.OverGroup) (overagg.Order, error) {
	if b.cfg.Session.Batch {
		return overagg.Final, nil
	}
	refuse := func(format string, args ...any) (overagg.Order, error) {
		return 0, sqlerr.New(sqlerr.Invalid, g.Calls[0].At, format, args...)
	}
	if len(g.Order) != 1 {
		return refuse("The window can only be ordered by a single time column.")
	}
	if g.Order[0].Desc {
		return refuse("The window can only be ordered in ASCENDING mode.")
	}
	if g.Upper.Following || g.Lower.Following || !g.Upper.Current {
		if g.Rows {
			return refuse("OVER ROWS FOLLOWING windows are not supported yet.")
		}
		return refuse("OVER RANGE FOLLOWING windows are not supported yet.")
	}
	for _, c := range g.Calls {
		switch c.Rank {
		case "", "ROW_NUMBER", "RANK", "DENSE_RANK", "LAG":
		default:
			return 0, sqlerr.New(sqlerr.Invalid, c.At, "%s Function is not supported in stream mode.", c.Rank)
		}
		if bounded := !g.Lower.Unbounded; bounded && c.Fn != nil && !c.Fn.Retract {
			return 0, sqlerr.Unsupported(c.At, c.Fn.Name+" over a bounded window")
		}
	}
	switch n.Input.Schema().Fields[g.Order[0].Col].Type.Attr {
	case types.Rowtime:
		return overagg.Rowtime, nil
	case types.Proctime:
		return overagg.Proctime, nil
	}
	if !g.Lower.Unbounded {
		return refuse("Non-time attribute sort is not supported for bounded OVER window.")
	}
	return overagg.Values, nil
}
