package topn_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/topn"
)

// BenchmarkTopN is the ten greatest values of each key, the rank not shown: rows most
// of which are behind the ten there are, rows each of which is the first (its key's
// latest), and rows half of which take others back, so that all are kept. Budget of
// the first: 45 ns a row.
func BenchmarkTopN(b *testing.B) {
	inserts := batch.Changes{Kinds: batch.InsertOnly}
	for _, x := range []struct {
		name string
		by   int
		in   batch.Changes
		load func(keys int) []*batch.Batch
	}{
		{"append", 2, inserts, func(keys int) []*batch.Batch { return optest.LoadOf(keys, 20) }},
		{"latest", 0, inserts, func(keys int) []*batch.Batch { return optest.LoadOf(keys, 20) }},
		{"retract", 2, optest.All, func(keys int) []*batch.Batch { return optest.LoadChanges(keys, max(1, min(20, 1_000_000/keys)), 20) }},
	} {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				s := &topn.Spec{In: optest.LoadSchema, Partition: []int{1}, By: []batch.Order{{Col: x.by, Desc: true}}, From: 1, To: 10, ToCol: -1, Out: optest.LoadSchema}
				optest.Bench(b, optest.New(b, s, optest.Session(), x.in), x.load(keys))
			})
		}
	}
}
