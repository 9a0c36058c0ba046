package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// windowAggregate recognises an aggregation that groups by window_start and
// window_end. Straight over a window function it takes the window over, and the
// window's columns come out as properties. Over rows that carry their window
// (a filter on the window, a window join or Top-N stands between) it fires by the
// window's end all the same.
func windowAggregate(n logical.Node, session *types.Session) (logical.Node, error) {
	a, ok := n.(*logical.Aggregate)
	if !ok || a.Window != nil {
		return n, nil
	}
	p, ok := a.Input.(*logical.Project)
	if !ok {
		return n, nil
	}
	w := windowsOf(p)
	if w == nil || !w.inside(a.Keys) {
		return n, nil
	}
	for _, set := range a.Sets { // the window is part of every set
		var keys []int
		for _, k := range set {
			keys = append(keys, a.Keys[k])
		}
		if !w.inside(keys) {
			return n, nil
		}
	}
	if tvf, cond := pullable(a, p); tvf != nil {
		if tvf.Window.Kind == logical.Session && !partitioned(a, p, tvf) {
			return n, nil
		}
		first := tvf.Input.Schema().Len()
		prop := func(k int) int {
			if c, ok := p.Exprs[k].(*expr.Column); ok && c.Index >= first {
				return c.Index - first
			}
			return -1
		}
		return rebuild(a, p, tvf, cond, first, prop), nil
	}
	if session.Batch || w.window.Kind == logical.Session && !w.window.Legacy && tvfBelow(p) {
		return n, nil
	}
	return attach(a, p, w), nil
}

// tvfBelow says that nothing but filters stands between p and a window function.
func tvfBelow(p *logical.Project) bool {
	in := p.Input
	if f, ok := in.(*logical.Filter); ok {
		in = f.Input
	}
	_, ok := in.(*logical.WindowTVF)
	return ok
}

// pullable is the window function that the aggregation can take over, with the
// filter between: neither that nor an expression may read the window's columns.
func pullable(a *logical.Aggregate, p *logical.Project) (*logical.WindowTVF, expr.Expr) {
	input := p.Input
	var cond expr.Expr
	if f, ok := input.(*logical.Filter); ok {
		cond, input = f.Cond, f.Input
	}
	tvf, ok := input.(*logical.WindowTVF)
	if !ok {
		return nil, nil
	}
	first := tvf.Input.Schema().Len() // of the window columns
	if cond != nil && reads(cond, first) {
		return nil, nil
	}
	window := map[int]bool{} // columns of p that are the window's
	for i, e := range p.Exprs {
		if c, ok := e.(*expr.Column); ok && c.Index >= first {
			window[i] = true
		} else if reads(e, first) {
			return nil, nil
		}
	}
	for _, c := range a.Calls {
		for _, x := range append(append([]int(nil), c.Args...), c.Filter) {
			if window[x] {
				return nil, nil
			}
		}
	}
	return tvf, cond
}

// partitioned says that the keys of the aggregation are just those the sessions
// are partitioned by: else the sessions aren't its own.
func partitioned(a *logical.Aggregate, p *logical.Project, tvf *logical.WindowTVF) bool {
	first := tvf.Input.Schema().Len()
	have := map[int]bool{}
	for _, k := range a.Keys {
		c, ok := p.Exprs[k].(*expr.Column)
		if !ok {
			return false
		}
		if c.Index < first {
			have[c.Index] = true
		}
	}
	want := map[int]bool{}
	for _, c := range tvf.Window.Partition {
		want[c] = true
		if !have[c] {
			return false
		}
	}
	return len(have) == len(want)
}

// attach makes the aggregation of rows that carry their window, and a Project that
// restores the order of the columns.
func attach(a *logical.Aggregate, p *logical.Project, w *windowed) logical.Node {
	win := *w.window
	win.Kind, win.Start, win.End, win.Time = logical.Attached, w.start[0], w.end[0], w.end[0]
	if len(w.time) > 0 {
		win.Time = w.time[0]
	}
	out := &logical.Aggregate{Base: logical.Base{Out: &types.Schema{}, At: a.At}, Input: p, Window: &win, Calls: a.Calls}
	var order []int      // column of out for each of a's; -1 - property for window columns
	key := map[int]int{} // where each key went in out.Keys
	for i, k := range a.Keys {
		switch {
		case slices.Contains(w.start, k):
			order = append(order, -1)
		case slices.Contains(w.end, k):
			order = append(order, -2)
		case slices.Contains(w.time, k):
			order = append(order, -3)
		default:
			key[i] = len(out.Keys)
			order = append(order, len(out.Keys))
			out.Keys = append(out.Keys, k)
			out.Out.Fields = append(out.Out.Fields, a.Out.Fields[i])
		}
	}
	for i := range a.Calls {
		order = append(order, len(out.Out.Fields))
		out.Out.Fields = append(out.Out.Fields, a.Out.Fields[len(a.Keys)+i])
	}
	first := len(out.Out.Fields)
	times := []types.Field{{Name: "window_start", Type: types.TimestampType(3).NotNullable()}, {Name: "window_end", Type: types.TimestampType(3).NotNullable()}}
	if len(w.time) > 0 {
		times = append(times, types.Field{Name: "window_time", Type: p.Out.Fields[w.time[0]].Type})
	}
	for k, f := range times {
		out.Props = append(out.Props, logical.WindowProp(k))
		out.Out.Fields = append(out.Out.Fields, f)
	}
	return ordered(a, out, keepSets(a, out, order, key), first)
}

