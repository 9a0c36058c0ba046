package bind

import (
	"strconv"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// grouper collects what a SELECT with aggregates computes below its items: the
// keys, then the arguments. Expressions above refer to the aggregation's output:
// keys, then calls, then window properties, whose places are known at the end and
// stand as placeholders until then.
type grouper struct {
	s       *selection
	below   *exprBinder // over the input
	asts    []ast.Expr  // the keys as written
	keys    []expr.Expr
	args    []expr.Expr // arguments, filters: input columns behind the keys
	calls   []logical.AggCall
	sets    [][]int
	window  *logical.Window
	winCall *ast.Call
	props   []logical.WindowProp
	inAgg   bool
}

// propBase is where placeholders of window properties begin, groupID that of the
// grouping id.
const (
	propBase = 1 << 20
	groupID  = 1 << 21
)

// aggregates says whether the SELECT has an aggregate call outside OVER.
func (b *Binder) aggregates(q *ast.Select) bool {
	found := false
	look := func(e ast.Expr) {
		if e == nil {
			return
		}
		ast.Walk(e, func(n ast.Node) bool {
			switch n := n.(type) {
			case ast.Query:
				return false
			case *ast.Call:
				if n.Over != nil {
					return false
				}
				if b.Functions.Aggregate(n.Name.Last().Name) != nil && b.Functions.Scalar(n.Name.Last().Name) == nil {
					found = true
				}
			}
			return !found
		})
	}
	for _, i := range q.Items {
		look(i.Expr)
	}
	look(q.Having)
	return found || q.Having != nil
}

func newGrouper(s *selection) *grouper {
	g := &grouper{s: s, below: &exprBinder{b: s.b, scope: s.x.scope, sel: s}}
	if s.q.GroupBy == nil {
		return g
	}
	sets := [][]int{{}}
	many := false
	for _, item := range s.q.GroupBy.Items {
		got := g.item(item)
		many = many || item.Kind != ast.GroupExpr && item.Kind != ast.GroupSet
		var next [][]int
		for _, a := range sets {
			for _, c := range got {
				next = append(next, union(a, c))
			}
		}
		sets = next
	}
	if many && len(sets) > 1 {
		g.sets = canonical(sets)
	}
	return g
}

// item gives the sets that a grouping item stands for.
func (g *grouper) item(item ast.GroupItem) [][]int {
	switch item.Kind {
	case ast.GroupExpr, ast.GroupSet:
		var set []int
		for _, e := range item.Exprs {
			if k := g.add(e); k >= 0 {
				set = append(set, k)
			}
		}
		return [][]int{set}
	case ast.GroupSets:
		var out [][]int
		for _, i := range item.Items {
			out = append(out, g.item(i)...)
		}
		return out
	}
	var parts [][]int
	for _, i := range item.Items {
		parts = append(parts, g.item(i)[0])
	}
	var out [][]int
	if item.Kind == ast.Rollup {
		for n := len(parts); n >= 0; n-- {
			var set []int
			for _, p := range parts[:n] {
				set = union(set, p)
			}
			out = append(out, set)
		}
		return out
	}
	for m := 1<<len(parts) - 1; m >= 0; m-- {
		var set []int
		for i, p := range parts {
			if m>>(len(parts)-1-i)&1 == 1 {
				set = union(set, p)
			}
		}
		out = append(out, set)
	}
	return out
}

// add makes e a key, once. A legacy window call becomes the window.
func (g *grouper) add(e ast.Expr) int {
	for i, k := range g.asts {
		if ast.Equal(k, e) {
			return i
		}
	}
	if c, ok := e.(*ast.Call); ok && g.legacyWindow(c) {
		return -1
	}
	b := g.below.bind(e)
	if c, ok := b.(*expr.Column); ok { // t.a and a are one key
		for i, k := range g.keys {
			if d, ok := k.(*expr.Column); ok && d.Index == c.Index {
				return i
			}
		}
	}
	g.asts, g.keys = append(g.asts, e), append(g.keys, b)
	return len(g.keys) - 1
}

func union(a, b []int) []int {
	out := append([]int(nil), a...)
	for _, x := range b {
		seen := false
		for _, y := range out {
			seen = seen || x == y
		}
		if !seen {
			out = append(out, x)
		}
	}
	return out
}

// canonical orders sets as Flink emits them: larger first, then by column. A set
// that is written twice counts twice.
func canonical(sets [][]int) [][]int {
	mask := func(s []int) (m uint64) {
		for _, k := range s {
			m |= 1 << uint(63-k)
		}
		return m
	}
	var out [][]int
	for _, s := range sets {
		at := len(out)
		for at > 0 && (len(out[at-1]) < len(s) || len(out[at-1]) == len(s) && mask(out[at-1]) < mask(s)) {
			at--
		}
		out = append(out[:at], append([][]int{s}, out[at:]...)...)
	}
	return out
}

// key is the reference to a group key that e is, nil if it is none.
func (g *grouper) key(e ast.Expr) expr.Expr {
	if g.inAgg {
		return nil
	}
	for i, k := range g.asts {
		if ast.Equal(k, e) {
			return g.ref(i, e.Span())
		}
	}
	if n, ok := e.(*ast.Name); ok {
		b := g.resolve(n)
		if c, ok := b.(*expr.Column); ok {
			for i, k := range g.keys {
				if d, ok := k.(*expr.Column); ok && d.Index == c.Index {
					return g.ref(i, e.Span())
				}
			}
		}
	}
	return nil
}

// resolve binds a name over the input, nil when it has no meaning there.
func (g *grouper) resolve(n *ast.Name) (e expr.Expr) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failure); !ok {
				panic(r)
			}
		}
	}()
	return g.below.scope.resolve(n)
}

