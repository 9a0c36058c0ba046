package physical

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// share makes equal parts of the plans one part, which is then computed once: a
// view that is read twice, a table that several queries of a statement set read.
// Flink's options turn it off.
func share(roots []logical.Node, session *types.Session) []logical.Node {
	if session.Option("table.optimizer.reuse-sub-plan-enabled", "true") == "false" {
		return roots
	}
	s := sharer{seen: map[logical.Node]logical.Node{}, equal: map[string]logical.Node{}, ids: map[logical.Node]int{},
		sources: session.Option("table.optimizer.reuse-source-enabled", "true") != "false"}
	out := make([]logical.Node, len(roots))
	for i, r := range roots {
		out[i] = s.one(r)
	}
	return out
}

type sharer struct {
	seen    map[logical.Node]logical.Node
	equal   map[string]logical.Node // by what they compute
	ids     map[logical.Node]int
	sources bool
}

// one is the node that stands for n and all its equals.
func (s *sharer) one(n logical.Node) logical.Node {
	if x := s.seen[n]; x != nil {
		return x
	}
	was, in := n, n.Inputs()
	if len(in) > 0 {
		next, same := make([]logical.Node, len(in)), true
		for i, x := range in {
			next[i] = s.one(x)
			same = same && next[i] == x
		}
		if !same {
			n = n.With(next)
		}
	}
	if text, ok := s.text(n); ok {
		if x := s.equal[text]; x != nil {
			s.seen[was] = x
			return x
		}
		s.equal[text] = n
	}
	s.ids[n] = len(s.ids) + 1
	s.seen[was] = n
	return n
}

// text says all of what a node computes; not ok: it isn't shared.
func (s *sharer) text(n logical.Node) (string, bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "%T %s", n, n)
	for _, f := range n.Schema().Fields {
		fmt.Fprintf(&b, "\n%s %s %v", f.Name, f.Type, f.Type.Attr)
	}
	for _, in := range n.Inputs() {
		fmt.Fprintf(&b, "\ninput %d", s.ids[in])
	}
	switch n := n.(type) {
	case *logical.Scan:
		if !s.sources || !stable(n.Exprs...) || !stable(n.Filter, n.Watermark, n.RowtimeExpr) {
			return "", false
		}
		fmt.Fprintf(&b, "\n%v %v %v %v %d %v", n.Table.Options, n.Physical, n.Meta, n.Filter, n.Limit, n.RowtimeExpr)
	case *logical.Project:
		if !stable(n.Exprs...) {
			return "", false
		}
	case *logical.Filter:
		if !stable(n.Cond) {
			return "", false
		}
	case *logical.WindowTVF:
		fmt.Fprintf(&b, "\n%+v", n.Window)
	case *logical.Aggregate:
		fmt.Fprintf(&b, "\n%v %v %v %v %s", n.Sets, n.SetIDs, n.Props, n.Distinct, n.TTL)
		if n.Window != nil {
			fmt.Fprintf(&b, "\n%#v", *n.Window)
		}
		for _, c := range n.Calls {
			if len(c.Consts) != len(c.Args) {
				return "", false // a constant that the text may not show
			}
			fmt.Fprintf(&b, "\n%v %v %v %v %s", c, c.Distinct, c.Filter, c.Order, c.T)
		}
	default:
		return "", false
	}
	return b.String(), true
}

// stable says that expressions have the same values each time they're computed.
func stable(es ...expr.Expr) bool {
	for _, e := range es {
		if e != nil && expr.Class(e) == functions.PerRow {
			return false
		}
	}
	return true
}
