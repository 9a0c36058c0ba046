package physical

import (
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/planner/logical"
)

// aggregate chooses an aggregation: unbounded or windowed.
func (b *builder) aggregate(n *logical.Aggregate, in Input) (*Node, error) {
	switch {
	case n.Sets != nil:
		return b.groupingSets(n, in)
	case n.Window != nil:
		return b.windowAggregate(n, in)
	}
	return b.add(&groupagg.Spec{In: n.Input.Schema(), Keys: n.Keys, Calls: calls(n), Out: n.Schema()}, n.Span(), in), nil
}

func calls(n *logical.Aggregate) []groupagg.Call {
	var out []groupagg.Call
	for _, c := range n.Calls {
		out = append(out, groupagg.Call{Fn: c.Fn, Args: c.Args, Distinct: c.Distinct, Filter: c.Filter, Result: c.T, Consts: c.Consts, Order: c.Order, At: c.At})
	}
	return out
}