func (g *grouper) ref(i int, at sqlerr.Span) expr.Expr {
	return &expr.Column{Index: i, Name: "key", T: g.keyType(i), At: at}
}

func (g *grouper) keyType(i int) types.Type {
	t := g.keys[i].Type()
	if t.Attr == types.Proctime {
		t = t.Plain()
	}
	for _, s := range g.sets {
		has := false
		for _, k := range s {
			has = has || k == i
		}
		if !has {
			t = t.Nullable()
		}
	}
	return t
}

// ungrouped refuses a column that is no key.
func (g *grouper) ungrouped(n *ast.Name) {
	g.below.scope.resolve(n)
	failf(sqlerr.Invalid, n.Span(), "Expression '%s' is not being grouped", n)
}

// call registers an aggregate call and returns its column.
func (g *grouper) call(fn *functions.Aggregate, e *ast.Call) expr.Expr {
	c := logical.AggCall{Fn: fn, Distinct: e.Distinct, Filter: -1, Name: fn.Name, At: e.Span()}
	a := g.below.aggregate(fn, e)
	result := a.result
	if len(g.keys) == 0 && len(g.asts) == 0 && g.window == nil && !fn.Total {
		result = result.Nullable()
	}
	for _, v := range a.values {
		c.Args = append(c.Args, g.arg(v))
	}
	c.Consts, c.Order = a.consts, a.order
	if e.Filter != nil {
		c.Filter = g.arg(g.below.condition(e.Filter, "FILTER"))
		if !fn.Total {
			result = result.Nullable()
		}
	}
	c.T = result
	for i, d := range g.calls {
		if d.String() == c.String() && d.T.Equal(c.T) {
			return g.callRef(i, e.Span())
		}
	}
	g.calls = append(g.calls, c)
	return g.callRef(len(g.calls)-1, e.Span())
}

func (g *grouper) callRef(i int, at sqlerr.Span) expr.Expr {
	return &expr.Column{Index: len(g.keys) + i, Name: g.calls[i].Name, T: g.calls[i].T, At: at}
}

// arg is the input column of an argument, counted behind the keys.
func (g *grouper) arg(e expr.Expr) int {
	for i, k := range g.keys {
		if expr.Equal(k, e) {
			return i
		}
	}
	for i, a := range g.args {
		if expr.Equal(a, e) {
			return len(g.keys) + i
		}
	}
	g.args = append(g.args, e)
	return len(g.keys) + len(g.args) - 1
}

