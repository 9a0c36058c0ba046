package temporal

import (
	"strings"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

var (
	unitParam     = only("<UNIT>", func(t types.Type) bool { return t.Kind == types.Symbol })
	intervalParam = only("<INTERVAL>", types.Type.IsInterval)
	pointParam    = only("<DATETIME>", func(t types.Type) bool { return t.IsTemporal() || t.Kind == types.Null })
	anyTimeParam  = only("<DATETIME|INTERVAL>", func(t types.Type) bool { return t.IsTemporal() || t.IsInterval() })
)

func only(shown string, in func(types.Type) bool) functions.Param {
	return functions.Param{Type: shown, Accept: func(a functions.Arg) (types.Type, bool) {
		t := a.Type.Plain()
		return t, in(t)
	}}
}

// nullable says whether a value argument, not a keyword, may be NULL.
func nullable(args []functions.Arg) bool {
	for _, a := range args {
		if !a.Type.NotNull && a.Type.Kind != types.Symbol {
			return true
		}
	}
	return false
}

// strict is the result rule "t, nullable iff a value argument is".
func strict(t types.Type) func([]functions.Arg) (types.Type, error) {
	return func(args []functions.Arg) (types.Type, error) { return t.WithNull(nullable(args)), nil }
}

// like is the result rule "the type of argument i", nullable iff a value
// argument is.
func like(i int) func([]functions.Arg) (types.Type, error) {
	return func(args []functions.Arg) (types.Type, error) {
		return args[i].Type.Plain().WithNull(nullable(args)), nil
	}
}

// unitOf is the unit a keyword argument names.
func unitOf(a functions.Arg) string {
	u := strings.ToUpper(text(a))
	return strings.TrimSuffix(strings.TrimPrefix(u, "SQL_TSI_"), "S")
}

// text is the text of a constant, "" when it is NULL or not constant.
func text(a functions.Arg) string {
	if a.Const == nil || a.Const.Null(0) {
		return ""
	}
	return string(a.Const.Bytes(0))
}
