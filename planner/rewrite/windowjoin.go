package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// windowJoin recognises a join of two relations windowed alike on the equality of
// their windows: nothing is sent before the window's end, and nothing taken back.
func windowJoin(n logical.Node, session *types.Session) (logical.Node, error) {
	j, ok := n.(*logical.Join)
	if !ok || session.Batch {
		return n, nil
	}
	w, rest := joinedWindows(j)
	if w == nil {
		return n, nil
	}
	if w.Left.Proctime {
		return nil, sqlerr.New(sqlerr.Invalid, j.At, "Processing time Window Join is not supported yet.")
	}
	c := *j
	c.Windows, c.Cond = w, all(rest)
	return &c, nil
}

// joinedWindows are the windows that a join's condition makes equal, start and end,
// and the rest of the condition; nil when it doesn't.
func joinedWindows(j *logical.Join) (*logical.JoinWindows, []expr.Expr) {
	if j.Windows != nil {
		return j.Windows, expr.Conjuncts(j.Cond)
	}
	if j.Temporal || j.Interval != nil {
		return nil, nil
	}
	l, r := windowsOf(j.Left), windowsOf(j.Right)
	if l == nil || r == nil || !l.same(r) {
		return nil, nil
	}
	first := j.Left.Schema().Len()
	var rest []expr.Expr
	start, end := [2]int{-1, -1}, [2]int{-1, -1}
	for _, c := range expr.Conjuncts(j.Cond) {
		x, y, ok := equalColumns(c, first)
		switch {
		case ok && slices.Contains(l.start, x) && slices.Contains(r.start, y):
			start = [2]int{x, y}
		case ok && slices.Contains(l.end, x) && slices.Contains(r.end, y):
			end = [2]int{x, y}
		default:
			rest = append(rest, c)
		}
	}
	if start[0] < 0 || end[0] < 0 {
		return nil, nil
	}
	return &logical.JoinWindows{Left: l.attached(start[0], end[0]), Right: r.attached(start[1], end[1])}, rest
}

// attached is the window as rows carry it.
func (w *windowed) attached(start, end int) logical.Window {
	a := *w.window
	a.Kind, a.Start, a.End, a.Time = logical.Attached, start, end, end
	return a
}

// equalColumns reads left column = right column; the right one counted from its
// side's first.
func equalColumns(e expr.Expr, first int) (l, r int, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 || c.Fn.Name != "=" {
		return 0, 0, false
	}
	x, okx := c.Args[0].(*expr.Column)
	y, oky := c.Args[1].(*expr.Column)
	if !okx || !oky {
		return 0, 0, false
	}
	if x.Index >= first {
		x, y = y, x
	}
	return x.Index, y.Index - first, x.Index < first && y.Index >= first
}

// joinWindows is the window of a window join's rows: that of the sides that aren't
// padded.
func joinWindows(j *logical.Join) *windowed {
	w, _ := joinedWindows(j)
	if w == nil {
		return nil
	}
	l, r := windowsOf(j.Left), windowsOf(j.Right)
	switch j.Kind {
	case logical.Left, logical.Semi, logical.Anti:
		return l
	case logical.Full:
		return nil
	}
	first := j.Left.Schema().Len()
	out := &windowed{window: r.window, start: shiftedBy(r.start, first), end: shiftedBy(r.end, first), time: shiftedBy(r.time, first)}
	if j.Kind == logical.Inner {
		out.start, out.end, out.time = append(out.start, l.start...), append(out.end, l.end...), append(out.time, l.time...)
	}
	return out
}

func shiftedBy(cols []int, by int) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c + by
	}
	return out
}

// windowRank recognises a Top-N of each window.
func windowRank(n logical.Node, session *types.Session) (logical.Node, error) {
	t, ok := n.(*logical.TopN)
	if !ok || session.Batch || t.ToCol >= 0 {
		return n, nil
	}
	w := windowsOf(t.Input)
	if w == nil || !w.inside(t.Partition) {
		return n, nil
	}
	if t.Fn != "" && t.Fn != "ROW_NUMBER" {
		return nil, sqlerr.New(sqlerr.Invalid, t.At, "%s() function is not supported on Window TopN currently, only ROW_NUMBER() is supported.", t.Fn)
	}
	c := *t
	win := w.attached(common(w.start, t.Partition), common(w.end, t.Partition))
	c.Window = &win
	if !w.window.Proctime {
		return &c, nil
	}
	what := "TopN"
	if len(t.By) == 1 && t.Input.Schema().Fields[t.By[0].Col].Type.Attr != types.NoTimeAttr && t.To == 1 {
		what = "Deduplication"
	}
	return nil, sqlerr.New(sqlerr.Invalid, t.At, "Processing time Window %s is not supported yet.", what)
}

// common is a column of both.
func common(a, b []int) int {
	for _, x := range a {
		if slices.Contains(b, x) {
			return x
		}
	}
	return -1
}
