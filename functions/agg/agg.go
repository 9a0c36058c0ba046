// Package agg is the aggregate functions. COUNT, SUM and AVG keep fixed cells and
// take rows back by subtraction; MIN and MAX keep the extreme alone, or a multiset
// of values when rows are taken back; the others keep lists and multisets. One
// file per aggregate or family. Start with accumulator.
package agg

import (
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = append(bitmapAggregates(), count, sum, sum0, avg, extreme("MIN", true), extreme("MAX", false),
	ordinal("FIRST_VALUE", true), ordinal("LAST_VALUE", false), collect, arrayAgg, listAgg,
	variance("VAR_POP", false, false), variance("VAR_SAMP", true, false, "VARIANCE"),
	variance("STDDEV_POP", false, true), variance("STDDEV_SAMP", true, true, "STDDEV"),
	percentile, jsonObject, jsonArray, single, approxDistinct)

// kernel is what an aggregate does to one group's state; it is bound to the cells
// of a batch before the rows.
type kernel interface {
	parts() []functions.Part
	bind(c functions.Cells, args []batch.Vector)
	reset(id uint32)
	add(id uint32, row int, sign int64)
	merge(id uint32, other kernel, from uint32)
	result(id uint32, out *batch.Vector, i int)
}

// failing is a kernel whose add can fail: a key that occurs twice.
type failing interface{ failure() error }

// accumulator runs a kernel over rows.
type accumulator struct{ k, other kernel }

func (a accumulator) State() []functions.Part { return a.k.parts() }

func (a accumulator) rows(c functions.Cells, r functions.Rows, args []batch.Vector, before, after *batch.Vector) error {
	a.k.bind(c, args)
	if col, ok := a.k.(columnar); ok && col.step(r, before, after) {
		return nil
	}
	f, fails := a.k.(failing)
	at := 0
	for i := 0; i < r.N; i++ {
		id := r.IDs[i]
		if r.Reset != nil && r.Reset[i] {
			a.k.reset(id)
		}
		if before != nil {
			a.k.result(id, before, i)
		}
		counts := r.Sel == nil
		if !counts && at < len(r.Sel) && int(r.Sel[at]) == i {
			counts = true
			at++
		}
		if counts {
			sign := int64(1)
			if r.Signs != nil {
				sign = int64(r.Signs[i])
			}
			a.k.add(id, i, sign)
			if fails && f.failure() != nil {
				return f.failure()
			}
		}
		if after != nil {
			a.k.result(id, after, i)
		}
	}
	return nil
}

func (a accumulator) Step(c functions.Cells, r functions.Rows, args []batch.Vector, before, after *batch.Vector) error {
	return a.rows(c, r, args, before, after)
}

func (a accumulator) Fold(c functions.Cells, r functions.Rows, args []batch.Vector) error {
	return a.rows(c, r, args, nil, nil)
}

func (a accumulator) Merge(c functions.Cells, into []uint32, reset []bool, other functions.Cells, from []uint32) error {
	a.k.bind(c, nil)
	a.other.bind(other, nil)
	for i, id := range into {
		if reset[i] {
			a.k.reset(id)
		}
		a.k.merge(id, a.other, from[i])
	}
	return nil
}

func (a accumulator) Result(c functions.Cells, ids []uint32, out *batch.Vector) error {
	a.k.bind(c, nil)
	for i, id := range ids {
		a.k.result(id, out, i)
	}
	return nil
}

func fixed(t types.Type) functions.Part {
	return functions.Part{Kind: functions.FixedPart, Types: []types.Type{t}}
}

// counter is COUNT.
type counter struct {
	scratch
	cell batch.Col[int64]
	arg  *batch.Vector
}

func (k *counter) parts() []functions.Part { return []functions.Part{fixed(types.BigIntType)} }
func (k *counter) bind(c functions.Cells, args []batch.Vector) {
	k.cell, k.arg = c.I64(0), nil
	if len(args) > 0 {
		k.arg = &args[0]
	}
}
func (k *counter) reset(id uint32) { *k.cell.At(id) = 0 }
func (k *counter) add(id uint32, row int, sign int64) {
	if k.arg == nil || !k.arg.Null(row) {
		*k.cell.At(id) += sign
	}
}
func (k *counter) merge(id uint32, o kernel, from uint32) {
	*k.cell.At(id) += *o.(*counter).cell.At(from)
}
func (k *counter) result(id uint32, out *batch.Vector, i int) { out.I64[i] = *k.cell.At(id) }

var count = &functions.Aggregate{
	Name: "COUNT", Doc: functions.Doc{Group: "aggregate", Usage: "COUNT(*), COUNT([DISTINCT] x)", Text: "How many rows there are, or how many (different) values that aren't NULL."}, Retract: true, Merge: true, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam.Opt()}, Result: functions.Fixed(types.BigIntType.NotNullable())}},
	Bind: func(functions.AggregateCall) (functions.Accumulator, error) {
		return accumulator{&counter{}, &counter{}}, nil
	},
}

