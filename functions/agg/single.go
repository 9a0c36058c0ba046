package agg

import (
	"errors"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// single is SINGLE_VALUE: the one value of a group; more than one is an error.
var single = &functions.Aggregate{
	Name: "SINGLE_VALUE", Doc: functions.Doc{Group: "aggregate", Usage: "SINGLE_VALUE(x)", Text: "The value of the only row; several rows fail."}, Retract: true, Merge: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: func(args []functions.Arg) (types.Type, error) { return args[0].Type.Plain().Nullable(), nil }}},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		return accumulator{&only{cell: cell{t: c.Args[0].Type}}, &only{cell: cell{t: c.Args[0].Type}}}, nil
	},
}

type only struct {
	cell
	n   batch.Col[int64]
	v   *batch.Vector
	err error
}

func (k *only) failure() error          { return k.err }
func (k *only) parts() []functions.Part { return []functions.Part{fixed(k.t), fixed(types.BigIntType)} }
func (k *only) bind(c functions.Cells, args []batch.Vector) {
	k.open(c, 0)
	if k.n = c.I64(1); len(args) > 0 {
		k.v = &args[0]
	}
}
func (k *only) reset(id uint32) {
	k.clear(id)
	*k.n.At(id) = 0
}
func (k *only) count(id uint32, n int64) {
	if *k.n.At(id) += n; *k.n.At(id) > 1 {
		k.err = errors.New("SingleValueAggFunction received more than one element.")
	}
}
func (k *only) add(id uint32, row int, sign int64) {
	k.count(id, sign)
	switch {
	case sign < 0 || k.v.Null(row):
		k.clear(id)
	default:
		k.store(id, k.v, row)
	}
}
func (k *only) merge(id uint32, other kernel, from uint32) {
	o := other.(*only)
	if k.count(id, *o.n.At(from)); o.has(from) {
		k.store(id, o.load(from), 0)
	}
}
func (k *only) result(id uint32, out *batch.Vector, i int) { k.to(id, out, i) }

// sum0 is $SUM0: a sum that is 0 over no values.
var sum0 = &functions.Aggregate{
	Name: "$SUM0", Doc: functions.Doc{Group: "aggregate", Usage: "$SUM0(x)", Text: "The sum of the values, NULLs left out; 0 when there is none."}, Retract: true, Merge: true, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: func(args []functions.Arg) (types.Type, error) {
		t, err := sum.Sigs[0].Result(args)
		return t.NotNullable(), err
	}}},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		k := zeroed{summer{arg: c.Args[0].Type, out: c.Result}}
		o := k
		return accumulator{&k, &o}, nil
	},
}

type zeroed struct{ summer }

func (k *zeroed) merge(id uint32, other kernel, from uint32) {
	k.summer.merge(id, &other.(*zeroed).summer, from)
}
func (k *zeroed) result(id uint32, out *batch.Vector, i int) {
	if *k.n.At(id) != 0 {
		k.summer.result(id, out, i)
		return
	}
	switch k.out.Layout() {
	case types.LayoutF64:
		out.F64[i] = 0
	case types.LayoutWide:
		out.SetWide(i, types.Int128{})
	default:
		out.I64[i] = 0
	}
}

// approxDistinct is APPROX_COUNT_DISTINCT, in batch mode: here it is exact.
var approxDistinct = &functions.Aggregate{
	Name: "APPROX_COUNT_DISTINCT", Doc: functions.Doc{Group: "aggregate", Usage: "APPROX_COUNT_DISTINCT(x)", Text: "How many different values there are, NULL left out; batch mode only. Millrace counts exactly."}, Merge: true, Total: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: functions.Fixed(types.BigIntType.NotNullable())}},
	Check: func(c functions.Call) error {
		if !c.Session.Batch {
			return sqlerr.New(sqlerr.NotSupported, c.At, "APPROX_COUNT_DISTINCT aggregate function does not support yet for streaming").WithHint("COUNT(DISTINCT x) counts exactly")
		}
		return nil
	},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		k := func() *different { return &different{collector{t: c.Args[0].Type}} }
		return accumulator{k(), k()}, nil
	},
}

// different counts the values of a multiset.
type different struct{ collector }

func (k *different) merge(id uint32, other kernel, from uint32) {
	k.collector.merge(id, &other.(*different).collector, from)
}
func (k *different) result(id uint32, out *batch.Vector, i int) {
	out.I64[i] = int64(k.set.Distinct(id))
}
