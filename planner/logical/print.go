package logical

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
)

// Print draws the tree below n, a node a line, indented.
func Print(n Node) string {
	var b strings.Builder
	var walk func(n Node, depth int)
	walk = func(n Node, depth int) {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), n)
		for _, in := range n.Inputs() {
			walk(in, depth+1)
		}
	}
	walk(n, 0)
	return b.String()
}

func exprs(es []expr.Expr) string {
	s := make([]string, len(es))
	for i, e := range es {
		s[i] = e.String()
	}
	return strings.Join(s, ", ")
}

// Orders prints an ORDER BY.
func Orders(by []batch.Order) string {
	s := make([]string, len(by))
	for i, o := range by {
		s[i] = fmt.Sprintf("$%d", o.Col)
		if o.Desc {
			s[i] += " DESC"
		}
		if o.NullsLast != o.Desc {
			s[i] += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[o.NullsLast]
		}
	}
	return strings.Join(s, ", ")
}

func (n *BadRows) String() string {
	return fmt.Sprintf("BadRows(table=[%s])", n.Scan.Table.Path.Dotted())
}

func (n *Scan) String() string {
	s := fmt.Sprintf("Scan(table=[%s], exprs=[%s]", n.Table.Path.Dotted(), exprs(n.Exprs))
	if n.Filter != nil {
		s += fmt.Sprintf(", filter=[%s]", n.Filter)
	}
	if n.Watermark != nil {
		s += fmt.Sprintf(", watermark=[%s]", n.Watermark)
	}
	return s + ")"
}
func (n *Values) String() string  { return fmt.Sprintf("Values(rows=[%d])", len(n.Rows)) }
func (n *Project) String() string { return fmt.Sprintf("Project(%s)", exprs(n.Exprs)) }
func (n *Filter) String() string  { return fmt.Sprintf("Filter(%s)", n.Cond) }

func (w Window) String() string {
	return fmt.Sprintf("%s(time=[$%d], size=[%d ms], slide=[%d ms], offset=[%d ms])", w.Kind, w.Time, w.Size, w.Slide, w.Offset)
}
func (n *WindowTVF) String() string { return "WindowTVF(" + n.Window.String() + ")" }
func (n *Aggregate) String() string {
	calls := make([]string, len(n.Calls))
	for i, c := range n.Calls {
		calls[i] = c.String()
	}
	s := fmt.Sprintf("Aggregate(keys=%v, calls=[%s]", n.Keys, strings.Join(calls, ", "))
	if n.Sets != nil {
		s += fmt.Sprintf(", sets=%v", n.Sets)
	}
	if n.Window != nil {
		s += ", window=[" + n.Window.String() + "]"
	}
	return s + ")"
}
func (n *Join) String() string {
	cond := "true"
	if n.Cond != nil {
		cond = n.Cond.String()
	}
	return fmt.Sprintf("Join(type=[%s], on=[%s], temporal=[%v])", n.Kind, cond, n.Temporal)
}
func (n *Correlate) String() string {
	return fmt.Sprintf("Correlate(%s(%s), left=[%v])", n.Fn.Name, exprs(n.Args), n.Left)
}
func (n *Union) String() string { return "Union(all)" }
func (n *SetOp) String() string {
	return fmt.Sprintf("%s(all=[%v])", [...]string{"Intersect", "Except"}[n.Kind], n.AllRows)
}
func (n *Sort) String() string {
	return fmt.Sprintf("Sort(by=[%s], offset=[%d], limit=[%d])", Orders(n.By), n.Offset, n.Limit)
}
func (n *Over) String() string {
	g := make([]string, len(n.Groups))
	for i, x := range n.Groups {
		calls := make([]string, len(x.Calls))
		for k, c := range x.Calls {
			if calls[k] = c.Rank; c.Rank == "" {
				calls[k] = c.AggCall.String()
			}
		}
		g[i] = fmt.Sprintf("partition=%v order=[%s] rows=%v lower=%+v upper=%+v calls=[%s]", x.Partition, Orders(x.Order), x.Rows, x.Lower, x.Upper, strings.Join(calls, ", "))
	}
	return "Over(" + strings.Join(g, "; ") + ")"
}
func (n *TopN) String() string {
	return fmt.Sprintf("TopN(%s, partition=%v, by=[%s], ranks=[%d..%d], withRank=[%v])", n.Fn, n.Partition, Orders(n.By), n.From, n.To, n.WithRank)
}
func (n *Sink) String() string {
	if n.Table == nil {
		return "Sink(collect)"
	}
	return fmt.Sprintf("Sink(table=[%s], columns=%v)", n.Table.Path.Dotted(), n.Columns)
}
