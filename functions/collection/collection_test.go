package collection

import (
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

const none = -99 // stands for NULL

// ints makes ARRAY[...] in row 1 of two, NULL in row 0.
func ints(xs ...int64) (types.Type, batch.Vector) {
	t := types.ArrayOf(types.IntType)
	var v batch.Vector
	v.Prepare(t, 2)
	for i, x := range xs {
		if x == none {
			v.Kids[0].AppendNull(types.IntType, i)
			continue
		}
		v.Kids[0].I64 = append(v.Kids[0].I64, x)
	}
	v.Str[1] = batch.NewView(0, len(xs))
	v.SetNull(0)
	return t, v
}

func single(x int64) (types.Type, batch.Vector) {
	var v batch.Vector
	v.Prepare(types.IntType, 2)
	v.I64[0], v.I64[1] = x, x
	if x == none {
		v.SetNull(0)
		v.SetNull(1)
	}
	return types.IntType, v
}

func TestArrays(t *testing.T) {
	type ns = []int64
	for _, c := range []struct {
		f     *functions.Scalar
		a     ns
		other any // ns, int64 or nil
		want  ns
	}{
		{ArrayAppend, ns{1, 2}, int64(none), ns{1, 2, none}},
		{ArrayPrepend, ns{1, 2}, int64(3), ns{3, 1, 2}},
		{ArrayRemove, ns{1, none, 1, 2}, int64(1), ns{none, 2}},
		{ArrayDistinct, ns{2, none, 2, none, 1}, nil, ns{2, none, 1}},
		{ArrayUnion, ns{2, 1, 2}, ns{3, 1}, ns{2, 1, 3}},
		{ArrayExcept, ns{2, 1, 2, 3}, ns{3, 1}, ns{2}},
		{ArrayIntersect, ns{2, 1, 2, 3}, ns{3, 2}, ns{2, 3}},
		{ArrayConcat, ns{1}, ns{none}, ns{1, none}},
		{ArrayReverse, ns{1, 2, 3}, nil, ns{3, 2, 1}},
		{ArraySlice, ns{1, 2, 3}, int64(-2), ns{2, 3}},
		{ArraySlice, ns{1, 2, 3}, int64(0), ns{1, 2, 3}},
		{ArraySlice, ns{1, 2, 3}, int64(4), ns{}},
		{ArraySort, ns{3, none, 1}, nil, ns{none, 1, 3}},
		{Item, ns{5, 6}, int64(2), ns{6}},
		{Item, ns{5, 6}, int64(3), ns{none}},
		{Cardinality, ns{5, none}, nil, ns{2}},
		{ArrayPosition, ns{5, 6, 6}, int64(6), ns{2}},
		{ArrayContains, ns{5, none}, int64(none), ns{1}},
		{ArrayMax, ns{5, none, 7}, nil, ns{7}},
		{ArrayMin, ns{none}, nil, ns{none}},
		{Element, ns{5}, nil, ns{5}},
	} {
		at, av := ints(c.a...)
		ts, in := []types.Type{at}, []batch.Vector{av}
		var bt types.Type
		var bv batch.Vector
		switch x := c.other.(type) {
		case ns:
			bt, bv = ints(x...)
		case int64:
			bt, bv = single(x)
		}
		if c.other != nil {
			ts, in = append(ts, bt), append(in, bv)
		}
		var args []functions.Arg
		for _, x := range ts {
			args = append(args, functions.Arg{Type: x})
		}
		_, result, err := functions.Match(c.f.Name, c.f.Sigs, args, sqlerr.Span{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := c.f.Bind(functions.Call{Name: c.f.Name, Args: args, Result: result, Session: types.NewSession(time.Now)})
		if err != nil {
			t.Fatal(err)
		}
		var out batch.Vector
		out.Prepare(result, 2)
		if _, err := k.Eval(2, []int32{1}, in, &out); err != nil {
			t.Errorf("%s: %v", c.f.Name, err)
			continue
		}
		v, first, n := &out, 1, 1
		if result.Kind == types.Array {
			v, first, n = &out.Kids[0], out.Str[1].Off(), out.Str[1].Len()
		}
		got := ns{}
		for e := first; e < first+n; e++ {
			if v.Null(e) {
				got = append(got, none)
			} else {
				got = append(got, v.I64[e])
			}
		}
		same := len(got) == len(c.want)
		for i := range got {
			same = same && got[i] == c.want[i]
		}
		if !same {
			t.Errorf("%s(%v, %v) = %v, want %v", c.f.Name, c.a, c.other, got, c.want)
		}
	}
}
