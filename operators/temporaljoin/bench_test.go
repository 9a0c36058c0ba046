package temporaljoin_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/temporaljoin"
	"github.com/millrace/millrace/types"
)

// BenchmarkTemporalJoin joins rows with versions, one new version for each row: ns
// per row or version.
func BenchmarkTemporalJoin(b *testing.B) {
	in, inserts := optest.LoadSchema, batch.Changes{Kinds: batch.InsertOnly}
	out := types.NewSchema(append(append([]types.Field(nil), in.Fields...), in.Fields...)...)
	for _, keys := range optest.Sizes {
		b.Run(fmt.Sprintf("%dk", keys/1000), func(b *testing.B) {
			s := &temporaljoin.Spec{Left: in, Right: in, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{false}, Time: [2]int{0, 0}, Out: out, Session: optest.Session()}
			optest.BenchOf(b, optest.New(b, s, optest.Session(), inserts, inserts), 2, optest.LoadOf(keys, 20))
		})
	}
}
