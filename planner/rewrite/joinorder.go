package rewrite

import (
	"math"
	"math/bits"
	"slices"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/types"
)

// orderJoins orders inner joins of three and more relations by row counts, in batch
// mode, so that little is stored and few rows go far. It sees the whole plan. Where a
// relation's rows aren't known (ANALYZE TABLE tells them, files know them or can be
// estimated) a query's joins keep the order they are written in.
//
// All trees of joins over an equality are looked at (dynamic programming over sets of
// relations, as in System R, bushy ones too). A tree's cost is, for each join, the
// rows that come out, those that stream through and twice those that are stored: the
// smaller side.
func orderJoins(n logical.Node, session *types.Session) (logical.Node, error) {
	if !session.Batch {
		return n, nil
	}
	return counted(reordered(n)), nil
}

// counted notes at each join about how many rows its sides have.
func counted(n logical.Node) logical.Node {
	in := n.Inputs()
	next, changed := make([]logical.Node, len(in)), false
	for i, x := range in {
		next[i] = counted(x)
		changed = changed || next[i] != x
	}
	if changed {
		n = n.With(next)
	}
	j, ok := n.(*logical.Join)
	if !ok {
		return n
	}
	c := *j
	for i, side := range j.Inputs() {
		if rows, known := rowsOf(side); known {
			c.Rows[i] = rows
		}
	}
	return &c
}

func reordered(n logical.Node) logical.Node {
	if g := groupOf(n); g != nil {
		for i := range g.leaves {
			g.leaves[i] = reordered(g.leaves[i])
		}
		g.narrow()
		if out := g.ordered(); out != nil {
			return out
		}
		return g.asWritten()
	}
	in := n.Inputs()
	if len(in) == 0 {
		return n
	}
	next, changed := make([]logical.Node, len(in)), false
	for i, x := range in {
		next[i] = reordered(x)
		changed = changed || next[i] != x
	}
	if !changed {
		return n
	}
	return n.With(next)
}

// group is a tree of inner joins taken apart: its relations, where the columns of
// each begin among those of all, and the conditions over those.
type group struct {
	top    *logical.Join
	leaves []logical.Node
	first  []int
	conds  []expr.Expr
	uses   []uint64 // the relations each condition reads, as bits
}

// groupOf takes joins apart, nil when n is none.
func groupOf(n logical.Node) *group {
	j, ok := plainJoin(n)
	if !ok {
		return nil
	}
	g := &group{top: j}
	g.take(j, 0)
	for _, c := range g.conds {
		if expr.Class(c) == functions.PerRow {
			return nil
		}
	}
	return g
}

// plainJoin is an inner join without a word on how it's to be made.
func plainJoin(n logical.Node) (*logical.Join, bool) {
	j, ok := n.(*logical.Join)
	return j, ok && j.Kind == logical.Inner && !j.Temporal && j.Interval == nil && j.Windows == nil && len(j.Hints) == 0
}

func (g *group) take(n logical.Node, first int) {
	j, ok := plainJoin(n)
	if !ok {
		g.leaves, g.first = append(g.leaves, n), append(g.first, first)
		return
	}
	g.take(j.Left, first)
	g.take(j.Right, first+j.Left.Schema().Len())
	if j.Cond == nil {
		return
	}
	for _, c := range expr.Conjuncts(j.Cond) {
		g.conds = append(g.conds, expr.Remap(c, func(i int) int { return i + first }))
	}
}

// owner is the relation that a column belongs to.
func (g *group) owner(col int) int {
	i := len(g.first) - 1
	for g.first[i] > col {
		i--
	}
	return i
}

// tree is the best way found to join a set of relations, as bits: the sides of its
// last join, the cost of all, and the rows that come out. No sides: one relation.
type tree struct {
	left, right uint64
	cost, rows  float64
}

// mostJoined bounds how many relations are ordered; time grows with its power of 3.
const mostJoined = 10

