package parser

import (
	"github.com/millrace/millrace/parser/ast"
)

// noParenFunctions are called without parentheses.
var noParenFunctions = wordSet(`CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP
CURRENT_CATALOG CURRENT_DEFAULT_TRANSFORM_GROUP CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_USER
SESSION_USER SYSTEM_USER USER`)

// primary parses an operand without its postfixes.
func (p *parser) primary() ast.Expr {
	at := p.here()
	switch p.tok.kind {
	case tokNumber:
		n := &ast.Number{Pos: at, Text: p.tok.text}
		p.next()
		return n
	case tokString:
		s := p.str()
		return &ast.String{Pos: s.Pos, Value: s.Value}
	case tokBytes:
		b := &ast.Bytes{Pos: at, Hex: p.tok.text}
		p.next()
		return b
	case tokOp:
		switch p.tok.word {
		case "(":
			return p.paren()
		case "?":
			p.next()
			return &ast.Param{Pos: at}
		}
	case tokName:
		return p.nameOrCall()
	case tokWord:
		if x := p.keywordPrimary(at); x != nil {
			return x
		}
		if p.isName() || callable(p.tok.word) && p.peek(1).word == "(" {
			return p.nameOrCall()
		}
	}
	p.unexpected("an expression")
	return nil
}

// keywordPrimary parses what begins with a word of special meaning; nil if the
// current word has none here.
func (p *parser) keywordPrimary(at ast.Pos) ast.Expr {
	start, word, next := p.tok.start, p.tok.word, p.peek(1)
	open := next.kind == tokOp && next.word == "("
	switch word {
	case "TRUE", "FALSE":
		p.next()
		return &ast.Bool{Pos: at, Value: word == "TRUE"}
	case "NULL":
		p.next()
		return &ast.Null{Pos: at}
	case "UNKNOWN":
		p.next()
		return &ast.Unknown{Pos: at}
	case "DEFAULT":
		p.next()
		return &ast.Default{Pos: at}
	case "DATE", "TIME", "TIMESTAMP":
		if next.kind == tokString || next.word == "WITH" || next.word == "WITHOUT" {
			return p.timeLiteral()
		}
	case "INTERVAL":
		return p.interval()
	case "CASE":
		return p.caseExpr()
	case "CAST", "TRY_CAST":
		return p.cast()
	case "EXISTS", "UNIQUE":
		p.next()
		p.needOp("(")
		q := p.query()
		p.needOp(")")
		return &ast.Exists{Pos: p.from(start), Unique: word == "UNIQUE", Query: q}
	case "ROW":
		p.next()
		r := &ast.Row{}
		p.needOp("(")
		if !p.isOp(")") {
			r.Items = p.exprs()
		}
		p.needOp(")")
		r.Pos = p.from(start)
		return r
	case "ARRAY", "MULTISET":
		items, q := p.collection()
		if word == "ARRAY" {
			return &ast.Array{Pos: p.from(start), Items: items, Query: q}
		}
		return &ast.Multiset{Pos: p.from(start), Items: items, Query: q}
	case "MAP":
		if !open && next.word != "[" {
			return nil
		}
		items, q := p.collection()
		if len(items)%2 != 0 {
			p.failf(p.from(start), "MAP needs a value for each key: %d items", len(items))
		}
		return &ast.Map{Pos: p.from(start), Items: items, Query: q}
	case "DESCRIPTOR":
		if open {
			return p.descriptor()
		}
	}
	if noParenFunctions[word] && !(open && callable(word)) {
		id := p.anyIdent()
		return &ast.Call{Pos: at, Name: &ast.Name{Pos: at, Parts: []ast.Ident{id}}, NoParens: true}
	}
	if f := specialArgs(word); f != nil && open {
		return p.specialCall(f)
	}
	return nil
}

