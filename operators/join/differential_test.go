package join_test

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions/builtin"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// TestJoins compares every kind of join, of tables that change, with loops over what
// is in them: with and without a further condition, with keys that NULL equals or
// not, without a key, and in batch mode; and sides that have one row a key, known to or
// not, or are wrongly said to. Where the key says what is updated, updates may come without the row before.
func TestJoins(t *testing.T) {
	less := builtin.Lookup("<")
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		kind, safe, cross := join.Kind(r.Intn(6)), r.Intn(3) == 0, r.Intn(8) == 0
		s := &join.Spec{Left: optest.Schema, Right: optest.Schema, Keys: [2][]int{{1}, {1}}, NullSafe: []bool{safe}, Kind: kind, Session: optest.Session()}
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
		if kind == join.Semi || kind == join.Anti {
			s.Out = optest.Schema
		}
		if cross {
			s.Keys, s.NullSafe = [2][]int{}, nil
		}
		rest := r.Intn(2) == 0
		if rest {
			s.Rest = &expr.Call{Fn: less, T: types.BooleanType, Args: []expr.Expr{&expr.Column{Index: 2, T: types.BigIntType}, &expr.Column{Index: 5, T: types.BigIntType}}}
		}
		final := r.Intn(4) == 0
		in := optest.All
		if final {
			s.Session.Batch, in = true, batch.Changes{Kinds: batch.InsertOnly}
			if kind == join.Inner {
				s.Build = r.Intn(3)
			}
		}
		keys := 1 + r.Intn(4)
		sides := [2]*optest.Changing{{R: r, Keys: keys, Vals: 12}, {R: r, Keys: keys, Vals: 12}}
		known := make([]operators.Keys, 2)
		for i, side := range sides {
			if side.One = !cross && r.Intn(2) == 0; !cross && (side.One && r.Intn(4) > 0 || r.Intn(8) == 0) {
				known[i] = operators.Keys{Unique: [][]int{{1}}, Upsert: [][]int{{1}}}
				side.Keys *= 3
			}
		}
		s.SetKeys(known, []batch.Changes{in, in})
		upsert := false
		if want := known[0].Unique != nil && known[1].Unique != nil && kind == join.Inner && !rest && !final; !final && want == s.Needs(0, operators.Need{}).Before {
			t.Fatalf("an update needs the row before: %v", want)
		} else if want && sides[0].One && sides[1].One && r.Intn(2) == 0 {
			upsert = true
			sides[r.Intn(2)].Upsert, sides[r.Intn(2)].Upsert = true, true
		}
		often := r.Intn(3) // memory is short never, at times, always
		d := optest.NewSpilled(t, s, s.Session, func() bool { return r.Intn(2) < often }, in, in)
		s.SetBefore(!upsert)
		steps := 40 + r.Intn(40)*r.Intn(2)
		meet := func(a, b optest.Row) bool {
			same := cross || a.Key() == b.Key() && (a.K != nil || safe)
			return same && (!rest || a.V != nil && b.V != nil && *a.V < *b.V)
		}
		var all []optest.Change
		table := func() []string {
			if all = append(all, d.Taken()...); upsert {
				return optest.Table(t, optest.Upserted(all, func(row string) string { return strings.Fields(row)[1] }))
			}
			return optest.Table(t, all)
		}
		for n := range steps {
			side := r.Intn(2)
			d.Process(side, sides[side].Next(final))
			if n%8 == 7 && !final {
				optest.Equal(t, table(), optest.Joined(sides[0].Live, sides[1].Live, kind, meet))
			}
		}
		first := r.Intn(2)
		d.End(0)
		for i := range 2 {
			d.EndOf((first + i) % 2)
		}
		optest.Equal(t, table(), optest.Joined(sides[0].Live, sides[1].Live, kind, meet))
	})
}