// summer is SUM and AVG: a count of the values that aren't NULL and their sum.
type summer struct {
	scratch
	arg, out types.Type
	average  bool
	n, lo    batch.Col[int64]
	hi       batch.Col[int64]
	f        batch.Col[float64]
	v        *batch.Vector
}

// cellType is what the sum is kept in.
func (k *summer) cellType() types.Type {
	switch {
	case k.arg.IsApprox():
		return types.DoubleType
	case k.arg.Kind == types.Decimal:
		return types.DecimalType(38, k.arg.Scale)
	}
	return types.BigIntType
}

func (k *summer) parts() []functions.Part {
	return []functions.Part{fixed(types.BigIntType), fixed(k.cellType())}
}

func (k *summer) bind(c functions.Cells, args []batch.Vector) {
	k.n = c.I64(0)
	switch k.cellType().Layout() {
	case types.LayoutF64:
		k.f = c.F64(1)
	case types.LayoutWide:
		k.lo, k.hi = c.I64(1), c.Hi(1)
	default:
		k.lo = c.I64(1)
	}
	if len(args) > 0 {
		k.v = &args[0]
	}
}

func (k *summer) reset(id uint32) {
	*k.n.At(id) = 0
	switch k.cellType().Layout() {
	case types.LayoutF64:
		*k.f.At(id) = 0
	case types.LayoutWide:
		*k.lo.At(id), *k.hi.At(id) = 0, 0
	default:
		*k.lo.At(id) = 0
	}
}

// float is a sum in the width it is kept in: a FLOAT's is a FLOAT, an average's a
// DOUBLE.
func (k *summer) float(f float64) float64 {
	if k.arg.Kind == types.Float && !k.average {
		return batch.Float32(f)
	}
	return f
}

func (k *summer) wide(id uint32) types.Int128 {
	return types.Int128{Hi: *k.hi.At(id), Lo: uint64(*k.lo.At(id))}
}

func (k *summer) setWide(id uint32, x types.Int128) { *k.hi.At(id), *k.lo.At(id) = x.Hi, int64(x.Lo) }

func (k *summer) add(id uint32, row int, sign int64) {
	if k.v.Null(row) {
		return
	}
	*k.n.At(id) += sign
	switch {
	case k.arg.IsApprox():
		*k.f.At(id) = k.float(*k.f.At(id) + float64(sign)*k.v.F64[row])
	case k.arg.Kind == types.Decimal:
		x := k.v.Decimal(k.arg, row)
		if sign < 0 {
			x = x.Neg()
		}
		k.setWide(id, k.wide(id).Add(x))
	default:
		*k.lo.At(id) += sign * k.v.I64[row]
	}
}

func (k *summer) merge(id uint32, other kernel, from uint32) {
	o := other.(*summer)
	*k.n.At(id) += *o.n.At(from)
	switch {
	case k.arg.IsApprox():
		*k.f.At(id) = k.float(*k.f.At(id) + *o.f.At(from))
	case k.arg.Kind == types.Decimal:
		k.setWide(id, k.wide(id).Add(o.wide(from)))
	default:
		*k.lo.At(id) += *o.lo.At(from)
	}
}

func (k *summer) result(id uint32, out *batch.Vector, i int) {
	n := *k.n.At(id)
	if n == 0 {
		out.SetNull(i)
		return
	}
	switch {
	case k.arg.IsApprox():
		f := *k.f.At(id)
		if k.average {
			f /= float64(n)
		}
		if k.out.Kind == types.Float {
			f = batch.Float32(f)
		}
		out.F64[i] = f
	case k.arg.Kind == types.Decimal:
		x, ok := k.wide(id), true
		if k.average {
			if x, ok = x.Rescale(k.arg.Scale, k.out.Scale); ok {
				x = x.DivRound(types.Int128Of(n))
			}
		}
		if !ok || !x.Fits(38) {
			out.SetNull(i)
			return
		}
		out.SetWide(i, x)
	default:
		x := *k.lo.At(id)
		if k.average {
			x /= n
		}
		out.I64[i] = wrap(k.out.Kind, x)
	}
}

func wrap(k types.Kind, x int64) int64 {
	switch k {
	case types.TinyInt:
		return int64(int8(x))
	case types.SmallInt:
		return int64(int16(x))
	case types.Int:
		return int64(int32(x))
	}
	return x
}

