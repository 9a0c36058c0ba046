// Package agg is the aggregate functions. COUNT, SUM and AVG keep fixed cells and
// take rows back by subtraction; MIN and MAX keep the extreme alone, or a multiset
// of values when rows are taken back. Start with accumulator.
package agg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Aggregate{count, sum, avg, extreme("MIN", true), extreme("MAX", false)}

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

// accumulator runs a kernel over rows.
type accumulator struct{ k, other kernel }

func (a accumulator) State() []functions.Part { return a.k.parts() }

func (a accumulator) rows(c functions.Cells, r functions.Rows, args []batch.Vector, before, after *batch.Vector) {
	a.k.bind(c, args)
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
		}
		if after != nil {
			a.k.result(id, after, i)
		}
	}
}

func (a accumulator) Step(c functions.Cells, r functions.Rows, args []batch.Vector, before, after *batch.Vector) error {
	a.rows(c, r, args, before, after)
	return nil
}

func (a accumulator) Fold(c functions.Cells, r functions.Rows, args []batch.Vector) error {
	a.rows(c, r, args, nil, nil)
	return nil
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
	Name: "COUNT", Doc: functions.Doc{Group: "aggregate", Usage: "COUNT(*), COUNT([DISTINCT] x)"}, Retract: true, Merge: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam.Opt()}, Result: functions.Fixed(types.BigIntType.NotNullable())}},
	Bind: func(functions.AggregateCall) (functions.Accumulator, error) {
		return accumulator{&counter{}, &counter{}}, nil
	},
}

// summer is SUM and AVG: a count of the values that aren't NULL and their sum.
type summer struct {
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
		*k.f.At(id) += float64(sign) * k.v.F64[row]
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
		*k.f.At(id) += *o.f.At(from)
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

func summing(name string, average bool, decimal func(types.Type) types.Type) *functions.Aggregate {
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "([DISTINCT] x)"}, Retract: true, Merge: true,
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
	sum = summing("SUM", false, func(t types.Type) types.Type { return types.DecimalType(38, t.Scale) })
	avg = summing("AVG", true, func(t types.Type) types.Type { return types.DecimalType(38, max(t.Scale, 6)) })
)

// best is MIN and MAX over rows that stay.
type best struct {
	t     types.Type
	min   bool
	c     functions.Cells
	valid batch.BitCol
	i64   batch.Col[int64]
	hi    batch.Col[int64]
	f64   batch.Col[float64]
	v     *batch.Vector
	tmp   batch.Vector
}

func (k *best) parts() []functions.Part { return []functions.Part{fixed(k.t)} }

func (k *best) bind(c functions.Cells, args []batch.Vector) {
	k.c, k.valid = c, c.Valid(0)
	switch k.t.Layout() {
	case types.LayoutI64:
		k.i64 = c.I64(0)
	case types.LayoutF64:
		k.f64 = c.F64(0)
	case types.LayoutWide:
		k.i64, k.hi = c.I64(0), c.Hi(0)
	}
	if len(args) > 0 {
		k.v = &args[0]
	}
	k.tmp.Prepare(k.t, 1)
}

func (k *best) reset(id uint32) { k.valid.Set(id, false) }

// load makes row 0 of tmp the value of a group.
func (k *best) load(id uint32) {
	switch k.t.Layout() {
	case types.LayoutI64:
		k.tmp.I64[0] = *k.i64.At(id)
	case types.LayoutF64:
		k.tmp.F64[0] = *k.f64.At(id)
	case types.LayoutWide:
		k.tmp.I64[0], k.tmp.Hi[0] = *k.i64.At(id), *k.hi.At(id)
	default:
		k.tmp.Buf = k.tmp.Buf[:0]
		k.tmp.SetBytes(0, k.c.Bytes(0, id))
	}
}

func (k *best) offer(id uint32, v *batch.Vector, row int) {
	if k.valid.Get(id) {
		k.load(id)
		c := batch.Compare(k.t, v, row, &k.tmp, 0)
		if c == 0 || (c < 0) != k.min {
			return
		}
	}
	k.valid.Set(id, true)
	switch k.t.Layout() {
	case types.LayoutI64:
		*k.i64.At(id) = v.I64[row]
	case types.LayoutF64:
		*k.f64.At(id) = v.F64[row]
	case types.LayoutWide:
		*k.i64.At(id), *k.hi.At(id) = v.I64[row], v.Hi[row]
	default:
		k.c.SetBytes(0, id, v.Bytes(row))
	}
}

func (k *best) add(id uint32, row int, _ int64) {
	if !k.v.Null(row) {
		k.offer(id, k.v, row)
	}
}

func (k *best) merge(id uint32, other kernel, from uint32) {
	o := other.(*best)
	if o.valid.Get(from) {
		o.load(from)
		k.offer(id, &o.tmp, 0)
	}
}

func (k *best) result(id uint32, out *batch.Vector, i int) {
	if !k.valid.Get(id) {
		out.SetNull(i)
		return
	}
	k.load(id)
	out.Set(k.t, i, &k.tmp, 0)
}

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
	return &functions.Aggregate{
		Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "(x)"}, Retract: true, Merge: true,
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: func(args []functions.Arg) (types.Type, error) { return args[0].Type.Plain(), nil }}},
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			t := c.Args[0].Type
			if c.Retract {
				return accumulator{&ranked{t: t, min: min}, &ranked{t: t, min: min}}, nil
			}
			return accumulator{&best{t: t, min: min}, &best{t: t, min: min}}, nil
		},
	}
}
