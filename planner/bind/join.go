package bind

import (
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// join binds a join in all its spellings.
func (b *Binder) join(j *ast.Join) *relation {
	if f := b.rowFunction(j.R); f != nil {
		return b.correlate(b.ref(j.L), f, j.Kind, j.On)
	}
	if d := lateral(j.R); d != nil {
		return b.lateral(b.ref(j.L), j, d)
	}
	right, asOf := withoutAsOf(j.R)
	var l, r *relation
	both(func() { l = b.ref(j.L) }, func() { r = b.ref(right) })
	kind := map[ast.JoinKind]logical.JoinKind{ast.LeftJoin: logical.Left, ast.RightJoin: logical.Right, ast.FullJoin: logical.Full}[j.Kind]
	sides := l.scope.beside(r.scope)
	x := &exprBinder{b: b, scope: sides}
	var cond expr.Expr
	var pairs [][2]int
	using := j.Using
	if j.Natural {
		for _, c := range l.scope.cols {
			if r.scope.find("", c.name, j.Span()) >= 0 {
				using = append(using, ast.Ident{Pos: j.Pos, Name: c.name})
			}
		}
	}
	switch {
	case j.On != nil:
		cond = x.condition(j.On, "ON")
	case len(using) > 0:
		cond, pairs = b.using(x, l, r, sides, using)
	}
	out := &types.Schema{}
	for i, c := range sides.cols {
		t := c.t // a time attribute unless the join turns out to be a regular one
		left := i < len(l.scope.cols)
		if left && (kind == logical.Right || kind == logical.Full) || !left && (kind == logical.Left || kind == logical.Full) {
			t = t.Nullable()
		}
		sides.cols[i].t = t
		out.Fields = append(out.Fields, types.Field{Name: c.name, Type: t})
	}
	n := &logical.Join{Base: logical.Base{Out: out, At: j.Span()}, Left: l.node, Right: r.node, Kind: kind, Cond: cond, Hints: b.hints,
		TTL: [2]string{ttlHint(b.hints, l.scope), ttlHint(b.hints, r.scope)}}
	if asOf != nil {
		b.temporal(n, l.scope, asOf)
		n.Hints = lookupHints(b.hints, r.scope)
		for i := range sides.cols {
			sides.cols[i].t = out.Fields[i].Type
		}
	}
	return b.merged(x, &relation{node: n, scope: sides}, kind, pairs)
}

// merged puts the columns of USING before the others, once for both sides: the
// left one, the right one of a right join, either of a full one.
func (b *Binder) merged(x *exprBinder, r *relation, kind logical.JoinKind, pairs [][2]int) *relation {
	if len(pairs) == 0 {
		return r
	}
	s, names := &scope{}, []string{}
	var exprs []expr.Expr
	for _, p := range pairs {
		e, name := x.scopeColumn(p[0]), r.scope.cols[p[0]].name
		switch kind {
		case logical.Right:
			e = x.scopeColumn(p[1])
		case logical.Full:
			e = x.call("COALESCE", []expr.Expr{e, x.scopeColumn(p[1])}, r.node.Span())
		}
		exprs, names = append(exprs, e), append(names, name)
		s.cols = append(s.cols, scopeColumn{name: name, t: e.Type()})
	}
	for i, c := range r.scope.cols {
		exprs, names = append(exprs, x.scopeColumn(i)), append(names, c.name)
	}
	s.cols = append(s.cols, r.scope.cols...)
	return &relation{node: project(r.node, exprs, names, r.node.Span()), scope: s}
}

// using is the equality of the named columns, which are hidden: merged shows them.
func (b *Binder) using(x *exprBinder, l, r *relation, both *scope, names []ast.Ident) (expr.Expr, [][2]int) {
	var parts []expr.Expr
	var pairs [][2]int
	for _, n := range names {
		i, k := l.scope.find("", n.Name, n.Span()), r.scope.find("", n.Name, n.Span())
		if i < 0 || k < 0 {
			failf(sqlerr.NotFound, n.Span(), "column %q of USING isn't on both sides", n.Name)
		}
		k += len(l.scope.cols)
		both.cols[i].hidden, both.cols[k].hidden = true, true
		pairs = append(pairs, [2]int{i, k})
		parts = append(parts, x.compare("=", x.scopeColumn(i), x.scopeColumn(k), n.Span()))
	}
	if len(parts) == 1 {
		return parts[0], pairs
	}
	return &expr.Logic{Args: parts}, pairs
}

// withoutAsOf takes FOR SYSTEM_TIME AS OF from a table reference; nil if it has
// none.
func withoutAsOf(r ast.TableRef) (ast.TableRef, ast.Expr) {
	switch t := r.(type) {
	case *ast.Aliased:
		if in, e := withoutAsOf(t.Ref); e != nil {
			c := *t
			c.Ref = in
			return &c, e
		}
	case *ast.TableName:
		if t.AsOf != nil {
			c := *t
			c.AsOf = nil
			return &c, t.AsOf
		}
	}
	return r, nil
}

// temporal makes n a join with the right table as it was at a time attribute of the
// left one.
func (b *Binder) temporal(n *logical.Join, left *scope, asOf ast.Expr) {
	c, ok := (&exprBinder{b: b, scope: left}).bind(asOf).(*expr.Column)
	if !ok || c.T.Attr == types.NoTimeAttr {
		failf(sqlerr.Invalid, asOf.Span(), "Temporal table join currently only supports 'FOR SYSTEM_TIME AS OF' left table's time attribute field")
	}
	if n.Kind == logical.Right || n.Kind == logical.Full {
		failf(sqlerr.Invalid, n.At, "a temporal join is INNER or LEFT, not %s", map[logical.JoinKind]string{logical.Right: "RIGHT", logical.Full: "FULL"}[n.Kind])
	}
	n.Temporal, n.AsOf = true, c.Index
	for i := range n.Out.Fields { // the right table's times are of another time
		if i >= len(left.cols) {
			n.Out.Fields[i].Type = n.Out.Fields[i].Type.Plain()
		}
	}
}

// lateral is the derived table of a LATERAL reference, nil if it is none.
func lateral(r ast.TableRef) *ast.Derived {
	if a, ok := r.(*ast.Aliased); ok {
		r = a.Ref
	}
	if d, ok := r.(*ast.Derived); ok && d.Lateral {
		return d
	}
	return nil
}

// lateral joins with a query that may read the columns to its left.
func (b *Binder) lateral(l *relation, j *ast.Join, d *ast.Derived) *relation {
	kind := logical.Inner
	switch j.Kind {
	case ast.LeftJoin:
		kind = logical.Left
	case ast.RightJoin, ast.FullJoin:
		unsupported(j.Span(), "a right or full join with LATERAL")
	}
	q := (&exprBinder{b: b, scope: l.scope}).sub(d.Query)
	r := &relation{node: q.node, scope: q.scope}
	if a, ok := j.R.(*ast.Aliased); ok {
		r = renamed(r, a.Name.Name, a.Columns, a.Span())
	}
	both := l.scope.beside(r.scope)
	var conds []expr.Expr
	if j.On != nil {
		conds = append(conds, (&exprBinder{b: b, scope: both}).condition(j.On, "ON"))
	}
	n, more := q.flatten(l.node, true)
	width := len(both.cols)
	joined := joinOf(kind, l.node, n, append(conds, more...), j.Span())
	for i := range both.cols {
		both.cols[i].t = joined.Out.Fields[i].Type
	}
	return &relation{node: reorder(joined, span(0, width)), scope: both}
}
