package parser

import "github.com/millrace/millrace/parser/ast"

// fromClause parses references joined by commas and JOINs.
func (p *parser) fromClause() ast.TableRef {
	start := p.tok.start
	left := p.joined()
	for p.op(",") {
		right := p.joined()
		left = &ast.Join{Pos: p.from(start), Kind: ast.CommaJoin, L: left, R: right}
	}
	return left
}

// joined parses a reference and the joins behind it.
func (p *parser) joined() ast.TableRef {
	defer p.enter()()
	start := p.tok.start
	return p.joins(p.tableRef(), start)
}

func (p *parser) joins(left ast.TableRef, start int) ast.TableRef {
	for {
		j := &ast.Join{L: left, Natural: p.kw("NATURAL")}
		switch {
		case p.kw("JOIN"), p.kw("INNER", "JOIN"):
			j.Kind = ast.InnerJoin
		case p.kw("CROSS"):
			p.need("JOIN")
			j.Kind = ast.CrossJoin
		case p.isAny("LEFT", "RIGHT", "FULL"):
			j.Kind = ast.JoinKind(p.tok.word)
			p.next()
			p.kw("OUTER")
			if !p.kw("JOIN") {
				p.unexpected("JOIN", "OUTER JOIN")
			}
		case p.is("ASOF"):
			p.unsupported(p.here(), "ASOF JOIN")
		default:
			if j.Natural {
				p.unexpected("JOIN")
			}
			return left
		}
		j.R = p.tableRef()
		switch {
		case p.is("ON"):
			if j.Kind == ast.CrossJoin || j.Natural {
				p.failf(p.here(), "%s JOIN takes no ON", map[bool]string{true: "NATURAL", false: "CROSS"}[j.Natural])
			}
			p.next()
			j.On = p.expr()
		case p.kw("USING"):
			j.Using = p.idents()
		}
		j.Pos = p.from(start)
		left = j
	}
}

// tableRef parses one reference with MATCH_RECOGNIZE, alias and TABLESAMPLE.
func (p *parser) tableRef() ast.TableRef {
	defer p.enter()()
	start := p.tok.start
	return p.tableRefTail(p.tablePrimary(), start)
}

func (p *parser) tableRefTail(ref ast.TableRef, start int) ast.TableRef {
	if p.is("MATCH_RECOGNIZE") {
		ref = p.matchRecognize(ref, start)
	}
	if p.isAny("PIVOT", "UNPIVOT") {
		p.unsupported(p.here(), p.tok.word)
	}
	as := p.kw("AS")
	if as || p.isName() && !(p.is("FOR")) {
		if !p.isName() {
			p.unexpected("an alias")
		}
		a := &ast.Aliased{Ref: ref, Name: p.ident()}
		if p.isOp("(") {
			a.Columns = p.idents()
		}
		a.Pos = p.from(start)
		ref = a
	}
	if p.kw("FOR", "SYSTEM_TIME") { // Flink also takes it behind the alias
		p.needAsOf(ref)
		ref.(*ast.Aliased).Pos = p.from(start)
	}
	if p.kw("TABLESAMPLE") {
		ref = p.sample(ref, start)
	}
	return ref
}

// needAsOf parses AS OF e for the table under the alias ref.
func (p *parser) needAsOf(ref ast.TableRef) {
	at := p.here()
	p.need("AS", "OF")
	if a, ok := ref.(*ast.Aliased); ok {
		if t, ok := a.Ref.(*ast.TableName); ok && t.AsOf == nil {
			t.AsOf = p.expr()
			return
		}
	}
	p.failf(at, "FOR SYSTEM_TIME AS OF needs a table or view by name")
}

func (p *parser) sample(ref ast.TableRef, start int) ast.TableRef {
	s := &ast.Sample{Ref: ref, Method: p.oneOf("BERNOULLI", "SYSTEM")}
	p.needOp("(")
	if p.tok.kind != tokNumber {
		p.unexpected("a percentage")
	}
	s.Percentage = &ast.Number{Pos: p.here(), Text: p.tok.text}
	p.next()
	p.needOp(")")
	if p.kw("REPEATABLE") {
		p.needOp("(")
		s.Seed = p.integer()
		p.needOp(")")
	}
	s.Pos = p.from(start)
	return s
}

