package agg

import (
	"encoding/binary"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/bitmap"
	"github.com/millrace/millrace/types"
)

// The BITMAP aggregates count in how many values each member occurs, so that values
// can be taken back. keep says which counts, of n values, are members of the result.
func bitmapAggregates() []*functions.Aggregate {
	var out []*functions.Aggregate
	for _, f := range []struct {
		name, text string
		numbers    bool // of INT, not of bitmaps
		keep       func(count, n int64) bool
	}{
		{"BUILD", "The set of the numbers.", true, func(c, _ int64) bool { return c > 0 }},
		{"AND", "The members that are in every bitmap.", false, func(c, n int64) bool { return c > 0 && c == n }},
		{"OR", "The members that are in any bitmap.", false, func(c, _ int64) bool { return c > 0 }},
		{"XOR", "The members that are in an odd number of bitmaps.", false, func(c, _ int64) bool { return c&1 != 0 }},
	} {
		param := bitmapParam
		if f.numbers {
			param = functions.IntParam
		}
		for _, size := range []bool{false, true} {
			name, result := "BITMAP_"+f.name+"_AGG", types.Type{Kind: types.Bitmap}
			if size {
				name, result = "BITMAP_"+f.name+"_CARDINALITY_AGG", types.BigIntType
			}
			out = append(out, &functions.Aggregate{
				Name: name, Doc: functions.Doc{Group: "aggregate", Usage: name + "(x)", Text: f.text}, Retract: true, Merge: true,
				Sigs: []functions.Sig{{Params: []functions.Param{param}, Result: functions.Nullable(result)}},
				Bind: func(functions.AggregateCall) (functions.Accumulator, error) {
					k := members{numbers: f.numbers, size: size, keep: f.keep}
					o := k
					return accumulator{&k, &o}, nil
				},
			})
		}
	}
	return out
}

var bitmapParam = functions.Param{Type: "<BITMAP>", Accept: func(a functions.Arg) (types.Type, bool) {
	return a.Type.Plain(), a.Type.Kind == types.Bitmap
}}

// members counts the members of a group's bitmaps.
type members struct {
	numbers, size bool
	keep          func(count, n int64) bool
	n             batch.Col[int64] // the values that aren't NULL
	set           functions.Multiset
	v             *batch.Vector
	one           [1]batch.Vector
	got           []uint32
}

func (k *members) parts() []functions.Part {
	return []functions.Part{fixed(types.BigIntType), {Kind: functions.MultisetPart, Types: []types.Type{types.BigIntType}}}
}

func (k *members) bind(c functions.Cells, args []batch.Vector) {
	k.n, k.set = c.I64(0), c.Multiset(1)
	k.one[0].Prepare(types.BigIntType, 1)
	if len(args) > 0 {
		k.v = &args[0]
	}
}

func (k *members) reset(id uint32) {
	*k.n.At(id) = 0
	k.set.Clear(id)
}

func (k *members) count(id, x uint32, sign int64) {
	k.one[0].I64[0] = int64(x)
	k.set.Add(id, k.one[:], 0, sign)
}

func (k *members) add(id uint32, row int, sign int64) {
	if k.v.Null(row) {
		return
	}
	*k.n.At(id) += sign
	if k.numbers {
		k.count(id, uint32(k.v.I64[row]), sign)
		return
	}
	for b := k.v.Bytes(row); len(b) >= 4; b = b[4:] {
		k.count(id, binary.BigEndian.Uint32(b), sign)
	}
}

func (k *members) merge(id uint32, other kernel, from uint32) {
	o := other.(*members)
	*k.n.At(id) += *o.n.At(from)
	o.set.Each(from, func(v []batch.Vector, n int64) bool { k.set.Add(id, v, 0, n); return true })
}

func (k *members) result(id uint32, out *batch.Vector, i int) {
	n := *k.n.At(id)
	if n == 0 {
		out.SetNull(i)
		return
	}
	k.got = k.got[:0]
	k.set.Each(id, func(v []batch.Vector, count int64) bool {
		if k.keep(count, n) {
			k.got = append(k.got, uint32(v[0].I64[0]))
		}
		return true
	})
	if k.size {
		out.I64[i] = int64(len(k.got))
		return
	}
	off := len(out.Buf)
	out.Buf = bitmap.Append(out.Buf, k.got)
	out.EndBytes(i, off)
}
