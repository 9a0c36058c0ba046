package intervaljoin_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/intervaljoin"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// TestIntervals compares inner and outer interval joins by event time with loops over
// both sides' rows. The watermark waits long enough: no row is late.
func TestIntervals(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		disorder := int64(200)
		steps := [2][]optest.Step{optest.Steps(r, 100, 30, disorder, disorder+1), optest.Steps(r, 100, 30, disorder, disorder+1)}
		s := &intervaljoin.Spec{Left: optest.Schema, Right: optest.Schema, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{r.Intn(3) == 0},
			Outer: [2]bool{r.Intn(2) == 0, r.Intn(2) == 0}, Session: optest.Session()}
		if r.Intn(6) == 0 {
			s.Keys, s.NullSafe = [2][]int{}, nil
		}
		s.Lower = r.Int63n(300) - 200
		s.Upper = s.Lower + r.Int63n(200)
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
		in := batch.Changes{Kinds: batch.InsertOnly}
		d := optest.New(t, s, s.Session, in, in)
		d.RunSides(r, steps, nil)
		optest.Equal(t, optest.Table(t, d.Taken()), joined(rowsOf(steps[0]), rowsOf(steps[1]), s))
	})
}

func rowsOf(steps []optest.Step) (out []optest.Row) {
	for _, s := range steps {
		out = append(out, s.Rows...)
	}
	return out
}

func joined(left, right []optest.Row, s *intervaljoin.Spec) (out []string) {
	met := make([]bool, len(right))
	for _, l := range left {
		found := false
		for j, r := range right {
			apart := l.Ms - r.Ms
			same := len(s.NullSafe) == 0 || l.Key() == r.Key() && (l.K != nil || s.NullSafe[0])
			if same && apart >= s.Lower && apart <= s.Upper {
				found, met[j] = true, true
				out = append(out, l.String()+" "+r.String())
			}
		}
		if !found && s.Outer[0] {
			out = append(out, l.String()+" - - -")
		}
	}
	for j, r := range right {
		if !met[j] && s.Outer[1] {
			out = append(out, "- - - "+r.String())
		}
	}
	return out
}
