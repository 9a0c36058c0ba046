package expr

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/sqlerr"
)

// Stable refuses expressions over rows that may be taken back if they call a
// function whose value may be another one then; nil expressions are skipped.
func Stable(in batch.Changes, exprs ...Expr) error {
	if in.InsertOnly() {
		return nil
	}
	for _, e := range exprs {
		if e == nil {
			continue
		}
		if c, ok := e.(*Call); ok && c.Fn.Unstable {
			return ErrUnstable(c.Fn.Name, c.At)
		}
		if err := Stable(in, Children(e)...); err != nil {
			return err
		}
	}
	return nil
}

// ErrUnstable refuses a function over rows that may be taken back.
func ErrUnstable(name string, at sqlerr.Span) error {
	return sqlerr.New(sqlerr.Invalid, at, "%s isn't declared deterministic, and the rows it is computed for may be updated or deleted later", name).
		WithHint("if the same arguments always give the same result, say so: CREATE FUNCTION ... WITH ('deterministic' = 'true')")
}
