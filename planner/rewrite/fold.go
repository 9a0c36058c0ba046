package rewrite

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// foldConstants computes deterministic calls of constants once, at plan time. A
// call that fails stays: the row that reaches it fails, if there is one. Only a
// division of constant DOUBLEs by zero is refused here, as Flink does.
func foldConstants(n logical.Node, session *types.Session) (logical.Node, error) {
	switch n := n.(type) {
	case *logical.Project:
		m := *n
		m.Exprs = make([]expr.Expr, len(n.Exprs))
		for i, e := range n.Exprs {
			var err error
			if m.Exprs[i], err = fold(e, session); err != nil {
				return nil, err
			}
		}
		return &m, nil
	case *logical.Filter:
		cond, err := fold(n.Cond, session)
		if err != nil {
			return nil, err
		}
		m := *n
		m.Cond = cond
		return &m, nil
	}
	return n, nil
}

func fold(e expr.Expr, session *types.Session) (expr.Expr, error) {
	var bad error
	out := expr.Map(e, func(e expr.Expr) expr.Expr {
		switch x := e.(type) {
		case *expr.Call:
			if x.Fn.Class != functions.Deterministic || !constants(x.Args) {
				return e
			}
			if x.Fn.Name == "/" && x.T.IsApprox() && zero(x.Args[1]) && !x.Args[0].(*expr.Const).Value.Null(0) && bad == nil {
				bad = sqlerr.New(sqlerr.Type, x.At, "Division by zero")
				return e
			}
		case *expr.Cast:
			if !constants([]expr.Expr{x.From}) {
				return e
			}
		case *expr.Field:
			if !constants([]expr.Expr{x.Of}) {
				return e
			}
		default:
			return e
		}
		v, err := expr.Eval1(e, session)
		if err != nil {
			return e
		}
		return &expr.Const{Value: v, T: e.Type(), At: e.Span()}
	})
	return out, bad
}

func constants(args []expr.Expr) bool {
	for _, a := range args {
		if _, ok := a.(*expr.Const); !ok {
			return false
		}
	}
	return true
}

func zero(e expr.Expr) bool {
	c := e.(*expr.Const)
	return !c.Value.Null(0) && c.Value.F64[0] == 0
}
