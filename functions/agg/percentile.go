package agg

import (
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// percentile is PERCENTILE(x, p [, weight]): interpolated between the two values
// next to rank p*(n-1); p is one fraction or an array of them, taken from the
// group's first row.
var percentile = &functions.Aggregate{
	Name: "PERCENTILE", Doc: functions.Doc{Group: "aggregate", Usage: "PERCENTILE(x, fraction [, weight])", Text: "The value below which the fraction lies, interpolated; an array of fractions gives an array."},
	Retract: true, Merge: true,
	Sigs: []functions.Sig{{Infer: percentileTypes}},
	Check: func(c functions.Call) error {
		p := c.Args[1]
		if p.Const == nil || p.Type.Kind == types.Array {
			return nil
		}
		if x := p.Const.F64[0]; p.Const.Null(0) || x < 0 || x > 1 {
			return sqlerr.New(sqlerr.Type, p.At, "the fraction of PERCENTILE is between 0.0 and 1.0")
		}
		return nil
	},
	Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
		k := func() *quantile {
			return &quantile{fractions: cell{t: c.Args[1].Type}, weight: len(c.Args) > 2}
		}
		return accumulator{k(), k()}, nil
	},
}

func percentileTypes(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
	if len(args) < 2 || len(args) > 3 || !args[0].Type.IsNumeric() {
		return nil, t, false, nil
	}
	p, result := args[1].Type, types.DoubleType
	switch {
	case p.IsNumeric() && p.NotNull:
		p = types.DoubleType.NotNullable()
	case p.Kind == types.Array && p.NotNull && p.Elem().IsNumeric() && p.Elem().NotNull:
		p, result = types.ArrayOf(types.DoubleType.NotNullable()).NotNullable(), types.ArrayOf(types.DoubleType.NotNullable())
	default:
		return nil, t, false, nil
	}
	as = []types.Type{types.DoubleType.WithNull(!args[0].Type.NotNull), p}
	if len(args) == 3 {
		if !args[2].Type.IsInteger() {
			return nil, t, false, nil
		}
		as = append(as, types.BigIntType.WithNull(!args[2].Type.NotNull))
	}
	return as, result, true, nil
}

type quantile struct {
	fractions cell
	weight    bool
	set       functions.Multiset
	args      []batch.Vector
	values    []float64
	upTo      []int64 // how many rows have at most that value
	err       error
}

func (k *quantile) failure() error { return k.err }

func (k *quantile) parts() []functions.Part {
	return []functions.Part{fixed(k.fractions.t), {Kind: functions.MultisetPart, Types: []types.Type{types.DoubleType}}}
}

func (k *quantile) bind(c functions.Cells, args []batch.Vector) {
	k.fractions.open(c, 0)
	k.set, k.args = c.Multiset(1), args
}

func (k *quantile) reset(id uint32) {
	k.fractions.clear(id)
	k.set.Clear(id)
}

func (k *quantile) add(id uint32, row int, sign int64) {
	if !k.fractions.has(id) && !k.args[1].Null(row) {
		k.check(row)
		k.fractions.store(id, &k.args[1], row)
	}
	w := int64(1)
	if k.weight {
		if w = k.args[2].I64[row]; k.args[2].Null(row) || w <= 0 {
			return
		}
	}
	if !k.args[0].Null(row) {
		k.set.Add(id, k.args[:1], row, sign*w)
	}
}

// check refuses fractions outside 0 to 1.
func (k *quantile) check(row int) {
	all, v := []float64(nil), &k.args[1]
	if k.fractions.t.Kind == types.Array {
		s := v.Str[row]
		all = v.Kids[0].F64[s.Off() : s.Off()+s.Len()]
	} else {
		all = v.F64[row : row+1]
	}
	for _, p := range all {
		if !(p >= 0 && p <= 1) {
			k.err = fmt.Errorf("Percentage of PERCENTILE should be between [0.0, 1.0], but was '%s'", strconv.FormatFloat(p, 'f', -1, 64))
		}
	}
}

func (k *quantile) merge(id uint32, other kernel, from uint32) {
	o := other.(*quantile)
	if o.fractions.has(from) && !k.fractions.has(id) {
		k.fractions.store(id, o.fractions.load(from), 0)
	}
	o.set.Each(from, func(v []batch.Vector, n int64) bool { k.set.Add(id, v, 0, n); return true })
}

func (k *quantile) result(id uint32, out *batch.Vector, i int) {
	k.values, k.upTo = k.values[:0], k.upTo[:0]
	n := int64(0)
	k.set.Each(id, func(v []batch.Vector, count int64) bool {
		if count > 0 {
			n += count
			k.values, k.upTo = append(k.values, v[0].F64[0]), append(k.upTo, n)
		}
		return true
	})
	if n == 0 || !k.fractions.has(id) {
		out.SetNull(i)
		return
	}
	p := k.fractions.load(id)
	if k.fractions.t.Kind != types.Array {
		out.F64[i] = k.at(p.F64[0], n)
		return
	}
	s, kid := p.Str[0], &out.Kids[0]
	if s.Len() == 0 {
		out.SetNull(i)
		return
	}
	first := len(kid.F64)
	for _, x := range p.Kids[0].F64[s.Off() : s.Off()+s.Len()] {
		kid.F64 = append(kid.F64, k.at(x, n))
	}
	out.Str[i] = batch.NewView(first, s.Len())
}

// at is the value at fraction p of n rows.
func (k *quantile) at(p float64, n int64) float64 {
	pos := p * float64(n-1)
	lo, hi := math.Floor(pos), math.Ceil(pos)
	a := k.nth(int64(lo))
	if lo == hi {
		return a
	}
	b := k.nth(int64(hi))
	return (hi-pos)*a + (pos-lo)*b
}

func (k *quantile) nth(i int64) float64 {
	for c, up := range k.upTo {
		if i < up {
			return k.values[c]
		}
	}
	return k.values[len(k.values)-1]
}
