package collection

import (
	"errors"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// builder appends lists to a vector's first kid.
type builder struct {
	elem        types.Type
	out, kid    *batch.Vector
	first, size int
}

func (b *builder) start(out *batch.Vector) {
	b.out, b.kid = out, &out.Kids[0]
	b.first = b.kid.Size(b.elem)
	b.size = b.first
}

func (b *builder) add(v *batch.Vector, i int) {
	b.kid.Append(b.elem, b.size, v, i)
	b.size++
}

func (b *builder) addAll(v *batch.Vector, i int) {
	s := v.Str[i]
	for e := 0; e < s.Len(); e++ {
		b.add(&v.Kids[0], s.Off()+e)
	}
}

// has says whether the list so far has a value equal to row i of v.
func (b *builder) has(v *batch.Vector, i int) bool {
	return find(b.elem, b.kid, batch.NewView(b.first, b.size-b.first), v, i) >= 0
}

func (b *builder) end(i int) { b.out.Str[i] = batch.NewView(b.first, b.size-b.first) }

// building makes a function whose result is an array built row by row.
func building(name string, d functions.Doc, own bool, sig functions.Sig, row func(b *builder, args []batch.Vector, i int)) *functions.Scalar {
	return &functions.Scalar{Name: name, Doc: d, OwnNulls: own, Sigs: []functions.Sig{sig},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			b := &builder{elem: c.Result.Elem()}
			return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
				functions.Each(n, sel, func(i int) {
					if own && args[0].Null(i) {
						out.SetNull(i)
						return
					}
					b.start(out)
					row(b, args, i)
					b.end(i)
				})
				return 0, nil
			}), nil
		}}
}

func arrayOf(elem types.Type) types.Type { return types.ArrayOf(elem) }

func grown(_, elem types.Type, null bool) types.Type { return types.ArrayOf(elem).WithNull(null) }

// Functions that build arrays.
var (
	ArrayAppend = building("ARRAY_APPEND", doc("ARRAY_APPEND(array, element)", "The array with the element at its end."), true, withElement(grown),
		func(b *builder, args []batch.Vector, i int) { b.addAll(&args[0], i); b.add(&args[1], i) }).Shown("ARRAY_APPEND(ARRAY[1, 2], 3) -> [1, 2, 3]")
	ArrayPrepend = building("ARRAY_PREPEND", doc("ARRAY_PREPEND(array, element)", "The array with the element before its first."), true, withElement(grown),
		func(b *builder, args []batch.Vector, i int) { b.add(&args[1], i); b.addAll(&args[0], i) }).Shown("ARRAY_PREPEND(ARRAY[1, 2], 3) -> [3, 1, 2]")
	ArrayRemove = building("ARRAY_REMOVE", doc("ARRAY_REMOVE(array, element)", "The array without the elements equal to it; NULL removes NULLs."), true,
		withElement(func(array, _ types.Type, _ bool) types.Type { return array }),
		func(b *builder, args []batch.Vector, i int) {
			s := args[0].Str[i]
			for e := s.Off(); e < s.Off()+s.Len(); e++ {
				if !batch.Equal(b.elem, &args[0].Kids[0], e, &args[1], i) {
					b.add(&args[0].Kids[0], e)
				}
			}
		}).Shown("ARRAY_REMOVE(ARRAY[1, 2, 1], 1) -> [2]")
	ArrayConcat = building("ARRAY_CONCAT", doc("ARRAY_CONCAT(array, ...)", "The arrays one after another."), false, arrays(1, 1<<20, arrayOf),
		func(b *builder, args []batch.Vector, i int) {
			for k := range args {
				b.addAll(&args[k], i)
			}
		}).Shown("ARRAY_CONCAT(ARRAY[1], ARRAY[2, 3]) -> [1, 2, 3]")
	ArrayDistinct = building("ARRAY_DISTINCT", doc("ARRAY_DISTINCT(array)", "The array without repeated elements, in the order of first occurrence."), false, arrays(1, 1, arrayOf),
		func(b *builder, args []batch.Vector, i int) { b.addNew(&args[0], i, nil, false) }).Shown("ARRAY_DISTINCT(ARRAY[2, 1, 2]) -> [2, 1]")
	ArrayUnion = building("ARRAY_UNION", doc("ARRAY_UNION(a, b)", "The distinct elements of either array."), false, arrays(2, 2, arrayOf),
		func(b *builder, args []batch.Vector, i int) {
			b.addNew(&args[0], i, nil, false)
			b.addNew(&args[1], i, nil, false)
		}).Shown("ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]) -> [1, 2, 3]")
	ArrayExcept = building("ARRAY_EXCEPT", doc("ARRAY_EXCEPT(a, b)", "The distinct elements of a that aren't in b."), false, arrays(2, 2, arrayOf),
		func(b *builder, args []batch.Vector, i int) { b.addNew(&args[0], i, &args[1], false) }).Shown("ARRAY_EXCEPT(ARRAY[1, 2], ARRAY[2]) -> [1]")
	ArrayIntersect = building("ARRAY_INTERSECT", doc("ARRAY_INTERSECT(a, b)", "The distinct elements that are in both arrays."), false, arrays(2, 2, arrayOf),
		func(b *builder, args []batch.Vector, i int) { b.addNew(&args[0], i, &args[1], true) }).Shown("ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3]) -> [2]")
	ArrayReverse = building("ARRAY_REVERSE", doc("ARRAY_REVERSE(array)", "The array from its end to its start."), false, arrays(1, 1, arrayOf),
		func(b *builder, args []batch.Vector, i int) {
			s := args[0].Str[i]
			for e := s.Off() + s.Len() - 1; e >= s.Off(); e-- {
				b.add(&args[0].Kids[0], e)
			}
		}).Shown("ARRAY_REVERSE(ARRAY[1, 2, 3]) -> [3, 2, 1]")
	ArraySlice = building("ARRAY_SLICE", doc("ARRAY_SLICE(array, start[, end])", "The elements from start to end, both counted from 1 and included; negative positions count from the end."), false,
		withFlags(types.Type.IsInteger), func(b *builder, args []batch.Vector, i int) {
			s := args[0].Str[i]
			size := int64(s.Len())
			from, to := args[1].I64[i], size
			if len(args) == 3 {
				to = args[2].I64[i]
			}
			from, to = max(1, position(from, size)), min(size, position(to, size))
			for e := from; e <= to; e++ {
				b.add(&args[0].Kids[0], s.Off()+int(e)-1)
			}
		}).Shown("ARRAY_SLICE(ARRAY[1, 2, 3, 4], 2, 3) -> [2, 3]")
	ArraySort = building("ARRAY_SORT", doc("ARRAY_SORT(array[, ascending[, nulls first]])", "The array in order. NULLs come first when ascending and last when descending, unless said otherwise."), false,
		withFlags(func(t types.Type) bool { return t.Kind == types.Boolean }), sortArray).Shown("ARRAY_SORT(ARRAY[3, 1, 2]) -> [1, 2, 3]")
)

