package collection

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

var mapParam = functions.Param{Type: "<MAP>", Accept: func(a functions.Arg) (types.Type, bool) { return a.Type.Plain(), a.Type.Kind == types.Map }}

// Views of a map's parts.
var (
	MapKeys   = part("MAP_KEYS", "The keys, as an array.", func(m types.Type) types.Type { return m.Elem() }, 0).Shown("MAP_KEYS(MAP['a', 1]) -> [a]")
	MapValues = part("MAP_VALUES", "The values, as an array.", types.Type.Value, 1).Shown("MAP_VALUES(MAP['a', 1]) -> [1]")
	// MapEntries is the map as an array of rows.
	MapEntries = part("MAP_ENTRIES", "The entries, as an array of rows (key, value).", func(m types.Type) types.Type {
		return types.RowOf(types.Field{Name: "key", Type: m.Elem()}, types.Field{Name: "value", Type: m.Value()})
	}, 2).Shown("MAP_ENTRIES(MAP['a', 1]) -> [(a, 1)]")
)

// part makes a function whose elements are the map's own: its keys, its values,
// or (kid 2) both side by side.
func part(name, text string, elem func(types.Type) types.Type, kid int) *functions.Scalar {
	return &functions.Scalar{Name: name, Doc: doc(name+"(map)", text),
		Sigs: []functions.Sig{{Params: []functions.Param{mapParam}, Result: func(args []functions.Arg) (types.Type, error) {
			return types.ArrayOf(elem(args[0].Type)).WithNull(!args[0].Type.NotNull), nil
		}}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) { out.Str[i] = args[0].Str[i] })
				if kid < 2 {
					out.ShareBuf(nil, args[0].Kids[kid:kid+1])
				} else {
					out.ShareBuf(nil, []batch.Vector{{Kids: args[0].Kids}})
				}
				return 0, nil
			}), nil
		}}
}

// MapUnion puts maps together.
var MapUnion = &functions.Scalar{
	Name: "MAP_UNION",
	Doc:  doc("MAP_UNION(map, ...)", "The entries of all maps; of equal keys the last counts.", "MAP_UNION(MAP['a', 1], MAP['a', 2]) -> {a=2}"),
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args) == 0 || args[0].Type.Kind != types.Map {
			return nil, t, false, nil
		}
		key, value := args[0].Type.Elem(), args[0].Type.Value()
		for _, a := range args[1:] {
			if a.Type.Kind != types.Map {
				return nil, t, false, nil
			}
			keyNull, valueNull := !key.NotNull || !a.Type.Elem().NotNull, !value.NotNull || !a.Type.Value().NotNull
			var ok1, ok2 bool
			key, ok1 = common(key, a.Type.Elem())
			value, ok2 = common(value, a.Type.Value())
			if !ok1 || !ok2 {
				return nil, t, false, nil
			}
			key, value = key.WithNull(keyNull), value.WithNull(valueNull)
		}
		for _, a := range args {
			as = append(as, target(a.Type, types.MapOf(key, value)))
		}
		return as, types.MapOf(key, value).WithNull(functions.AnyNull(args)), true, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		b := mapBuilder{key: c.Result.Elem(), value: c.Result.Value()}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				b.start(out)
				for k := range args {
					s, kids := args[k].Str[i], args[k].Kids
					for e := s.Off(); e < s.Off()+s.Len(); e++ {
						b.add(&kids[0], e, &kids[1], e)
					}
				}
				b.end(i)
			})
			return 0, nil
		}), nil
	},
}

// MapFromArrays makes a map of its keys and values.
var MapFromArrays = &functions.Scalar{
	Name: "MAP_FROM_ARRAYS",
	Doc:  doc("MAP_FROM_ARRAYS(keys, values)", "A map of two arrays of the same length.", "MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2]) -> {a=1, b=2}"),
	Sigs: []functions.Sig{{
		Params: []functions.Param{functions.ArrayParam, functions.ArrayParam},
		Result: func(args []functions.Arg) (types.Type, error) {
			if args[0].Type.Kind != types.Array || args[1].Type.Kind != types.Array {
				return types.MapOf(types.NullType, types.NullType), nil
			}
			return types.MapOf(args[0].Type.Elem(), args[1].Type.Elem()).WithNull(functions.AnyNull(args)), nil
		},
	}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		b := mapBuilder{key: c.Result.Elem(), value: c.Result.Value()}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (bad int, err error) {
			functions.Each(n, sel, func(i int) {
				k, v := args[0].Str[i], args[1].Str[i]
				if k.Len() != v.Len() {
					if err == nil {
						bad, err = i, fmt.Errorf("MAP_FROM_ARRAYS needs as many keys as values, not %d and %d", k.Len(), v.Len())
					}
					return
				}
				b.start(out)
				for e := 0; e < k.Len(); e++ {
					b.add(&args[0].Kids[0], k.Off()+e, &args[1].Kids[0], v.Off()+e)
				}
				b.end(i)
			})
			return bad, err
		}), nil
	},
}
