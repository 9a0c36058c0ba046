package bind

import (
	"fmt"

	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// A sub-query that reads columns of the query around it is bound with parameters in
// their place: columns numbered from paramBase. Before it is joined they have to go.
//
// Where only filters, projections and inner joins stand between a condition on a
// parameter and the sub-query's top, the condition is pulled up into the join
// (pull). Otherwise the parameters' values become columns of the sub-query (push):
// where all of them are equal to columns of the sub-query below everything else,
// those columns; else the distinct values themselves, joined in. An aggregation is
// then done per value, a LIMIT per value, and the join compares the columns with the
// parameters.
const paramBase = 1 << 26

// outerRef is what a sub-query may read of the query around it.
type outerRef struct {
	x      *exprBinder
	params []expr.Expr // over the columns of the query around
}

// ref makes a name of the query around a parameter.
func (o *outerRef) ref(n *ast.Name) expr.Expr {
	e := o.x.bind(n)
	return &expr.Column{Index: paramBase + param(&o.params, e), Name: n.Last().Name, T: e.Type(), At: n.Span()}
}

// param is the number of a parameter with the value e, made when absent.
func param(params *[]expr.Expr, e expr.Expr) int {
	for i, p := range *params {
		if expr.Equal(p, e) {
			return i
		}
	}
	*params = append(*params, e)
	return len(*params) - 1
}

// reaches says that a name means something here or in a query around.
func (x *exprBinder) reaches(n *ast.Name) bool {
	return x.scope.has(n) || x.b.outer != nil && x.b.outer.x.reaches(n)
}

// inner is a bound sub-query.
type inner struct {
	b      *Binder
	node   logical.Node
	scope  *scope
	params []expr.Expr
	keyed  []func(column expr.Expr) expr.Expr // how its first columns are compared, of found
	at     sqlerr.Span
}

// sub binds a sub-query that may read what x may.
func (x *exprBinder) sub(q ast.Query) *inner {
	b := *x.b
	b.outer, b.hints = &outerRef{x: x}, nil
	r := b.query(q)
	in := &inner{b: x.b, node: r.node, scope: r.scope, params: b.outer.params, at: q.Span()}
	if len(in.params) > 0 {
		in.node = mapExprs(in.node, in.gather)
	}
	return in
}

// correlated says that the sub-query reads columns outside.
func (in *inner) correlated() bool { return len(used(in.node)) > 0 }

// gather makes each call whose arguments are parameters and constants one parameter,
// so that it can be a column.
func (in *inner) gather(e expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		switch e.(type) {
		case *expr.Call, *expr.Cast:
		default:
			return e
		}
		n := 0
		for _, k := range expr.Children(e) {
			switch k := k.(type) {
			case *expr.Column:
				if k.Index < paramBase {
					return e
				}
				n++
			case *expr.Const:
			default:
				return e
			}
		}
		if n == 0 || expr.Class(e) == functions.PerRow {
			return e
		}
		return &expr.Column{Index: paramBase + param(&in.params, in.outside(e)), Name: "param", T: e.Type(), At: e.Span()}
	})
}

// outside puts the parameters' values in their place.
func (in *inner) outside(e expr.Expr) expr.Expr {
	return expr.Map(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok && c.Index >= paramBase {
			return in.params[c.Index-paramBase]
		}
		return e
	})
}

// flatten frees the sub-query of its parameters: what remains, whose first columns
// are the sub-query's, and the conditions to join it by, over the columns of left,
// then its own. pullable says that the conditions may be pulled up: nothing on top of
// the join minds that there are more rows.
func (in *inner) flatten(left logical.Node, pullable bool) (logical.Node, []expr.Expr) {
	width := left.Schema().Len()
	move := func(i int) int {
		if i < paramBase {
			return i + width
		}
		return i
	}
	if pullable {
		if n, conds, ok := pull(in.node); ok {
			for i := range conds {
				conds[i] = in.outside(expr.Remap(conds[i], move))
			}
			return n, conds
		}
	}
	d := &domain{in: in, left: left}
	for p := range in.params {
		if used(in.node)[p] {
			d.params = append(d.params, p)
		}
	}
	if len(d.params) == 0 {
		return in.node, nil
	}
	first := in.node.Schema().Len()
	n := d.push(in.node)
	var conds []expr.Expr
	x := &exprBinder{b: in.b, scope: &scope{}}
	for k, p := range d.params {
		op := "="
		if d.joined {
			op = "IS NOT DISTINCT FROM"
		}
		f := n.Schema().Fields[first+k]
		conds = append(conds, x.call(op, []expr.Expr{in.params[p], &expr.Column{Index: width + first + k, Name: f.Name, T: f.Type, At: in.at}}, in.at))
	}
	return n, conds
}

