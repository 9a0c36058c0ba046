package rewrite

import (
	"slices"
	"strconv"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// The estimates behind the order of joins. Of a condition's share of the rows nothing
// is known but its form; the figures are those customary since System R.
const (
	shareEqual = 0.05
	shareRange = 0.3
	shareLike  = 0.1
	shareOther = 0.5
	shareGroup = 0.1 // groups of an aggregation, of its rows
)

// rowsOf is how many rows a relation has, about.
func rowsOf(n logical.Node) (rows float64, known bool) {
	switch n := n.(type) {
	case *logical.Scan:
		return n.Rows, n.Rows > 0
	case *logical.Values:
		return float64(len(n.Rows)), true
	case *logical.Filter:
		if rows, ok := rowsOfPartition(n); ok {
			return rows, true
		}
		rows, known = rowsOf(n.Input)
		return max(rows*selectivity(n.Cond), 1), known
	case *logical.Aggregate:
		if rows, known = rowsOf(n.Input); len(n.Keys) == 0 {
			return 1, true
		}
		if d, _ := distinctOf(n.Input, n.Keys[0]); len(n.Keys) == 1 && d > 0 {
			return min(d, rows), known
		}
		return max(rows*shareGroup, 1), known
	case *logical.Sort:
		if rows, known = rowsOf(n.Input); n.Limit >= 0 {
			return min(rows, float64(n.Limit)), true
		}
		return rows, known
	case *logical.TopN:
		rows, known = rowsOf(n.Input)
		return max(rows*shareGroup, 1), known
	case *logical.Join:
		return rowsOfJoin(n)
	}
	known = len(n.Inputs()) > 0
	for _, in := range n.Inputs() {
		r, ok := rowsOf(in)
		rows, known = rows+r, known && ok
	}
	return rows, known
}

// rowsOfPartition is how many rows pass a filter that asks for a partition whose rows
// ANALYZE TABLE has counted alone.
func rowsOfPartition(n *logical.Filter) (float64, bool) {
	scan, ok := n.Input.(*logical.Scan)
	if !ok || scan.Table.Def == nil || scan.Table.Def.Stats == nil || len(scan.Table.Def.Stats.Partitions) == 0 {
		return 0, false
	}
	def, rest := scan.Table.Def, 1.0
	values, found := make([]string, len(def.PartitionBy)), 0
	for _, e := range expr.Conjuncts(n.Cond) {
		name, value, ok := fixed(e, scan.Out)
		if at := slices.Index(def.PartitionBy, name); ok && at >= 0 {
			values[at] = value
			found++
			continue
		}
		rest *= selectivity(e)
	}
	p := def.Stats.Partition(values)
	if found != len(values) || p == nil {
		return 0, false
	}
	return max(float64(p.Rows)*rest, 1), true
}

// fixed recognises column = constant, of texts and integers.
func fixed(e expr.Expr, s *types.Schema) (column, value string, ok bool) {
	call, isCall := e.(*expr.Call)
	if !isCall || call.Fn.Name != "=" || len(call.Args) != 2 {
		return "", "", false
	}
	col, isCol := call.Args[0].(*expr.Column)
	c, isConst := call.Args[1].(*expr.Const)
	if !isCol {
		col, isCol = call.Args[1].(*expr.Column)
		c, isConst = call.Args[0].(*expr.Const)
	}
	if !isCol || !isConst || c.Value.Null(0) || col.Index >= s.Len() {
		return "", "", false
	}
	switch t := c.Type(); {
	case t.IsString():
		value = string(c.Value.Bytes(0))
	case t.IsInteger():
		value = strconv.FormatInt(c.Value.I64[0], 10)
	default:
		return "", "", false
	}
	return s.Fields[col.Index].Name, value, true
}

func rowsOfJoin(n *logical.Join) (float64, bool) {
	l, known := rowsOf(n.Left)
	r, ok := rowsOf(n.Right)
	switch n.Kind {
	case logical.Semi, logical.Anti:
		return max(l*shareOther, 1), known
	}
	g := &group{top: n, leaves: []logical.Node{n.Left, n.Right}, first: []int{0, n.Left.Schema().Len()}}
	if n.Cond != nil {
		g.conds = expr.Conjuncts(n.Cond)
	}
	for range g.conds {
		g.uses = append(g.uses, 3)
	}
	m, _ := g.meet(1, 2, l, r)
	if n.Kind == logical.Left || n.Kind == logical.Full {
		m = max(m, l)
	}
	if n.Kind == logical.Right || n.Kind == logical.Full {
		m = max(m, r)
	}
	return max(m, 1), known && ok
}

// distinctOf is how many different values a column has, 0 when that isn't known, and
// how many rows the table it comes from.
func distinctOf(n logical.Node, col int) (distinct, rows float64) {
	switch x := n.(type) {
	case *logical.Scan:
		if def := x.Table.Def; def != nil && def.Stats != nil && col < x.Out.Len() {
			if c := def.Stats.Column(x.Out.Fields[col].Name); c != nil {
				distinct = float64(c.Distinct)
			}
		}
		return distinct, x.Rows
	case *logical.Filter:
		return distinctOf(x.Input, col)
	case *logical.Project:
		if c, ok := x.Exprs[col].(*expr.Column); ok {
			return distinctOf(x.Input, c.Index)
		}
	case *logical.Aggregate:
		rows, _ = rowsOf(n)
		if col < len(x.Keys) {
			distinct, _ = distinctOf(x.Input, x.Keys[col])
		}
		return distinct, rows
	}
	rows, _ = rowsOf(n)
	return 0, rows
}

// selectivity is the share of rows for which a condition is TRUE, about.
func selectivity(e expr.Expr) float64 {
	switch e := e.(type) {
	case *expr.Logic:
		s := 1.0
		for _, a := range e.Args {
			if x := selectivity(a); e.Or {
				s *= 1 - x
			} else {
				s *= x
			}
		}
		if e.Or {
			return 1 - s
		}
		return s
	case *expr.Call:
		switch e.Fn.Name {
		case "=":
			return shareEqual
		case "<", "<=", ">", ">=", "BETWEEN":
			return shareRange
		case "LIKE", "SIMILAR TO":
			return shareLike
		case "IN":
			return min(shareEqual*float64(len(e.Args)-1), shareOther)
		case "NOT":
			return 1 - selectivity(e.Args[0])
		case "<>", "IS NOT NULL":
			return 0.9
		}
	}
	return shareOther
}
