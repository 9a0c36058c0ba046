package parser

import "github.com/millrace/millrace/parser/ast"

// queryAhead says whether the current token begins a query. Parenthesised
// queries are found by their callers.
func (p *parser) queryAhead() bool {
	return p.isAny("SELECT", "VALUES", "WITH") || p.is("TABLE") && isName(p.peek(1))
}

// setOpAhead says whether what follows continues a query.
func (p *parser) setOpAhead() bool {
	return p.isAny("UNION", "EXCEPT", "INTERSECT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH")
}

// query parses a query of any form.
func (p *parser) query() ast.Query {
	defer p.enter()()
	start := p.tok.start
	if p.is("WITH") {
		return p.withQuery()
	}
	return p.continueQuery(p.queryPrimary(), start)
}

// continueQuery parses the set operations, ORDER BY and LIMIT behind a query's
// first operand.
func (p *parser) continueQuery(left ast.Query, start int) ast.Query {
	return p.ordered(p.setOps(left, start, 0), start)
}

func (p *parser) withQuery() ast.Query {
	start := p.tok.start
	p.next()
	w := &ast.With{Recursive: p.kw("RECURSIVE")}
	p.list(func() {
		at := p.tok.start
		c := ast.CTE{Name: p.ident()}
		if p.isOp("(") {
			c.Columns = p.idents()
		}
		p.need("AS")
		p.needOp("(")
		c.Query = p.query()
		p.needOp(")")
		c.Pos = p.from(at)
		w.CTEs = append(w.CTEs, c)
	})
	if !p.queryAhead() && !p.isOp("(") {
		p.unexpected("SELECT", "VALUES", `","`)
	}
	w.Body = p.query()
	w.Pos = p.from(start)
	return w
}

// setOps parses UNION and the like with at least the given binding power; 1 is
// INTERSECT's.
func (p *parser) setOps(left ast.Query, start, prec int) ast.Query {
	for {
		s := &ast.SetOp{L: left}
		power := 0
		switch {
		case p.is("UNION"):
			s.Op = ast.Union
		case p.is("EXCEPT"), p.is("MINUS"):
			s.Op = ast.Except
		case p.is("INTERSECT"):
			s.Op, power = ast.Intersect, 1
		default:
			return left
		}
		if power < prec {
			return left
		}
		p.next()
		if p.kw("ALL") {
			s.All = true
		} else {
			p.kw("DISTINCT")
		}
		at := p.tok.start
		s.R = p.setOps(p.queryPrimary(), at, power+1)
		s.Pos = p.from(start)
		left = s
	}
}

// queryPrimary parses one operand of a set operation.
func (p *parser) queryPrimary() ast.Query {
	defer p.enter()()
	start := p.tok.start
	switch {
	case p.is("SELECT"):
		return p.selectQuery()
	case p.is("VALUES"), p.is("VALUE"):
		p.next()
		v := &ast.Values{}
		p.list(func() { v.Rows = append(v.Rows, p.valuesRow()) })
		v.Pos = p.from(start)
		return v
	case p.kw("TABLE"):
		n := p.name()
		return &ast.TableQuery{Pos: p.from(start), Name: n}
	case p.op("("):
		q := p.query()
		p.needOp(")")
		return q
	}
	p.unexpected("SELECT", "VALUES", "WITH", `"("`)
	return nil
}

func (p *parser) valuesRow() *ast.Row {
	start := p.tok.start
	x := p.expr()
	if r, ok := x.(*ast.Row); ok {
		return r
	}
	return &ast.Row{Pos: p.from(start), Items: []ast.Expr{x}}
}

// ordered parses ORDER BY, LIMIT, OFFSET and FETCH behind q.
func (p *parser) ordered(q ast.Query, start int) ast.Query {
	o := &ast.Ordered{Query: q}
	if p.is("ORDER") {
		o.OrderBy = p.orderBy()
	}
	for {
		switch {
		case o.Limit == nil && p.kw("LIMIT"):
			if p.kw("ALL") {
				break
			}
			o.Limit = p.integer()
			if p.isOp(",") {
				p.failf(p.here(), "LIMIT start, count isn't Flink SQL; write LIMIT count OFFSET start")
			}
		case o.Offset == nil && p.kw("OFFSET"):
			o.Offset = p.integer()
			if !p.kw("ROWS") {
				p.kw("ROW")
			}
		case o.Limit == nil && p.kw("FETCH"):
			at := p.here()
			p.oneOf("FIRST", "NEXT")
			if p.tok.kind == tokNumber {
				o.Limit = p.integer()
			} else {
				o.Limit = &ast.Number{Pos: at, Text: "1"}
			}
			p.oneOf("ROW", "ROWS")
			p.need("ONLY")
		default:
			if o.OrderBy == nil && o.Limit == nil && o.Offset == nil {
				return q
			}
			o.Pos = p.from(start)
			return o
		}
	}
}