// used are the parameters that a plan reads.
func used(n logical.Node) map[int]bool {
	out := map[int]bool{}
	mapExprs(n, func(e expr.Expr) expr.Expr {
		set := map[int]bool{}
		expr.Columns(e, set)
		for c := range set {
			if c >= paramBase {
				out[c-paramBase] = true
			}
		}
		return e
	})
	return out
}

func readsParam(e expr.Expr) bool {
	set := map[int]bool{}
	expr.Columns(e, set)
	for c := range set {
		if c >= paramBase {
			return true
		}
	}
	return false
}

// mapExprs replaces the expressions of a plan.
func mapExprs(n logical.Node, f func(expr.Expr) expr.Expr) logical.Node {
	var in []logical.Node
	for _, x := range n.Inputs() {
		in = append(in, mapExprs(x, f))
	}
	n = n.With(in)
	each := func(es []expr.Expr) []expr.Expr {
		out := make([]expr.Expr, len(es))
		for i, e := range es {
			out[i] = f(e)
		}
		return out
	}
	switch n := n.(type) {
	case *logical.Filter:
		n.Cond = f(n.Cond)
	case *logical.Project:
		n.Exprs = each(n.Exprs)
	case *logical.Join:
		if n.Cond != nil {
			n.Cond = f(n.Cond)
		}
	case *logical.Correlate:
		n.Args = each(n.Args)
		if n.Cond != nil {
			n.Cond = f(n.Cond)
		}
	case *logical.Values:
		c := *n
		c.Rows = make([][]expr.Expr, len(n.Rows))
		for i, r := range n.Rows {
			c.Rows[i] = each(r)
		}
		return &c
	}
	return n
}

// pull takes the conditions on parameters out of a plan; they are over its columns,
// to which columns may have been added at the end. false: something stands between.
func pull(n logical.Node) (logical.Node, []expr.Expr, bool) {
	if len(used(n)) == 0 {
		return n, nil, true
	}
	switch n := n.(type) {
	case *logical.Filter:
		in, conds, ok := pull(n.Input)
		if !ok {
			return nil, nil, false
		}
		var stay []expr.Expr
		for _, c := range expr.Conjuncts(n.Cond) {
			if readsParam(c) {
				conds = append(conds, c)
			} else {
				stay = append(stay, c)
			}
		}
		if len(stay) > 0 {
			in = filter(in, and(stay))
		}
		return in, conds, true
	case *logical.Project:
		for _, e := range n.Exprs {
			if readsParam(e) {
				return nil, nil, false
			}
		}
		in, conds, ok := pull(n.Input)
		if !ok {
			return nil, nil, false
		}
		p := project(in, append([]expr.Expr(nil), n.Exprs...), append([]string(nil), n.Out.Names()...), n.At)
		return pulledThrough(p, conds), exported(p, conds), true
	case *logical.Join:
		return pullJoin(n)
	}
	return nil, nil, false
}

// pulledThrough adds to a projection the columns that the conditions read.
func pulledThrough(p *logical.Project, conds []expr.Expr) *logical.Project {
	for _, c := range conds {
		set := map[int]bool{}
		expr.Columns(c, set)
		for i := range p.Input.Schema().Len() {
			if set[i] && place(p, i) < 0 {
				f := p.Input.Schema().Fields[i]
				p.Exprs = append(p.Exprs, &expr.Column{Index: i, Name: f.Name, T: f.Type})
				p.Out.Fields = append(p.Out.Fields, f)
			}
		}
	}
	return p
}

