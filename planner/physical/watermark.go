package physical

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators/calc"
)

// currentWatermark puts the operator's own column in the place of
// CURRENT_WATERMARK.
func currentWatermark(s *calc.Spec) {
	place := func(e expr.Expr) expr.Expr {
		c, ok := e.(*expr.Call)
		if !ok || c.Fn.Name != "CURRENT_WATERMARK" {
			return e
		}
		s.Watermark = true
		return &expr.Column{Index: s.In.Len(), Name: c.Fn.Name, T: c.T, At: c.At}
	}
	exprs := make([]expr.Expr, len(s.Exprs))
	for i, e := range s.Exprs {
		exprs[i] = expr.Map(e, place)
	}
	s.Exprs = exprs
	if s.Filter != nil {
		s.Filter = expr.Map(s.Filter, place)
	}
}

// readsWatermark says that e, an expression of s, reads that column.
func readsWatermark(e expr.Expr, s *calc.Spec) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	return set[s.In.Len()]
}
