package rewrite

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// Prune leaves out the columns that nobody reads: what a join or a Top-N doesn't
// need isn't kept in state. It goes from the root down, so it's no Rule; what it
// puts between nodes are projections.
func Prune(root logical.Node) logical.Node {
	n, _ := prune(root, allOf(root.Schema().Len()))
	return n
}

// columns are those of a node that are read.
type columns []bool

func allOf(n int) columns {
	c := make(columns, n)
	for i := range c {
		c[i] = true
	}
	return c
}

func (c columns) read(e expr.Expr) {
	if e == nil {
		return
	}
	set := map[int]bool{}
	expr.Columns(e, set)
	for i := range set {
		c.add(i)
	}
}

func (c columns) add(cols ...int) {
	for _, i := range cols {
		if i >= 0 && i < len(c) {
			c[i] = true
		}
	}
}

func (c columns) order(by []batch.Order) {
	for _, o := range by {
		c.add(o.Col)
	}
}

func (c columns) window(w *logical.Window) {
	if w != nil {
		c.add(w.Time)
		c.add(w.Partition...)
		if w.Kind == logical.Attached {
			c.add(w.Start, w.End)
		}
	}
}

// moved says where each column of a node has gone, -1 for one that was left out.
type moved []int

func unmoved(n int) moved {
	m := make(moved, n)
	for i := range m {
		m[i] = i
	}
	return m
}

func (m moved) col(i int) int {
	if i < 0 || i >= len(m) {
		return i
	}
	return m[i]
}

func (m moved) cols(cs []int) []int {
	if cs == nil {
		return nil
	}
	out := make([]int, len(cs))
	for i, c := range cs {
		out[i] = m.col(c)
	}
	return out
}

func (m moved) expr(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	return expr.Remap(e, m.col)
}

func (m moved) order(by []batch.Order) []batch.Order {
	if by == nil {
		return nil
	}
	out := append([]batch.Order(nil), by...)
	for i := range out {
		out[i].Col = m.col(out[i].Col)
	}
	return out
}

func (m moved) window(w *logical.Window) *logical.Window {
	if w == nil {
		return nil
	}
	c := *w
	c.Time, c.Partition = m.col(c.Time), m.cols(c.Partition)
	if c.Kind == logical.Attached {
		c.Start, c.End = m.col(c.Start), m.col(c.End)
	}
	return &c
}

// with is m with n more columns behind, which are now at to, to+1, ...
func (m moved) with(n, to int) moved {
	for i := range n {
		m = append(m, to+i)
	}
	return m
}

// prune is n with at least the columns needed, and where they are.
func prune(n logical.Node, need columns) (logical.Node, moved) {
	switch n := n.(type) {
	case *logical.Project:
		return pruneProject(n, need)
	case *logical.Filter:
		need = append(columns(nil), need...)
		need.read(n.Cond)
		in, m := prune(n.Input, need)
		c := *n
		c.Input, c.Cond, c.Out = in, m.expr(n.Cond), in.Schema()
		return &c, m
	case *logical.Join:
		if !n.Temporal {
			return pruneJoin(n, need)
		}
	case *logical.Aggregate:
		return pruneAggregate(n, need)
	case *logical.TopN:
		return pruneTopN(n, need)
	case *logical.Over:
		return pruneOver(n, need)
	case *logical.Sort:
		need = append(columns(nil), need...)
		need.order(n.By)
		in, m := only(n.Input, need)
		c := *n
		c.Input, c.By, c.Out = in, m.order(n.By), in.Schema()
		return &c, m
	case *logical.WindowTVF:
		return pruneWindow(n, need)
	case *logical.Union:
		c := *n
		c.All = make([]logical.Node, len(n.All))
		var m moved
		for i, in := range n.All {
			c.All[i], m = only(in, need)
		}
		c.Out = selected(n.Out, m)
		return &c, m
	}
	in := n.Inputs()
	if len(in) == 0 {
		return n, unmoved(n.Schema().Len())
	}
	next := make([]logical.Node, len(in))
	for i, x := range in {
		next[i], _ = prune(x, allOf(x.Schema().Len()))
	}
	return n.With(next), unmoved(n.Schema().Len())
}

