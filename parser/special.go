package parser

import "github.com/millrace/millrace/parser/ast"

// specialArgs is the function that parses the arguments of a call with a syntax
// of its own, nil for other names. It starts behind "(" and ends before ")".
func specialArgs(name string) func(*parser, *ast.Call) {
	switch name {
	case "EXTRACT":
		return (*parser).extractArgs
	case "FLOOR", "CEIL", "CEILING":
		return (*parser).floorArgs
	case "TRIM":
		return (*parser).trimArgs
	case "SUBSTRING":
		return (*parser).substringArgs
	case "POSITION":
		return (*parser).positionArgs
	case "OVERLAY":
		return (*parser).overlayArgs
	case "TIMESTAMPADD", "TIMESTAMPDIFF":
		return (*parser).timestampArgs
	case "CONVERT", "TRANSLATE":
		return (*parser).convertArgs
	case "JSON_EXISTS", "JSON_VALUE", "JSON_QUERY":
		return (*parser).jsonPathArgs
	case "JSON_OBJECT", "JSON_OBJECTAGG":
		return (*parser).jsonObjectArgs
	case "JSON_ARRAY", "JSON_ARRAYAGG":
		return (*parser).jsonArrayArgs
	}
	return nil
}

func (p *parser) specialCall(args func(*parser, *ast.Call)) ast.Expr {
	start := p.tok.start
	id := p.anyIdent()
	c := &ast.Call{Name: &ast.Name{Pos: id.Pos, Parts: []ast.Ident{id}}}
	p.needOp("(")
	args(p, c)
	p.needOp(")")
	p.afterCall(c, start)
	return c
}

// add appends one expression.
func (p *parser) add(c *ast.Call) { c.Args = append(c.Args, p.expr()) }

// timeUnit parses a unit keyword in the singular, without the SQL_TSI_ prefix.
func (p *parser) timeUnit() string {
	if p.tok.kind != tokWord {
		p.unexpected("a time unit such as DAY")
	}
	u, ok := timeUnits[p.tok.word]
	if !ok {
		u = unitOf(p.tok)
	}
	if u == "" {
		p.unexpected("a time unit such as DAY")
	}
	p.next()
	return u
}

var timeUnits = func() map[string]string {
	m := map[string]string{"SQL_TSI_FRAC_SECOND": "NANOSECOND", "FRAC_SECOND": "NANOSECOND"}
	for w := range wordSet(`YEAR QUARTER MONTH WEEK DAY HOUR MINUTE SECOND MILLENNIUM CENTURY DECADE
MILLISECOND MICROSECOND NANOSECOND EPOCH DOY DOW ISODOW ISOYEAR`) {
		m[w], m["SQL_TSI_"+w] = w, w
	}
	m["MILLENIUM"] = "MILLENNIUM"
	return m
}()

func (p *parser) extractArgs(c *ast.Call) {
	c.Keyword = p.timeUnit()
	p.need("FROM")
	p.add(c)
}

func (p *parser) floorArgs(c *ast.Call) {
	p.add(c)
	switch {
	case p.kw("TO"):
		c.Keyword = p.timeUnit()
	case p.op(","):
		p.add(c)
	}
}

func (p *parser) timestampArgs(c *ast.Call) {
	c.Keyword = p.timeUnit()
	p.needOp(",")
	p.add(c)
	p.needOp(",")
	p.add(c)
}

func (p *parser) trimArgs(c *ast.Call) {
	if p.isAny("BOTH", "LEADING", "TRAILING") {
		c.Keyword = p.tok.word
		p.next()
	}
	if c.Keyword != "" && p.kw("FROM") {
		p.add(c)
		return
	}
	p.add(c)
	switch {
	case p.kw("FROM"):
		what := c.Args[0]
		c.Args = []ast.Expr{p.expr(), what}
	case c.Keyword != "":
		p.unexpected("FROM")
	case p.op(","):
		p.add(c)
	}
}

func (p *parser) substringArgs(c *ast.Call) {
	p.add(c)
	if p.kw("FROM") {
		p.add(c)
		if p.kw("FOR") {
			p.add(c)
		}
		return
	}
	for p.op(",") {
		p.add(c)
	}
}

func (p *parser) positionArgs(c *ast.Call) {
	c.Args = append(c.Args, p.exprAt(precRange+1)) // IN isn't the operator here
	p.need("IN")
	p.add(c)
	if p.kw("FROM") {
		p.add(c)
	}
}

func (p *parser) overlayArgs(c *ast.Call) {
	p.add(c)
	p.need("PLACING")
	p.add(c)
	p.need("FROM")
	p.add(c)
	if p.kw("FOR") {
		p.add(c)
	}
}

