package parser

import (
	"strconv"

	"github.com/millrace/millrace/parser/ast"
)

// isName says whether token t may be a name: back-ticked or not reserved.
func isName(t token) bool {
	return t.kind == tokName || t.kind == tokWord && !ast.Reserved(t.word)
}

func (p *parser) isName() bool { return isName(p.tok) }

// ident parses one name.
func (p *parser) ident() ast.Ident {
	if !p.isName() {
		p.unexpected("a name")
	}
	id := ast.Ident{Pos: p.here(), Name: p.tok.text}
	p.next()
	return id
}

// anyIdent parses a name where a reserved word is clear too: behind a dot.
func (p *parser) anyIdent() ast.Ident {
	if p.tok.kind != tokName && p.tok.kind != tokWord {
		p.unexpected("a name")
	}
	id := ast.Ident{Pos: p.here(), Name: p.tok.text}
	p.next()
	return id
}

// name parses a.b.c.
func (p *parser) name() *ast.Name {
	start := p.tok.start
	n := &ast.Name{Parts: []ast.Ident{p.ident()}}
	for p.isOp(".") {
		p.next()
		n.Parts = append(n.Parts, p.ident())
	}
	n.Pos = p.from(start)
	return n
}

// idents parses (a, b).
func (p *parser) idents() []ast.Ident {
	var ids []ast.Ident
	p.parens(func() { ids = append(ids, p.ident()) })
	return ids
}

// str parses a string literal, pieces on following lines included.
func (p *parser) str() ast.Text {
	if p.tok.kind != tokString {
		p.unexpected("a string")
	}
	start := p.tok.start
	text := p.tok.text
	p.next()
	for p.tok.kind == tokString && lineBetween(p.src.Text[p.toks[p.i-1].end:p.tok.start]) {
		text += p.tok.text
		p.next()
	}
	return ast.Text{Pos: p.from(start), Value: text}
}

func lineBetween(gap string) bool {
	for i := range len(gap) {
		if gap[i] == '\n' {
			return true
		}
	}
	return false
}

func (p *parser) strPtr() *ast.Text {
	t := p.str()
	return &t
}

// comment parses an optional COMMENT 'text'.
func (p *parser) comment() *ast.Text {
	if p.kw("COMMENT") {
		return p.strPtr()
	}
	return nil
}

// integer parses an unsigned integer literal.
func (p *parser) integer() *ast.Number {
	n := &ast.Number{Pos: p.here(), Text: p.tok.text}
	if p.tok.kind != tokNumber || !allDigits(n.Text) {
		p.unexpected("an unsigned integer")
	}
	p.next()
	return n
}

// small parses an unsigned integer that fits an int32.
func (p *parser) small() int {
	at := p.here()
	n := p.integer()
	v, err := strconv.ParseInt(n.Text, 10, 32)
	if err != nil {
		p.failf(at, "number %s is out of range", n.Text)
	}
	return int(v)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// options parses ('k' = 'v', ...); empty may be allowed.
func (p *parser) options(empty bool) []ast.Option {
	p.needOp("(")
	opts := []ast.Option{}
	if empty && p.op(")") {
		return opts
	}
	p.list(func() {
		start := p.tok.start
		k := p.str()
		p.needOp("=")
		v := p.str()
		opts = append(opts, ast.Option{Pos: p.from(start), Key: k, Value: v})
	})
	p.needOp(")")
	return opts
}

// with parses an optional WITH (options).
func (p *parser) with() []ast.Option {
	if p.kw("WITH") {
		return p.options(true)
	}
	return nil
}

// hints parses an optional /*+ ... */.
func (p *parser) hints() []ast.Hint {
	var hints []ast.Hint
	if !p.op("/*+") {
		return nil
	}
	if p.op("*/") {
		return nil
	}
	for {
		start := p.tok.start
		h := ast.Hint{Name: p.anyIdent()}
		if p.op("(") && !p.op(")") {
			p.list(func() { h.Args = append(h.Args, p.hintArg()) })
			p.needOp(")")
		}
		h.Pos = p.from(start)
		hints = append(hints, h)
		if p.op("*/") {
			return hints
		}
		p.op(",") // Flink takes blanks as well as commas
	}
}

func (p *parser) hintArg() ast.HintArg {
	start := p.tok.start
	var a ast.HintArg
	a.Value, a.Ident = p.hintValue()
	if p.op("=") {
		a.Key = a.Value
		a.Value, a.Ident = p.hintValue()
		if a.Ident {
			p.failf(a.Value.Pos, "value of a hint's option must be a literal")
		}
	}
	if a.Key.At.IsZero() {
		a.Key.At = p.span(start, start)
	}
	a.Pos = p.from(start)
	return a
}

// hintValue is a literal, or a (dotted) name with ident true.
func (p *parser) hintValue() (t ast.Text, ident bool) {
	start := p.tok.start
	switch p.tok.kind {
	case tokString:
		return p.str(), false
	case tokNumber:
		t = ast.Text{Pos: p.here(), Value: p.tok.text}
		p.next()
		return t, false
	case tokWord, tokName:
		v := p.anyIdent().Name
		for p.op(".") {
			v += "." + p.anyIdent().Name
		}
		return ast.Text{Pos: p.from(start), Value: v}, true
	}
	p.unexpected("a string", "a name")
	return t, false
}