// some is need, or one column when none is: the number of rows is what counts.
func (c columns) some(s *types.Schema) columns {
	for _, x := range c {
		if x {
			return c
		}
	}
	out := make(columns, len(c))
	for i, f := range s.Fields {
		if f.Type.Layout() == types.LayoutI64 {
			out.add(i)
			return out
		}
	}
	out.add(0)
	return out
}

// only is n with exactly the columns needed, one at least, in their order.
func only(n logical.Node, need columns) (logical.Node, moved) {
	need = need.some(n.Schema())
	in, m := prune(n, need)
	out := make(moved, len(need))
	p := &logical.Project{Base: logical.Base{Out: &types.Schema{}, At: n.Span()}, Input: in}
	keep := func(i int) {
		f := in.Schema().Fields[m[i]]
		out[i] = len(p.Exprs)
		p.Exprs = append(p.Exprs, &expr.Column{Index: m[i], Name: f.Name, T: f.Type})
		p.Out.Fields = append(p.Out.Fields, f)
	}
	for i := range need {
		if out[i] = -1; need[i] {
			keep(i)
		}
	}
	if len(p.Exprs) == in.Schema().Len() {
		same := true
		for i, e := range p.Exprs {
			same = same && e.(*expr.Column).Index == i
		}
		if same {
			return in, out
		}
	}
	return p, out
}

// selected is the fields of s that moved, in their new order.
func selected(s *types.Schema, m moved) *types.Schema {
	n := 0
	for _, to := range m {
		n = max(n, to+1)
	}
	out := &types.Schema{Fields: make([]types.Field, n)}
	for i, to := range m {
		if to >= 0 {
			out.Fields[to] = s.Fields[i]
		}
	}
	return out
}

func pruneProject(n *logical.Project, need columns) (logical.Node, moved) {
	c := *n
	c.Exprs, c.Out = nil, &types.Schema{}
	need = need.some(n.Out)
	m, below := make(moved, len(need)), make(columns, n.Input.Schema().Len())
	for i := range need {
		if m[i] = -1; need[i] {
			m[i] = len(c.Exprs)
			c.Exprs = append(c.Exprs, n.Exprs[i])
			c.Out.Fields = append(c.Out.Fields, n.Out.Fields[i])
			below.read(n.Exprs[i])
		}
	}
	in, from := prune(n.Input, below)
	c.Input = in
	for i, e := range c.Exprs {
		c.Exprs[i] = from.expr(e)
	}
	return &c, m
}

func pruneJoin(n *logical.Join, need columns) (logical.Node, moved) {
	left, right := n.Left.Schema().Len(), n.Right.Schema().Len()
	read := make(columns, left+right)
	copy(read, need)
	read.read(n.Cond)
	if i := n.Interval; i != nil {
		read.add(i.Left, left+i.Right)
	}
	l, r := read[:left], read[left:]
	if w := n.Windows; w != nil {
		l.window(&w.Left)
		r.window(&w.Right)
	}
	c := *n
	var ml, mr moved
	c.Left, ml = only(n.Left, l)
	c.Right, mr = only(n.Right, r)
	m := append(moved(nil), ml...)
	width := c.Left.Schema().Len()
	for _, to := range mr {
		if to >= 0 {
			to += width
		}
		m = append(m, to)
	}
	c.Cond = m.expr(n.Cond)
	if i := n.Interval; i != nil {
		moved := *i
		moved.Left, moved.Right = ml.col(i.Left), mr.col(i.Right)
		c.Interval = &moved
	}
	if w := n.Windows; w != nil {
		c.Windows = &logical.JoinWindows{Left: *ml.window(&w.Left), Right: *mr.window(&w.Right)}
	}
	c.Out = selected(n.Out, m[:n.Out.Len()])
	return &c, m[:n.Out.Len()]
}

