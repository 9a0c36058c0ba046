package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// unusedRank drops the rank number of a Top-N that nobody reads: fewer rows change,
// and a Top-1 by time is a deduplication then.
func unusedRank(n logical.Node, _ *types.Session) (logical.Node, error) {
	p, ok := n.(*logical.Project)
	if !ok {
		return n, nil
	}
	t, ok := p.Input.(*logical.TopN)
	if !ok || !t.WithRank {
		return n, nil
	}
	rank := t.Input.Schema().Len()
	for _, e := range p.Exprs {
		set := map[int]bool{}
		expr.Columns(e, set)
		if set[rank] {
			return n, nil
		}
	}
	c := *t
	c.WithRank = false
	c.Out = t.Input.Schema()
	m := *p
	m.Input = &c
	return &m, nil
}
