package overagg_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/overagg"
	"github.com/millrace/millrace/types"
)

// BenchmarkOver is SUM and COUNT by event time. The floor is that
// of its parts: a look-up, a sorted insert, a timer and a row copied twice.
func BenchmarkOver(b *testing.B) {
	for _, x := range []struct {
		name  string
		order overagg.Order
		rows  bool
		lower overagg.Bound
	}{
		{"range unbounded", overagg.Rowtime, false, overagg.Bound{Unbounded: true}},
		{"rows 4", overagg.Rowtime, true, overagg.Bound{N: 4}},
		{"range 1s", overagg.Rowtime, false, overagg.Bound{N: 1000}},
		{"proctime rows unbounded", overagg.Proctime, true, overagg.Bound{Unbounded: true}},
	} {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				s := &overagg.Spec{In: optest.LoadSchema, Order: x.order, Partition: []int{1}, By: []batch.Order{{Col: 0}}, Rows: x.rows, Lower: x.lower}
				calls, fields := optest.Calls()
				s.Calls = []overagg.Call{{Call: calls[0]}, {Call: calls[2]}}
				s.Out = types.NewSchema(append(append([]types.Field(nil), optest.LoadSchema.Fields...), fields[0], fields[2])...)
				optest.Bench(b, optest.New(b, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly}), optest.LoadOf(keys, 20))
			})
		}
	}
}
