package parser

import (
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// create parses CREATE and REPLACE statements.
func (p *parser) create() ast.Stmt {
	start := p.tok.start
	if p.kw("REPLACE") {
		p.need("TABLE")
		return p.createTable(&ast.CreateTable{Replace: true}, start)
	}
	p.next()
	replace, alter := p.kw("OR", "REPLACE"), false
	if !replace {
		alter = p.kw("OR", "ALTER")
	}
	temporary := p.kw("TEMPORARY")
	system := temporary && p.kw("SYSTEM")
	word := p.tok.word
	if p.tok.kind != tokWord {
		word = ""
	}
	at := p.here()
	if system && word != "FUNCTION" && word != "CONNECTION" {
		p.unexpected("FUNCTION", "CONNECTION")
	}
	if alter && word != "MATERIALIZED" {
		p.unexpected("MATERIALIZED TABLE")
	}
	if replace && word != "TABLE" && word != "FUNCTION" && word != "VIEW" {
		p.unexpected("TABLE", "VIEW", "FUNCTION")
	}
	if temporary && (word == "CATALOG" || word == "DATABASE" || word == "MATERIALIZED") {
		p.failf(at, "a %s can't be temporary", map[string]string{"CATALOG": "catalog", "DATABASE": "database", "MATERIALIZED": "materialized table"}[word])
	}
	switch word {
	case "TABLE":
		p.next()
		return p.createTable(&ast.CreateTable{Create: true, Replace: replace, Temporary: temporary}, start)
	case "VIEW":
		p.next()
		return p.createView(&ast.CreateView{OrReplace: replace, Temporary: temporary}, start)
	case "FUNCTION":
		p.next()
		return p.createFunction(&ast.CreateFunction{OrReplace: replace, Temporary: temporary, System: system}, start)
	case "MODEL":
		p.next()
		return p.createModel(&ast.CreateModel{Temporary: temporary}, start)
	case "MATERIALIZED":
		p.next()
		p.need("TABLE")
		return p.createMaterialized(&ast.CreateMaterializedTable{OrAlter: alter}, start)
	case "CATALOG":
		p.next()
		c := &ast.CreateCatalog{IfNotExists: p.ifNotExists(), Name: p.ident(), Comment: p.comment(), Options: p.with()}
		c.Pos = p.from(start)
		return c
	case "DATABASE":
		p.next()
		c := &ast.CreateDatabase{IfNotExists: p.ifNotExists(), Name: p.name(), Comment: p.comment(), Options: p.with()}
		c.Pos = p.from(start)
		return c
	case "CONNECTION":
		p.next()
		c := &ast.CreateConnection{Temporary: temporary, System: system, IfNotExists: p.ifNotExists(), Name: p.name(), Comment: p.comment(), Options: p.with()}
		c.Pos = p.from(start)
		return c
	}
	p.unexpected("TABLE", "VIEW", "FUNCTION", "CATALOG", "DATABASE", "MATERIALIZED TABLE", "MODEL", "TEMPORARY")
	return nil
}

func (p *parser) ifNotExists() bool { return p.kw("IF", "NOT", "EXISTS") }
func (p *parser) ifExists() bool    { return p.kw("IF", "EXISTS") }

func (p *parser) createTable(c *ast.CreateTable, start int) ast.Stmt {
	if !c.Replace {
		c.IfNotExists = p.ifNotExists()
	}
	c.Name = p.name()
	if p.isOp("(") {
		c.Schema = p.schema(false)
	}
	c.Comment = p.comment()
	c.Distributed = p.distributed("DISTRIBUTED")
	c.PartitionBy = p.partitionedBy()
	c.Options = p.with()
	switch {
	case p.is("LIKE") && !c.Replace:
		c.Like = p.likeClause()
	case p.kw("AS"):
		if c.Temporary {
			p.failf(p.here(), "CREATE TABLE ... AS can't make a temporary table")
		}
		c.Query = p.query()
	case !c.Create:
		p.unexpected("AS")
	}
	if p.tok.kind != tokEOF && !p.isOp(";") {
		p.unexpectedClause(c)
	}
	c.Pos = p.from(start)
	return c
}

// unexpectedClause names the clauses of CREATE TABLE that could still come.
func (p *parser) unexpectedClause(c *ast.CreateTable) {
	var e []string
	if c.Query == nil && c.Like == nil {
		switch {
		case c.Options != nil:
		case c.PartitionBy != nil:
			e = append(e, "WITH")
		case c.Comment != nil || c.Schema != nil:
			e = append(e, "PARTITIONED BY", "WITH")
		default:
			e = append(e, `"("`, "WITH")
		}
		e = append(e, "LIKE", "AS")
	}
	p.unexpected(append(e, `";"`)...)
}

func (p *parser) partitionedBy() []ast.Ident {
	if p.kw("PARTITIONED") {
		p.need("BY")
		return p.idents()
	}
	return nil
}

// distributed parses DISTRIBUTED (or DISTRIBUTION) BY ... INTO n BUCKETS.
func (p *parser) distributed(word string) *ast.Distribution {
	start := p.tok.start
	if !p.kw(word) {
		return nil
	}
	d := &ast.Distribution{}
	if p.kw("BY") {
		if p.isAny("HASH", "RANGE") {
			d.Kind = p.tok.word
			p.next()
		}
		d.Columns = p.idents()
	} else if !p.is("INTO") {
		p.unexpected("BY", "INTO")
	}
	if p.kw("INTO") {
		d.Buckets = p.integer()
		p.need("BUCKETS")
	}
	d.Pos = p.from(start)
	return d
}

func (p *parser) likeClause() *ast.LikeClause {
	start := p.tok.start
	p.next()
	l := &ast.LikeClause{Table: p.name()}
	if p.op("(") {
		for !p.op(")") {
			at := p.tok.start
			o := ast.LikeOption{Strategy: p.oneOf("INCLUDING", "EXCLUDING", "OVERWRITING")}
			features := []string{"GENERATED", "METADATA", "OPTIONS", "WATERMARKS"}
			if o.Strategy != "OVERWRITING" {
				features = append([]string{"ALL", "CONSTRAINTS", "DISTRIBUTION", "PARTITIONS"}, features...)
			}
			o.Feature = p.oneOf(features...)
			o.Pos = p.from(at)
			l.Options = append(l.Options, o)
		}
	}
	l.Pos = p.from(start)
	return l
}

// schema parses ( columns, constraints, watermark ). In ALTER (positions) each
// column may say FIRST or AFTER.
func (p *parser) schema(positions bool) *ast.Schema {
	start := p.tok.start
	s := &ast.Schema{}
	if p.isOp("(") && p.peek(1).word == ")" {
		p.next()
		p.next()
	} else {
		p.parens(func() { p.schemaItem(s, positions) })
	}
	s.Pos = p.from(start)
	if len(s.Watermarks) > 1 {
		p.failf(s.Watermarks[1].Pos, "a table has at most one WATERMARK")
	}
	n := 0
	for _, c := range s.Constraints {
		if c.Kind == "PRIMARY KEY" {
			if n++; n > 1 {
				p.failf(c.Pos, "a table has at most one PRIMARY KEY")
			}
		}
	}
	return s
}

func (p *parser) schemaItem(s *ast.Schema, positions bool) {
	start := p.tok.start
	switch {
	case p.isOp(")"):
		p.unexpected("a column name", "WATERMARK", "PRIMARY KEY")
	case p.is("WATERMARK"):
		p.next()
		p.need("FOR")
		w := &ast.Watermark{Column: p.name()}
		p.need("AS")
		w.Expr = p.expr()
		w.Pos = p.from(start)
		s.Watermarks = append(s.Watermarks, w)
	case p.isAny("CONSTRAINT", "PRIMARY", "UNIQUE"):
		c := p.constraint()
		c.Columns = p.idents()
		c.Enforced = p.enforced()
		c.Pos = p.from(start)
		s.Constraints = append(s.Constraints, c)
	default:
		s.Columns = append(s.Columns, p.column(s, positions))
	}
}

// constraint parses [CONSTRAINT name] PRIMARY KEY | UNIQUE.
func (p *parser) constraint() *ast.Constraint {
	c := &ast.Constraint{}
	if p.kw("CONSTRAINT") {
		id := p.ident()
		c.Name = &id
	}
	if p.kw("UNIQUE") {
		c.Kind = "UNIQUE"
		return c
	}
	p.need("PRIMARY", "KEY")
	c.Kind = "PRIMARY KEY"
	return c
}

func (p *parser) enforced() string {
	switch {
	case p.kw("NOT", "ENFORCED"):
		return "NOT ENFORCED"
	case p.kw("ENFORCED"):
		return "ENFORCED"
	}
	return ""
}

// column parses one column; a key written at it goes to s.
func (p *parser) column(s *ast.Schema, positions bool) *ast.Column {
	start := p.tok.start
	if !p.isName() {
		p.unexpected("a column name", "WATERMARK", "PRIMARY KEY")
	}
	c := &ast.Column{Name: p.ident()}
	switch {
	case p.isOp(","), p.isOp(")"), p.is("COMMENT"):
		c.Kind = ast.NamedColumn
	case p.kw("AS"):
		c.Kind = ast.ComputedColumn
		c.Expr = p.expr()
	default:
		c.Kind = ast.PhysicalColumn
		c.Type = p.typeName()
		if p.kw("METADATA") {
			c.Kind = ast.MetadataColumn
			if p.kw("FROM") {
				c.Key = p.strPtr()
			}
			c.Virtual = p.kw("VIRTUAL")
			break
		}
		if p.is("DEFAULT") {
			p.fail(sqlerr.New(sqlerr.Syntax, p.here().At, "Flink SQL has no DEFAULT for columns"))
		}
		if p.isAny("CONSTRAINT", "PRIMARY", "UNIQUE") {
			at := p.tok.start
			k := p.constraint()
			k.Columns = []ast.Ident{c.Name}
			k.Enforced = p.enforced()
			k.Pos = p.from(at)
			s.Constraints = append(s.Constraints, k)
		}
	}
	c.Comment = p.comment()
	if positions {
		at := p.tok.start
		switch {
		case p.kw("FIRST"):
			c.Position = &ast.Position{Pos: p.from(at)}
		case p.kw("AFTER"):
			id := p.ident()
			c.Position = &ast.Position{Pos: p.from(at), After: &id}
		}
	}
	c.Pos = p.from(start)
	if !positions && c.Kind == ast.PhysicalColumn && !p.isOp(",") && !p.isOp(")") {
		p.unexpected("NOT NULL", "COMMENT", "METADATA", "PRIMARY KEY", `","`, `")"`)
	}
	return c
}

func (p *parser) createView(c *ast.CreateView, start int) ast.Stmt {
	c.IfNotExists = p.ifNotExists()
	c.Name = p.name()
	if p.isOp("(") {
		p.parens(func() {
			at := p.tok.start
			v := ast.ViewColumn{Name: p.ident(), Comment: p.comment()}
			v.Pos = p.from(at)
			c.Columns = append(c.Columns, v)
		})
	}
	c.Comment = p.comment()
	p.need("AS")
	c.Query = p.query()
	c.Pos = p.from(start)
	return c
}

// createFunction parses Flink's form and the one with parameters.
func (p *parser) createFunction(c *ast.CreateFunction, start int) ast.Stmt {
	c.IfNotExists = p.ifNotExists()
	c.Name = p.name()
	if p.op("(") {
		c.HasParams = true
		if !p.isOp(")") {
			p.list(func() { c.Params = append(c.Params, p.fieldDef()) })
		}
		p.needOp(")")
		switch {
		case !p.kw("RETURNS"):
		case p.kw("TABLE"):
			p.needOp("(")
			p.list(func() { c.Rows = append(c.Rows, p.fieldDef()) })
			p.needOp(")")
		default:
			c.Returns = p.typeName()
		}
	}
	for done := false; !done; {
		switch {
		case c.As == nil && p.kw("AS"):
			c.As = p.strPtr()
		case c.Language == "" && p.kw("LANGUAGE"):
			c.Language = p.language()
		case c.Using == nil && p.kw("USING"):
			p.list(func() {
				at := p.tok.start
				r := ast.Resource{Kind: p.oneOf("JAR", "ARTIFACT"), Path: p.str()}
				r.Pos = p.from(at)
				c.Using = append(c.Using, r)
			})
		case c.Options == nil && p.is("WITH"):
			c.Options = p.with()
		default:
			done = true
		}
	}
	if c.As == nil {
		p.unexpected("AS")
	}
	c.Pos = p.from(start)
	return c
}

func (p *parser) language() string {
	if p.tok.kind != tokWord {
		p.unexpected("JAVA", "SCALA", "PYTHON", "SQL", "EXEC")
	}
	w := p.tok.word
	p.next()
	return w
}

func (p *parser) createModel(c *ast.CreateModel, start int) ast.Stmt {
	c.IfNotExists = p.ifNotExists()
	c.Name = p.name()
	if p.kw("INPUT") {
		c.Input = p.schema(false)
	}
	if p.kw("OUTPUT") {
		c.Output = p.schema(false)
	}
	c.Comment = p.comment()
	c.Options = p.with()
	if p.kw("AS") {
		c.Query = p.query()
	}
	c.Pos = p.from(start)
	return c
}

func (p *parser) createMaterialized(c *ast.CreateMaterializedTable, start int) ast.Stmt {
	c.IfNotExists = p.ifNotExists()
	c.Name = p.name()
	if p.isOp("(") {
		c.Schema = p.schema(false)
	}
	c.Comment = p.comment()
	c.Distributed = p.distributed("DISTRIBUTED")
	c.PartitionBy = p.partitionedBy()
	c.Options = p.with()
	if p.kw("FRESHNESS") {
		p.needOp("=")
		if !p.is("INTERVAL") {
			p.unexpected("INTERVAL")
		}
		c.Freshness = p.interval().(*ast.Interval)
	}
	if p.kw("REFRESH_MODE") {
		p.needOp("=")
		c.RefreshMode = p.oneOf("CONTINUOUS", "FULL")
	}
	p.need("AS")
	c.Query = p.query()
	c.Pos = p.from(start)
	return c
}