func summing(name string, average bool, decimal func(types.Type) types.Type, parts ...*functions.Aggregate) *functions.Aggregate {
	about := "The sum of the values, NULLs left out; NULL when there is none."
	if average {
		about = "The mean of the values, NULLs left out, in their type; NULL when there is none."
	}
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "([DISTINCT] x)", Text: about}, Retract: true, Merge: true,
		Parts: parts,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: func(args []functions.Arg) (types.Type, error) {
			t := args[0].Type
			if t.Kind == types.Decimal {
				return decimal(t).WithNull(!t.NotNull), nil
			}
			return t.Plain(), nil
		}}},
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			k := summer{arg: c.Args[0].Type, out: c.Result, average: average}
			o := k
			return accumulator{&k, &o}, nil
		},
	}
}

var (
	sum = summing("SUM", false, func(t types.Type) types.Type { return types.DecimalType(38, t.Scale) }, count)
	avg = summing("AVG", true, func(t types.Type) types.Type { return types.DecimalType(38, max(t.Scale, 6)) }, sum, count)
)

// best is MIN and MAX over rows that stay.
type best struct {
	cell
	scratch
	min bool
	v   *batch.Vector
}

func (k *best) parts() []functions.Part { return []functions.Part{fixed(k.t)} }

func (k *best) bind(c functions.Cells, args []batch.Vector) {
	k.open(c, 0)
	if len(args) > 0 {
		k.v = &args[0]
	}
}

func (k *best) reset(id uint32) { k.clear(id) }

func (k *best) offer(id uint32, v *batch.Vector, row int) {
	if k.has(id) {
		c := batch.Compare(k.t, v, row, k.load(id), 0)
		if c == 0 || (c < 0) != k.min {
			return
		}
	}
	k.store(id, v, row)
}

func (k *best) add(id uint32, row int, _ int64) {
	if !k.v.Null(row) {
		k.offer(id, k.v, row)
	}
}

func (k *best) merge(id uint32, other kernel, from uint32) {
	o := other.(*best)
	if o.has(from) {
		k.offer(id, o.load(from), 0)
	}
}

func (k *best) result(id uint32, out *batch.Vector, i int) { k.to(id, out, i) }

// ranked is MIN and MAX over rows that may be taken back.
type ranked struct {
	t    types.Type
	min  bool
	set  functions.Multiset
	args []batch.Vector
	got  []batch.Vector
}

func (k *ranked) parts() []functions.Part {
	return []functions.Part{{Kind: functions.MultisetPart, Types: []types.Type{k.t}}}
}
func (k *ranked) bind(c functions.Cells, args []batch.Vector) {
	k.set, k.args = c.Multiset(0), args
	k.got = make([]batch.Vector, 1)
}
func (k *ranked) reset(id uint32) { k.set.Clear(id) }
func (k *ranked) add(id uint32, row int, sign int64) {
	if !k.args[0].Null(row) {
		k.set.Add(id, k.args[:1], row, sign)
	}
}
func (k *ranked) merge(id uint32, other kernel, from uint32) {
	other.(*ranked).set.Each(from, func(v []batch.Vector, n int64) bool { k.set.Add(id, v, 0, n); return true })
}
func (k *ranked) result(id uint32, out *batch.Vector, i int) {
	k.got[0].Prepare(k.t, 0)
	find := k.set.Last
	if k.min {
		find = k.set.First
	}
	if !find(id, k.got, 0) {
		out.SetNull(i)
		return
	}
	out.Set(k.t, i, &k.got[0], 0)
}

func extreme(name string, min bool) *functions.Aggregate {
	about := "The greatest value, NULLs left out; NULL when there is none."
	if min {
		about = "The least value, NULLs left out; NULL when there is none."
	}
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "(x)", Text: about}, Retract: true, Merge: true, Check: comparable(name),
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: func(args []functions.Arg) (types.Type, error) { return args[0].Type.Plain(), nil }}},
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			t := c.Args[0].Type
			if c.Retract {
				return accumulator{&ranked{t: t, min: min}, &ranked{t: t, min: min}}, nil
			}
			return accumulator{&best{cell: cell{t: t}, min: min}, &best{cell: cell{t: t}, min: min}}, nil
		},
	}
}

// comparable refuses the types that have no least value.
func comparable(name string) func(functions.Call) error {
	return func(c functions.Call) error {
		t := c.Args[0].Type
		if t.IsNumeric() || t.IsString() || t.IsTemporal() || t.Kind == types.Boolean {
			return nil
		}
		return sqlerr.New(sqlerr.Type, c.At, "%s%s aggregate function does not support type: ''%s''", name[:1], strings.ToLower(name[1:]), t.Kind)
	}
}
