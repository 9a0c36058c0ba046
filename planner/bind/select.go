package bind

import (
	"fmt"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/planner/logical"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// query binds any query form.
func (b *Binder) query(q ast.Query) *relation {
	switch q := q.(type) {
	case *ast.Select:
		return b.selectQuery(q, nil)
	case *ast.Values:
		return b.values(q)
	case *ast.SetOp:
		return b.setOp(q)
	case *ast.Ordered:
		return b.ordered(q)
	case *ast.With:
		return b.with(q)
	case *ast.TableQuery:
		return b.table(&ast.TableName{Pos: q.Pos, Name: q.Name})
	}
	unsupported(q.Span(), fmt.Sprintf("%T", q))
	return nil
}

// with binds WITH: each query is inlined where it is named.
func (b *Binder) with(q *ast.With) *relation {
	inner := *b
	inner.ctes = map[string]*relation{}
	for k, v := range b.ctes {
		inner.ctes[k] = v
	}
	var f faults
	for _, c := range q.CTEs {
		if !f.try(func() { inner.ctes[c.Name.Name] = renamed(inner.query(c.Query), c.Name.Name, c.Columns, c.Span()) }) {
			break // the others may read it
		}
	}
	f.check()
	return inner.query(q.Body)
}

// renamed gives a relation an alias and, optionally, new column names.
func renamed(r *relation, alias string, names []ast.Ident, at sqlerr.Span) *relation {
	s := &scope{cols: append([]scopeColumn(nil), r.scope.cols...)}
	if len(names) > 0 && len(names) != len(s.cols) {
		failf(sqlerr.Invalid, at, "%d column names for %d columns", len(names), len(s.cols))
	}
	for i := range s.cols {
		s.cols[i].table, s.cols[i].hidden = alias, false
		if len(names) > 0 {
			s.cols[i].name = names[i].Name
		}
	}
	return &relation{node: r.node, scope: s}
}

// selection is a SELECT while it is bound.
type selection struct {
	b     *Binder
	q     *ast.Select
	node  logical.Node
	x     *exprBinder
	items []expr.Expr
	names []string
	hints []logical.Hint

	pending []*pending // sub-queries to be joined above the aggregation
}

// selectQuery binds a SELECT. orderBy are sort keys of the query around it, which
// may use columns that aren't selected: their expressions come back hidden, behind
// the items.
func (b *Binder) selectQuery(q *ast.Select, orderBy []ast.OrderItem) *relation {
	inner := *b
	inner.hints = queryHints(q.Hints)
	from := inner.from(q)
	checkHints(inner.hints, from.scope)
	s := &selection{b: b, q: q, node: from.node, hints: inner.hints}
	s.x = &exprBinder{b: b, scope: from.scope, sel: s}
	var f faults
	if q.Where != nil {
		f.try(func() { s.where(q.Where) })
	}
	if q.GroupBy != nil || b.aggregates(q) {
		if !f.try(func() { s.x.group = newGrouper(s) }) {
			f.check()
		}
	}
	s.x.over = &overs{s: s, x: s.x}
	s.expand(&f)
	var having, qualify expr.Expr
	if q.Having != nil {
		f.try(func() { having = s.x.condition(q.Having, "HAVING") })
	}
	if q.Qualify != nil {
		named := *s.x
		named.aliases = q.Items
		f.try(func() { qualify = named.condition(q.Qualify, "QUALIFY") })
	}
	f.check()
	hidden := s.sortKeys(orderBy)
	exprs := append(append([]expr.Expr(nil), s.items...), hidden...)
	if s.x.group != nil {
		n := len(exprs)
		s.node, exprs, having, qualify = s.x.group.finish(append(exprs, s.hidden()...), having, qualify)
		clauses := []expr.Expr{having, qualify}
		s.settle(exprs[n:], exprs[:n], clauses)
		exprs, having, qualify = exprs[:n], clauses[0], clauses[1]
	}
	if having != nil {
		s.node = filter(s.node, having)
	}
	if len(s.x.over.calls) > 0 {
		s.node, exprs, qualify = s.x.over.finish(s.node, exprs, qualify)
	}
	if qualify != nil {
		s.node = filter(s.node, qualify)
	}
	names := unique(s.names)
	for i := range hidden {
		names = append(names, fmt.Sprintf("$sort%d", i))
	}
	s.node = project(s.node, exprs, names, q.Span())
	if q.Distinct {
		d := distinct(s.node)
		d.TTL = ttlHint(s.hints, s.x.scope)
		s.node = d
	}
	out := &scope{}
	for i, f := range s.node.Schema().Fields[:len(s.items)] {
		out.cols = append(out.cols, scopeColumn{name: names[i], t: f.Type})
	}
	return &relation{node: s.node, scope: out}
}

func filter(n logical.Node, cond expr.Expr) logical.Node {
	return &logical.Filter{Base: logical.Base{Out: n.Schema(), At: cond.Span()}, Input: n, Cond: cond}
}

// distinct groups by every column.
func distinct(n logical.Node) *logical.Aggregate {
	keys := make([]int, n.Schema().Len())
	for i := range keys {
		keys[i] = i
	}
	s := &types.Schema{Fields: append([]types.Field(nil), n.Schema().Fields...)}
	for i := range s.Fields {
		s.Fields[i].Type = s.Fields[i].Type.Plain()
	}
	return &logical.Aggregate{Base: logical.Base{Out: s, At: n.Span()}, Input: n, Keys: keys, Distinct: true}
}

// expand binds the select list, with * written out.
func (s *selection) expand(f *faults) {
	for _, item := range s.q.Items {
		if star, ok := item.Expr.(*ast.Star); ok {
			f.try(func() { s.star(star) })
			continue
		}
		var e expr.Expr
		f.try(func() { e = s.x.bind(item.Expr) })
		name := s.b.written(item)
		if name == "" {
			name = "EXPR$" + strconv.Itoa(len(s.items))
		}
		s.items, s.names = append(s.items, e), append(s.names, name)
	}
}

// written is the name that an item gives its column, "" for none.
func (b *Binder) written(item ast.SelectItem) string {
	if item.Alias != nil {
		return item.Alias.Name
	}
	if n := b.bareName(item.Expr); n != nil {
		return n.Last().Name
	}
	if n, ok := item.Expr.(*ast.Name); ok {
		return n.Last().Name
	}
	return ""
}

func (s *selection) star(star *ast.Star) {
	n := 0
	if s.b.expanded != nil {
		delete(s.b.expanded.Stars, star)
	}
	for i, c := range s.x.scope.cols {
		if c.hidden && len(star.Qualifier) == 0 || len(star.Qualifier) > 0 && c.table != star.Qualifier[len(star.Qualifier)-1].Name {
			continue
		}
		n++
		if s.b.expanded != nil {
			s.b.expanded.Stars[star] = append(s.b.expanded.Stars[star], [2]string{c.table, c.name})
		}
		var e expr.Expr = &expr.Column{Index: i, Name: c.name, T: c.t, At: star.Span()}
		if s.x.group != nil {
			e = s.x.bind(&ast.Name{Pos: star.Pos, Parts: []ast.Ident{{Pos: star.Pos, Name: c.name}}})
		}
		s.items, s.names = append(s.items, e), append(s.names, c.name)
	}
	if n == 0 {
		if len(star.Qualifier) > 0 {
			if s.fields(star) {
				return
			}
			failf(sqlerr.NotFound, star.Span(), "table %q not found", star.Qualifier[len(star.Qualifier)-1].Name)
		}
		failf(sqlerr.Invalid, star.Span(), "SELECT * needs FROM")
	}
}

// fields writes out the fields of a column of rows, r.* or t.r.*; false: there is no
// such column.
func (s *selection) fields(star *ast.Star) bool {
	row := &ast.Name{Pos: star.Pos, Parts: star.Qualifier}
	if !s.x.scope.has(row) {
		return false
	}
	t := s.x.scope.resolve(row).Type()
	if !t.IsRow() {
		failf(sqlerr.Type, star.Span(), "%s.* needs a ROW, not %s", row, t)
	}
	for _, f := range t.Fields {
		name := &ast.Name{Pos: star.Pos, Parts: append(append([]ast.Ident{}, star.Qualifier...), ast.Ident{Pos: star.Pos, Name: f.Name})}
		s.items, s.names = append(s.items, s.x.bind(name)), append(s.names, f.Name)
	}
	return true
}

// sortKeys binds the ORDER BY expressions that aren't select items.
func (s *selection) sortKeys(items []ast.OrderItem) []expr.Expr {
	var out []expr.Expr
	for _, o := range items {
		if s.output(o.Expr) < 0 {
			out = append(out, s.x.bind(o.Expr))
		}
	}
	return out
}

// output is the select item that an ORDER BY expression means: an ordinal, an
// alias, or the same expression; -1 for none.
func (s *selection) output(e ast.Expr) int {
	if n, ok := e.(*ast.Number); ok {
		i, err := strconv.Atoi(n.Text)
		if err != nil || i < 1 || i > len(s.items) {
			failf(sqlerr.Invalid, e.Span(), "ORDER BY position %s is not in the select list of %d", n.Text, len(s.items))
		}
		return i - 1
	}
	if n := s.b.bareName(e); n != nil {
		e = n
	}
	if n, ok := e.(*ast.Name); ok && len(n.Parts) == 1 {
		for i, name := range s.names {
			if name == n.Parts[0].Name {
				return i
			}
		}
	}
	at := 0
	for _, item := range s.q.Items {
		if _, ok := item.Expr.(*ast.Star); ok {
			return -1
		}
		if ast.Equal(item.Expr, e) {
			return at
		}
		at++
	}
	return -1
}

// ordered binds ORDER BY, LIMIT and OFFSET around a query.
func (b *Binder) ordered(q *ast.Ordered) *relation {
	sel, isSelect := q.Query.(*ast.Select)
	var r *relation
	if isSelect {
		r = b.selectQuery(sel, q.OrderBy)
	} else {
		r = b.query(q.Query)
	}
	width := len(r.scope.cols)
	sort := &logical.Sort{Base: logical.Base{Out: r.node.Schema(), At: q.Span()}, Input: r.node, Limit: -1}
	hidden := width
	find := &selection{b: b, names: r.scope.names(), items: make([]expr.Expr, width), q: &ast.Select{}}
	if isSelect {
		find.q = sel
	}
	for _, o := range q.OrderBy {
		col := find.output(o.Expr)
		if col < 0 {
			if !isSelect {
				failf(sqlerr.Invalid, o.Span(), "ORDER BY may only name columns of the result here")
			}
			col = hidden
			hidden++
		}
		nullsLast := o.Desc
		if o.Nulls != "" {
			nullsLast = o.Nulls == "LAST"
		}
		sort.By = append(sort.By, batch.Order{Col: col, Desc: o.Desc, NullsLast: nullsLast})
	}
	if q.Limit != nil {
		sort.Limit = count(q.Limit)
	}
	if q.Offset != nil {
		sort.Offset = count(q.Offset)
	}
	var n logical.Node = sort
	if hidden > width {
		n = project(n, columns(n.Schema())[:width], r.scope.names(), q.Span())
	}
	return &relation{node: n, scope: r.scope}
}

func count(n *ast.Number) int64 {
	x, err := strconv.ParseInt(n.Text, 10, 64)
	if err != nil {
		failf(sqlerr.Type, n.Span(), "%s isn't a number of rows", n.Text)
	}
	return x
}

// values binds VALUES: the columns' types are common to the rows.
func (b *Binder) values(q *ast.Values) *relation {
	x := &exprBinder{b: b, scope: &scope{}}
	n := &logical.Values{Base: logical.Base{At: q.Span(), Out: &types.Schema{}}}
	for _, r := range q.Rows {
		if len(n.Rows) > 0 && len(r.Items) != len(n.Rows[0]) {
			failf(sqlerr.Invalid, r.Span(), "VALUES: a row of %d columns beside one of %d", len(r.Items), len(n.Rows[0]))
		}
		n.Rows = append(n.Rows, x.all(r.Items))
	}
	out := &scope{}
	for c := range n.Rows[0] {
		ts := make([]types.Type, len(n.Rows))
		for i, r := range n.Rows {
			ts[i] = r[c].Type()
		}
		t, ok := types.Common(ts...)
		if !ok {
			failf(sqlerr.Type, n.Rows[0][c].Span(), "VALUES: column %d has no type common to all rows", c+1)
		}
		for _, r := range n.Rows {
			r[c] = coerce(r[c], t, b.Session)
		}
		name := "EXPR$" + strconv.Itoa(c)
		n.Out.Fields = append(n.Out.Fields, types.Field{Name: name, Type: t})
		out.cols = append(out.cols, scopeColumn{name: name, t: t})
	}
	return &relation{node: n, scope: out}
}

// setOp binds UNION, INTERSECT and EXCEPT.
func (b *Binder) setOp(q *ast.SetOp) *relation {
	var l, r *relation
	both(func() { l = b.query(q.L) }, func() { r = b.query(q.R) })
	ls, rs := l.node.Schema(), r.node.Schema()
	if ls.Len() != rs.Len() {
		failf(sqlerr.Invalid, q.Span(), "Column count mismatch in %s: %d and %d", q.Op, ls.Len(), rs.Len())
	}
	out := &types.Schema{}
	s := &scope{}
	for i := range ls.Fields {
		lt, rt := ls.Fields[i].Type, rs.Fields[i].Type
		t, ok := types.Common(lt, rt)
		if !ok {
			failf(sqlerr.Type, q.Span(), "Type mismatch in column %d of %s: %s and %s", i+1, q.Op, lt, rt)
		}
		if lt.Attr == rt.Attr && lt.Plain().Same(rt.Plain()) {
			t.Attr = lt.Attr
		}
		out.Fields = append(out.Fields, types.Field{Name: ls.Fields[i].Name, Type: t})
		s.cols = append(s.cols, scopeColumn{name: ls.Fields[i].Name, t: t})
	}
	base := logical.Base{Out: out, At: q.Span()}
	inputs := []logical.Node{b.conform(l.node, out), b.conform(r.node, out)}
	var n logical.Node
	switch q.Op {
	case ast.Union:
		n = &logical.Union{Base: base, All: inputs}
		if !q.All {
			n = distinct(n)
		}
	default:
		kind := logical.Intersect
		if q.Op == ast.Except {
			kind = logical.Except
		}
		n = &logical.SetOp{Base: base, Kind: kind, AllRows: q.All, Left: inputs[0], Right: inputs[1]}
	}
	return &relation{node: n, scope: s}
}

// conform casts a relation's columns to the schema's types.
func (b *Binder) conform(n logical.Node, to *types.Schema) logical.Node {
	same := true
	exprs := columns(n.Schema())
	for i := range exprs {
		if c := coerce(exprs[i], to.Fields[i].Type, b.Session); c != exprs[i] {
			exprs[i], same = c, false
		}
	}
	if same {
		return n
	}
	return project(n, exprs, to.Names(), n.Span())
}

// unique renames a column whose name another has already, as Flink does: b, b0.
func unique(names []string) []string {
	seen := map[string]bool{}
	out := make([]string, len(names))
	for i, n := range names {
		name := n
		for k := 0; seen[name]; k++ {
			name = n + strconv.Itoa(k)
		}
		seen[name], out[i] = true, name
	}
	return out
}
