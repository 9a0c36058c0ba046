package physical

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/planner/logical"
)

// push hands a scan's filter and limit to a source that takes them.
func push(n *logical.Scan, s connectors.Source) {
	if p, ok := s.(connectors.FilterPusher); ok && n.Filter != nil {
		var list []connectors.Predicate
		for _, c := range expr.Conjuncts(n.Filter) {
			if x, ok := predicate(c); ok {
				list = append(list, x)
			}
		}
		p.PushFilter(list)
	}
	if p, ok := s.(connectors.LimitPusher); ok && n.Limit > 0 {
		p.PushLimit(n.Limit)
	}
}

var flipped = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// predicate is a condition as a connector understands it: comparisons of a column
// with a constant, and AND and OR of these.
func predicate(e expr.Expr) (connectors.Predicate, bool) {
	switch e := e.(type) {
	case *expr.Logic:
		p := connectors.Predicate{Op: "AND"}
		if e.Or {
			p.Op = "OR"
		}
		for _, a := range e.Args {
			x, ok := predicate(a)
			if !ok {
				return p, false
			}
			p.Args = append(p.Args, x)
		}
		return p, true
	case *expr.Call:
		op := e.Fn.Name
		if (op == "IS NULL" || op == "IS NOT NULL") && len(e.Args) == 1 {
			if c, ok := e.Args[0].(*expr.Column); ok {
				return connectors.Predicate{Op: op, Col: c.Index}, true
			}
		}
		if flipped[op] == "" || len(e.Args) != 2 {
			break
		}
		col, isCol := e.Args[0].(*expr.Column)
		val, isVal := e.Args[1].(*expr.Const)
		if !isCol || !isVal {
			col, isCol = e.Args[1].(*expr.Column)
			val, isVal = e.Args[0].(*expr.Const)
			op = flipped[op]
		}
		if isCol && isVal && !val.Value.Null(0) {
			return connectors.Predicate{Op: op, Col: col.Index, Type: val.T, Value: &val.Value}, true
		}
	}
	return connectors.Predicate{}, false
}
