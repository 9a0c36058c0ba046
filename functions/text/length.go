package text

import (
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// varying is the type of a part of a string: VARCHAR of its length, nullable as it
// is.
func varying(t types.Type) types.Type { return types.VarCharType(t.Length).WithNull(!t.NotNull) }

// part is the result rule of functions that give a part of their first argument
// and that are typed nullable whatever they are given.
func part(args []functions.Arg) (types.Type, error) { return varying(args[0].Type).Nullable(), nil }

// summed is the length of two strings joined.
func summed(a, b types.Type) int { return min(a.Length+b.Length, types.MaxLength) }

// joined is the result rule of ||: CHAR of the sum where both are, else VARCHAR of
// it.
func joined(args []functions.Arg) (types.Type, error) {
	a, b := args[0].Type, args[1].Type
	t := types.VarCharType(summed(a, b))
	if a.Kind == types.Char && b.Kind == types.Char {
		t.Kind = types.Char
	}
	return t.WithNull(functions.AnyNull(args)), nil
}

// overlaid is the result rule of OVERLAY: room for both strings.
func overlaid(args []functions.Arg) (types.Type, error) {
	return types.VarCharType(summed(args[0].Type, args[1].Type)).WithNull(functions.AnyNull(args)), nil
}
