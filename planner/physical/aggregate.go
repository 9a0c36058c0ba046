package physical

import (
	"time"

	"github.com/millrace/millrace/formats"
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
	spec := &groupagg.Spec{In: n.Input.Schema(), Keys: n.Keys, Calls: calls(n), Out: n.Schema()}
	node := b.add(spec, n.Span(), in)
	b.hinted(n.TTL, &spec.TTL)
	return node, nil
}

// hinted puts the duration of a STATE_TTL hint, which the binder has checked, in
// place of the session's.
func (b *builder) hinted(hint string, ttl *time.Duration) {
	if d, err := formats.ParseDuration(hint); hint != "" && err == nil && !b.cfg.Session.Batch {
		*ttl = d
	}
}

func calls(n *logical.Aggregate) []groupagg.Call {
	var out []groupagg.Call
	for _, c := range n.Calls {
		out = append(out, groupagg.Call{Fn: c.Fn, Args: c.Args, Distinct: c.Distinct, Filter: c.Filter, Result: c.T, Consts: c.Consts, Order: c.Order, At: c.At})
	}
	return out
}
