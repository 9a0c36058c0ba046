package rewrite

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// emptyAggregate turns an aggregation without keys of what a filter that never holds
// leaves into its one row: Flink, too, gives 0 and NULL for SELECT COUNT(*), SUM(x)
// FROM t WHERE FALSE, though a stream that turns out empty has no row at all.
func emptyAggregate(n logical.Node, _ *types.Session) (logical.Node, error) {
	a, ok := n.(*logical.Aggregate)
	if !ok || len(a.Keys) > 0 || a.Window != nil || a.Sets != nil || !isEmpty(a.Input) {
		return n, nil
	}
	var row []expr.Expr
	for _, c := range a.Calls {
		v := batch.Vector{}
		v.Prepare(c.T, 1)
		switch c.Fn.Name {
		case "COUNT":
			v.I64[0] = 0
		case "SUM", "AVG", "MIN", "MAX":
			v.SetNull(0)
		default: // Flink leaves the others to the stream
			return n, nil
		}
		row = append(row, &expr.Const{Value: v, T: c.T, At: c.At})
	}
	return &logical.Values{Base: a.Base, Rows: [][]expr.Expr{row}}, nil
}

func isEmpty(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Filter:
		return never(n.Cond) || isEmpty(n.Input)
	case *logical.Project:
		return isEmpty(n.Input)
	}
	return false
}

// never says that a condition is known not to hold for any row.
func never(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Const:
		return e.Value.Null(0) || e.Value.I64[0] == 0
	case *expr.Logic:
		return !e.Or && slices.ContainsFunc(e.Args, never)
	}
	return false
}
