package parser

import "github.com/millrace/millrace/parser/ast"

// call parses the arguments of a function and what may follow them.
func (p *parser) call(n *ast.Name) *ast.Call {
	start := n.At.Start
	c := &ast.Call{Name: n}
	p.needOp("(")
	switch {
	case p.op("*"):
		c.Star = true
	case p.isOp(")"):
	default:
		if p.kw("DISTINCT") {
			c.Distinct = true
		} else {
			p.kw("ALL")
		}
		p.list(func() { c.Args = append(c.Args, p.arg()) })
		c.Nulls = p.nullTreatment()
		if p.is("ORDER") {
			c.OrderBy = p.orderBy()
		}
	}
	p.needOp(")")
	p.afterCall(c, start)
	return c
}

// nullTreatment parses IGNORE NULLS or RESPECT NULLS.
func (p *parser) nullTreatment() string {
	switch {
	case p.kw("IGNORE", "NULLS"):
		return "IGNORE"
	case p.kw("RESPECT", "NULLS"):
		return "RESPECT"
	}
	return ""
}

// afterCall parses the clauses behind the parentheses and sets the span.
func (p *parser) afterCall(c *ast.Call, start int) {
	if t := p.nullTreatment(); t != "" {
		c.Nulls = t
	}
	if p.kw("WITHIN", "DISTINCT") {
		p.unsupported(p.here(), "WITHIN DISTINCT")
	}
	if p.kw("WITHIN", "GROUP") {
		p.needOp("(")
		if !p.is("ORDER") {
			p.unexpected("ORDER BY")
		}
		c.WithinGroup = p.orderBy()
		p.needOp(")")
	}
	if p.is("FILTER") && p.peek(1).word == "(" {
		p.next()
		p.next()
		p.need("WHERE")
		c.Filter = p.expr()
		p.needOp(")")
	}
	if p.is("OVER") {
		p.next()
		if p.isOp("(") {
			c.Over = p.window()
		} else {
			id := p.ident()
			c.Over = &ast.Window{Pos: id.Pos, Bare: true, Name: &id}
		}
	}
	c.Pos = p.from(start)
}

// arg parses one argument of a call.
func (p *parser) arg() ast.Expr {
	defer p.enter()()
	start := p.tok.start
	if (p.tok.kind == tokName || p.tok.kind == tokWord) && p.peek(1).kind == tokOp && p.peek(1).word == "=>" {
		id := p.anyIdent()
		p.next()
		v := p.arg()
		return &ast.NamedArg{Pos: p.from(start), Name: id, Value: v}
	}
	if p.is("TABLE") {
		p.next()
		if p.isOp("(") {
			p.failf(p.here(), "a query as a table argument is written without TABLE: f((SELECT ...))")
		}
		a := &ast.TableArg{Table: p.tableName()}
		p.tableArgClauses(a, start)
		return a
	}
	if p.is("MODEL") && isName(p.peek(1)) {
		p.next()
		n := p.name()
		return &ast.ModelArg{Pos: p.from(start), Name: n}
	}
	if p.queryAhead() {
		q := p.query()
		return &ast.Subquery{Pos: p.from(start), Query: q}
	}
	x := p.expr()
	if s, ok := x.(*ast.Subquery); ok && (p.is("PARTITION") || p.is("ORDER")) {
		a := &ast.TableArg{Query: s.Query}
		p.tableArgClauses(a, start)
		return a
	}
	return x
}

// tableArgClauses parses PARTITION BY and ORDER BY behind a table argument, with
// or without parentheses around the columns.
func (p *parser) tableArgClauses(a *ast.TableArg, start int) {
	if p.kw("PARTITION") {
		p.need("BY")
		if p.op("(") {
			a.PartitionBy = p.exprs()
			p.needOp(")")
		} else {
			a.PartitionBy = []ast.Expr{p.expr()}
			for p.isOp(",") && !p.argAhead() {
				p.next()
				a.PartitionBy = append(a.PartitionBy, p.expr())
			}
		}
	}
	if p.kw("ORDER") {
		p.need("BY")
		if p.op("(") {
			p.list(func() { a.OrderBy = append(a.OrderBy, p.orderItem()) })
			p.needOp(")")
		} else {
			a.OrderBy = []ast.OrderItem{p.orderItem()}
			for p.isOp(",") && !p.argAhead() {
				p.next()
				a.OrderBy = append(a.OrderBy, p.orderItem())
			}
		}
	}
	a.Pos = p.from(start)
}

// argAhead says whether the comma at hand ends a table argument: what follows is
// no plain column.
func (p *parser) argAhead() bool {
	t, u := p.peek(1), p.peek(2)
	if u.word == "=>" || !isName(t) || t.word == "DESCRIPTOR" && u.word == "(" {
		return true
	}
	return u.word == "(" || t.word == "MODEL" && isName(u)
}

// orderBy parses ORDER BY items.
func (p *parser) orderBy() []ast.OrderItem {
	p.need("ORDER", "BY")
	var items []ast.OrderItem
	p.list(func() { items = append(items, p.orderItem()) })
	return items
}

func (p *parser) orderItem() ast.OrderItem {
	start := p.tok.start
	o := ast.OrderItem{Expr: p.expr()}
	if p.kw("DESC") {
		o.Desc = true
	} else {
		p.kw("ASC")
	}
	if p.kw("NULLS") {
		o.Nulls = p.oneOf("FIRST", "LAST")
	}
	o.Pos = p.from(start)
	return o
}

// window parses the parenthesised definition of a window.
func (p *parser) window() *ast.Window {
	start := p.tok.start
	w := &ast.Window{}
	p.needOp("(")
	if p.isName() {
		id := p.ident()
		w.Name = &id
	}
	if p.kw("PARTITION") {
		p.need("BY")
		w.PartitionBy = p.exprs()
	}
	if p.is("ORDER") {
		w.OrderBy = p.orderBy()
	}
	if p.isAny("ROWS", "RANGE", "GROUPS") {
		w.Frame = p.frame()
	}
	if !p.isOp(")") {
		p.unexpected("PARTITION BY", "ORDER BY", "ROWS", "RANGE", `")"`)
	}
	p.next()
	w.Pos = p.from(start)
	return w
}

func (p *parser) frame() *ast.Frame {
	start := p.tok.start
	f := &ast.Frame{Unit: p.tok.word}
	p.next()
	if p.kw("BETWEEN") {
		f.Start = p.bound()
		p.need("AND")
		end := p.bound()
		f.End = &end
	} else {
		f.Start = p.bound()
	}
	if p.kw("EXCLUDE") {
		switch {
		case p.kw("CURRENT", "ROW"):
			f.Exclude = "CURRENT ROW"
		case p.kw("NO", "OTHERS"):
			f.Exclude = "NO OTHERS"
		default:
			f.Exclude = p.oneOf("GROUP", "TIES")
		}
	}
	f.Pos = p.from(start)
	return f
}

func (p *parser) bound() ast.Bound {
	start := p.tok.start
	var b ast.Bound
	switch {
	case p.kw("CURRENT", "ROW"):
		b.Kind = ast.CurrentRow
	case p.kw("UNBOUNDED"):
		b.Kind = ast.BoundKind("UNBOUNDED " + p.oneOf("PRECEDING", "FOLLOWING"))
	default:
		b.Expr = p.exprAt(precAdd)
		b.Kind = ast.BoundKind(p.oneOf("PRECEDING", "FOLLOWING"))
	}
	b.Pos = p.from(start)
	return b
}