// exported are the conditions over a projection that has the columns they read.
func exported(p *logical.Project, conds []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(conds))
	for k, c := range conds {
		out[k] = expr.Remap(c, func(i int) int {
			if i >= paramBase {
				return i
			}
			return place(p, i)
		})
	}
	return out
}

// place is where a projection passes column i of its input on, -1 for nowhere.
func place(p *logical.Project, i int) int {
	for k, e := range p.Exprs {
		if c, ok := e.(*expr.Column); ok && c.Index == i {
			return k
		}
	}
	return -1
}

// pullJoin pulls conditions out of an inner join, or the left side of a left one.
func pullJoin(n *logical.Join) (logical.Node, []expr.Expr, bool) {
	if n.Temporal || n.Kind != logical.Inner && (len(used(n.Right)) > 0 || n.Kind != logical.Left && n.Kind != logical.Semi && n.Kind != logical.Anti) {
		return nil, nil, false
	}
	l, lc, ok1 := pull(n.Left)
	r, rc, ok2 := pull(n.Right)
	if !ok1 || !ok2 {
		return nil, nil, false
	}
	lw, rw, wide := n.Left.Schema().Len(), n.Right.Schema().Len(), l.Schema().Len()
	right := func(i int) int {
		if i >= lw && i < paramBase {
			return i - lw + wide
		}
		return i
	}
	var stay, conds []expr.Expr
	for _, c := range expr.Conjuncts(n.Cond) {
		c = expr.Remap(c, right)
		switch {
		case !readsParam(c):
			stay = append(stay, c)
		case n.Kind != logical.Inner:
			return nil, nil, false
		default:
			conds = append(conds, c)
		}
	}
	conds = append(conds, lc...)
	for _, c := range rc {
		conds = append(conds, expr.Remap(c, func(i int) int {
			if i >= paramBase {
				return i
			}
			return i + wide
		}))
	}
	j := joinOf(n.Kind, l, r, stay, n.At)
	var exprs []expr.Expr
	all := columns(j.Schema())
	exprs = append(exprs, all[:lw]...)
	if n.Kind != logical.Semi && n.Kind != logical.Anti {
		exprs = append(exprs, all[wide:wide+rw]...)
	}
	p := project(j, exprs, n.Out.Names(), n.At)
	return pulledThrough(p, conds), exported(p, conds), true
}

// joinOf joins two plans.
func joinOf(kind logical.JoinKind, l, r logical.Node, conds []expr.Expr, at sqlerr.Span) *logical.Join {
	out := &types.Schema{Fields: append([]types.Field(nil), l.Schema().Fields...)}
	if kind != logical.Semi && kind != logical.Anti {
		for _, f := range r.Schema().Fields {
			if kind == logical.Left {
				f.Type = f.Type.Nullable()
			}
			out.Fields = append(out.Fields, f)
		}
	}
	return &logical.Join{Base: logical.Base{Out: out, At: at}, Left: l, Right: r, Kind: kind, Cond: and(conds)}
}

// and is the AND of conditions, nil for none.
func and(conds []expr.Expr) expr.Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	}
	return &expr.Logic{Args: conds, At: conds[0].Span()}
}

// domain is the parameters' values as columns: those of params, in order, behind the
// columns of each plan that push returns.
type domain struct {
	in     *inner
	left   logical.Node
	params []int
	joined bool // the distinct values were joined in: a NULL is a value
}

// values is the distinct values of the parameters.
func (d *domain) values() logical.Node {
	d.joined = true
	exprs, names := make([]expr.Expr, len(d.params)), make([]string, len(d.params))
	for k, p := range d.params {
		exprs[k], names[k] = d.in.params[p], fmt.Sprintf("$p%d", k)
	}
	return distinct(project(d.left, exprs, names, d.in.at))
}

