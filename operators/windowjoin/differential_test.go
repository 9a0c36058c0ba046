package windowjoin_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowjoin"
	"github.com/millrace/millrace/types"
)

// TestKinds compares every kind of window join with loops over each window's rows.
// The time column is the window's end.
func TestKinds(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		const size = 200
		steps := [2][]optest.Step{optest.Steps(r, 100, 30, 300, 150), optest.Steps(r, 100, 30, 300, 150)}
		kind := join.Kind(r.Intn(6))
		safe := r.Intn(3) == 0
		w := window.Window{Kind: window.Attached}
		s := &windowjoin.Spec{Left: optest.Schema, Right: optest.Schema, Windows: [2]window.Window{w, w}, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{safe}, Kind: kind, Session: optest.Session()}
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
		if kind == join.Semi || kind == join.Anti {
			s.Out = optest.Schema
		}
		in := batch.Changes{Kinds: batch.InsertOnly}
		d := optest.New(t, s, optest.Session(), in, in)
		var kept [2][]optest.Row
		d.RunSides(r, steps, func(side int, wm int64, rows []optest.Row) []batch.Kind {
			for i := range rows {
				row := &rows[i]
				row.Ms = window.Floor(row.Ms, size)*size + size
				if row.Ms-1 > wm {
					kept[side] = append(kept[side], *row)
				}
			}
			return nil
		})
		optest.Equal(t, optest.Table(t, d.Taken()), optest.Joined(kept[0], kept[1], kind, func(l, r optest.Row) bool {
			return l.Ms == r.Ms && l.Key() == r.Key() && (l.K != nil || safe)
		}))
	})
}
