package windowtopn_test

import (
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowtopn"
	"github.com/millrace/millrace/types"
)

// TestRanks compares a Top-N per window, and a deduplication, with each window's
// rows sorted at its end. The rows' windows are their times' tumbling ones: here the
// time column itself is the window's end, a multiple of its size.
func TestRanks(t *testing.T) {
	in := types.NewSchema(optest.Schema.Fields[0], optest.Schema.Fields[1], optest.Schema.Fields[2])
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		const size = 200
		steps := optest.Steps(r, 150, 30, 300, 200)
		for i := range steps {
			for k := range steps[i].Rows {
				steps[i].Rows[k].Ms = window.Floor(steps[i].Rows[k].Ms, size)*size + size
			}
		}
		s := &windowtopn.Spec{In: in, Window: window.Window{Kind: window.Attached, Start: 0, End: 0}, Partition: []int{1}, From: 1, To: int64(1 + r.Intn(3)), WithRank: true}
		desc := r.Intn(2) == 0
		s.By = []batch.Order{{Col: 2, Desc: desc, NullsLast: desc}}
		s.Dedup = r.Intn(3) == 0
		if s.Dedup {
			s.To = 1
		} else if r.Intn(3) == 0 {
			s.From = min(2, s.To)
		}
		s.Out = types.NewSchema(append(append([]types.Field(nil), in.Fields...), types.Field{Name: "rn", Type: types.BigIntType})...)
		type group struct {
			end int64
			key string
		}
		groups := map[group][]optest.Row{}
		for _, step := range steps {
			for _, row := range step.Rows {
				if row.Ms-1 > row.WM {
					g := group{row.Ms, row.Key()}
					groups[g] = append(groups[g], row)
				}
			}
		}
		var want []string
		for _, rows := range groups {
			if s.Dedup && s.By[0].Desc { // of equal ones the last
				for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
					rows[i], rows[j] = rows[j], rows[i]
				}
			}
			sort.SliceStable(rows, func(i, j int) bool { return less(rows[i], rows[j], s.By[0].Desc) })
			for rank := s.From; rank <= min(s.To, int64(len(rows))); rank++ {
				want = append(want, fmt.Sprintf("%s %d", rows[rank-1], rank))
			}
		}
		d := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}

// less orders by value, NULL least.
func less(a, b optest.Row, desc bool) bool {
	if desc {
		a, b = b, a
	}
	switch {
	case b.V == nil:
		return false
	case a.V == nil:
		return true
	}
	return *a.V < *b.V
}
