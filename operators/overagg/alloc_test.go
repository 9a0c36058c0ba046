package overagg_test

import (
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/overagg"
	"github.com/millrace/millrace/types"
)

// TestAllocations: none per row.
func TestAllocations(t *testing.T) {
	for _, s := range []*overagg.Spec{
		{Order: overagg.Rowtime, Lower: overagg.Bound{Unbounded: true}},
		{Order: overagg.Rowtime, Rows: true, Lower: overagg.Bound{N: 4}},
		{Order: overagg.Proctime, Rows: true, Lower: overagg.Bound{Unbounded: true}},
	} {
		calls, fields := optest.Calls()
		s.In, s.Partition, s.By = optest.LoadSchema, []int{1}, []batch.Order{{Col: 0}}
		s.Calls = []overagg.Call{{Call: calls[0]}, {Call: calls[2]}}
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.LoadSchema.Fields...), fields[0], fields[2])...)
		d := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		if n := optest.Allocations(d, optest.Load(32, 1000, 20)); n > 0.02 {
			t.Errorf("%+v: %.3f allocations a row", s.Lower, n)
		}
	}
}
