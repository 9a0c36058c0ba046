package physical

import (
	"github.com/millrace/millrace/operators/correlate"
	"github.com/millrace/millrace/planner/logical"
)

// correlate plans a table function applied to each row.
func (b *builder) correlate(n *logical.Correlate, in Input) (*Node, error) {
	spec := &correlate.Spec{In: n.Input.Schema(), Fn: n.Fn, Exprs: n.Args, Cond: n.Cond, Left: n.Left, Out: n.Schema(), Session: b.cfg.Session, At: n.Span()}
	return b.add(spec, n.Span(), in), nil
}
