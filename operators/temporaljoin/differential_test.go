package temporaljoin_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/temporaljoin"
	"github.com/millrace/millrace/types"
)

// TestVersions compares inner and outer joins with a versioned table by event time
// with a search for the version of each left row. Versions come out of order, and
// some are deletions; no row is late, and a key has one change at a time.
func TestVersions(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		disorder := int64(200)
		steps := [2][]optest.Step{optest.Steps(r, 120, 20, disorder, disorder+1), optest.Steps(r, 80, 30, disorder, disorder+1)}
		type version struct {
			row  optest.Row
			gone bool
		}
		versions := map[string][]version{}
		taken := map[[2]any]bool{}
		gone := map[*optest.Row]bool{}
		for i := range steps[1] {
			rows := steps[1][i].Rows[:0]
			for _, row := range steps[1][i].Rows {
				if row.K == nil || taken[[2]any{row.Key(), row.Ms}] {
					continue
				}
				taken[[2]any{row.Key(), row.Ms}] = true
				rows = append(rows, row)
			}
			steps[1][i].Rows = rows
			for k := range rows {
				v := version{rows[k], r.Intn(4) == 0}
				gone[&rows[k]] = v.gone
				versions[v.row.Key()] = append(versions[v.row.Key()], v)
			}
		}
		s := &temporaljoin.Spec{Left: optest.Schema, Right: optest.Schema, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{false}, Outer: r.Intn(2) == 0, Session: optest.Session()}
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
		d := optest.New(t, s, s.Session, batch.Changes{Kinds: batch.InsertOnly}, optest.All)
		d.RunSides(r, steps, func(side int, _ int64, rows []optest.Row) []batch.Kind {
			if side == 0 {
				return nil
			}
			kinds := make([]batch.Kind, len(rows))
			for i := range rows {
				if kinds[i] = batch.UpdateAfter; gone[&rows[i]] {
					kinds[i] = batch.Delete
				}
			}
			return kinds
		})
		var want []string
		for _, step := range steps[0] {
			for _, l := range step.Rows {
				var at *version
				for i, v := range versions[l.Key()] {
					if l.K != nil && v.row.Ms <= l.Ms && (at == nil || v.row.Ms > at.row.Ms) {
						at = &versions[l.Key()][i]
					}
				}
				switch {
				case at != nil && !at.gone:
					want = append(want, l.String()+" "+at.row.String())
				case s.Outer:
					want = append(want, l.String()+" - - -")
				}
			}
		}
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}