// ordered is the joins in the best order found, under a projection that restores
// the columns' order; nil when the order is as good as any or nothing is known.
func (g *group) ordered() logical.Node {
	n := len(g.leaves)
	if n < 3 || n > mostJoined {
		return nil
	}
	best := make([]tree, 1<<n)
	for i, leaf := range g.leaves {
		rows, known := rowsOf(leaf)
		if !known {
			return nil
		}
		best[1<<i] = tree{rows: rows}
	}
	g.uses = make([]uint64, len(g.conds))
	for c, e := range g.conds {
		set := map[int]bool{}
		expr.Columns(e, set)
		for col := range set {
			g.uses[c] |= 1 << g.owner(col)
		}
	}
	for set := uint64(3); set < 1<<n; set++ {
		if set&(set-1) == 0 {
			continue
		}
		t, low := tree{cost: math.Inf(1), rows: math.Inf(1)}, set&-set
		for a := (set - 1) & set; a > 0; a = (a - 1) & set {
			b := set &^ a
			if a&low == 0 || math.IsInf(best[a].cost, 1) || math.IsInf(best[b].cost, 1) {
				continue
			}
			rows, equal := g.meet(a, b, best[a].rows, best[b].rows)
			if !equal {
				continue
			}
			t.rows = min(t.rows, rows)
			if cost := joinCost(best[a], best[b], rows); cost < t.cost {
				t.cost, t.left, t.right = cost, a, b
			}
		}
		best[set] = t
	}
	all := uint64(1)<<n - 1
	if written := g.written(best); math.IsInf(best[all].cost, 1) || best[all].cost > 0.9*written {
		return nil // what is written stays unless it's clearly worse
	}
	return g.restored(best)
}

// joinCost is what a tree costs with its last join.
func joinCost(a, b tree, out float64) float64 {
	return a.cost + b.cost + max(a.rows, b.rows) + 2*min(a.rows, b.rows) + out
}

// written is the cost of the joins as they are written.
func (g *group) written(best []tree) float64 {
	next := 0
	var visit func(n logical.Node) (tree, uint64)
	visit = func(n logical.Node) (tree, uint64) {
		j, ok := plainJoin(n)
		if !ok {
			next++
			return tree{rows: best[1<<(next-1)].rows}, 1 << (next - 1)
		}
		a, x := visit(j.Left)
		b, y := visit(j.Right)
		rows, _ := g.meet(x, y, a.rows, b.rows)
		return tree{cost: joinCost(a, b, rows), rows: rows}, x | y
	}
	t, _ := visit(g.top)
	return t.cost
}

// meet is how many rows there are when two sets of relations of so many rows are
// joined: their product over the number of different keys, of the pair of equal
// columns that has the most. equal says that there is such a pair.
func (g *group) meet(a, b uint64, x, y float64) (rows float64, equal bool) {
	rows = x * y
	keys := 1.0
	for c, e := range g.conds {
		if g.uses[c]&a == 0 || g.uses[c]&b == 0 || g.uses[c]&^(a|b) != 0 {
			continue
		}
		if l, r, ok := equalPair(e); ok {
			keys, equal = max(keys, g.keys(l, r)), true
		} else {
			rows *= selectivity(e)
		}
	}
	return max(rows/keys, 1), equal
}

func equalPair(e expr.Expr) (x, y int, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || c.Fn.Name != "=" || len(c.Args) != 2 {
		return 0, 0, false
	}
	a, ok := c.Args[0].(*expr.Column)
	b, ok2 := c.Args[1].(*expr.Column)
	if !ok || !ok2 {
		return 0, 0, false
	}
	return a.Index, b.Index, true
}

// keys is how many different values two equal columns have, about: as ANALYZE TABLE
// counted them, else as many as the smallest table has rows whose column is equal to
// them, by way of others too, as if that were its key.
func (g *group) keys(x, y int) float64 {
	known := 0.0
	for _, col := range [2]int{x, y} {
		i := g.owner(col)
		d, _ := distinctOf(g.leaves[i], col-g.first[i])
		known = max(known, d)
	}
	if known > 0 {
		return known
	}
	return max(g.smallest(x), 1)
}

// smallest is the rows of the smallest table with a column that equals x.
func (g *group) smallest(x int) float64 {
	same, least := []int{x}, math.Inf(1)
	for k := 0; k < len(same); k++ {
		i := g.owner(same[k])
		_, rows := distinctOf(g.leaves[i], same[k]-g.first[i])
		least = min(least, rows)
		for _, e := range g.conds {
			l, r, ok := equalPair(e)
			if ok && r == same[k] {
				l, r = r, l
			}
			if ok && l == same[k] && !slices.Contains(same, r) {
				same = append(same, r)
			}
		}
	}
	return least
}

