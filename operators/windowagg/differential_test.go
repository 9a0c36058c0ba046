package windowagg_test

import (
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
	"github.com/millrace/millrace/types"
)

func spec(w window.Window) *windowagg.Spec {
	calls, fields := optest.Calls()
	out := append([]types.Field{{Name: "k", Type: types.StringType}}, fields...)
	out = append(out, types.Field{Name: "window_start", Type: types.TimestampType(3)}, types.Field{Name: "window_end", Type: types.TimestampType(3)})
	return &windowagg.Spec{In: optest.Schema, Window: w, Keys: []int{1}, Calls: calls, Props: []windowagg.Prop{windowagg.Start, windowagg.End}, Out: types.NewSchema(out...)}
}

// group is a window and key.
type group struct {
	key        string
	start, end int64
}

func (g group) row(rows []optest.Row) string {
	return fmt.Sprintf("%s %s @%d @%d", g.key, optest.Values(rows), g.start, g.end)
}

// TestAligned compares TUMBLE, HOP and CUMULATE with windows computed one by one: a
// row counts in each of its windows that hadn't fired when it came.
func TestAligned(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		w := window.Window{Kind: window.Kind(r.Intn(3)), Slide: int64(1+r.Intn(4)) * 100}
		w.Size = w.Slide * int64(1+r.Intn(5))
		if w.Kind == window.Hop && r.Intn(3) == 0 {
			w.Size += 50 // pieces that a slide doesn't divide
		}
		w.Offset = r.Int63n(2*w.Size-1) - w.Size + 1
		steps := optest.Steps(r, 150, 40, 300, 200)
		groups := map[group][]optest.Row{}
		for _, s := range steps {
			for _, row := range s.Rows {
				for start := row.Ms - 2*w.Size; start <= row.Ms; start++ {
					for _, end := range ends(w, start) {
						if start <= row.Ms && row.Ms < end && end-1 > row.WM {
							g := group{row.Key(), start, end}
							groups[g] = append(groups[g], row)
						}
					}
				}
			}
		}
		var want []string
		for g, rows := range groups {
			want = append(want, g.row(rows))
		}
		d := optest.New(t, spec(w), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}

// ends are the ends of the windows that begin at start.
func ends(w window.Window, start int64) []int64 {
	at := start - w.Offset
	every := w.Size
	if w.Kind == window.Hop {
		every = w.Slide
	}
	if at%every != 0 {
		return nil
	}
	if w.Kind != window.Cumulate {
		return []int64{start + w.Size}
	}
	var out []int64
	for e := start + w.Slide; e <= start+w.Size; e += w.Slide {
		out = append(out, e)
	}
	return out
}

// TestSession compares sessions with intervals merged one row at a time.
func TestSession(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		gap := int64(50 + r.Intn(150))
		w := window.Window{Kind: window.Session, Size: gap}
		steps := optest.Steps(r, 150, 40, 400, 250)
		type session struct {
			group
			rows []optest.Row
		}
		var live []session
		var want []string
		fire := func(wm int64) {
			var rest []session
			for _, s := range live {
				if s.end-1 <= wm {
					want = append(want, s.row(s.rows))
				} else {
					rest = append(rest, s)
				}
			}
			live = rest
		}
		for _, s := range steps {
			for _, row := range s.Rows {
				n := session{group{row.Key(), row.Ms, row.Ms + gap}, []optest.Row{row}}
				var rest []session
				for _, x := range live {
					if x.key == n.key && x.start <= n.end && n.start <= x.end {
						n = session{group{n.key, min(n.start, x.start), max(n.end, x.end)}, append(append([]optest.Row(nil), x.rows...), n.rows...)}
					} else {
						rest = append(rest, x)
					}
				}
				if n.end-1 > row.WM {
					live = append(rest, n)
				}
			}
			if s.Advance {
				fire(s.WM)
			}
		}
		fire(1 << 62)
		d := optest.New(t, spec(w), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		d.Run(steps)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}

// TestRetract takes some of the rows back before their windows fire.
func TestRetract(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		w := window.Window{Kind: window.Kind(r.Intn(4)), Size: 400, Slide: 100}
		if w.Kind == window.Session {
			w.Size = 80
		}
		var rows []optest.Row
		for _, s := range optest.Steps(r, 120, 40, 100, 0) {
			rows = append(rows, s.Rows...)
		}
		var in, left []optest.Row
		var kinds []batch.Kind
		for _, row := range rows {
			in, kinds = append(in, row), append(kinds, batch.Insert)
			left = append(left, row)
			if w.Kind != window.Session && r.Intn(3) == 0 { // a session would keep its length
				i := r.Intn(len(left))
				in, kinds = append(in, left[i]), append(kinds, batch.Delete)
				left = append(left[:i], left[i+1:]...)
			}
		}
		groups := map[group][]optest.Row{}
		if w.Kind == window.Session {
			sort.SliceStable(left, func(i, j int) bool { return left[i].Ms < left[j].Ms })
			open := map[string]group{}
			for _, row := range left {
				g, ok := open[row.Key()]
				if ok && row.Ms <= g.end {
					rows := groups[g]
					delete(groups, g)
					g.end = row.Ms + w.Size
					groups[g] = append(rows, row)
				} else {
					g = group{row.Key(), row.Ms, row.Ms + w.Size}
					groups[g] = []optest.Row{row}
				}
				open[row.Key()] = g
			}
		} else {
			for _, row := range left {
				for start := row.Ms - w.Size; start <= row.Ms; start++ {
					for _, end := range ends(w, start) {
						if row.Ms < end {
							g := group{row.Key(), start, end}
							groups[g] = append(groups[g], row)
						}
					}
				}
			}
		}
		var want []string
		for g, rows := range groups {
			want = append(want, g.row(rows))
		}
		d := optest.New(t, spec(w), optest.Session(), batch.Changes{Kinds: batch.All})
		for len(in) > 0 {
			n := min(len(in), 1+r.Intn(20))
			d.Process(0, optest.Batch(in[:n], kinds[:n]))
			in, kinds = in[n:], kinds[n:]
		}
		d.End(1)
		optest.Equal(t, optest.Table(t, d.Taken()), want)
	})
}
