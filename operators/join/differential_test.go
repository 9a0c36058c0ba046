package join_test

import (
	"context"
	"errors"
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

// TestNested compares batch mode's joins without a key, of sides of several blocks, with
// loops over them. Memory is short never, at times, or always.
func TestNested(t *testing.T) {
	less := builtin.Lookup("<")
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		kind := join.Kind(r.Intn(6))
		s := &join.Spec{Left: optest.Schema, Right: optest.Schema, Kind: kind, Session: optest.Session()}
		s.Session.Batch = true
		s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
		if kind == join.Semi || kind == join.Anti {
			s.Out = optest.Schema
		}
		if kind == join.Inner {
			s.Build = r.Intn(3)
		}
		rest := r.Intn(8) > 0
		if rest {
			s.Rest = &expr.Call{Fn: less, T: types.BooleanType, Args: []expr.Expr{&expr.Column{Index: 2, T: types.BigIntType}, &expr.Column{Index: 5, T: types.BigIntType}}}
		}
		often := r.Intn(3)
		in := batch.Changes{Kinds: batch.InsertOnly}
		d := optest.NewSpilled(t, s, s.Session, func() bool { return r.Intn(4) < often*often }, in, in)
		// Few left values are below any right one.
		var all, left [2][]optest.Row
		for i := range all {
			n := []int{r.Intn(3), r.Intn(60), 1000 + r.Intn(60), r.Intn(2400)}[r.Intn(4)]
			if !rest {
				n = min(n, 1200/(i*40+1))
			}
			for k := range n {
				row := optest.Row{Ms: int64(k)}
				if r.Intn(50) > 0 {
					v := r.Int63n(100_000) + int64(1-i)*99_000
					row.V = &v
				}
				if r.Intn(50) > 0 {
					key := strings.Repeat("x", r.Intn(9))
					row.K = &key
				}
				all[i] = append(all[i], row)
			}
		}
		left = all
		for ended := [2]bool{}; !ended[0] || !ended[1]; {
			side := r.Intn(2)
			if ended[side] {
				side = 1 - side
			}
			if len(left[side]) == 0 {
				ended[side] = true
				if ended[1-side] {
					d.Watermark(operators.MaxWatermark)
				}
				d.EndOf(side)
				continue
			}
			n := min(len(left[side]), 1+r.Intn(700))
			d.Process(side, optest.Batch(left[side][:n], nil))
			left[side] = left[side][n:]
		}
		optest.Equal(t, optest.Table(t, d.Taken()), optest.Joined(all[0], all[1], kind, func(a, b optest.Row) bool {
			return !rest || a.V != nil && b.V != nil && *a.V < *b.V
		}))
		if used := d.Env.Memory.Used(); used != 0 {
			t.Fatalf("%d bytes aren't given back", used)
		}
	})
}

// TestNestedCancelled: a batch of rows beside a long stored side doesn't hold up who ends
// the job.
func TestNestedCancelled(t *testing.T) {
	s := &join.Spec{Left: optest.Schema, Right: optest.Schema, Session: optest.Session()}
	s.Session.Batch = true
	s.Build = 2
	s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), optest.Schema.Fields...)...)
	in := batch.Changes{Kinds: batch.InsertOnly}
	d := optest.New(t, s, s.Session, in, in)
	rows := optest.Batch([]optest.Row{{Ms: 1}}, nil)
	d.Process(1, rows)
	d.EndOf(1)
	var cancel context.CancelFunc
	d.Env.Context, cancel = context.WithCancel(d.Env.Context)
	cancel()
	if err := d.Op.Process(0, rows); !errors.Is(err, context.Canceled) {
		t.Fatalf("it goes on: %v", err)
	}
	if n := len(d.Taken()); n > 0 {
		t.Fatalf("%d rows", n)
	}
}
