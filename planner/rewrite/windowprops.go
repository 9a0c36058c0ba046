package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
)

// windowed says that each row of a relation belongs to a window, and which of its
// columns hold the window's start, end and time.
type windowed struct {
	start, end, time []int
	window           *logical.Window
}

// same says that two relations are windowed alike, so that they may be joined.
func (w *windowed) same(v *windowed) bool {
	a, b := w.window, v.window
	return a.Kind == b.Kind && a.Size == b.Size && a.Slide == b.Slide && a.Offset == b.Offset && a.Proctime == b.Proctime && a.LTZ == b.LTZ
}

// windowsOf finds the window of a relation's rows, nil when they have none.
func windowsOf(n logical.Node) *windowed {
	switch n := n.(type) {
	case *logical.WindowTVF:
		at := n.Input.Schema().Len()
		return &windowed{start: []int{at}, end: []int{at + 1}, time: []int{at + 2}, window: &n.Window}
	case *logical.Filter:
		return windowsOf(n.Input)
	case *logical.Project:
		return windowsOf(n.Input).mapped(n.Exprs)
	case *logical.TopN:
		if w := windowsOf(n.Input); w != nil && w.inside(n.Partition) {
			return w
		}
	case *logical.Aggregate:
		return aggregateWindows(n)
	case *logical.Join:
		return joinWindows(n)
	case *logical.Union:
		return unionWindows(n)
	}
	return nil
}

// unionWindows: relations windowed alike, in the same columns.
func unionWindows(n *logical.Union) *windowed {
	var out *windowed
	for _, in := range n.All {
		w := windowsOf(in)
		switch {
		case w == nil:
			return nil
		case out == nil:
			out = w
		case !out.same(w):
			return nil
		default:
			out = &windowed{window: out.window, start: both(out.start, w.start), end: both(out.end, w.end), time: both(out.time, w.time)}
		}
	}
	if out == nil || len(out.start) == 0 || len(out.end) == 0 {
		return nil
	}
	return out
}

func both(a, b []int) []int {
	var out []int
	for _, x := range a {
		if slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// inside says whether columns hold the window's start and end.
func (w *windowed) inside(cols []int) bool {
	return overlap(w.start, cols) && overlap(w.end, cols)
}

func overlap(a, b []int) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// mapped is w after a projection.
func (w *windowed) mapped(exprs []expr.Expr) *windowed {
	if w == nil {
		return nil
	}
	out := &windowed{window: w.window}
	for i, e := range exprs {
		c, ok := e.(*expr.Column)
		if !ok {
			continue
		}
		for _, p := range []struct{ from, to *[]int }{{&w.start, &out.start}, {&w.end, &out.end}, {&w.time, &out.time}} {
			if slices.Contains(*p.from, c.Index) {
				*p.to = append(*p.to, i)
			}
		}
	}
	if len(out.start) == 0 || len(out.end) == 0 {
		return nil
	}
	return out
}

// aggregateWindows: the window columns of a window aggregation are its properties.
func aggregateWindows(n *logical.Aggregate) *windowed {
	if n.Window == nil || n.Window.Legacy {
		return nil
	}
	out := &windowed{window: n.Window}
	for i, p := range n.Props {
		at := len(n.Keys) + len(n.Calls) + i
		switch p {
		case logical.WindowStart:
			out.start = append(out.start, at)
		case logical.WindowEnd:
			out.end = append(out.end, at)
		case logical.WindowTime:
			out.time = append(out.time, at)
		}
	}
	return out
}
