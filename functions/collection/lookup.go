package collection

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// Cardinality is the number of elements.
var Cardinality = &functions.Scalar{
	Name: "CARDINALITY",
	Doc:  doc("CARDINALITY(collection)", "The number of elements of an array or multiset, of entries of a map.", "CARDINALITY(ARRAY[1, 2]) -> 2"),
	Sigs: []functions.Sig{{
		Params: []functions.Param{{Type: "<COLLECTION>", Accept: func(a functions.Arg) (types.Type, bool) { return a.Type.Plain(), a.Type.IsCollection() }}},
		Result: functions.Strict(types.IntType),
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		multiset := c.Args[0].Type.Kind == types.Multiset
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				s := args[0].Str[i]
				out.I64[i] = int64(s.Len())
				if multiset {
					out.I64[i] = 0
					for e := s.Off(); e < s.Off()+s.Len(); e++ {
						out.I64[i] += args[0].Kids[1].I64[e]
					}
				}
			})
			return 0, nil
		}), nil
	},
}

// onlyElement is ELEMENT's signature: an empty array has none, so it is nullable.
var onlyElement = functions.Sig{Params: []functions.Param{{Type: "<ARRAY>", Accept: func(a functions.Arg) (types.Type, bool) {
	return a.Type.Plain(), a.Type.Kind == types.Array
}}}, Result: func(args []functions.Arg) (types.Type, error) {
	return args[0].Type.Elem().Nullable(), nil
}}

// Element is the only element of an array.
var Element = &functions.Scalar{
	Name:     "ELEMENT",
	Doc:      doc("ELEMENT(array)", "The only element of an array, NULL if it is empty; more than one is an error.", "ELEMENT(ARRAY[7]) -> 7"),
	OwnNulls: true,
	Sigs:     []functions.Sig{onlyElement},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			bad := -1
			functions.Each(n, sel, func(i int) {
				s := args[0].Str[i]
				switch {
				case args[0].Null(i) || s.Len() == 0:
					out.SetNull(i)
				case s.Len() == 1:
					out.Set(c.Result, i, &args[0].Kids[0], s.Off())
				case bad < 0:
					bad = i
				}
			})
			if bad >= 0 {
				return bad, errManyElements
			}
			return 0, nil
		}), nil
	},
}

// ArrayContains says whether an element is in an array.
var ArrayContains = &functions.Scalar{
	Name:     "ARRAY_CONTAINS",
	Doc:      doc("ARRAY_CONTAINS(array, element)", "Whether the array has the element; NULL can be searched for.", "ARRAY_CONTAINS(ARRAY[1, 2], 2) -> TRUE"),
	OwnNulls: true,
	Sigs:     []functions.Sig{withElement(func(a, _ types.Type, _ bool) types.Type { return types.BooleanType.WithNull(!a.NotNull) })},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		elem := c.Args[0].Type.Elem()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				if args[0].Null(i) {
					out.SetNull(i)
					return
				}
				out.I64[i] = 0
				if find(elem, &args[0].Kids[0], args[0].Str[i], &args[1], i) >= 0 {
					out.I64[i] = 1
				}
			})
			return 0, nil
		}), nil
	},
}

// ArrayPosition is where an element is in an array.
var ArrayPosition = &functions.Scalar{
	Name: "ARRAY_POSITION",
	Doc:  doc("ARRAY_POSITION(array, element)", "The position of the first equal element, from 1; 0 if there is none.", "ARRAY_POSITION(ARRAY['a', 'b'], 'b') -> 2"),
	Sigs: []functions.Sig{withElement(func(_, _ types.Type, null bool) types.Type { return types.IntType.WithNull(null) })},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		elem := c.Args[0].Type.Elem()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				out.I64[i] = int64(find(elem, &args[0].Kids[0], args[0].Str[i], &args[1], i) + 1)
			})
			return 0, nil
		}), nil
	},
}

// ArrayMax and ArrayMin are the greatest and the least element.
var (
	ArrayMax = extreme("ARRAY_MAX", "The greatest element that isn't NULL; NULL if there is none.", 1).Shown("ARRAY_MAX(ARRAY[1, 3, 2]) -> 3")
	ArrayMin = extreme("ARRAY_MIN", "The least element that isn't NULL; NULL if there is none.", -1).Shown("ARRAY_MIN(ARRAY[1, 3, 2]) -> 1")
)

func extreme(name, text string, sign int) *functions.Scalar {
	return &functions.Scalar{Name: name, Doc: doc(name+"(array)", text), OwnNulls: true,
		Sigs: []functions.Sig{{
			Params: []functions.Param{{Type: "<ARRAY>", Accept: func(a functions.Arg) (types.Type, bool) { return a.Type.Plain(), a.Type.Kind == types.Array }}},
			Result: func(args []functions.Arg) (types.Type, error) { return args[0].Type.Elem().Nullable(), nil },
		}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				kid := &args[0].Kids
				functions.Each(n, sel, func(i int) {
					best := -1
					if !args[0].Null(i) {
						s := args[0].Str[i]
						for e := s.Off(); e < s.Off()+s.Len(); e++ {
							v := &(*kid)[0]
							if !v.Null(e) && (best < 0 || batch.Compare(c.Result, v, e, v, best)*sign > 0) {
								best = e
							}
						}
					}
					if best < 0 {
						out.SetNull(i)
						return
					}
					out.Set(c.Result, i, &(*kid)[0], best)
				})
				return 0, nil
			}), nil
		}}
}
