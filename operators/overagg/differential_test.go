package overagg_test

import (
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/overagg"
	"github.com/millrace/millrace/types"
)

func spec(order overagg.Order, by batch.Order, rows bool, lower, upper overagg.Bound) *overagg.Spec {
	s := &overagg.Spec{In: optest.Schema, Order: order, Partition: []int{1}, By: []batch.Order{by}, Rows: rows, Lower: lower, Upper: upper}
	calls, fields := optest.Calls()
	for _, c := range calls {
		s.Calls = append(s.Calls, overagg.Call{Call: c})
	}
	s.Out = types.NewSchema(append(append([]types.Field(nil), optest.Schema.Fields...), fields...)...)
	return s
}

// TestRowtime compares windows by event time with frames found by search. A late
// row, or with a bounded ROWS frame one behind the last of its partition that went
// through, is left out.
func TestRowtime(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		rows := r.Intn(2) == 0
		lower := overagg.Bound{Unbounded: true}
		if r.Intn(2) == 0 {
			lower = overagg.Bound{N: int64(r.Intn(5))}
			if !rows {
				lower.N = int64(1 + r.Intn(200))
			}
		}
		disorder := int64(300)
		if !rows && !lower.Unbounded {
			disorder = 150 // no row is late: what is then depends on when partitions are forgotten
		}
		steps := optest.Steps(r, 150, 30, disorder, 150)
		through := map[string][]optest.Row{} // by key, in order
		waiting := map[string][]optest.Row{}
		var want []string
		fire := func(wm int64) {
			for k, w := range waiting {
				sort.SliceStable(w, func(i, j int) bool { return w[i].Ms < w[j].Ms })
				n := sort.Search(len(w), func(i int) bool { return w[i].Ms > wm })
				through[k], waiting[k] = append(through[k], w[:n]...), append([]optest.Row(nil), w[n:]...)
			}
		}
		for _, s := range steps {
			for _, row := range s.Rows {
				k := row.Key()
				late := row.Ms <= row.WM
				if !lower.Unbounded {
					done := through[k]
					late = len(done) > 0 && row.Ms <= done[len(done)-1].Ms
				}
				if !late {
					waiting[k] = append(waiting[k], row)
				}
			}
			if s.Advance {
				fire(s.WM)
			}
		}
		fire(1 << 62)
		for _, all := range through {
			for i := range all {
				want = append(want, all[i].String()+" "+optest.Values(frame(all, i, rows, lower)))
			}
		}
		d := optest.New(t, spec(overagg.Rowtime, batch.Order{Col: 0}, rows, lower, overagg.Bound{}), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}

// frame is the rows up to row i, and its peers with RANGE, from the lower bound on.
func frame(all []optest.Row, i int, rows bool, lower overagg.Bound) []optest.Row {
	from, to := 0, i+1
	if rows {
		if !lower.Unbounded {
			from = max(0, i-int(lower.N))
		}
		return all[from:to]
	}
	for to < len(all) && all[to].Ms == all[i].Ms {
		to++
	}
	for !lower.Unbounded && all[from].Ms < all[i].Ms-lower.N {
		from++
	}
	return all[from:to]
}

// TestSorted compares windows by a column, over rows that come and go, with the
// table computed anew after every batch.
func TestSorted(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		rows := r.Intn(2) == 0
		var in []optest.Row
		for _, s := range optest.Steps(r, 80, 3, 40, 0) {
			in = append(in, s.Rows...)
		}
		d := optest.New(t, spec(overagg.Values, batch.Order{Col: 0}, rows, overagg.Bound{Unbounded: true}, overagg.Bound{}), optest.Session(), batch.Changes{Kinds: batch.All})
		var live []optest.Row
		var sent []optest.Change
		for len(in) > 0 {
			var b []optest.Row
			var kinds []batch.Kind
			for n := 1 + r.Intn(8); n > 0 && len(in) > 0; n-- {
				b, kinds, live, in = append(b, in[0]), append(kinds, batch.Insert), append(live, in[0]), in[1:]
				if r.Intn(3) == 0 {
					k := r.Intn(len(live))
					gone := live[k]
					for i, x := range live { // of equal ones the first goes
						if x.String() == gone.String() {
							k = i
							break
						}
					}
					b, kinds = append(b, gone), append(kinds, batch.Delete)
					live = append(live[:k:k], live[k+1:]...)
				}
			}
			d.Process(0, optest.Batch(b, kinds))
			sent = append(sent, d.Taken()...)
			byKey := map[string][]optest.Row{}
			for _, x := range live {
				byKey[x.Key()] = append(byKey[x.Key()], x)
			}
			var want []string
			for _, all := range byKey {
				sort.SliceStable(all, func(i, j int) bool { return all[i].Ms < all[j].Ms })
				for i := range all {
					want = append(want, all[i].String()+" "+optest.Values(frame(all, i, rows, overagg.Bound{Unbounded: true})))
				}
			}
			optest.Equal(t, optest.Table(t, sent), want)
		}
	})
}