func (p *parser) tablePrimary() ast.TableRef {
	start := p.tok.start
	lateral := p.kw("LATERAL")
	switch {
	case p.op("("):
		return p.tableParen(start, lateral)
	case p.kw("UNNEST"):
		p.needOp("(")
		u := &ast.Unnest{}
		if p.queryAhead() {
			at := p.tok.start
			q := p.query()
			u.Exprs = []ast.Expr{&ast.Subquery{Pos: p.from(at), Query: q}}
		} else {
			u.Exprs = p.exprs()
		}
		p.needOp(")")
		u.Ordinality = p.kw("WITH", "ORDINALITY")
		u.Pos = p.from(start)
		return u
	case p.is("TABLE") && p.peek(1).word == "(":
		p.next()
		p.next()
		f := p.tableFunc()
		p.needOp(")")
		return &ast.TableFunc{Pos: p.from(start), Lateral: lateral, Call: f}
	case p.kw("TABLE"):
		return p.tableName()
	}
	if !p.isName() {
		p.unexpected("a table name", "a query in parentheses", "TABLE(function)")
	}
	if p.callAhead() {
		f := p.tableFunc()
		return &ast.TableFunc{Pos: p.from(start), Lateral: lateral, Call: f}
	}
	if lateral {
		p.failf(p.here(), "LATERAL needs a function or a query in parentheses")
	}
	return p.tableName()
}

// callAhead says whether a dotted name and "(" come next.
func (p *parser) callAhead() bool {
	n := 0
	for p.peek(n+1).kind == tokOp && p.peek(n+1).word == "." {
		n += 2
	}
	return isName(p.peek(n)) && p.peek(n+1).kind == tokOp && p.peek(n+1).word == "("
}

// tableFunc parses the call of a table function; queries among its arguments are
// tables.
func (p *parser) tableFunc() *ast.Call {
	c := p.call(p.name())
	for i, a := range c.Args {
		c.Args[i] = asTableArg(a)
	}
	return c
}

func asTableArg(a ast.Expr) ast.Expr {
	switch a := a.(type) {
	case *ast.Subquery:
		return &ast.TableArg{Pos: a.Pos, Query: a.Query}
	case *ast.NamedArg:
		a.Value = asTableArg(a.Value)
	}
	return a
}

// tableParen parses what "(" begins in FROM: a query or joins.
func (p *parser) tableParen(start int, lateral bool) ast.TableRef {
	defer p.enter()()
	if p.queryAhead() {
		q := p.query()
		p.needOp(")")
		return &ast.Derived{Pos: p.from(start), Lateral: lateral, Query: q}
	}
	inner := p.tok.start
	var ref ast.TableRef
	if p.isOp("(") {
		p.next()
		ref = p.tableParen(inner, false)
		if d, ok := ref.(*ast.Derived); ok && p.setOpAhead() {
			q := p.continueQuery(d.Query, inner)
			p.needOp(")")
			return &ast.Derived{Pos: p.from(start), Lateral: lateral, Query: q}
		}
		ref = p.joins(p.tableRefTail(ref, inner), inner)
	} else {
		ref = p.joined()
	}
	for p.op(",") {
		right := p.joined()
		ref = &ast.Join{Pos: p.from(inner), Kind: ast.CommaJoin, L: ref, R: right}
	}
	if !p.isOp(")") {
		p.unexpected(`")"`)
	}
	p.next()
	if d, ok := ref.(*ast.Derived); ok {
		d.Lateral = d.Lateral || lateral
	}
	return ref
}

// tableName parses a path with an OPTIONS hint and FOR SYSTEM_TIME AS OF.
func (p *parser) tableName() *ast.TableName {
	start := p.tok.start
	t := &ast.TableName{Name: p.name(), Hints: p.hints()}
	if p.is("FOR") {
		p.next()
		if !p.kw("SYSTEM_TIME") {
			p.unexpected("SYSTEM_TIME AS OF")
		}
		p.need("AS", "OF")
		t.AsOf = p.expr()
	}
	t.Pos = p.from(start)
	return t
}
