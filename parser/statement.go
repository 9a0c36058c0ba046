package parser

import (
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// statementWords begin a statement.
var statementWords = strings.Fields(`SELECT INSERT CREATE WITH VALUES EXPLAIN SHOW DESCRIBE DESC USE SET RESET DROP
ALTER EXECUTE BEGIN END COMPILE LOAD UNLOAD ADD REMOVE ANALYZE CALL TRUNCATE DELETE UPDATE STOP REPLACE STATEMENT
HELP QUIT EXIT CLEAR TABLE`)

// statement parses one statement without its semicolon.
func (p *parser) statement() ast.Stmt {
	defer p.enter()()
	start := p.tok.start
	if p.queryAhead() || p.isOp("(") {
		q := p.query()
		return &ast.QueryStmt{Pos: p.from(start), Query: q}
	}
	if p.tok.kind != tokWord {
		p.unexpected("a statement")
	}
	switch p.tok.word {
	case "INSERT", "UPSERT":
		return p.insert()
	case "EXECUTE":
		return p.execute()
	case "BEGIN":
		return p.beginSet()
	case "END":
		p.next()
		return &ast.EndStatementSet{Pos: p.from(start)}
	case "STATEMENT":
		return p.statementSet(start)
	case "CREATE", "REPLACE":
		return p.create()
	case "ALTER":
		return p.alter()
	case "DROP":
		return p.drop()
	case "EXPLAIN":
		return p.explain()
	case "DESCRIBE", "DESC":
		return p.describe()
	case "SHOW":
		return p.show()
	case "USE":
		return p.use()
	case "SET":
		return p.set()
	case "RESET":
		return p.reset()
	case "LOAD":
		p.next()
		p.need("MODULE")
		id := p.ident()
		opts := p.with()
		return &ast.LoadModule{Name: id, Options: opts, Pos: p.from(start)}
	case "UNLOAD":
		p.next()
		p.need("MODULE")
		return &ast.UnloadModule{Name: p.ident(), Pos: p.from(start)}
	case "ADD", "REMOVE":
		remove := p.is("REMOVE")
		p.next()
		p.need("JAR")
		return &ast.Jar{Remove: remove, Path: p.str(), Pos: p.from(start)}
	case "ANALYZE":
		return p.analyze()
	case "CALL":
		p.next()
		c := p.call(p.name())
		return &ast.CallProcedure{Pos: p.from(start), Call: c}
	case "TRUNCATE":
		p.next()
		p.need("TABLE")
		return &ast.Truncate{Table: p.name(), Pos: p.from(start)}
	case "DELETE":
		return p.delete()
	case "UPDATE":
		return p.update()
	case "COMPILE":
		return p.compile()
	case "STOP":
		return p.stopJob()
	case "HELP", "QUIT", "EXIT", "CLEAR":
		word := p.tok.word
		p.next()
		return &ast.ClientCommand{Pos: p.from(start), Command: word}
	case "MERGE":
		p.unsupported(p.here(), "MERGE")
	}
	p.unexpectedStatement()
	return nil
}

// unexpectedStatement fails with the nearest first word as a hint.
func (p *parser) unexpectedStatement() {
	e := sqlerr.New(sqlerr.Syntax, p.here().At, "unexpected %s, expected a statement such as SELECT, INSERT INTO or CREATE TABLE", p.tok.describe())
	if near := nearest(p.tok.text, statementWords); near != "" {
		e.Hint = "did you mean " + near + "?"
	}
	p.fail(e)
}

// set parses SET, SET 'key' = 'value' and SET key = value, where the value
// without quotes is the text to the semicolon.
func (p *parser) set() ast.Stmt {
	start := p.tok.start
	p.next()
	s := &ast.Set{}
	if p.tok.kind == tokEOF || p.isOp(";") {
		s.Pos = p.from(start)
		return s
	}
	if p.tok.kind == tokString {
		s.Key = p.strPtr()
	} else {
		s.Key = p.rawText("=")
	}
	p.needOp("=")
	if p.tok.kind == tokString && (p.peek(1).kind == tokEOF || p.peek(1).word == ";") {
		s.Value = p.strPtr()
	} else {
		s.Value = p.rawText()
	}
	s.Pos = p.from(start)
	return s
}

// rawText takes the text up to one of the operators, a semicolon or the end,
// without blanks around it.
func (p *parser) rawText(stop ...string) *ast.Text {
	start, end := p.tok.start, p.tok.start
	for p.tok.kind != tokEOF && !p.isOp(";") {
		if len(stop) > 0 && p.isOp(stop[0]) {
			break
		}
		end = p.tok.end
		p.next()
	}
	if len(stop) > 0 && end == start {
		p.unexpected("a key", "a string")
	}
	return &ast.Text{Pos: ast.Pos{At: p.span(start, end)}, Value: strings.TrimSpace(p.src.Text[start:end])}
}

func (p *parser) reset() ast.Stmt {
	start := p.tok.start
	p.next()
	r := &ast.Reset{}
	switch {
	case p.tok.kind == tokString:
		r.Key = p.strPtr()
	case p.tok.kind != tokEOF && !p.isOp(";"):
		r.Key = p.rawText()
	}
	r.Pos = p.from(start)
	return r
}

func (p *parser) use() ast.Stmt {
	start := p.tok.start
	p.next()
	if p.kw("MODULES") {
		u := &ast.UseModules{}
		p.list(func() { u.Names = append(u.Names, p.ident()) })
		u.Pos = p.from(start)
		return u
	}
	u := &ast.Use{Kind: ast.Database}
	if p.is("CATALOG") && isName(p.peek(1)) {
		p.next()
		u.Kind = ast.Catalog
		id := p.ident()
		u.Name = &ast.Name{Pos: id.Pos, Parts: []ast.Ident{id}}
	} else {
		u.Name = p.name()
	}
	u.Pos = p.from(start)
	return u
}

func (p *parser) analyze() ast.Stmt {
	start := p.tok.start
	p.next()
	p.need("TABLE")
	a := &ast.Analyze{Table: p.name()}
	if p.is("PARTITION") {
		a.Partition = p.partition(true)
	}
	p.need("COMPUTE", "STATISTICS")
	if p.kw("FOR") {
		if p.kw("ALL") {
			p.need("COLUMNS")
			a.AllColumns = true
		} else {
			p.need("COLUMNS")
			p.list(func() { a.Columns = append(a.Columns, p.ident()) })
		}
	}
	a.Pos = p.from(start)
	return a
}

func (p *parser) stopJob() ast.Stmt {
	start := p.tok.start
	p.next()
	p.need("JOB")
	s := &ast.StopJob{ID: p.str()}
	s.Savepoint = p.kw("WITH", "SAVEPOINT")
	at := p.here()
	if p.kw("WITH", "DRAIN") {
		if s.Drain = true; !s.Savepoint {
			p.failf(at, "WITH DRAIN needs WITH SAVEPOINT before it")
		}
	}
	s.Pos = p.from(start)
	return s
}

// partition parses PARTITION (a = 1, b = 'x'); bare allows a column without
// value.
func (p *parser) partition(bare bool) *ast.Partition {
	start := p.tok.start
	p.need("PARTITION")
	pt := &ast.Partition{}
	p.parens(func() {
		at := p.tok.start
		it := ast.PartitionItem{Column: p.ident()}
		if !bare || p.isOp("=") {
			p.needOp("=")
			it.Value = p.exprAt(precAdd)
		}
		it.Pos = p.from(at)
		pt.Items = append(pt.Items, it)
	})
	pt.Pos = p.from(start)
	return pt
}