// TestFinal compares batch mode's frames, moving either way, with frames found by
// search.
func TestFinal(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		bound := func(following bool) overagg.Bound {
			b := overagg.Bound{Following: following, N: int64(r.Intn(4))}
			if b.Unbounded = r.Intn(4) == 0; b.Unbounded {
				b.N = 0
			}
			if b.N == 0 && !b.Unbounded {
				b.Following = false
			}
			return b
		}
		rows := r.Intn(2) == 0
		lower, upper := bound(false), bound(true)
		switch r.Intn(4) {
		case 0:
			lower, upper = overagg.Bound{N: 3}, overagg.Bound{N: 1}
		case 1:
			lower, upper = overagg.Bound{N: 1, Following: true}, overagg.Bound{N: 3, Following: true}
		}
		desc := r.Intn(2) == 0
		var in []optest.Row
		for _, s := range optest.Steps(r, 60, 3, 10, 0) {
			in = append(in, s.Rows...)
		}
		by := batch.Order{Col: 2, Desc: desc, NullsLast: desc}
		byKey := map[string][]optest.Row{}
		for _, x := range in {
			byKey[x.Key()] = append(byKey[x.Key()], x)
		}
		var want []string
		for _, all := range byKey {
			sort.SliceStable(all, func(i, j int) bool {
				c := compare(all[i], all[j])
				return c < 0 && !desc || c > 0 && desc
			})
			for i := range all {
				var f []optest.Row
				for j := range all {
					if inside(all, i, j, rows, desc, lower, upper) {
						f = append(f, all[j])
					}
				}
				want = append(want, all[i].String()+" "+optest.Values(f))
			}
		}
		often := r.Intn(3) // memory is short never, at times, always
		d := optest.NewSpilled(t, spec(overagg.Final, by, rows, lower, upper), optest.Session(), func() bool { return r.Intn(2) < often }, batch.Changes{Kinds: batch.InsertOnly})
		for len(in) > 0 {
			n := min(len(in), 1+r.Intn(20))
			d.Process(0, optest.Batch(in[:n], nil))
			in = in[n:]
		}
		d.End(1)
		got := optest.Table(t, d.Taken())
		sort.Strings(want)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Logf("rows=%v desc=%v %+v .. %+v", rows, desc, lower, upper)
		}
		optest.Equal(t, got, want)
	})
}

func compare(a, b optest.Row) int {
	switch {
	case a.V == nil && b.V == nil:
		return 0
	case a.V == nil:
		return -1
	case b.V == nil:
		return 1
	}
	return int(*a.V - *b.V)
}

// inside says whether row j is in row i's frame.
func inside(all []optest.Row, i, j int, rows, desc bool, lower, upper overagg.Bound) bool {
	distance := int64(j - i) // how far j lies behind i
	if !rows {
		a, b := all[i], all[j]
		switch {
		case a.V == nil && b.V == nil:
			distance = 0
			if lower.Following && lower.N > 0 || !upper.Following && upper.N > 0 {
				return false // the frame leaves the current row out
			}
		case a.V == nil || b.V == nil:
			return j < i && lower.Unbounded || j > i && upper.Unbounded
		case desc:
			distance = *a.V - *b.V
		default:
			distance = *b.V - *a.V
		}
	}
	from, to := -lower.N, upper.N
	if lower.Following {
		from = lower.N
	}
	if !upper.Following {
		to = -upper.N
	}
	return (lower.Unbounded || distance >= from) && (upper.Unbounded || distance <= to)
}
