package intervaljoin

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/types"
)

type discard struct{ rows int }

func (d *discard) Emit(b *batch.Batch) error { d.rows += b.Rows(); return nil }

// BenchmarkIntervalJoin joins two streams whose rows lie within ten seconds, a
// thousand rows a second on either side: ns per row of either.
func BenchmarkIntervalJoin(b *testing.B) {
	for _, keys := range optest.Sizes {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) { benchmark(b, keys) })
	}
}

func benchmark(b *testing.B, keys int) {
	schema := &types.Schema{Fields: []types.Field{{Name: "k", Type: types.BigIntType}, {Name: "t", Type: types.TimestampType(3)}, {Name: "v", Type: types.BigIntType}}}
	out := &types.Schema{Fields: append(append([]types.Field(nil), schema.Fields...), schema.Fields...)}
	session := types.NewSession(func() time.Time { return time.Time{} })
	spec := &Spec{Left: schema, Right: schema, Keys: [2][]int{{0}, {0}}, NullSafe: []bool{false}, Time: [2]int{1, 1}, Lower: -5000, Upper: 5000, Out: out, Session: session}
	store := arena.New(state.Options{})
	env := &operators.Env{Context: context.Background(), State: store.Open(state.Identity{Relation: "bench"}), Session: session, Now: session.Now, Metrics: &operators.Metrics{}}
	op, sent := spec.New(), &discard{}
	if err := op.Open(env, sent); err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewSource(1))
	rows := batch.Batch{Cols: make([]batch.Vector, 3)}
	ms := int64(1_700_000_000_000)
	defer optest.CPU(b)()
	for done := 0; done < b.N; done += batch.MaxRows {
		rows.Len = batch.MaxRows
		for c, f := range schema.Fields {
			rows.Cols[c].Prepare(f.Type, rows.Len)
		}
		for i := range rows.Len {
			rows.Cols[0].I64[i], rows.Cols[1].I64[i], rows.Cols[2].I64[i] = int64(rnd.Intn(keys)), (ms+int64(i/2))*1000, int64(i)
		}
		if err := op.Process(done/batch.MaxRows%2, &rows); err != nil {
			b.Fatal(err)
		}
		ms += int64(rows.Len / 2)
		if _, err := op.Watermark(ms - 1000); err != nil {
			b.Fatal(err)
		}
		store.Release()
	}
	b.ReportMetric(float64(sent.rows)/float64(b.N), "pairs/row")
}
