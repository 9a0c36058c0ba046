package physical

import (
	"slices"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/temporaljoin"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// temporalJoin is a join with the versions of a table by event time.
func (b *builder) temporalJoin(n *logical.Join, in []Input) (*Node, error) {
	right, err := b.versions(n, in[1])
	if err != nil {
		return nil, err
	}
	spec := &temporaljoin.Spec{Left: n.Left.Schema(), Right: n.Right.Schema(), Time: [2]int{n.AsOf, right}, Outer: n.Kind == logical.Left, Out: n.Schema(), Session: b.cfg.Session}
	spec.Keys, spec.NullSafe, spec.Rest = equalities(n)
	if key := in[1].From.Keys.Unique; !operators.HasKey(key, spec.Keys[1]) {
		return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "Temporal table's primary key %s must be included in the equivalence condition of temporal join", operators.Columns(spec.Right, key[0]))
	}
	if in[1].From.Changes.InsertOnly() {
		return b.add(spec, n.Span(), in...), nil
	}
	for x := in[1].From; len(x.Inputs) == 1; x = x.Inputs[0].From {
		if c, ok := x.Spec.(*calc.Spec); ok && c.Filter != nil && !x.Inputs[0].From.Changes.InsertOnly() {
			return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "Filter is not allowed for right changelog input of event time temporal join, it will corrupt the versioning of data")
		}
	}
	return b.add(spec, n.Span(), in...), nil
}

// versions is the column that says when a version of the right table began.
func (b *builder) versions(n *logical.Join, in Input) (int, error) {
	if err := settled(in.From); err != nil {
		return 0, err
	}
	if !slices.ContainsFunc(in.From.Keys.Unique, func(k []int) bool { return len(k) > 0 }) {
		return 0, sqlerr.New(sqlerr.Invalid, n.Span(), "Temporal Table Join requires primary key in versioned table, but no primary key can be found.")
	}
	for i, f := range n.Right.Schema().Fields {
		if f.Type.Attr == types.Rowtime {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.Invalid, n.Span(), "Event-Time Temporal Table Join requires both primary key and row time attribute in versioned table, but no row time attribute can be found.")
}
