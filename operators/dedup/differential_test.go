package dedup_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/dedup"
	"github.com/millrace/millrace/operators/optest"
)

// TestDedup compares keep-first and keep-last by event and by processing time with
// the rows of each key: of equal times the first comes first and the last last, and
// keep-first by event time leaves out rows behind the watermark.
func TestDedup(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		s := &dedup.Spec{In: optest.Schema, Keys: []int{1}, Time: 0, Rowtime: r.Intn(2) == 0, KeepLast: r.Intn(2) == 0}
		steps := optest.Steps(r, 150, 30, 400, 200)
		kept := map[string]optest.Row{}
		for _, step := range steps {
			for _, row := range step.Rows {
				had, ok := kept[row.Key()]
				switch {
				case s.Rowtime && !s.KeepLast && row.Ms < row.WM:
				case !ok, s.KeepLast && (!s.Rowtime || row.Ms >= had.Ms), !s.KeepLast && s.Rowtime && row.Ms < had.Ms:
					kept[row.Key()] = row
				}
			}
		}
		var want []string
		for _, row := range kept {
			want = append(want, row.String())
		}
		d := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}