// pruneAggregate leaves out the calls that nobody reads: a group is only sent again
// when what is read of it changes. One stays where there is nothing else.
func pruneAggregate(n *logical.Aggregate, need columns) (logical.Node, moved) {
	first := len(n.Keys) // the call that stays
	if n.Window == nil && n.Sets == nil && first > 0 || slices.Contains(need[first:first+len(n.Calls)], true) {
		first = -1
	}
	below := make(columns, n.Input.Schema().Len())
	below.add(n.Keys...)
	below.window(n.Window)
	c := *n
	c.Calls = nil
	out := unmoved(n.Out.Len())
	for i, call := range n.Calls {
		at := len(n.Keys) + i
		if !need[at] && at != first {
			out[at] = -1
			continue
		}
		out[at] = len(n.Keys) + len(c.Calls)
		c.Calls = append(c.Calls, call)
		below.add(call.Args...)
		below.add(call.Filter)
	}
	for at := len(n.Keys) + len(n.Calls); at < len(out); at++ {
		out[at] = at - len(n.Calls) + len(c.Calls)
	}
	in, m := only(n.Input, below)
	c.Input, c.Keys, c.Window = in, m.cols(n.Keys), m.window(n.Window)
	for i := range c.Calls {
		c.Calls[i].Args, c.Calls[i].Filter = m.cols(c.Calls[i].Args), m.col(c.Calls[i].Filter)
	}
	c.Out = selected(n.Out, out)
	return &c, out
}

func pruneTopN(n *logical.TopN, need columns) (logical.Node, moved) {
	below := append(columns(nil), need[:n.Input.Schema().Len()]...)
	below.add(n.Partition...)
	below.order(n.By)
	below.add(n.ToCol)
	below.window(n.Window)
	in, m := only(n.Input, below)
	c := *n
	c.Input, c.Partition, c.By, c.ToCol, c.Window = in, m.cols(n.Partition), m.order(n.By), m.col(n.ToCol), m.window(n.Window)
	if n.WithRank {
		m = m.with(1, in.Schema().Len())
	}
	c.Out = selected(n.Out, m)
	return &c, m
}

// pruneOver leaves out the calls that nobody reads. Without any the rows pass as they
// are, late ones too.
func pruneOver(n *logical.Over, need columns) (logical.Node, moved) {
	width := n.Input.Schema().Len()
	below := append(columns(nil), need[:width]...)
	c := *n
	c.Groups = nil
	at, kept := width, []int(nil) // columns of calls
	for _, g := range n.Groups {
		var calls []logical.OverCall
		for _, call := range g.Calls {
			if at++; !need[at-1] {
				continue
			}
			calls, kept = append(calls, call), append(kept, at-1)
			below.add(call.Args...)
			below.add(call.Filter)
		}
		if g.Calls = calls; len(calls) > 0 {
			below.add(g.Partition...)
			below.order(g.Order)
			c.Groups = append(c.Groups, g)
		}
	}
	in, m := only(n.Input, below)
	to := append(moved(nil), m...)
	for range n.Out.Len() - width {
		to = append(to, -1)
	}
	if len(c.Groups) == 0 {
		return in, to
	}
	for i, g := range c.Groups {
		g.Partition, g.Order = m.cols(g.Partition), m.order(g.Order)
		for k := range g.Calls {
			g.Calls[k].Args, g.Calls[k].Filter = m.cols(g.Calls[k].Args), m.col(g.Calls[k].Filter)
		}
		c.Groups[i] = g
	}
	for i, k := range kept {
		to[k] = in.Schema().Len() + i
	}
	c.Input, c.Out = in, selected(n.Out, to)
	return &c, to
}

func pruneWindow(n *logical.WindowTVF, need columns) (logical.Node, moved) {
	width := n.Input.Schema().Len()
	below := append(columns(nil), need[:width]...)
	below.window(&n.Window)
	in, m := only(n.Input, below)
	c := *n
	c.Input, c.Window = in, *m.window(&n.Window)
	m = m.with(n.Out.Len()-width, in.Schema().Len())
	c.Out = selected(n.Out, m)
	return &c, m
}
