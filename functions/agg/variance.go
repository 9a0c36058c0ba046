package agg

import (
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// variance is VAR_* and STDDEV_*: Welford's running mean and sum of squared
// distances in DOUBLE, cast to the type of AVG at the end.
func variance(name string, sample, root bool, aliases ...string) *functions.Aggregate {
	about := "The variance of the values as a whole population, NULLs left out."
	switch {
	case sample && root:
		about = "The standard deviation of the values as a sample (divided by one less than their number), NULLs left out; NULL for fewer than two."
	case sample:
		about = "The variance of the values as a sample (divided by one less than their number), NULLs left out; NULL for fewer than two."
	case root:
		about = "The standard deviation of the values as a whole population, NULLs left out."
	}
	return &functions.Aggregate{
		Name: name, Aliases: aliases, Doc: functions.Doc{Group: "aggregate", Usage: name + "([DISTINCT] x)", Text: about}, Retract: true, Merge: true,
		Sigs: []functions.Sig{{Infer: func(args []functions.Arg) ([]types.Type, types.Type, bool, error) {
			if len(args) != 1 || !args[0].Type.IsNumeric() {
				return nil, types.Type{}, false, nil
			}
			t, err := avg.Sigs[0].Result(args)
			return []types.Type{types.DoubleType.WithNull(!args[0].Type.NotNull)}, t.WithNull(sample || !t.NotNull), true, err
		}}},
		Parts: []*functions.Aggregate{squares, count}, Split: true,
		Bind: func(c functions.AggregateCall) (functions.Accumulator, error) {
			k := func() *moments {
				return &moments{sample: sample, root: root, cast: cast.FromDouble(c.Result)}
			}
			return accumulator{k(), k()}, nil
		},
	}
}

// squares is the sum of squared distances from the mean.
var squares = &functions.Aggregate{
	Name: "$WELFORD_M2", Doc: functions.Doc{Group: "aggregate", Usage: "$WELFORD_M2(x)", Text: "The sum of the squared distances from the mean: what variances are made of."}, Retract: true, Merge: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.NumericParam}, Result: functions.Fixed(types.DoubleType)}},
	Bind: func(functions.AggregateCall) (functions.Accumulator, error) {
		return accumulator{&moments{total: true, cast: cast.FromDouble(types.DoubleType)}, &moments{total: true, cast: cast.FromDouble(types.DoubleType)}}, nil
	},
}

type moments struct {
	sample, root bool
	total        bool // the sum itself
	cast         func(in *batch.Vector, i int, out *batch.Vector) bool
	wide         []float64 // results as DOUBLE
	n            batch.Col[int64]
	mean, m2     batch.Col[float64]
	v            *batch.Vector
}

func (k *moments) parts() []functions.Part {
	return []functions.Part{fixed(types.BigIntType), fixed(types.DoubleType), fixed(types.DoubleType)}
}

func (k *moments) bind(c functions.Cells, args []batch.Vector) {
	k.n, k.mean, k.m2 = c.I64(0), c.F64(1), c.F64(2)
	if len(args) > 0 {
		k.v = &args[0]
	}
}

func (k *moments) reset(id uint32) { *k.n.At(id), *k.mean.At(id), *k.m2.At(id) = 0, 0, 0 }

func (k *moments) add(id uint32, row int, sign int64) {
	if k.v.Null(row) {
		return
	}
	x, n, mean, m2 := k.v.F64[row], k.n.At(id), k.mean.At(id), k.m2.At(id)
	*n += sign
	if *n == 0 {
		*mean, *m2 = 0, 0
		return
	}
	d := x - *mean
	*mean += float64(sign) * d / float64(*n)
	*m2 += float64(sign) * d * (x - *mean)
}

func (k *moments) merge(id uint32, other kernel, from uint32) {
	o := other.(*moments)
	a, b := *k.n.At(id), *o.n.At(from)
	if b == 0 {
		return
	}
	n, d := float64(a+b), *o.mean.At(from)-*k.mean.At(id)
	if a+b == 0 {
		k.reset(id)
		return
	}
	*k.m2.At(id) += *o.m2.At(from) + d*d*float64(a)*float64(b)/n
	*k.mean.At(id) += d * float64(b) / n
	*k.n.At(id) = a + b
}

func (k *moments) result(id uint32, out *batch.Vector, i int) {
	n := *k.n.At(id)
	if k.sample {
		n--
	}
	if n <= 0 || *k.m2.At(id) < 0 { // below 0: a value was taken back that never came
		out.SetNull(i)
		return
	}
	x := *k.m2.At(id)
	if !k.total {
		x /= float64(n)
	}
	if k.root {
		x = math.Sqrt(x)
	}
	if i >= len(k.wide) {
		k.wide = append(k.wide, make([]float64, i+1-len(k.wide))...)
	}
	k.wide[i] = x
	if !k.cast(&batch.Vector{F64: k.wide}, i, out) {
		out.SetNull(i)
	}
}