// bound puts the columns from first on in the parameters' place.
func (d *domain) bound(e expr.Expr, first int) expr.Expr {
	return expr.Remap(e, func(i int) int {
		for k, p := range d.params {
			if i == paramBase+p {
				return first + k
			}
		}
		return i
	})
}

func (d *domain) all(es []expr.Expr, first int) []expr.Expr {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = d.bound(e, first)
	}
	return out
}

// reorder projects n to the given columns.
func reorder(n logical.Node, cols []int) logical.Node {
	all, names := columns(n.Schema()), n.Schema().Names()
	exprs, to := make([]expr.Expr, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		exprs[i], to[i] = all[c], names[c]
	}
	return project(n, exprs, to, n.Span())
}

// span is from, from+1, ... n of them.
func span(from, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i
	}
	return out
}

// push returns n with the domain's columns behind its own.
func (d *domain) push(n logical.Node) logical.Node {
	k := len(d.params)
	if len(used(n)) == 0 {
		return joinOf(logical.Inner, n, d.values(), nil, n.Span())
	}
	switch n := n.(type) {
	case *logical.Filter:
		return d.pushFilter(n)
	case *logical.Project:
		in := d.push(n.Input)
		w := n.Input.Schema().Len()
		exprs := append(d.all(n.Exprs, w), columns(in.Schema())[w:w+k]...)
		return project(in, exprs, append(append([]string(nil), n.Out.Names()...), in.Schema().Names()[w:w+k]...), n.At)
	case *logical.Aggregate:
		return d.pushAggregate(n)
	case *logical.Join:
		return d.pushJoin(n)
	case *logical.Sort:
		in := d.push(n.Input)
		w := n.Input.Schema().Len()
		if n.Limit < 0 && n.Offset == 0 {
			return in
		}
		to := int64(1 << 30)
		if n.Limit >= 0 {
			to = n.Offset + n.Limit
		}
		return &logical.TopN{Base: logical.Base{Out: in.Schema(), At: n.At}, Input: in, Partition: span(w, k), By: n.By, From: n.Offset + 1, To: to, ToCol: -1, Fn: "ROW_NUMBER"}
	case *logical.Over:
		return d.pushOver(n)
	case *logical.Union:
		u := &logical.Union{Base: logical.Base{At: n.At}}
		for _, in := range n.All {
			u.All = append(u.All, d.push(in))
		}
		u.Out = &types.Schema{Fields: append(append([]types.Field(nil), n.Out.Fields...), u.All[0].Schema().Fields[n.Out.Len():]...)}
		return u
	case *logical.SetOp:
		l, r := d.push(n.Left), d.push(n.Right)
		out := &types.Schema{Fields: append(append([]types.Field(nil), n.Out.Fields...), l.Schema().Fields[n.Out.Len():]...)}
		return &logical.SetOp{Base: logical.Base{Out: out, At: n.At}, Kind: n.Kind, AllRows: n.AllRows, Left: l, Right: r}
	}
	unsupported(d.in.at, "a correlated sub-query with "+logical.Print(n))
	return nil
}

// pushFilter: below it nothing reads a parameter when each is equal to something
// there; then that is its column.
func (d *domain) pushFilter(n *logical.Filter) logical.Node {
	w := n.Input.Schema().Len()
	if len(used(n.Input)) > 0 {
		in := d.push(n.Input)
		return filter(in, d.bound(n.Cond, w))
	}
	eq := make([]expr.Expr, len(d.params))
	var rest []expr.Expr
	for _, c := range expr.Conjuncts(n.Cond) {
		if k, e := d.equality(c); k >= 0 && eq[k] == nil {
			eq[k] = e
			continue
		}
		rest = append(rest, c)
	}
	for _, e := range eq {
		if e == nil {
			return filter(joinOf(logical.Inner, n.Input, d.values(), nil, n.At), d.bound(n.Cond, w))
		}
	}
	exprs, names := columns(n.Input.Schema()), append([]string(nil), n.Input.Schema().Names()...)
	for k, e := range eq {
		exprs, names = append(exprs, e), append(names, fmt.Sprintf("$p%d", k))
	}
	var out logical.Node = project(n.Input, exprs, names, n.At)
	if len(rest) > 0 {
		out = filter(out, d.bound(and(rest), w))
	}
	return out
}