// narrow puts what an OR over several relations demands of one of them below the
// joins: (a = 1 AND b = 2) OR (a = 2 AND b = 1) demands a = 1 OR a = 2.
func (g *group) narrow() {
	for i, leaf := range g.leaves {
		first, last := g.first[i], g.first[i]+leaf.Schema().Len()
		var conds []expr.Expr
		for _, e := range g.conds {
			if or, ok := e.(*expr.Logic); ok && or.Or {
				if d := demanded(or, first, last); d != nil {
					conds = append(conds, expr.Remap(d, func(c int) int { return c - first }))
				}
			}
		}
		if len(conds) > 0 {
			g.leaves[i] = filterOver(leaf, conds)
		}
	}
}

func filterOver(n logical.Node, conds []expr.Expr) logical.Node {
	at := conds[0].Span()
	if f, ok := n.(*logical.Filter); ok {
		n, conds = f.Input, append(expr.Conjuncts(f.Cond), conds...)
	}
	return &logical.Filter{Base: logical.Base{Out: n.Schema(), At: at}, Input: n, Cond: all(conds)}
}

// demanded is what each alternative of an OR says of columns first to last, as an OR;
// nil when one of them says nothing, or when the OR is about them alone.
func demanded(or *expr.Logic, first, last int) expr.Expr {
	out := &expr.Logic{Or: true, At: or.At}
	more := false
	for _, a := range or.Args {
		var own []expr.Expr
		for _, c := range expr.Conjuncts(a) {
			set, inside := map[int]bool{}, true
			expr.Columns(c, set)
			for col := range set {
				inside = inside && col >= first && col < last
			}
			if inside && len(set) > 0 {
				own = append(own, c)
			} else {
				more = true
			}
		}
		if len(own) == 0 {
			return nil
		}
		out.Args = append(out.Args, all(own))
	}
	if !more {
		return nil
	}
	return out
}

// asWritten is the joins in the order they're written in, over the narrowed relations.
func (g *group) asWritten() logical.Node {
	next := 0
	var visit func(n logical.Node) logical.Node
	visit = func(n logical.Node) logical.Node {
		j, ok := plainJoin(n)
		if !ok {
			next++
			return g.leaves[next-1]
		}
		l := visit(j.Left)
		return j.With([]logical.Node{l, visit(j.Right)})
	}
	return visit(g.top)
}

// restored is the best tree of all relations under a projection.
func (g *group) restored(best []tree) logical.Node {
	n, cols := g.build(best, 1<<len(g.leaves)-1)
	at := make([]int, len(cols)) // where each column is now
	for i, c := range cols {
		at[c] = i
	}
	p := &logical.Project{Base: logical.Base{Out: g.top.Out, At: g.top.At}, Input: n}
	for i, f := range g.top.Out.Fields {
		p.Exprs = append(p.Exprs, &expr.Column{Index: at[i], Name: f.Name, T: n.Schema().Fields[at[i]].Type, At: g.top.At})
	}
	return p
}

// build makes the joins of a set, the smaller side right, each with the conditions
// that can be asked by then, and says which columns come out.
func (g *group) build(best []tree, set uint64) (logical.Node, []int) {
	t := best[set]
	if t.left == 0 {
		i := bits.TrailingZeros64(set)
		n, cols := g.leaves[i], []int(nil)
		for c := range n.Schema().Len() {
			cols = append(cols, g.first[i]+c)
		}
		return n, cols
	}
	a, b := t.left, t.right
	if best[a].rows < best[b].rows {
		a, b = b, a
	}
	l, cols := g.build(best, a)
	r, more := g.build(best, b)
	cols = append(cols, more...)
	at := map[int]int{}
	for i, c := range cols {
		at[c] = i
	}
	var conds []expr.Expr
	for c, e := range g.conds {
		if u := g.uses[c]; u&^set == 0 && u&^a != 0 && u&^b != 0 {
			conds = append(conds, expr.Remap(e, func(i int) int { return at[i] }))
		}
	}
	schema := &types.Schema{Fields: append(append([]types.Field(nil), l.Schema().Fields...), r.Schema().Fields...)}
	j := &logical.Join{Base: logical.Base{Out: schema, At: g.top.At}, Left: l, Right: r, Kind: logical.Inner, TTL: g.top.TTL}
	if len(conds) > 0 {
		j.Cond = all(conds)
	}
	return j, cols
}