// grouping is GROUPING(a), GROUPING_ID(a, b), GROUP_ID(): bits of the set's id, the
// first argument's the highest; 0 without grouping sets.
func (g *grouper) grouping(name string, e *ast.Call) expr.Expr {
	at, x := e.Span(), g.below
	if (name == "GROUP_ID") != (len(e.Args) == 0) {
		failf(sqlerr.Invalid, at, "%s takes group keys as arguments, GROUP_ID none", name)
	}
	id := &expr.Column{Index: groupID, Name: "$groupid", T: types.BigIntType.NotNullable(), At: at}
	big := func(n int64) expr.Expr { return integer(n, types.BigIntType, at) }
	if name == "GROUP_ID" && g.sets != nil {
		return x.call("/", []expr.Expr{id, big(1 << len(g.keys))}, at)
	}
	var sum expr.Expr
	for i, a := range e.Args {
		c, ok := g.key(a).(*expr.Column)
		if !ok {
			failf(sqlerr.Invalid, a.Span(), "Argument to %s operator must be a grouped expression", name)
		}
		if g.sets == nil {
			continue
		}
		bit := x.call("%", []expr.Expr{x.call("/", []expr.Expr{id, big(1 << (len(g.keys) - 1 - c.Index))}, at), big(2)}, at)
		bit = x.call("*", []expr.Expr{bit, big(1 << (len(e.Args) - 1 - i))}, at)
		if sum == nil {
			sum = bit
		} else {
			sum = x.call("+", []expr.Expr{sum, bit}, at)
		}
	}
	if sum == nil {
		return big(0)
	}
	return sum
}

// finish makes the aggregation and points the expressions at its output.
func (g *grouper) finish(exprs []expr.Expr, more ...expr.Expr) (logical.Node, []expr.Expr, expr.Expr, expr.Expr) {
	at := g.s.q.Span()
	if g.window != nil { // the time column goes below too
		g.window.Time = g.arg(g.below.scopeColumn(g.window.Time))
	}
	below := append(append([]expr.Expr(nil), g.keys...), g.args...)
	names := make([]string, len(below))
	for i, e := range below {
		names[i] = "$f" + strconv.Itoa(i)
		if c, ok := e.(*expr.Column); ok {
			names[i] = c.Name
		}
	}
	in := project(g.s.node, below, names, at)
	agg := &logical.Aggregate{Base: logical.Base{Out: &types.Schema{}, At: at}, Input: in, Calls: g.calls, Sets: g.sets, Window: g.window, Props: g.props, TTL: ttlHint(g.s.hints, g.s.x.scope)}
	for i := range g.keys {
		agg.Keys = append(agg.Keys, i)
		agg.Out.Fields = append(agg.Out.Fields, types.Field{Name: names[i], Type: g.keyType(i)})
	}
	for i, c := range g.calls {
		agg.Out.Fields = append(agg.Out.Fields, types.Field{Name: "EXPR$" + strconv.Itoa(i), Type: c.T})
	}
	first := len(agg.Out.Fields)
	for _, p := range g.props {
		agg.Out.Fields = append(agg.Out.Fields, types.Field{Name: [...]string{"window_start", "window_end", "window_time"}[p], Type: g.propType(p)})
	}
	if g.sets != nil {
		agg.Out.Fields = append(agg.Out.Fields, types.Field{Name: "$groupid", Type: types.BigIntType.NotNullable()})
		agg.SetIDs = g.setIDs()
	}
	move := func(e expr.Expr) expr.Expr {
		if e == nil {
			return nil
		}
		return expr.Remap(e, func(i int) int {
			switch {
			case i >= propBase && i < groupID:
				return first + i - propBase
			case i == groupID:
				return first + len(g.props)
			}
			return i
		})
	}
	out := make([]expr.Expr, len(exprs))
	for i := range exprs {
		out[i] = move(exprs[i])
	}
	return agg, out, move(more[0]), move(more[1])
}

// setIDs tells the grouping sets apart: a bit for each absent key, the first key's
// the highest; above them the number of equal sets before this one.
func (g *grouper) setIDs() []int64 {
	var out []int64
	seen := map[int64]int64{}
	for _, set := range g.sets {
		id := int64(1)<<len(g.keys) - 1
		for _, k := range set {
			id &^= 1 << (len(g.keys) - 1 - k)
		}
		out = append(out, id+seen[id]<<len(g.keys))
		seen[id]++
	}
	return out
}

