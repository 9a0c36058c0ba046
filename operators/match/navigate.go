package match

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/types"
)

// navigator fills rows of navigations and evaluates expressions over them.
type navigator struct {
	navs    []Nav
	ts      []types.Type
	scratch *arena.Store
	table   state.Table // scratch, a row per row of a batch; nothing of it outlives a call
	layout  groupagg.Layout
	accs    []functions.Accumulator
	cells   []functions.Cells
	call    []int // of each navigation: its aggregate, -1
	ids     []uint32
	reset   []bool
	rows    batch.Batch // what an aggregate reads
	of      []uint32    // and of which row of navigations each is
	argTs   [][]types.Type
}

// view is one row of navigations: the rows from start of a match whose variables
// have counts of them, and one more of variable plus (-1: none).
type view struct {
	start  int64
	counts []int32
	plus   int
}

// locate is the number of the row that a navigation finds, -1 for none.
func (v view) locate(n *Nav) int64 {
	if n.First {
		at, left := v.start, int64(n.Offset)
		for i := range v.counts {
			c := v.count(i)
			if n.Vars>>i&1 == 1 {
				if left < c {
					return at + left
				}
				left -= c
			}
			at += c
		}
		return -1
	}
	at, left := v.start, int64(n.Offset)
	for i := range v.counts {
		at += v.count(i)
	}
	for i := len(v.counts) - 1; i >= 0; i-- {
		c := v.count(i)
		if n.Vars>>i&1 == 1 {
			if left < c {
				return at - 1 - left
			}
			left -= c
		}
		at -= c
	}
	return -1
}

func (v view) count(i int) int64 {
	c := int64(v.counts[i])
	if i == v.plus {
		c++
	}
	return c
}

// openNavigator binds the aggregates among the navigations.
func (o *operator) openNavigator() (err error) {
	g := &o.nav
	g.navs = o.spec.Navs
	var calls []groupagg.Call
	for _, n := range g.navs {
		g.ts = append(g.ts, n.T)
		if n.Agg.Fn == nil {
			g.call = append(g.call, -1)
			continue
		}
		g.call = append(g.call, len(calls))
		calls = append(calls, n.Agg)
		var ts []types.Type
		for _, a := range n.Agg.Args {
			ts = append(ts, o.spec.In.Fields[a].Type)
		}
		g.argTs = append(g.argTs, ts)
	}
	if len(calls) == 0 {
		return nil
	}
	if g.accs, _, err = g.layout.Open(o.spec.In, calls, false, o.env.Session); err != nil {
		return err
	}
	g.scratch = arena.New(state.Options{})
	g.table, err = g.scratch.Open(state.Identity{Role: "scratch"}).Table(state.Spec{Name: "scratch",
		Key: []state.Column{{Type: types.BigIntType, Meaning: "row"}}, Row: g.layout.Row, Multisets: g.layout.Sets, Lists: g.layout.Lists})
	for k := range g.accs {
		g.cells = append(g.cells, g.layout.Cells(g.table, k))
	}
	return err
}

// add appends a row to the navigations which of to.
func (o *operator) navigate(to *batch.Batch, which []int, v view) {
	for _, c := range which {
		n := &o.nav.navs[c]
		if n.Agg.Fn != nil {
			continue
		}
		if at := v.locate(n); at >= 0 {
			cols, i := o.row(at)
			to.Cols[c].Append(o.nav.ts[c], to.Len, &cols[n.Col], i)
		} else {
			to.Cols[c].AppendNull(o.nav.ts[c], to.Len)
		}
	}
	to.Len++
}

// aggregate computes the aggregates among the navigations which, for all rows of
// to, whose views are given.
func (o *operator) aggregate(to *batch.Batch, which []int, views []view) error {
	g := &o.nav
	for _, c := range which {
		k := g.call[c]
		if k < 0 {
			continue
		}
		if err := o.fold(k, &g.navs[c], views); err != nil {
			return err
		}
		to.Cols[c].Prepare(g.ts[c], len(views))
		if err := g.accs[k].Result(g.cells[k], g.ids[:len(views)], &to.Cols[c]); err != nil {
			return err
		}
	}
	return nil
}

// fold lets the rows of each view through call k.
func (o *operator) fold(k int, n *Nav, views []view) error {
	g := &o.nav
	g.slots(len(views))
	ts := g.argTs[k]
	g.rows.Reset(ts)
	g.of, g.reset = g.of[:0], g.reset[:0]
	sel := o.sel[:0]
	for i, v := range views {
		g.begin(ts, g.ids[i])
		at := v.start
		for x := range v.counts {
			c := v.count(x)
			if n.Vars>>x&1 == 1 {
				for r := at; r < at+c; r++ {
					cols, row := o.row(r)
					for a, col := range n.Agg.Args {
						g.rows.Cols[a].Append(ts[a], g.rows.Len, &cols[col], row)
					}
					sel = append(sel, int32(g.rows.Len))
					g.rows.Len++
					g.of, g.reset = append(g.of, g.ids[i]), append(g.reset, false)
				}
			}
			at += c
		}
	}
	if o.sel = sel; sel == nil {
		sel = noRows
	}
	return g.accs[k].Fold(g.cells[k], functions.Rows{N: g.rows.Len, IDs: g.of, Sel: sel, Reset: g.reset}, g.rows.Cols)
}

var noRows = []int32{} // nil would be all

// begin adds a row that starts a view afresh and doesn't count.
func (g *navigator) begin(ts []types.Type, id uint32) {
	for c, t := range ts {
		g.rows.Cols[c].AppendNull(t, g.rows.Len)
	}
	g.rows.Len++
	g.of, g.reset = append(g.of, id), append(g.reset, true)
}

// slots makes rows 0..n-1 of the scratch table.
func (g *navigator) slots(n int) {
	if len(g.ids) >= n {
		return
	}
	n += n / 2
	var key batch.Vector
	key.Prepare(types.BigIntType, n)
	for i := range n {
		key.I64[i] = int64(i)
	}
	keys, hashes := []batch.Vector{key}, make([]uint64, n)
	batch.Hash([]types.Type{types.BigIntType}, keys, n, hashes)
	g.ids = make([]uint32, n)
	g.table.Upsert(keys, hashes, g.ids, make([]bool, n))
}

// release frees what the aggregates' bytes took.
func (g *navigator) release() {
	if g.scratch != nil {
		g.scratch.Release()
		g.ids = g.ids[:0]
	}
}

// reads is the navigations that e refers to, ascending.
func reads(e expr.Expr, n int) []int {
	set := map[int]bool{}
	expr.Columns(e, set)
	var out []int
	for i := range n {
		if set[i] {
			out = append(out, i)
		}
	}
	return out
}
