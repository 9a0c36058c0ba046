package collection

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Array is ARRAY[a, b, ...].
var Array = &functions.Scalar{
	Name:     "ARRAY",
	Doc:      doc("ARRAY[value, ...]", "An array of the values, in their common type.", "ARRAY[1, 2] -> [1, 2]"),
	OwnNulls: true,
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		if len(args) == 0 {
			return nil, types.Type{}, false, nil
		}
		elem, ok := commonOf(args, 0, 1)
		if !ok {
			return nil, types.Type{}, false, nil
		}
		as := make([]types.Type, len(args))
		for i, a := range args {
			as[i] = target(a.Type, elem)
		}
		return as, types.ArrayOf(elem).NotNullable(), true, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		elem := c.Result.Elem()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			to := &out.Kids[0]
			size := to.Size(elem)
			functions.Each(n, sel, func(i int) {
				for k := range args {
					to.Append(elem, size+k, &args[k], i)
				}
				out.Str[i] = batch.NewView(size, len(args))
				size += len(args)
			})
			return 0, nil
		}), nil
	},
}

// Map is MAP[k, v, ...].
var Map = &functions.Scalar{
	Name:     "MAP",
	Doc:      doc("MAP[key, value, ...]", "A map of the pairs. Of equal keys the last counts.", "MAP['a', 1] -> {a=1}"),
	OwnNulls: true,
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		if len(args) == 0 || len(args)%2 == 1 {
			return nil, types.Type{}, false, nil
		}
		key, ok1 := commonOf(args, 0, 2)
		value, ok2 := commonOf(args, 1, 2)
		if !ok1 || !ok2 {
			return nil, types.Type{}, false, nil
		}
		as := make([]types.Type, len(args))
		for i, a := range args {
			as[i] = target(a.Type, [2]types.Type{key, value}[i%2])
		}
		return as, types.MapOf(key, value).NotNullable(), true, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		b := mapBuilder{key: c.Result.Elem(), value: c.Result.Value()}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				b.start(out)
				for k := 0; k < len(args); k += 2 {
					b.add(&args[k], i, &args[k+1], i)
				}
				b.end(i)
			})
			return 0, nil
		}), nil
	},
}

// mapBuilder appends maps to a vector, a later value of a key replacing the
// earlier one.
type mapBuilder struct {
	key, value  types.Type
	out         *batch.Vector
	first, size int
}

func (b *mapBuilder) start(out *batch.Vector) {
	b.out = out
	b.first = out.Kids[0].Size(b.key)
	b.size = b.first
}

func (b *mapBuilder) add(k *batch.Vector, i int, v *batch.Vector, j int) {
	keys, values := &b.out.Kids[0], &b.out.Kids[1]
	for e := b.first; e < b.size; e++ {
		if batch.Equal(b.key, keys, e, k, i) {
			values.Set(b.value, e, v, j)
			return
		}
	}
	keys.Append(b.key, b.size, k, i)
	values.Append(b.value, b.size, v, j)
	b.size++
}

func (b *mapBuilder) end(i int) { b.out.Str[i] = batch.NewView(b.first, b.size-b.first) }

// Row is ROW(a, b, ...).
var Row = &functions.Scalar{
	Name:     "ROW",
	Doc:      doc("ROW(value, ...)", "A row of the values; its fields are called EXPR$0, EXPR$1 and so on.", "ROW(1, 'a') -> (1, a)"),
	OwnNulls: true,
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		as := make([]types.Type, len(args))
		fields := make([]types.Field, len(args))
		for i, a := range args {
			as[i] = a.Type.Plain()
			fields[i] = types.Field{Name: fmt.Sprintf("EXPR$%d", i), Type: as[i]}
		}
		return as, types.RowOf(fields...).NotNullable(), len(args) > 0, nil
	}}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		fields := c.Result.KidTypes()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			for k := range args {
				functions.Each(n, sel, func(i int) { out.Kids[k].Set(fields[k], i, &args[k], i) })
			}
			return 0, nil
		}), nil
	},
}

// Item is c[i]: an element of an array, the value of a map's key.
var Item = &functions.Scalar{
	Name: "ITEM",
	Doc:  doc("array[index], map[key]", "The element at an index from 1, or the value of a key; NULL when there is none.", "ARRAY['a', 'b'][2] -> 'b'"),
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		if len(args) != 2 {
			return nil, types.Type{}, false, nil
		}
		c, k := args[0].Type.Plain(), args[1].Type.Plain()
		switch {
		case c.Kind == types.Array && k.IsInteger():
			if x := args[1].Const; x != nil && !x.Null(0) && x.I64[0] < 1 {
				return nil, types.Type{}, false, sqlerr.New(sqlerr.Type, args[1].At, "array element access needs an index starting at 1 but was %d", x.I64[0])
			}
			return []types.Type{c, k}, c.Elem().Nullable(), true, nil
		case c.Kind == types.Map:
			key, ok := common(c.Elem(), k)
			if !ok || !alike(key, c.Elem()) && !(key.IsString() && k.IsString()) {
				key = c.Elem()
			}
			return []types.Type{c, target(k, key)}, c.Value().Nullable(), ok, nil
		}
		return nil, types.Type{}, false, nil
	}}},
	OwnNulls: true,
	Bind: func(c functions.Call) (functions.Kernel, error) {
		t := c.Args[0].Type
		if t.Kind == types.Array {
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) {
					k, s := args[1].I64[i], args[0].Str[i]
					if args[0].Null(i) || args[1].Null(i) || k < 1 || k > int64(s.Len()) {
						out.SetNull(i)
						return
					}
					out.Set(c.Result, i, &args[0].Kids[0], s.Off()+int(k)-1)
				})
				return 0, nil
			}), nil
		}
		key := t.Elem()
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				if args[0].Null(i) {
					out.SetNull(i)
					return
				}
				s := args[0].Str[i]
				at := find(key, &args[0].Kids[0], s, &args[1], i)
				if at < 0 {
					out.SetNull(i)
					return
				}
				out.Set(c.Result, i, &args[0].Kids[1], s.Off()+at)
			})
			return 0, nil
		}), nil
	},
}
