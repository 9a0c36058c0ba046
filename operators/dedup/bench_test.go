package dedup_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/dedup"
	"github.com/millrace/millrace/operators/optest"
)

// BenchmarkDedup keeps the first or last row of each key. Budget: 70 ns a row.
func BenchmarkDedup(b *testing.B) {
	for _, x := range []struct {
		name          string
		rowtime, last bool
	}{{"proctime first", false, false}, {"proctime last", false, true}, {"rowtime last", true, true}} {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				s := &dedup.Spec{In: optest.LoadSchema, Keys: []int{1}, Time: 0, Rowtime: x.rowtime, KeepLast: x.last}
				optest.Bench(b, optest.New(b, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly}), optest.LoadOf(keys, 20))
			})
		}
	}
}