func (x *exprBinder) scopeColumn(i int) expr.Expr {
	return &expr.Column{Index: i, Name: x.scope.cols[i].name, T: x.scope.cols[i].t}
}

// legacyWindow takes GROUP BY TUMBLE(t, size), HOP(t, slide, size), SESSION(t, gap).
func (g *grouper) legacyWindow(c *ast.Call) bool {
	kinds := map[string]logical.WindowKind{"TUMBLE": logical.Tumble, "HOP": logical.Hop, "SESSION": logical.Session}
	kind, ok := kinds[upper(c.Name)]
	if !ok || len(c.Args) < 2 {
		return false
	}
	t, isCol := g.below.bind(c.Args[0]).(*expr.Column)
	if !isCol || t.T.Attr == types.NoTimeAttr && g.s.b.Streaming {
		failf(sqlerr.Invalid, c.Args[0].Span(), "Window aggregate can only be defined over a time attribute column, but %s encountered", g.below.bind(c.Args[0]).Type().Nullable())
	}
	w := &logical.Window{Kind: kind, Time: t.Index, Proctime: t.T.Attr == types.Proctime, LTZ: t.T.Kind == types.TimestampLTZ, Legacy: true}
	sizes := c.Args[1:]
	if kind == logical.Hop {
		if len(sizes) < 2 {
			failf(sqlerr.Invalid, c.Span(), "HOP takes the time, the slide and the size")
		}
		w.Slide, sizes = millis(g.below.bind(sizes[0])), sizes[1:]
	}
	if len(sizes) > 1 {
		unsupported(sizes[1].Span(), kind.String()+" window with alignment")
	}
	if w.Size = millis(g.below.bind(sizes[0])); w.Size <= 0 || kind == logical.Hop && w.Slide <= 0 {
		failf(sqlerr.Invalid, c.Span(), "a window's size is above 0")
	}
	g.window, g.winCall = w, c
	return true
}

// property is TUMBLE_START(...) and its kin.
func (g *grouper) property(name string, c *ast.Call) expr.Expr {
	var prop logical.WindowProp
	switch name {
	case "TUMBLE_START", "HOP_START", "SESSION_START":
		prop = logical.WindowStart
	case "TUMBLE_END", "HOP_END", "SESSION_END":
		prop = logical.WindowEnd
	case "TUMBLE_ROWTIME", "HOP_ROWTIME", "SESSION_ROWTIME", "TUMBLE_PROCTIME", "HOP_PROCTIME", "SESSION_PROCTIME":
		prop = logical.WindowTime
	default:
		return nil
	}
	same := g.winCall != nil && len(g.winCall.Args) == len(c.Args)
	for i := range c.Args {
		same = same && ast.Equal(c.Args[i], g.winCall.Args[i])
	}
	if !same {
		failf(sqlerr.Invalid, c.Span(), "Call to auxiliary group function '%s' must have matching call to group function '$%s' in GROUP BY clause", name, name[:len(name)-len("_START")])
	}
	at := -1
	for i, p := range g.props {
		if p == prop {
			at = i
		}
	}
	if at < 0 {
		at = len(g.props)
		g.props = append(g.props, prop)
	}
	return &expr.Column{Index: propBase + at, Name: name, T: g.propType(prop), At: c.Span()}
}

func (g *grouper) propType(p logical.WindowProp) types.Type {
	t := types.TimestampType(3).NotNullable()
	if p == logical.WindowTime {
		if g.window.LTZ {
			t = types.TimestampLTZType(3).NotNullable()
		}
		t.Attr = types.Rowtime
		if g.window.Proctime {
			t.Attr = types.Proctime
		}
	}
	return t
}

// millis is the value of a constant day-time interval.
func millis(e expr.Expr) int64 {
	c, ok := e.(*expr.Const)
	if !ok || c.T.Kind != types.IntervalDT {
		failf(sqlerr.Type, e.Span(), "a window's size is a constant day-time interval such as INTERVAL '10' MINUTE")
	}
	return c.Value.I64[0]
}
