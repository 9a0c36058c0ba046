package overagg_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/overagg"
	"github.com/millrace/millrace/types"
)

// TestLarge: partitions on disk give what they give in memory, whatever the frame, the
// calls and the number of rows in a block.
func TestLarge(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		bound := func() overagg.Bound {
			switch b := (overagg.Bound{Following: r.Intn(2) == 0, N: int64(r.Intn(40))}); {
			case r.Intn(4) == 0:
				return overagg.Bound{Unbounded: true, Following: b.Following}
			case b.N == 0:
				return overagg.Bound{}
			default:
				return b
			}
		}
		lower, upper := bound(), bound()
		if lower.Unbounded {
			lower.Following = false
		}
		if upper.Unbounded {
			upper.Following = true
		}
		by := batch.Order{Col: 2, Desc: r.Intn(2) == 0, NullsLast: r.Intn(2) == 0}
		plan := func() *overagg.Spec {
			s := spec(overagg.Final, by, r.Intn(2) == 0, lower, upper)
			s.Out = types.NewSchema(append([]types.Field(nil), s.Out.Fields...)...)
			far := functions.Arg{Type: types.BigIntType, Const: &batch.Vector{I64: []int64{int64(1 + r.Intn(5))}}}
			for _, name := range []string{"ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD"} {
				c := overagg.Call{Rank: name}
				result := types.BigIntType
				switch name {
				case "PERCENT_RANK", "CUME_DIST":
					result = types.DoubleType
				case "NTILE":
					c.Consts = []functions.Arg{far}
				case "LAG", "LEAD":
					c.Call = groupagg.Call{Args: []int{1, 2, 1}[:1+2*r.Intn(2)], Consts: []functions.Arg{{}, far}}
					result = types.StringType
				}
				s.Calls, s.Out.Fields = append(s.Calls, c), append(s.Out.Fields, types.Field{Name: name, Type: result})
			}
			s.Out = types.NewSchema(s.Out.Fields...)
			return s
		}
		s := plan()
		var in []optest.Row
		for _, step := range optest.Steps(r, 1+r.Intn(400), 1+r.Int63n(3), 10, 0) {
			in = append(in, step.Rows...)
		}
		often := 1 + r.Intn(20)
		mem := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		disk := optest.NewSpilled(t, s, optest.Session(), func() bool { return r.Intn(often) == 0 }, batch.Changes{Kinds: batch.InsertOnly})
		for len(in) > 0 {
			n := min(len(in), 1+r.Intn(100))
			mem.Process(0, optest.Batch(in[:n], nil))
			disk.Process(0, optest.Batch(in[:n], nil))
			in = in[n:]
		}
		mem.End(1)
		disk.End(1)
		got, want := disk.Taken(), mem.Taken()
		if len(got) != len(want) {
			t.Fatalf("%d rows instead of %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("row %d of %d is %v instead of %v\n%+v .. %+v by %+v", i, len(want), got[i], want[i], lower, upper, by)
			}
		}
	})
}