func (p *parser) selectQuery() ast.Query {
	start := p.tok.start
	p.next()
	s := &ast.Select{Hints: p.hints()}
	if p.is("STREAM") {
		p.unsupported(p.here(), "SELECT STREAM")
	}
	if p.kw("DISTINCT") {
		s.Distinct = true
	} else {
		p.kw("ALL")
	}
	p.list(func() { s.Items = append(s.Items, p.selectItem()) })
	if p.kw("FROM") {
		s.From = p.fromClause()
	}
	if p.kw("WHERE") {
		s.Where = p.expr()
	}
	if p.is("GROUP") {
		s.GroupBy = p.groupBy()
	}
	if p.kw("HAVING") {
		s.Having = p.expr()
	}
	if p.kw("WINDOW") {
		p.list(func() {
			at := p.tok.start
			w := ast.NamedWindow{Name: p.ident()}
			p.need("AS")
			w.Spec = p.window()
			w.Pos = p.from(at)
			s.Windows = append(s.Windows, w)
		})
	}
	if p.kw("QUALIFY") {
		s.Qualify = p.expr()
	}
	s.Pos = p.from(start)
	return s
}

func (p *parser) selectItem() ast.SelectItem {
	start := p.tok.start
	if p.op("*") {
		pos := p.from(start)
		return ast.SelectItem{Pos: pos, Expr: &ast.Star{Pos: pos}}
	}
	if q := p.starQualifier(); q != nil {
		pos := p.from(start)
		return ast.SelectItem{Pos: pos, Expr: &ast.Star{Pos: pos, Qualifier: q}}
	}
	it := ast.SelectItem{Expr: p.expr()}
	if p.kw("AS") {
		if p.tok.kind == tokString {
			p.failf(p.here(), "an alias is a name, not a string; write `%s`", p.tok.text)
		}
		if !p.isName() {
			p.unexpected("an alias")
		}
		id := p.ident()
		it.Alias = &id
	} else if p.isName() {
		id := p.ident()
		it.Alias = &id
	}
	it.Pos = p.from(start)
	return it
}

// starQualifier parses the a.b of a.b.* and the star; nil, with nothing
// consumed, if that isn't next.
func (p *parser) starQualifier() []ast.Ident {
	n := 0
	for isName(p.peek(n)) && p.peek(n+1).kind == tokOp && p.peek(n+1).word == "." {
		n += 2
	}
	if t := p.peek(n); n == 0 || t.kind != tokOp || t.word != "*" {
		return nil
	}
	var ids []ast.Ident
	for range n / 2 {
		ids = append(ids, p.ident())
		p.next()
	}
	p.next()
	return ids
}

func (p *parser) groupBy() *ast.GroupBy {
	start := p.tok.start
	p.need("GROUP", "BY")
	g := &ast.GroupBy{}
	if p.kw("DISTINCT") {
		g.Distinct = true
	} else {
		p.kw("ALL")
	}
	p.list(func() { g.Items = append(g.Items, p.groupItem(false)) })
	g.Pos = p.from(start)
	return g
}

// groupItem parses one item. Only inside GROUPING SETS, ROLLUP and CUBE (nested)
// is a parenthesised list a set, else it is an expression; () always is a set.
func (p *parser) groupItem(nested bool) ast.GroupItem {
	defer p.enter()()
	start := p.tok.start
	var g ast.GroupItem
	switch {
	case p.kw("GROUPING", "SETS"):
		g.Kind = ast.GroupSets
	case p.is("ROLLUP") && p.peek(1).word == "(", p.is("CUBE") && p.peek(1).word == "(":
		g.Kind = ast.GroupKind(p.tok.word)
		p.next()
	}
	switch {
	case g.Kind != "":
		p.parens(func() { g.Items = append(g.Items, p.groupItem(true)) })
	case p.isOp("(") && p.peek(1).word == ")":
		p.next()
		p.next()
		g.Kind = ast.GroupSet
	default:
		x := p.expr()
		g.Kind, g.Exprs = ast.GroupExpr, []ast.Expr{x}
		if r, ok := x.(*ast.Row); ok && p.src.Text[r.At.Start] == '(' {
			g.Kind, g.Exprs = ast.GroupSet, r.Items
		} else if nested && p.src.Text[start] == '(' && x.Span().Start != start {
			g.Kind = ast.GroupSet // (a) among sets
		}
	}
	g.Pos = p.from(start)
	return g
}