func (p *parser) convertArgs(c *ast.Call) {
	p.add(c)
	if p.kw("USING") {
		c.Keyword = p.name().String()
		return
	}
	for p.op(",") {
		p.add(c)
	}
}

// clauses is c.JSON, made when the first clause is met.
func clauses(c *ast.Call) *ast.JSONClauses {
	if c.JSON == nil {
		c.JSON = &ast.JSONClauses{}
	}
	return c.JSON
}

// jsonPathArgs parses input, path and the clauses of JSON_VALUE, JSON_QUERY and
// JSON_EXISTS.
func (p *parser) jsonPathArgs(c *ast.Call) {
	p.add(c)
	p.formatJSON()
	p.needOp(",")
	p.add(c)
	start := p.tok.start
	if p.kw("PASSING") {
		p.unsupported(p.from(start), "PASSING in a JSON function")
	}
	for {
		switch {
		case p.kw("RETURNING"):
			clauses(c).Returning = p.typeWith(false) // NULL ON EMPTY may follow
			p.formatJSON()
		case p.kw("WITHOUT"):
			p.kw("ARRAY")
			p.need("WRAPPER")
			clauses(c).Wrapper = "WITHOUT"
		case p.kw("WITH"):
			w := "WITH UNCONDITIONAL"
			if p.kw("CONDITIONAL") {
				w = "WITH CONDITIONAL"
			} else {
				p.kw("UNCONDITIONAL")
			}
			p.kw("ARRAY")
			p.need("WRAPPER")
			clauses(c).Wrapper = w
		case p.isOp(")"):
			if c.JSON != nil {
				c.JSON.Pos = p.from(start)
			}
			return
		default:
			p.jsonBehavior(c)
		}
	}
}

func (p *parser) formatJSON() {
	if p.kw("FORMAT") {
		p.need("JSON")
	}
}

// jsonBehavior parses NULL ON EMPTY and the like.
func (p *parser) jsonBehavior(c *ast.Call) {
	b := &ast.JSONBehavior{}
	start := p.tok.start
	switch {
	case p.kw("DEFAULT"):
		b.Kind = "DEFAULT"
		b.Default = p.expr()
	case p.kw("EMPTY"):
		b.Kind = "EMPTY ARRAY"
		if p.kw("OBJECT") {
			b.Kind = "EMPTY OBJECT"
		} else {
			p.kw("ARRAY")
		}
	case p.isAny("NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN"):
		b.Kind = p.tok.word
		p.next()
	default:
		p.unexpected("RETURNING", "NULL ON EMPTY", "NULL ON ERROR", `")"`)
	}
	b.Pos = p.from(start)
	p.need("ON")
	if p.oneOf("EMPTY", "ERROR") == "EMPTY" {
		clauses(c).OnEmpty = b
	} else {
		clauses(c).OnError = b
	}
}

func (p *parser) jsonObjectArgs(c *ast.Call) {
	start := p.tok.start
	if !p.isOp(")") && !p.onNullAhead() {
		p.list(func() { p.jsonPair(c) })
	}
	p.onNull(c)
	if p.is("WITH") || p.is("WITHOUT") {
		with := p.kw("WITH")
		if !with {
			p.next()
		}
		p.need("UNIQUE")
		p.kw("KEYS")
		if with {
			clauses(c).Unique = true
		}
	}
	if c.JSON != nil {
		c.JSON.Pos = p.from(start)
	}
}

// jsonPair parses KEY k VALUE v, k VALUE v or k : v.
func (p *parser) jsonPair(c *ast.Call) {
	if p.is("KEY") && !(p.peek(1).kind == tokWord && p.peek(1).word == "VALUE") && p.peek(1).kind != tokOp {
		p.next()
	}
	p.add(c)
	if !p.op(":") {
		p.need("VALUE")
	}
	p.add(c)
	p.formatJSON()
}

func (p *parser) jsonArrayArgs(c *ast.Call) {
	start := p.tok.start
	if !p.isOp(")") && !p.onNullAhead() {
		p.list(func() { p.add(c); p.formatJSON() })
		if p.is("ORDER") {
			c.OrderBy = p.orderBy()
		}
	}
	p.onNull(c)
	if c.JSON != nil {
		c.JSON.Pos = p.from(start)
	}
}

func (p *parser) onNullAhead() bool {
	return p.is("NULL", "ON", "NULL") || p.is("ABSENT", "ON", "NULL")
}

func (p *parser) onNull(c *ast.Call) {
	if p.onNullAhead() {
		clauses(c).OnNull = p.tok.word
		p.kw(p.tok.word, "ON", "NULL")
	}
}
