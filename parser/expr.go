package parser

import (
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Binding powers, loosest first.
const (
	precOr = iota + 1
	precAnd
	precNot
	precIs      // IS NULL, IS DISTINCT FROM
	precCompare // = < OVERLAPS MEMBER OF ...
	precRange   // BETWEEN IN LIKE
	precSet     // MULTISET UNION
	precAdd
	precMul // * / % ||
	precUnary
)

var binaryOps = map[string]int{
	"=": precCompare, "<>": precCompare, "!=": precCompare, "<": precCompare, "<=": precCompare,
	">": precCompare, ">=": precCompare,
	"+": precAdd, "-": precAdd, "*": precMul, "/": precMul, "%": precMul, "||": precMul,
}

var wordOps = map[string]int{
	"OR": precOr, "AND": precAnd, "OVERLAPS": precCompare, "CONTAINS": precCompare, "EQUALS": precCompare,
	"PRECEDES": precCompare, "SUCCEEDS": precCompare,
}

// expr parses an expression of any kind.
func (p *parser) expr() ast.Expr { return p.exprAt(precOr) }

// exprs parses one or more expressions.
func (p *parser) exprs() []ast.Expr {
	var xs []ast.Expr
	p.list(func() { xs = append(xs, p.expr()) })
	return xs
}

// exprAt parses an expression of operators that bind at least as tightly as
// prec.
func (p *parser) exprAt(prec int) ast.Expr {
	defer p.enter()()
	start := p.tok.start
	x := p.prefix()
	for {
		y := p.infix(x, start, prec)
		if y == nil {
			return x
		}
		x = y
	}
}

func (p *parser) prefix() ast.Expr {
	start := p.tok.start
	switch {
	case p.is("NOT"):
		p.next()
		x := p.exprAt(precNot)
		return &ast.Unary{Pos: p.from(start), Op: "NOT", X: x}
	case p.isOp("-"), p.isOp("+"):
		op := p.tok.word
		p.next()
		x := p.exprAt(precUnary)
		return &ast.Unary{Pos: p.from(start), Op: op, X: x}
	case p.isAny("FINAL", "RUNNING") && (isName(p.peek(1)) || p.peek(1).kind == tokWord && callable(p.peek(1).word)):
		op := p.tok.word
		p.next()
		x := p.exprAt(precUnary)
		return &ast.Unary{Pos: p.from(start), Op: op, X: x}
	}
	return p.postfix(p.primary(), start)
}

// infix extends x by the next operator if that binds at least as tightly as
// prec; nil if not.
func (p *parser) infix(x ast.Expr, start, prec int) ast.Expr {
	op := p.tok.word
	switch p.tok.kind {
	case tokOp:
		if q := binaryOps[op]; q >= prec && q > 0 {
			p.next()
			if op == "!=" {
				op = "<>"
			}
			if q == precCompare && p.isAny("ANY", "SOME", "ALL") && p.peek(1).word == "(" {
				return p.quantified(x, op, start)
			}
			r := p.exprAt(q + 1)
			return &ast.Binary{Pos: p.from(start), Op: op, L: x, R: r}
		}
		return nil
	case tokWord:
	default:
		return nil
	}
	if q := wordOps[op]; q > 0 {
		if q < prec {
			return nil
		}
		p.next()
		r := p.exprAt(q + 1)
		return &ast.Binary{Pos: p.from(start), Op: op, L: x, R: r}
	}
	switch {
	case op == "IS" && precIs >= prec:
		return p.isTest(x, start)
	case (op == "BETWEEN" || op == "IN" || op == "LIKE" || op == "SIMILAR" || op == "NOT") && precRange >= prec:
		return p.rangeTest(x, start)
	case precCompare >= prec && p.is("IMMEDIATELY") && (p.peek(1).word == "PRECEDES" || p.peek(1).word == "SUCCEEDS"):
		p.next()
		op = "IMMEDIATELY " + p.tok.word
	case precCompare >= prec && p.is("MEMBER"):
		p.next()
		if !p.is("OF") {
			p.unexpected("OF")
		}
		op = "MEMBER OF"
	case precCompare >= prec && p.is("SUBMULTISET"):
		p.next()
		if !p.is("OF") {
			p.unexpected("OF")
		}
		op = "SUBMULTISET OF"
	case precSet >= prec && p.is("MULTISET"):
		p.next()
		op = "MULTISET " + p.oneOf("UNION", "EXCEPT", "INTERSECT")
		if p.kw("ALL") {
			op += " ALL"
		} else {
			p.kw("DISTINCT")
		}
		r := p.exprAt(precSet + 1)
		return &ast.Binary{Pos: p.from(start), Op: op, L: x, R: r}
	default:
		return nil
	}
	p.next()
	r := p.exprAt(precCompare + 1)
	return &ast.Binary{Pos: p.from(start), Op: op, L: x, R: r}
}

// isTest parses IS [NOT] ...
func (p *parser) isTest(x ast.Expr, start int) ast.Expr {
	p.next()
	not := p.kw("NOT")
	if p.kw("DISTINCT") {
		p.need("FROM")
		r := p.exprAt(precCompare)
		return &ast.Distinct{Pos: p.from(start), L: x, R: r, Not: not}
	}
	t := &ast.Is{X: x, Not: not}
	switch {
	case p.kw("JSON"):
		t.Kind = "JSON VALUE"
		for _, k := range []string{"VALUE", "OBJECT", "ARRAY", "SCALAR"} {
			if p.kw(k) {
				t.Kind = "JSON " + k
				break
			}
		}
	case p.kw("A"):
		p.need("SET")
		t.Kind = "A SET"
	default:
		if !p.isAny("NULL", "TRUE", "FALSE", "UNKNOWN", "EMPTY") {
			p.unexpected("NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT FROM", "JSON")
		}
		t.Kind = p.tok.word
		p.next()
	}
	t.Pos = p.from(start)
	return t
}

// rangeTest parses [NOT] BETWEEN, IN, LIKE or SIMILAR TO; nil if NOT belongs to
// something else.
func (p *parser) rangeTest(x ast.Expr, start int) ast.Expr {
	not := false
	if p.is("NOT") {
		switch p.peek(1).word {
		case "BETWEEN", "IN", "LIKE", "SIMILAR":
			p.next()
			not = true
		default:
			return nil
		}
	}
	switch {
	case p.kw("BETWEEN"):
		sym := p.kw("SYMMETRIC")
		if !sym {
			p.kw("ASYMMETRIC")
		}
		lo := p.exprAt(precRange + 1)
		p.need("AND")
		hi := p.exprAt(precRange + 1)
		return &ast.Between{Pos: p.from(start), X: x, Lo: lo, Hi: hi, Not: not, Symmetric: sym}
	case p.kw("IN"):
		list, q := p.listOrQuery()
		return &ast.In{Pos: p.from(start), X: x, Not: not, List: list, Query: q}
	}
	l := &ast.Like{Op: "LIKE", X: x, Not: not}
	if !p.kw("LIKE") {
		p.need("SIMILAR", "TO")
		l.Op = "SIMILAR TO"
	}
	l.Pattern = p.exprAt(precRange + 1)
	if p.kw("ESCAPE") {
		l.Escape = p.exprAt(precRange + 1)
	}
	l.Pos = p.from(start)
	return l
}

// listOrQuery parses (a, b, ...) or (query).
func (p *parser) listOrQuery() ([]ast.Expr, ast.Query) {
	if !p.isOp("(") {
		p.unexpected(`"("`)
	}
	p.next()
	if p.queryAhead() {
		q := p.query()
		p.needOp(")")
		return nil, q
	}
	if p.isOp(")") {
		p.unexpected("an expression", "a query")
	}
	xs := p.exprs()
	if len(xs) == 1 && p.setOpAhead() {
		if s, ok := xs[0].(*ast.Subquery); ok {
			q := p.continueQuery(s.Query, s.At.Start)
			p.needOp(")")
			return nil, q
		}
	}
	p.needOp(")")
	return xs, nil
}

func (p *parser) quantified(x ast.Expr, op string, start int) ast.Expr {
	q := &ast.Quantified{X: x, Op: op, All: p.is("ALL")}
	p.next()
	q.List, q.Query = p.listOrQuery()
	q.Pos = p.from(start)
	return q
}

// postfix parses [i] and .field behind a primary.
func (p *parser) postfix(x ast.Expr, start int) ast.Expr {
	for {
		switch {
		case p.op("["):
			i := p.expr()
			p.needOp("]")
			x = &ast.Index{Pos: p.from(start), X: x, I: i}
		case p.isOp(".") && (p.peek(1).kind == tokName || p.peek(1).kind == tokWord):
			p.next()
			id := p.anyIdent()
			x = &ast.Field{Pos: p.from(start), X: x, Name: id}
		default:
			return x
		}
	}
}

// paren parses what "(" begins: an expression, a row, a sub-query, or the
// difference of two times with its unit.
func (p *parser) paren() ast.Expr {
	start := p.tok.start
	p.needOp("(")
	if p.queryAhead() {
		q := p.query()
		p.needOp(")")
		return &ast.Subquery{Pos: p.from(start), Query: q}
	}
	inner := p.tok.start
	x := p.expr()
	if s, ok := x.(*ast.Subquery); ok && p.setOpAhead() {
		q := p.continueQuery(s.Query, inner)
		p.needOp(")")
		return &ast.Subquery{Pos: p.from(start), Query: q}
	}
	if p.isOp(",") {
		items := []ast.Expr{x}
		for p.op(",") {
			items = append(items, p.expr())
		}
		p.needOp(")")
		return &ast.Row{Pos: p.from(start), Items: items}
	}
	p.needOp(")")
	if b, ok := x.(*ast.Binary); ok && b.Op == "-" && p.tok.kind == tokWord && ast.Reserved(p.tok.word) && unitOf(p.tok) != "" {
		u := p.intervalUnit()
		return &ast.MinusInterval{Pos: p.from(start), L: b.L, R: b.R, Unit: u}
	}
	return x
}

// unsupported fails for syntax that Flink reads and Millrace has no tree for.
func (p *parser) unsupported(at ast.Pos, feature string) {
	p.fail(sqlerr.Unsupported(at.At, feature))
}