// equality reads `parameter = something else`.
func (d *domain) equality(c expr.Expr) (int, expr.Expr) {
	call, ok := c.(*expr.Call)
	if !ok || call.Fn.Name != "=" || len(call.Args) != 2 {
		return -1, nil
	}
	for a := range call.Args {
		col, ok := call.Args[a].(*expr.Column)
		if !ok || col.Index < paramBase || readsParam(call.Args[1-a]) {
			continue
		}
		for k, p := range d.params {
			if col.Index == paramBase+p {
				return k, call.Args[1-a]
			}
		}
	}
	return -1, nil
}

func (d *domain) pushAggregate(n *logical.Aggregate) logical.Node {
	if n.Sets != nil || n.Window != nil {
		unsupported(n.At, "grouping sets or windows in a correlated sub-query")
	}
	in, k, w := d.push(n.Input), len(d.params), n.Input.Schema().Len()
	a := *n
	a.Input, a.Keys = in, append(append([]int(nil), n.Keys...), span(w, k)...)
	g := len(n.Keys)
	a.Out = &types.Schema{Fields: append([]types.Field(nil), n.Out.Fields[:g]...)}
	for _, f := range in.Schema().Fields[w : w+k] {
		f.Type = f.Type.Plain()
		a.Out.Fields = append(a.Out.Fields, f)
	}
	a.Out.Fields = append(a.Out.Fields, n.Out.Fields[g:]...)
	return reorder(&a, append(append(span(0, g), span(g+k, len(n.Out.Fields)-g)...), span(g, k)...))
}

func (d *domain) pushOver(n *logical.Over) logical.Node {
	in, k, w := d.push(n.Input), len(d.params), n.Input.Schema().Len()
	o := *n
	o.Input, o.Groups = in, append([]logical.OverGroup(nil), n.Groups...)
	for i := range o.Groups {
		o.Groups[i].Partition = append(append([]int(nil), o.Groups[i].Partition...), span(w, k)...)
	}
	calls := n.Out.Fields[w:]
	o.Out = &types.Schema{Fields: append(append([]types.Field(nil), in.Schema().Fields...), calls...)}
	return reorder(&o, append(append(span(0, w), span(w+k, len(calls))...), span(w, k)...))
}

func (d *domain) pushJoin(n *logical.Join) logical.Node {
	lu, ru := len(used(n.Left)) > 0, len(used(n.Right)) > 0
	k, lw, rw := len(d.params), n.Left.Schema().Len(), n.Right.Schema().Len()
	inner := n.Kind == logical.Inner
	if n.Temporal || n.Kind == logical.Right || n.Kind == logical.Full {
		unsupported(n.At, "this join in a correlated sub-query")
	}
	l, r := n.Left, n.Right
	if lu || !inner || !ru {
		l = d.push(l)
	}
	if ru {
		r = d.push(r)
	}
	wide := l.Schema().Len()
	move := func(i int) int {
		if i >= lw && i < paramBase {
			return i - lw + wide
		}
		return i
	}
	first := lw // of the domain's columns
	if wide == lw {
		first = lw + rw
	}
	var conds []expr.Expr
	for _, c := range expr.Conjuncts(n.Cond) {
		conds = append(conds, d.bound(expr.Remap(c, move), first))
	}
	if wide > lw && ru { // both sides have them
		x := &exprBinder{b: d.in.b, scope: &scope{}}
		lc, rc := columns(l.Schema()), columns(r.Schema())
		for p := range k {
			y := *rc[rw+p].(*expr.Column)
			y.Index += wide
			conds = append(conds, x.call("IS NOT DISTINCT FROM", []expr.Expr{lc[lw+p], &y}, n.At))
		}
	}
	j := joinOf(n.Kind, l, r, conds, n.At)
	if n.Kind == logical.Semi || n.Kind == logical.Anti {
		return j
	}
	return reorder(j, append(append(span(0, lw), span(wide, rw)...), span(first, k)...))
}
