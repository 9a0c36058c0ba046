package topn_test

import (
	"cmp"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/topn"
	"github.com/millrace/millrace/types"
)

// TestTopN compares a Top-N, its rank shown or not, with an offset or without, over
// rows that are only added and rows that change, with each partition sorted. The
// order is by value and time, so that only equal rows tie.
func TestTopN(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		desc := r.Intn(2) == 0
		s := &topn.Spec{In: optest.Schema, Partition: []int{1}, By: []batch.Order{{Col: 2, Desc: desc, NullsLast: desc}, {Col: 0}, {Col: 1}}, From: 1, To: int64(1 + r.Intn(4)), ToCol: -1,
			WithRank: r.Intn(2) == 0, Out: optest.Schema}
		if r.Intn(4) == 0 {
			s.Partition = nil
		}
		if r.Intn(3) == 0 {
			s.From = 1 + r.Int63n(s.To)
		}
		if s.WithRank {
			s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), types.Field{Name: "rn", Type: types.BigIntType})...)
		}
		inserts, in := r.Intn(2) == 0, optest.All
		if inserts {
			in = batch.Changes{Kinds: batch.InsertOnly}
		}
		d := optest.New(t, s, optest.Session(), in)
		rows := &optest.Changing{R: r, Keys: 1 + r.Intn(3), Vals: 8}
		var all []optest.Change
		for range 20 + r.Intn(30) {
			d.Process(0, rows.Next(inserts))
			all = append(all, d.Taken()...)
			optest.Equal(t, optest.Table(t, all), ranked(rows.Live, s, desc))
		}
	})
}

func ranked(live []optest.Row, s *topn.Spec, desc bool) (out []string) {
	parts := map[string][]optest.Row{}
	for _, r := range live {
		k := "all"
		if s.Partition != nil {
			k = r.Key()
		}
		parts[k] = append(parts[k], r)
	}
	val := func(r optest.Row) int64 {
		if r.V == nil {
			return -1
		}
		return *r.V
	}
	for _, p := range parts {
		slices.SortStableFunc(p, func(a, b optest.Row) int {
			c := cmp.Compare(val(a), val(b))
			if desc {
				c = -c
			}
			return cmp.Or(c, cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.Key(), b.Key()))
		})
		for n := s.From; n <= min(s.To, int64(len(p))); n++ {
			text := p[n-1].String()
			if s.WithRank {
				text += fmt.Sprint(" ", n)
			}
			out = append(out, text)
		}
	}
	return out
}
