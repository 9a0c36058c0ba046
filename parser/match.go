package parser

import (
	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// matchRecognize parses MATCH_RECOGNIZE ( ... ) behind ref.
func (p *parser) matchRecognize(ref ast.TableRef, start int) ast.TableRef {
	p.next()
	m := &ast.MatchRecognize{Ref: ref}
	p.needOp("(")
	if p.kw("PARTITION") {
		p.need("BY")
		m.PartitionBy = p.exprs()
	}
	if p.is("ORDER") {
		m.OrderBy = p.orderBy()
	}
	if p.kw("MEASURES") {
		p.list(func() {
			at := p.tok.start
			e := p.expr()
			p.need("AS")
			m.Measures = append(m.Measures, ast.Measure{Expr: e, Name: p.ident(), Pos: p.from(at)})
		})
	}
	switch {
	case p.kw("ONE", "ROW", "PER", "MATCH"):
		m.RowsPer = "ONE ROW"
	case p.kw("ALL", "ROWS", "PER", "MATCH"):
		m.RowsPer = "ALL ROWS"
	}
	if p.is("AFTER") {
		m.Skip = p.skip()
	}
	p.need("PATTERN")
	p.needOp("(")
	m.AnchorStart = p.op("^")
	m.Pattern = p.pattern()
	m.AnchorEnd = p.op("$")
	p.needOp(")")
	if p.kw("WITHIN") {
		if !p.is("INTERVAL") {
			p.unexpected("INTERVAL")
		}
		m.Within = p.interval()
	}
	if p.kw("SUBSET") {
		p.list(func() {
			at := p.tok.start
			s := ast.Subset{Name: p.ident()}
			p.needOp("=")
			s.Vars = p.idents()
			s.Pos = p.from(at)
			m.Subsets = append(m.Subsets, s)
		})
	}
	if p.kw("DEFINE") {
		p.list(func() {
			at := p.tok.start
			d := ast.Definition{Var: p.ident()}
			p.need("AS")
			d.Cond = p.expr()
			d.Pos = p.from(at)
			m.Define = append(m.Define, d)
		})
	} else {
		p.unexpected("WITHIN", "SUBSET", "DEFINE")
	}
	p.needOp(")")
	m.Pos = p.from(start)
	return m
}

func (p *parser) skip() *ast.Skip {
	start := p.tok.start
	p.need("AFTER", "MATCH", "SKIP")
	s := &ast.Skip{}
	switch {
	case p.kw("PAST", "LAST", "ROW"):
		s.Kind = "PAST LAST ROW"
	case p.kw("TO", "NEXT", "ROW"):
		s.Kind = "TO NEXT ROW"
	default:
		p.need("TO")
		s.Kind = "TO LAST"
		if p.is("FIRST") && isName(p.peek(1)) {
			p.next()
			s.Kind = "TO FIRST"
		} else if p.is("LAST") && isName(p.peek(1)) {
			p.next()
		}
		id := p.ident()
		s.Var = &id
	}
	s.Pos = p.from(start)
	return s
}

// pattern parses alternatives of sequences of quantified pattern variables.
func (p *parser) pattern() ast.Pattern {
	defer p.enter()()
	start := p.tok.start
	items := []ast.Pattern{p.patternSeq()}
	for p.op("|") {
		items = append(items, p.patternSeq())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &ast.PatternAlt{Pos: p.from(start), Items: items}
}

func (p *parser) patternSeq() ast.Pattern {
	start := p.tok.start
	items := []ast.Pattern{p.patternItem()}
	for p.isName() || p.isOp("(") || p.isOp("{") || p.is("PERMUTE") {
		items = append(items, p.patternItem())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &ast.PatternSeq{Pos: p.from(start), Items: items}
}

func (p *parser) patternItem() ast.Pattern {
	start := p.tok.start
	var x ast.Pattern
	switch {
	case p.op("("):
		x = p.pattern()
		p.needOp(")")
	case p.isOp("{") && p.peek(1).word == "-":
		p.next()
		p.next()
		inner := p.pattern()
		p.needOp("-")
		p.needOp("}")
		x = &ast.PatternExclude{Pos: p.from(start), Item: inner}
	case p.kw("PERMUTE"):
		var items []ast.Pattern
		p.parens(func() { items = append(items, p.pattern()) })
		x = &ast.PatternPermute{Pos: p.from(start), Items: items}
	case p.isName():
		x = &ast.PatternVar{Name: p.ident(), Pos: p.from(start)}
	default:
		p.unexpected("a pattern variable's name")
	}
	return p.quantifier(x, start)
}

func (p *parser) quantifier(x ast.Pattern, start int) ast.Pattern {
	r := &ast.PatternRepeat{Item: x, Max: -1}
	switch {
	case p.op("*"):
	case p.op("+"):
		r.Min = 1
	case p.op("?"):
		r.Max = 1
		if p.isOp("?") {
			p.failf(p.here(), "the quantifier ?? isn't allowed")
		}
	case p.isOp("{") && p.peek(1).word != "-":
		p.next()
		at, low := p.tok.start, p.tok.kind == tokNumber
		if low {
			r.Min = p.small()
			r.Max = r.Min
			if p.op(",") {
				r.Max = -1
			}
		} else {
			p.needOp(",")
		}
		if p.tok.kind == tokNumber && r.Max < 0 {
			r.Max = p.small()
		} else if !low {
			p.unexpected("a number")
		}
		if r.Max >= 0 && r.Max < r.Min {
			p.fail(sqlerr.New(sqlerr.Syntax, p.from(at).At, "quantifier ends before it begins"))
		}
		p.needOp("}")
	default:
		return x
	}
	r.Reluctant = p.op("?")
	r.Pos = p.from(start)
	return r
}
