package collection

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

func doc(usage, text string, example ...string) functions.Doc {
	return functions.Doc{Group: "collection", Usage: usage, Text: text, Example: example}
}

// find is the position of the element of kid's view s that equals row i of v, -1
// if there is none. NULL equals NULL.
func find(t types.Type, kid *batch.Vector, s batch.View, v *batch.Vector, i int) int {
	for e := 0; e < s.Len(); e++ {
		if batch.Equal(t, kid, s.Off()+e, v, i) {
			return e
		}
	}
	return -1
}

// common is the type two values meet in.
func common(a, b types.Type) (types.Type, bool) {
	if a.Kind == types.Null {
		return b.Nullable(), true
	}
	if b.Kind == types.Null {
		return a.Nullable(), true
	}
	return types.Common(a.Plain(), b.Plain())
}

// holds says whether a value of type v can be an element of an array of elem
// without losing anything: numbers aren't narrowed.
func holds(elem, v types.Type) bool {
	switch {
	case elem.Kind == types.Null || v.Kind == types.Null || !elem.IsNumeric() || !v.IsNumeric():
		return true
	case elem.IsInteger():
		return v.IsInteger() && v.Kind <= elem.Kind
	case elem.Kind == types.Float:
		return v.Kind != types.Double
	}
	return true
}

// commonOf is the type that arguments from, from+step, ... meet in.
func commonOf(args []functions.Arg, from, step int) (t types.Type, ok bool) {
	t = args[from].Type.Plain()
	for i := from + step; i < len(args); i += step {
		if t, ok = common(t, args[i].Type); !ok {
			return t, false
		}
	}
	for i := from; i < len(args); i += step {
		if !args[i].Type.NotNull {
			t = t.Nullable()
		}
	}
	return t, true
}

// alike says whether two types differ in nullability at most, so that values
// need no conversion.
func alike(a, b types.Type) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if !alike(a.Fields[i].Type, b.Fields[i].Type) {
			return false
		}
	}
	a.Fields, b.Fields = nil, nil
	return a.Same(b)
}

// target is the type that a value of type have is cast to where want is needed.
func target(have, want types.Type) types.Type {
	if alike(have, want) {
		return have.Plain()
	}
	return want.WithNull(!have.NotNull || have.Kind == types.Null)
}

// arrays is the signature of functions of arrays that meet in one element type.
// least is how many there must be at least; result makes the result type of the
// common element.
func arrays(least, most int, result func(elem types.Type) types.Type) functions.Sig {
	return functions.Sig{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args) < least || len(args) > most {
			return nil, t, false, nil
		}
		var elem types.Type
		for i, a := range args {
			switch {
			case a.Type.Kind == types.Null && len(args) > 1:
				continue
			case a.Type.Kind != types.Array:
				return nil, t, false, nil
			case elem.Kind == types.Null && i == 0:
				elem = a.Type.Elem()
				continue
			}
			null := !elem.NotNull || !a.Type.Elem().NotNull
			if elem, ok = common(elem, a.Type.Elem()); !ok {
				return nil, t, false, nil
			}
			elem = elem.WithNull(null)
		}
		for _, a := range args {
			as = append(as, target(a.Type, types.ArrayOf(elem)))
		}
		return as, result(elem).WithNull(functions.AnyNull(args)), true, nil
	}}
}

// withElement is the signature of functions of an array and an element. result
// makes the result type of the array's type, the common element and whether any
// argument may be NULL.
func withElement(result func(array, elem types.Type, null bool) types.Type) functions.Sig {
	return functions.Sig{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args) != 2 || args[0].Type.Kind != types.Array {
			return nil, t, false, nil
		}
		array := args[0].Type.Plain()
		elem, ok := common(array.Elem(), args[1].Type)
		if !ok || !holds(array.Elem(), args[1].Type) {
			return nil, t, false, nil
		}
		elem = elem.WithNull(!array.Elem().NotNull || !args[1].Type.NotNull)
		asArray := target(array, types.ArrayOf(elem.WithNull(!array.Elem().NotNull)).WithNull(!array.NotNull))
		as = []types.Type{asArray, target(args[1].Type, elem)}
		return as, result(asArray, elem, functions.AnyNull(args)), true, nil
	}}
}