func (p *parser) collection() ([]ast.Expr, ast.Query) {
	p.next()
	if p.op("(") {
		q := p.query()
		p.needOp(")")
		return nil, q
	}
	p.needOp("[")
	var items []ast.Expr
	if !p.isOp("]") {
		items = p.exprs()
	}
	p.needOp("]")
	return items, nil
}

func (p *parser) timeLiteral() ast.Expr {
	start := p.tok.start
	t := &ast.Time{Kind: p.tok.word}
	p.next()
	if p.kw("WITH", "LOCAL", "TIME", "ZONE") {
		t.Kind += "_LTZ"
	} else {
		p.kw("WITHOUT", "TIME", "ZONE")
	}
	t.Value = p.str().Value
	t.Pos = p.from(start)
	return t
}

func (p *parser) interval() ast.Expr {
	start := p.tok.start
	p.next()
	iv := &ast.Interval{}
	if p.op("-") {
		iv.Neg = true
	} else {
		p.op("+")
	}
	vstart := p.tok.start
	switch {
	case p.tok.kind == tokString, p.tok.kind == tokNumber, p.isOp("("):
		iv.Value = p.primary()
	case p.isName():
		iv.Value = p.postfix(p.primary(), vstart)
	default:
		p.unexpected("a string such as '5'", "a number")
	}
	iv.Unit = p.intervalUnit()
	iv.Pos = p.from(start)
	return iv
}

func (p *parser) caseExpr() ast.Expr {
	start := p.tok.start
	p.next()
	c := &ast.Case{}
	if !p.is("WHEN") {
		c.Operand = p.expr()
	}
	for p.is("WHEN") {
		at := p.tok.start
		p.next()
		w := ast.When{Conds: p.exprs()}
		if c.Operand == nil && len(w.Conds) > 1 {
			p.failf(ast.Pos{At: w.Conds[1].Span()}, "several conditions in a WHEN need CASE with an operand")
		}
		p.need("THEN")
		w.Result = p.expr()
		w.Pos = p.from(at)
		c.Whens = append(c.Whens, w)
	}
	if len(c.Whens) == 0 {
		p.unexpected("WHEN")
	}
	if p.kw("ELSE") {
		c.Else = p.expr()
	}
	if !p.kw("END") {
		p.unexpected("WHEN", "ELSE", "END")
	}
	c.Pos = p.from(start)
	return c
}

func (p *parser) cast() ast.Expr {
	start := p.tok.start
	c := &ast.Cast{Try: p.is("TRY_CAST")}
	p.next()
	p.needOp("(")
	c.X = p.expr()
	p.need("AS")
	c.Type = p.typeName()
	if p.is("FORMAT") {
		p.unsupported(p.here(), "CAST with FORMAT")
	}
	p.needOp(")")
	c.Pos = p.from(start)
	return c
}

func (p *parser) descriptor() ast.Expr {
	start := p.tok.start
	p.next()
	d := &ast.Descriptor{}
	p.parens(func() {
		d.Columns = append(d.Columns, p.name())
		if !p.isOp(",") && !p.isOp(")") && unknownType(p) {
			p.typeName()
		}
	})
	d.Pos = p.from(start)
	return d
}

// unknownType says whether a type follows a column of DESCRIPTOR, as some
// statements write it; it has no meaning.
func unknownType(p *parser) bool { return p.tok.kind == tokWord && scalarTypes[p.tok.word].name != "" }

// nameOrCall parses a dotted name and, where a parenthesis follows, the call.
func (p *parser) nameOrCall() ast.Expr {
	start := p.tok.start
	n := &ast.Name{Parts: []ast.Ident{p.anyIdent()}}
	for p.isOp(".") && (p.peek(1).kind == tokName || p.peek(1).kind == tokWord) {
		p.next()
		n.Parts = append(n.Parts, p.anyIdent())
	}
	n.Pos = p.from(start)
	if p.isOp("(") {
		return p.call(n)
	}
	return n
}
