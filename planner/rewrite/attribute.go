package rewrite

import (
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// timeAttributes takes time attributes away behind nodes that don't keep them, now
// that the kind of each join is known: a regular join's times are ordinary
// timestamps. A window function over such a column is refused, as in Flink.
func timeAttributes(n logical.Node, session *types.Session) (logical.Node, error) {
	if session.Batch {
		return n, nil
	}
	if w, ok := n.(*logical.WindowTVF); ok {
		if t := w.Input.Schema().Fields[w.Window.Time].Type; t.Attr == types.NoTimeAttr {
			return nil, sqlerr.New(sqlerr.Invalid, n.Span(), "The window function requires the timecol is a time attribute type, but is %s.", t.Nullable())
		}
	}
	keeps := attributes(n)
	if keeps == nil {
		return n, nil
	}
	var out *types.Schema
	for i, f := range n.Schema().Fields {
		if f.Type.Attr == types.NoTimeAttr || keeps(i) {
			continue
		}
		if out == nil {
			out = &types.Schema{Fields: append([]types.Field(nil), n.Schema().Fields...)}
		}
		out.Fields[i].Type = f.Type.Plain()
	}
	if out == nil {
		return n, nil
	}
	c := n.With(n.Inputs())
	c.(interface{ SetSchema(*types.Schema) }).SetSchema(out)
	return c, nil
}

// attributes says which output columns of n may be time attributes, nil for a node
// that makes its own.
func attributes(n logical.Node) func(i int) bool {
	same := func(in logical.Node) func(int) bool {
		return func(i int) bool {
			return i < in.Schema().Len() && in.Schema().Fields[i].Type.Attr != types.NoTimeAttr
		}
	}
	switch n := n.(type) {
	case *logical.Project:
		return func(i int) bool {
			c, ok := n.Exprs[i].(*expr.Column)
			return !ok || same(n.Input)(c.Index)
		}
	case *logical.Filter:
		return same(n.Input)
	case *logical.Sort:
		return same(n.Input)
	case *logical.TopN:
		return same(n.Input)
	case *logical.Over:
		return same(n.Input)
	case *logical.Correlate:
		return same(n.Input)
	case *logical.Join:
		left := n.Left.Schema().Len()
		w := joinWindows(n)
		switch {
		case w != nil:
			return func(i int) bool { return slices.Contains(w.time, i) }
		case n.Interval == nil && !n.Temporal:
			return func(int) bool { return false }
		case n.Interval != nil:
			return func(i int) bool { return i < left && same(n.Left)(i) || i >= left && same(n.Right)(i-left) }
		}
		return func(i int) bool { return i < left && same(n.Left)(i) }
	case *logical.Union:
		return func(i int) bool {
			for _, in := range n.All {
				if !same(in)(i) {
					return false
				}
			}
			return true
		}
	}
	return nil
}
