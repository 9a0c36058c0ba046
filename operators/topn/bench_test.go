package topn_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/topn"
)

// BenchmarkTopN is the ten greatest values of each key, the rank not shown: rows that
// are only added, and rows that are taken back too, of which all are kept. Budget of
// the first: 45 ns a row.
func BenchmarkTopN(b *testing.B) {
	for _, x := range []struct {
		name string
		in   batch.Changes
	}{{"append", batch.Changes{Kinds: batch.InsertOnly}}, {"retract", optest.All}} {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				s := &topn.Spec{In: optest.LoadSchema, Partition: []int{1}, By: []batch.Order{{Col: 2, Desc: true}}, From: 1, To: 10, ToCol: -1, Out: optest.LoadSchema}
				optest.Bench(b, optest.New(b, s, optest.Session(), x.in), optest.LoadOf(keys, 20))
			})
		}
	}
}
