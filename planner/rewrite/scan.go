package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// NarrowScans makes the scans of a job read no more than what is computed with,
// where the connector says that this costs less. A table that is read several times
// is read with the columns of all of its uses, so that its scans stay equal and are
// made once: it needs to see all plans of the job, so it is no Rule. Prune has put
// projections over the scans before.
//
// whole says of a scan that it must be left as it is: one whose rows change, as these
// are found again by all of their columns.
func NarrowScans(roots []logical.Node, session *types.Session, whole func(*logical.Scan) bool) []logical.Node {
	s := &scans{read: map[string]columns{}, batch: session.Batch, whole: whole}
	for _, n := range roots {
		s.narrow(n, false)
	}
	out := make([]logical.Node, len(roots))
	for i, n := range roots {
		out[i], _ = s.narrow(n, true)
	}
	return out
}

// scans is the columns that are read of each table.
type scans struct {
	read  map[string]columns
	batch bool
	whole func(*logical.Scan) bool
}

// narrow visits n: to see what is read, then, when rewrite is set, to leave out the
// rest. It says where n's columns went.
func (s *scans) narrow(n logical.Node, rewrite bool) (logical.Node, moved) {
	if c, ok := n.(*logical.Scan); ok { // somebody wants it all
		return s.scan(c, allOf(c.Out.Len()), rewrite)
	}
	if p, ok := n.(*logical.Project); ok {
		if c, f := scanBelow(p.Input); c != nil {
			need := make(columns, c.Out.Len())
			for _, e := range p.Exprs {
				need.read(e)
			}
			for _, x := range f {
				need.read(x.Cond)
			}
			in, m := s.scan(c, need, rewrite)
			for i := len(f) - 1; i >= 0; i-- {
				g := *f[i]
				g.Input, g.Cond, g.Out = in, m.expr(g.Cond), in.Schema()
				in = &g
			}
			out := *p
			out.Input, out.Exprs = in, make([]expr.Expr, len(p.Exprs))
			for i, e := range p.Exprs {
				out.Exprs[i] = m.expr(e)
			}
			if rewrite && same(&out) {
				return in, unmoved(p.Out.Len())
			}
			return &out, unmoved(p.Out.Len())
		}
	}
	in := n.Inputs()
	if len(in) == 0 {
		return n, unmoved(n.Schema().Len())
	}
	next := make([]logical.Node, len(in))
	for i, x := range in {
		next[i], _ = s.narrow(x, rewrite)
	}
	return n.With(next), unmoved(n.Schema().Len())
}

// same says that a projection is its input.
func same(p *logical.Project) bool {
	if len(p.Exprs) != p.Input.Schema().Len() {
		return false
	}
	for i, e := range p.Exprs {
		from, to := p.Input.Schema().Fields[i], p.Out.Fields[i]
		if c, ok := e.(*expr.Column); !ok || c.Index != i || from.Name != to.Name || !from.Type.Same(to.Type) || from.Type.Attr != to.Type.Attr {
			return false
		}
	}
	return true
}

// scanBelow is the scan under filters, nil when there is something else.
func scanBelow(n logical.Node) (*logical.Scan, []*logical.Filter) {
	var f []*logical.Filter
	for {
		switch x := n.(type) {
		case *logical.Scan:
			return x, f
		case *logical.Filter:
			f, n = append(f, x), x.Input
		default:
			return nil, nil
		}
	}
}

func (s *scans) scan(n *logical.Scan, need columns, rewrite bool) (logical.Node, moved) {
	key := n.String()
	if !rewrite {
		if s.read[key] == nil {
			s.read[key] = make(columns, len(need))
		}
		for i, x := range need {
			s.read[key][i] = s.read[key][i] || x
		}
		return n, unmoved(len(need))
	}
	need = s.read[key].some(n.Out)
	if !n.Table.Connector.Narrows || !slices.Contains(need, false) || s.whole(n) {
		return n, unmoved(len(need))
	}
	if s.batch { // nothing waits for event time
		c := *n
		c.Watermark, c.RowtimeExpr = nil, nil
		n = &c
	}
	return scanOf(n, need)
}

// scanOf is a scan of the output columns needed, whose connector is asked for no
// more than what they and event time are computed from.
func scanOf(n *logical.Scan, need columns) (*logical.Scan, moved) {
	c := *n
	c.Out, c.Exprs = &types.Schema{}, nil
	m := kept(need)
	for i, e := range n.Exprs {
		if need[i] {
			c.Exprs, c.Out.Fields = append(c.Exprs, e), append(c.Out.Fields, n.Out.Fields[i])
		}
	}
	if n.Rowtime >= 0 {
		c.Rowtime = m[n.Rowtime]
	}
	deliver(&c)
	return &c, m
}

// kept numbers the columns needed anew; -1 for the others.
func kept(need columns) moved {
	m, n := make(moved, len(need)), 0
	for i, x := range need {
		if m[i] = -1; x {
			m[i] = n
			n++
		}
	}
	return m
}

// deliver asks the connector for no more than what the scan computes with.
func deliver(s *logical.Scan) {
	need := make(columns, len(s.Physical)+len(s.Meta))
	for _, e := range append(slices.Clone(s.Exprs), s.Filter, s.Watermark, s.RowtimeExpr) {
		need.read(e)
	}
	if s.Table.Connector.Pushes { // one that goes on after a crash goes by the primary key
		for i, f := range s.Physical {
			for _, k := range s.Table.Key {
				need[i] = need[i] || s.Table.Full.Fields[f].Name == s.Table.Columns.Fields[k].Name
			}
		}
	}
	if len(s.Physical) > 0 && !slices.Contains(need[:len(s.Physical)], true) {
		need[0] = true
	}
	m := kept(need)
	var physical, meta []int
	for i, x := range s.Physical {
		if need[i] {
			physical = append(physical, x)
		}
	}
	for i, x := range s.Meta {
		if need[len(s.Physical)+i] {
			meta = append(meta, x)
		}
	}
	s.Physical, s.Meta = physical, meta
	s.Filter, s.Watermark, s.RowtimeExpr = m.expr(s.Filter), m.expr(s.Watermark), m.expr(s.RowtimeExpr)
	s.Exprs = slices.Clone(s.Exprs)
	for i, e := range s.Exprs {
		s.Exprs[i] = m.expr(e)
	}
}
