package agg

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// collect is COLLECT: the values that aren't NULL and how often each occurs.
var collect = &functions.Aggregate{
	Name: "COLLECT", Doc: functions.Doc{Group: "aggregate", Usage: "COLLECT([DISTINCT] x)", Text: "A multiset of the values, NULLs left out."},
	Retract: true, Merge: true, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: func(args []functions.Arg) (types.Type, error) {
		return types.MultisetOf(args[0].Type.Plain()).NotNullable(), nil
	}}},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		return accumulator{&collector{t: c.Args[0].Type}, &collector{t: c.Args[0].Type}}, nil
	},
}

type collector struct {
	t    types.Type
	set  functions.Multiset
	args []batch.Vector
}

func (k *collector) parts() []functions.Part {
	return []functions.Part{{Kind: functions.MultisetPart, Types: []types.Type{k.t}}}
}
func (k *collector) bind(c functions.Cells, args []batch.Vector) { k.set, k.args = c.Multiset(0), args }
func (k *collector) reset(id uint32)                             { k.set.Clear(id) }
func (k *collector) add(id uint32, row int, sign int64) {
	if !k.args[0].Null(row) {
		k.set.Add(id, k.args[:1], row, sign)
	}
}
func (k *collector) merge(id uint32, other kernel, from uint32) {
	other.(*collector).set.Each(from, func(v []batch.Vector, n int64) bool { k.set.Add(id, v, 0, n); return true })
}
func (k *collector) result(id uint32, out *batch.Vector, i int) {
	first := out.Kids[0].Size(k.t)
	n := first
	k.set.Each(id, func(v []batch.Vector, count int64) bool {
		if count > 0 {
			out.Kids[0].Append(k.t, n, &v[0], 0)
			out.Kids[1].I64 = append(out.Kids[1].I64[:n], count)
			n++
		}
		return true
	})
	out.Str[i] = batch.NewView(first, n-first)
}

// arrayAgg is ARRAY_AGG: the values in arrival order, or in that of an ORDER BY
// inside the call. Over no values it is NULL.
var arrayAgg = &functions.Aggregate{
	Name: "ARRAY_AGG", Doc: functions.Doc{Group: "aggregate", Usage: "ARRAY_AGG([DISTINCT] x [RESPECT NULLS | IGNORE NULLS] [ORDER BY ...])",
		Text: "An array of the values; NULLs are kept unless IGNORE NULLS is said."},
	Retract: true, Merge: true, Constant: func(arg int) bool { return arg == 1 },
	Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
		if len(args) == 0 || len(args) > 1 && args[1].Type.Kind != types.Symbol {
			return nil, types.Type{}, false, nil
		}
		as := make([]types.Type, len(args))
		for i, a := range args {
			as[i] = a.Type.Plain()
		}
		return as, types.ArrayOf(as[0]).WithNull(!as[0].NotNull), true, nil
	}}},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		k := func() *array {
			a := &array{ignore: len(c.Args) > 1 && symbol(c.Args[1]) == "IGNORE", by: c.Order}
			for i, arg := range c.Args {
				if i != 1 {
					a.ts = append(a.ts, arg.Type)
				}
			}
			return a
		}
		return accumulator{k(), k()}, nil
	},
}

// symbol is the keyword that a constant argument stands for.
func symbol(a functions.Arg) string { return string(a.Const.Bytes(0)) }

// array keeps values, and behind them the columns they are ordered by.
type array struct {
	ts     []types.Type
	by     []batch.Order
	ignore bool
	list   functions.List
	args   []batch.Vector
	rows   batch.Batch
	order  []int
}

func (k *array) parts() []functions.Part {
	return []functions.Part{{Kind: functions.ListPart, Types: k.ts}}
}
func (k *array) bind(c functions.Cells, args []batch.Vector) { k.list, k.args = c.List(0), args }
func (k *array) reset(id uint32)                             { k.list.Clear(id) }
func (k *array) add(id uint32, row int, sign int64) {
	switch {
	case k.ignore && k.args[0].Null(row):
	case sign > 0:
		k.list.Add(id, k.args, row)
	default:
		k.list.Remove(id, k.args, row)
	}
}
func (k *array) merge(id uint32, other kernel, from uint32) {
	other.(*array).list.Each(from, func(v []batch.Vector, row int) bool { k.list.Add(id, v, row); return true })
}
func (k *array) result(id uint32, out *batch.Vector, i int) {
	if k.list.Len(id) == 0 {
		out.SetNull(i)
		return
	}
	first := out.Kids[0].Size(k.ts[0])
	n := first
	if len(k.by) == 0 {
		k.list.Each(id, func(v []batch.Vector, row int) bool {
			out.Kids[0].Append(k.ts[0], n, &v[0], row)
			n++
			return true
		})
	} else {
		for _, row := range k.sort(id) {
			out.Kids[0].Append(k.ts[0], n, &k.rows.Cols[0], row)
			n++
		}
	}
	out.Str[i] = batch.NewView(first, n-first)
}

// sort reads the group's rows and gives their order.
func (k *array) sort(id uint32) []int {
	k.rows.Reset(k.ts)
	k.order = k.order[:0]
	k.list.Each(id, func(v []batch.Vector, row int) bool {
		for c := range k.ts {
			k.rows.Cols[c].Append(k.ts[c], k.rows.Len, &v[c], row)
		}
		k.order = append(k.order, k.rows.Len)
		k.rows.AppendKind(batch.Insert)
		return true
	})
	slices.SortStableFunc(k.order, func(a, b int) int { return batch.CompareRows(k.ts, k.by, k.rows.Cols, a, k.rows.Cols, b) })
	return k.order
}