// position makes 0 the first position and counts negative ones from the end.
func position(p, size int64) int64 {
	if p < 0 {
		return p + size + 1
	}
	return max(p, 1)
}

// addNew adds the elements of row i of v that the list hasn't yet and, if other
// is given, that are in its row i as well (in) or are not.
func (b *builder) addNew(v *batch.Vector, i int, other *batch.Vector, in bool) {
	s := v.Str[i]
	for e := s.Off(); e < s.Off()+s.Len(); e++ {
		if other != nil && find(b.elem, &other.Kids[0], other.Str[i], &v.Kids[0], e) >= 0 != in {
			continue
		}
		if !b.has(&v.Kids[0], e) {
			b.add(&v.Kids[0], e)
		}
	}
}

func sortArray(b *builder, args []batch.Vector, i int) {
	s, kid := args[0].Str[i], &args[0].Kids[0]
	asc := len(args) < 2 || args[1].I64[i] != 0
	nullsFirst := asc
	if len(args) > 2 {
		nullsFirst = args[2].I64[i] != 0
	}
	order := make([]int, s.Len())
	for e := range order {
		order[e] = s.Off() + e
	}
	sort.SliceStable(order, func(x, y int) bool {
		p, q := order[x], order[y]
		if pn, qn := kid.Null(p), kid.Null(q); pn || qn {
			return pn != qn && pn == nullsFirst
		}
		c := batch.Compare(b.elem, kid, p, kid, q)
		return asc && c < 0 || !asc && c > 0
	})
	for _, e := range order {
		b.add(kid, e)
	}
}

// withFlags is the signature of an array and up to two more arguments of a
// family; ARRAY_SLICE needs the first of them, ARRAY_SORT neither.
func withFlags(in func(types.Type) bool) functions.Sig {
	return functions.Sig{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		least := 1
		if in(types.IntType) {
			least = 2
		}
		if len(args) < least || len(args) > 3 || args[0].Type.Kind != types.Array {
			return nil, t, false, nil
		}
		as = []types.Type{args[0].Type.Plain()}
		flag := types.BooleanType
		if least == 2 {
			flag = types.IntType
		} else if e := as[0].Elem(); e.IsRow() || e.IsCollection() {
			return nil, t, false, sqlerr.New(sqlerr.Type, args[0].At, "ARRAY_SORT can't order elements of type %s", e.Nullable())
		}
		for _, a := range args[1:] {
			x := a.Type.Plain()
			if x.Kind == types.Null {
				x = flag
			}
			if !in(x) {
				return nil, t, false, nil
			}
			as = append(as, x)
		}
		return as, as[0].WithNull(functions.AnyNull(args)), true, nil
	}}
}

var errManyElements = errors.New("array has more than one element")
