package match_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/operators/match"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// shapes are a rising run that a smaller value ends, and a run under an average.
func shapes() map[string]*match.Spec {
	at := func(i int, t types.Type) expr.Expr { return &expr.Column{Index: i, T: t} }
	big, ts := types.BigIntType, types.TimestampType(3)
	out := types.NewSchema(types.Field{Name: "k", Type: big}, types.Field{Name: "from", Type: ts}, types.Field{Name: "to", Type: ts})
	runs := func() *match.Spec {
		return &match.Spec{In: optest.LoadSchema, Partition: []int{1}, By: []batch.Order{{Col: 0}}, Skip: match.PastLastRow, Within: 1000, Out: out,
			Navs:     []match.Nav{{Vars: 3, Col: 0, First: true, T: ts}, {Vars: 3, Col: 0, T: ts}},
			Measures: []expr.Expr{at(0, ts), at(1, ts)}}
	}
	rising := runs()
	rising.Navs = append(rising.Navs, match.Nav{Vars: 1, Col: 2, T: big}, match.Nav{Vars: 1, Col: 2, Offset: 1, T: big})
	rising.Vars = []match.Variable{{Name: "A", Min: 1, Max: -1, Greedy: true, Cond: &expr.Logic{Or: true, Args: []expr.Expr{
		call("IS NULL", types.BooleanType.NotNullable(), at(3, big)), call("<", types.BooleanType, at(3, big), at(2, big))}}}, {Name: "B", Min: 1, Max: 1}}
	average := runs()
	avg := groupagg.Call{Fn: aggregate("AVG"), Args: []int{2}, Filter: -1, Result: big, Consts: []functions.Arg{{Type: big}}}
	average.Navs = append(average.Navs, match.Nav{Vars: 1, Agg: avg, T: big})
	average.Vars = []match.Variable{{Name: "A", Min: 1, Max: -1, Greedy: true, Cond: call("<", types.BooleanType, at(2, big), number(500))}, {Name: "B", Min: 1, Max: 1}}
	return map[string]*match.Spec{"rising": rising, "average": average}
}

func BenchmarkMatch(b *testing.B) {
	for name, spec := range shapes() {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", name, keys/1000), func(b *testing.B) {
				d := optest.New(b, spec, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
				optest.Bench(b, d, optest.LoadOf(keys, 10))
			})
		}
	}
}

// TestAllocations: nothing is allocated per row once the operator has run warm.
func TestAllocations(t *testing.T) {
	for name, spec := range shapes() {
		d := optest.New(t, spec, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		if n := optest.Allocations(d, optest.Load(16, 1000, 10)); n > 0.05 {
			t.Errorf("%s: %.2f allocations per row", name, n)
		}
	}
}
