package cast

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// nested converts the parts of ARRAY, MAP, MULTISET and ROW. A part that can't be
// converted fails the whole.
func nested(from, to types.Type, session *types.Session) convert {
	ft, tt := from.KidTypes(), to.KidTypes()
	part := make([]convert, len(ft))
	for k := range ft {
		if ft[k].Nullable().Same(tt[k].Nullable()) {
			t := tt[k]
			part[k] = func(in *batch.Vector, i int, out *batch.Vector) bool { out.Set(t, i, in, i); return true }
		} else if part[k] = choose(ft[k], tt[k], session); part[k] == nil {
			return nil
		}
	}
	if from.IsRow() {
		return func(in *batch.Vector, i int, out *batch.Vector) bool {
			for k := range part {
				if in.Kids[k].Null(i) {
					out.Kids[k].SetNull(i)
				} else if out.Kids[k].SetValid(i); !part[k](&in.Kids[k], i, &out.Kids[k]) {
					return false
				}
			}
			return true
		}
	}
	return func(in *batch.Vector, i int, out *batch.Vector) bool {
		s := in.Str[i]
		first := out.Kids[0].Size(tt[0])
		for k := range part {
			var one, got batch.Vector
			for e := 0; e < s.Len(); e++ {
				one.Prepare(ft[k], 1)
				one.Set(ft[k], 0, &in.Kids[k], s.Off()+e)
				got.Prepare(tt[k], 1)
				if one.Null(0) {
					got.SetNull(0)
				} else if !part[k](&one, 0, &got) {
					return false
				}
				out.Kids[k].Append(tt[k], first+e, &got, 0)
			}
		}
		out.Str[i] = batch.NewView(first, s.Len())
		return true
	}
}
