package calc

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
)

// Drift: a column that is passed on drifts as it did. A filter over updates needs
// the rows before them, so nothing is said behind one.
func (s *Spec) Drift(in [][]operators.Drift, changes []batch.Changes) []operators.Drift {
	if in[0] == nil || s.Filter != nil && !changes[0].InsertOnly() {
		return nil
	}
	out := make([]operators.Drift, len(s.Exprs))
	for i, e := range s.Exprs {
		switch e := e.(type) {
		case *expr.Column:
			if e.Index < s.In.Len() {
				out[i] = in[0][e.Index]
			}
		case *expr.Const:
			out[i] = operators.Constant
		}
	}
	return out
}
