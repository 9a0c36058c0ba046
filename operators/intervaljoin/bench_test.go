package intervaljoin_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/intervaljoin"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// BenchmarkIntervalJoin joins two streams whose rows lie within five seconds, ten
// thousand rows a second on either side: ns per row of either.
func BenchmarkIntervalJoin(b *testing.B) {
	in, inserts := optest.LoadSchema, batch.Changes{Kinds: batch.InsertOnly}
	out := types.NewSchema(append(append([]types.Field(nil), in.Fields...), in.Fields...)...)
	for _, keys := range optest.Sizes {
		b.Run(fmt.Sprintf("%dk", keys/1000), func(b *testing.B) {
			s := &intervaljoin.Spec{Left: in, Right: in, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{false}, Time: [2]int{0, 0}, Lower: -5000, Upper: 5000, Out: out, Session: optest.Session()}
			optest.BenchOf(b, optest.New(b, s, optest.Session(), inserts, inserts), 2, optest.LoadOf(keys, 20))
		})
	}
}