// keepSets gives out, whose other columns are complete, a's grouping sets: key says
// where each key went. Their id is the last column.
func keepSets(a, out *logical.Aggregate, order []int, key map[int]int) []int {
	if a.Sets == nil {
		return order
	}
	out.SetIDs = a.SetIDs
	for _, set := range a.Sets {
		kept := []int{}
		for _, k := range set {
			if at, ok := key[k]; ok {
				kept = append(kept, at)
			}
		}
		out.Sets = append(out.Sets, kept)
	}
	order = append(order, len(out.Out.Fields))
	out.Out.Fields = append(out.Out.Fields, a.Out.Fields[len(a.Out.Fields)-1])
	return order
}

// ordered projects the aggregation's columns in the order a has them: order is a
// column of out, or -1 - property for a window's column, which begin at first.
func ordered(a, out *logical.Aggregate, order []int, first int) logical.Node {
	top := &logical.Project{Base: logical.Base{Out: a.Out, At: a.At}, Input: out}
	for i, c := range order {
		if c < 0 {
			c = first - 1 - c
		}
		top.Exprs = append(top.Exprs, &expr.Column{Index: c, Name: a.Out.Fields[i].Name, T: out.Out.Fields[c].Type})
	}
	return top
}

// reads says whether e reads a column from first on.
func reads(e expr.Expr, first int) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	for c := range set {
		if c >= first {
			return true
		}
	}
	return false
}

// rebuild makes the window aggregation and a Project that restores the order of
// the columns.
func rebuild(a *logical.Aggregate, p *logical.Project, tvf *logical.WindowTVF, cond expr.Expr, first int, prop func(int) int) logical.Node {
	in := tvf.Input
	if cond != nil {
		in = &logical.Filter{Base: logical.Base{Out: in.Schema(), At: p.At}, Input: in, Cond: cond}
	}
	below := &logical.Project{Base: logical.Base{Out: &types.Schema{}, At: p.At}, Input: in}
	to := make([]int, len(p.Exprs)) // where each expression went; -1 - property for window columns
	for i, e := range p.Exprs {
		if k := prop(i); k >= 0 {
			to[i] = -1 - k
			continue
		}
		to[i] = len(below.Exprs)
		below.Exprs = append(below.Exprs, e)
		below.Out.Fields = append(below.Out.Fields, p.Out.Fields[i])
	}
	w := tvf.Window
	w.Time = len(below.Exprs)
	below.Exprs = append(below.Exprs, &expr.Column{Index: tvf.Window.Time, T: tvf.Input.Schema().Fields[tvf.Window.Time].Type})
	below.Out.Fields = append(below.Out.Fields, tvf.Input.Schema().Fields[tvf.Window.Time])
	out := &logical.Aggregate{Base: logical.Base{Out: &types.Schema{}, At: a.At}, Input: below, Window: &w}
	order := make([]int, 0, len(a.Out.Fields)) // column of out for each column of a
	key := map[int]int{}                       // where each key went in out.Keys
	for i, k := range a.Keys {
		if to[k] < 0 {
			order = append(order, to[k])
			continue
		}
		key[i] = len(out.Keys)
		order = append(order, len(out.Keys))
		out.Keys = append(out.Keys, to[k])
		out.Out.Fields = append(out.Out.Fields, a.Out.Fields[i])
	}
	for i, c := range a.Calls {
		d := c
		d.Args = nil
		for _, x := range c.Args {
			d.Args = append(d.Args, to[x])
		}
		if d.Filter >= 0 {
			d.Filter = to[d.Filter]
		}
		order = append(order, len(out.Out.Fields))
		out.Calls = append(out.Calls, d)
		out.Out.Fields = append(out.Out.Fields, a.Out.Fields[len(a.Keys)+i])
	}
	propsAt := len(out.Out.Fields)
	for k := 0; k < 3; k++ {
		out.Props = append(out.Props, logical.WindowProp(k))
		out.Out.Fields = append(out.Out.Fields, tvf.Out.Fields[first+k])
	}
	order = keepSets(a, out, order, key)
	return ordered(a, out, order, propsAt)
}
