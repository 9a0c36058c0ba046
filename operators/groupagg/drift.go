package groupagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
)

// Drift: the keys of a group are constant; over rows that are never taken back a
// count and a maximum only rise, and a minimum falls.
func (s *Spec) Drift(in [][]operators.Drift, changes []batch.Changes) []operators.Drift {
	if !changes[0].InsertOnly() {
		return nil
	}
	out := make([]operators.Drift, s.Out.Len())
	for i := range s.Keys {
		out[i] = operators.Constant
	}
	for i, c := range s.Calls {
		switch c.Fn.Name {
		case "COUNT", "MAX":
			out[len(s.Keys)+i] = operators.Rising
		case "MIN":
			out[len(s.Keys)+i] = operators.Falling
		}
	}
	return out
}
