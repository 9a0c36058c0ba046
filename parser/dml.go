package parser

import "github.com/millrace/millrace/parser/ast"

// insert parses INSERT INTO|OVERWRITE.
func (p *parser) insert() ast.Stmt {
	start := p.tok.start
	if p.is("UPSERT") {
		p.unsupported(p.here(), "UPSERT; a sink with a primary key takes INSERT INTO as an upsert")
	}
	p.next()
	s := &ast.Insert{Overwrite: p.oneOf("INTO", "OVERWRITE") == "OVERWRITE"}
	p.kw("TABLE")
	s.Table = p.name()
	s.Hints = p.hints()
	if p.is("PARTITION") {
		s.Partition = p.partition(true)
	}
	if p.isOp("(") && !p.queryBehindParens() {
		p.parens(func() { s.Columns = append(s.Columns, p.name()) })
	}
	if !p.queryAhead() && !p.isOp("(") {
		p.unexpected("SELECT", "VALUES", "WITH", "PARTITION", `"("`)
	}
	s.Query = p.query()
	if p.kw("ON") {
		p.need("CONFLICT", "DO")
		s.OnConflict = p.oneOf("ERROR", "NOTHING", "DEDUPLICATE")
	}
	s.Pos = p.from(start)
	return s
}

// queryBehindParens says whether a query follows the parentheses that open here.
func (p *parser) queryBehindParens() bool {
	n := 0
	for p.peek(n).kind == tokOp && p.peek(n).word == "(" {
		n++
	}
	switch t := p.peek(n); {
	case t.kind != tokWord:
		return false
	default:
		return t.word == "SELECT" || t.word == "VALUES" || t.word == "WITH" || t.word == "TABLE"
	}
}

// execute parses EXECUTE STATEMENT SET, EXECUTE PLAN, EXECUTE INSERT and EXECUTE
// query.
func (p *parser) execute() ast.Stmt {
	start := p.tok.start
	p.next()
	switch {
	case p.is("STATEMENT"):
		return p.statementSet(start)
	case p.is("PLAN"):
		return p.plan(start)
	case p.is("INSERT"):
		s := p.insert()
		s.(*ast.Insert).Pos = p.from(start)
		return s
	case p.queryAhead(), p.isOp("("):
		q := p.query()
		return &ast.QueryStmt{Pos: p.from(start), Query: q}
	}
	p.unexpected("STATEMENT SET", "PLAN", "INSERT", "SELECT")
	return nil
}

func (p *parser) plan(start int) ast.Stmt {
	p.need("PLAN")
	return &ast.ExecutePlan{File: p.str(), Pos: p.from(start)}
}

// statementSet parses STATEMENT SET BEGIN ... END; start is where the statement
// began.
func (p *parser) statementSet(start int) ast.Stmt {
	p.need("STATEMENT", "SET", "BEGIN")
	return p.inserts(start)
}

// beginSet parses BEGIN STATEMENT SET; ... END, or the first line of it alone.
func (p *parser) beginSet() ast.Stmt {
	start := p.tok.start
	p.need("BEGIN", "STATEMENT", "SET")
	if p.tok.kind == tokEOF || p.isOp(";") && p.peek(1).kind == tokEOF {
		return &ast.BeginStatementSet{Pos: p.from(start)}
	}
	p.needOp(";")
	return p.inserts(start)
}

// inserts parses the statements of a set up to END.
func (p *parser) inserts(start int) ast.Stmt {
	s := &ast.StatementSet{}
	for {
		for p.op(";") {
		}
		if p.is("END") {
			p.next()
			s.Pos = p.from(start)
			return s
		}
		at := p.here()
		switch {
		case p.is("INSERT"), p.is("EXECUTE", "INSERT"), p.is("CREATE"), p.is("REPLACE"):
			st := p.statement()
			if _, ok := st.(*ast.Insert); !ok {
				if c, ok := st.(*ast.CreateTable); !ok || c.Query == nil {
					p.failf(at, "a statement set takes only INSERT and CREATE TABLE ... AS statements")
				}
			}
			s.Stmts = append(s.Stmts, st)
		default:
			p.unexpected("INSERT", "END")
		}
		if !p.isOp(";") {
			p.unexpected(`";"`)
		}
	}
}

func (p *parser) delete() ast.Stmt {
	start := p.tok.start
	p.next()
	p.need("FROM")
	d := &ast.Delete{Table: p.name()}
	d.Alias = p.alias()
	if p.kw("WHERE") {
		d.Where = p.expr()
	}
	d.Pos = p.from(start)
	return d
}

func (p *parser) alias() *ast.Ident {
	if p.kw("AS") || p.isName() {
		id := p.ident()
		return &id
	}
	return nil
}

func (p *parser) update() ast.Stmt {
	start := p.tok.start
	p.next()
	u := &ast.Update{Table: p.name()}
	u.Alias = p.alias()
	p.need("SET")
	p.list(func() {
		at := p.tok.start
		a := ast.Assignment{Column: p.name()}
		p.needOp("=")
		a.Value = p.expr()
		a.Pos = p.from(at)
		u.Set = append(u.Set, a)
	})
	if p.kw("WHERE") {
		u.Where = p.expr()
	}
	u.Pos = p.from(start)
	return u
}

// explainDetails are the words between EXPLAIN and the statement; the last four
// are Millrace's own.
var explainDetails = wordSet("ESTIMATED_COST CHANGELOG_MODE JSON_EXECUTION_PLAN PLAN_ADVICE AST BOUND JSON ANALYZE")

func (p *parser) explain() ast.Stmt {
	start := p.tok.start
	p.next()
	x := &ast.Explain{}
	if p.is("PLAN") && p.peek(1).kind == tokWord {
		p.next()
		if !p.is("BOUND") {
			p.need("FOR")
		}
	}
	for p.tok.kind == tokWord && explainDetails[p.tok.word] && !p.is("ANALYZE", "TABLE") {
		for _, d := range x.Details {
			if d == p.tok.word {
				p.failf(p.here(), "explain detail %q is given twice", d)
			}
		}
		x.Details = append(x.Details, p.tok.word)
		p.next()
		p.op(",")
	}
	switch {
	case len(x.Details) > 0 && x.Details[len(x.Details)-1] == "ANALYZE" && p.is("JOB"):
		p.next()
		x.Job = p.strPtr()
	case p.is("PLAN"):
		x.Stmt = p.plan(p.tok.start)
	case p.is("EXTENDED"):
		p.unexpected("ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE", "a statement")
	default:
		x.Stmt = p.statement()
	}
	x.Pos = p.from(start)
	return x
}

func (p *parser) compile() ast.Stmt {
	start := p.tok.start
	p.next()
	c := &ast.CompilePlan{}
	if p.kw("AND") {
		p.need("EXECUTE")
		c.Execute = true
	}
	p.need("PLAN")
	if p.tok.kind == tokString || c.Execute {
		c.File = p.strPtr()
		c.IfNotExists = p.kw("IF", "NOT", "EXISTS")
	}
	p.need("FOR")
	if !p.isAny("INSERT", "STATEMENT", "EXECUTE") {
		p.unexpected("INSERT", "STATEMENT SET")
	}
	c.Stmt = p.statement()
	c.Pos = p.from(start)
	return c
}
