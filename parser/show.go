package parser

import "github.com/millrace/millrace/parser/ast"

// lists are the plural objects SHOW lists; true for those with FROM or IN.
var lists = []struct {
	what  string
	words []string
	in    bool
}{
	{"CATALOGS", nil, false}, {"DATABASES", nil, true}, {"TABLES", nil, true}, {"VIEWS", nil, true},
	{"MATERIALIZED TABLES", []string{"MATERIALIZED", "TABLES"}, true},
	{"FUNCTIONS", nil, true}, {"USER FUNCTIONS", []string{"USER", "FUNCTIONS"}, true},
	{"PROCEDURES", nil, true}, {"MODULES", nil, false}, {"FULL MODULES", []string{"FULL", "MODULES"}, false},
	{"MODELS", nil, true}, {"CONNECTIONS", nil, true}, {"JARS", nil, false}, {"JOBS", nil, false}, {"SPLITS", nil, false},
	{"CURRENT CATALOG", []string{"CURRENT", "CATALOG"}, false}, {"CURRENT DATABASE", []string{"CURRENT", "DATABASE"}, false},
}

// show parses SHOW statements.
func (p *parser) show() ast.Stmt {
	start := p.tok.start
	p.next()
	s := &ast.Show{}
	switch {
	case p.is("CREATE"):
		p.next()
		alter := p.kw("OR", "ALTER")
		kinds := []string{"TABLE", "VIEW", "CATALOG", "MODEL", "FUNCTION", "CONNECTION", "MATERIALIZED TABLE"}
		if alter {
			kinds = kinds[len(kinds)-1:]
		}
		s.What = "CREATE " + string(p.objectKind(kinds...))
		if alter {
			s.What = "CREATE OR ALTER MATERIALIZED TABLE"
		}
		s.Name = p.name()
	case p.kw("COLUMNS"):
		s.What = "COLUMNS"
		p.oneOf("FROM", "IN")
		s.In = p.name()
		s.Like = p.showLike()
	case p.kw("PARTITIONS"):
		s.What = "PARTITIONS"
		s.Name = p.name()
		if p.is("PARTITION") {
			s.Partition = p.partition(false)
		}
	default:
		p.showList(s)
	}
	s.Pos = p.from(start)
	return s
}

func (p *parser) showList(s *ast.Show) {
	expected := []string{"CREATE", "COLUMNS", "PARTITIONS"}
	for _, l := range lists {
		words := l.words
		if words == nil {
			words = []string{l.what}
		}
		expected = append(expected, l.what)
		if !p.kw(words...) {
			continue
		}
		s.What = l.what
		if l.in && (p.kw("FROM") || p.kw("IN")) {
			s.In = p.name()
		}
		s.Like = p.showLike()
		return
	}
	p.unexpected(expected...)
}

func (p *parser) showLike() *ast.ShowLike {
	start := p.tok.start
	l := &ast.ShowLike{Not: p.kw("NOT")}
	switch {
	case p.kw("LIKE"):
	case p.kw("ILIKE"):
		l.ILike = true
	case l.Not:
		p.unexpected("LIKE", "ILIKE")
	default:
		return nil
	}
	l.Pattern = p.str()
	l.Pos = p.from(start)
	return l
}

// describe parses DESCRIBE statements.
func (p *parser) describe() ast.Stmt {
	start := p.tok.start
	p.next()
	d := &ast.Describe{Kind: ast.Table}
	next := p.peek(1)
	named := isName(next) || next.kind == tokString
	switch {
	case p.is("JOB") && next.kind == tokString:
		p.next()
		d.Kind = ast.Job
		d.ID = p.strPtr()
		d.Pos = p.from(start)
		return d
	case p.is("FUNCTION") && next.kind == tokWord, p.is("FUNCTION") && named, p.is("CATALOG") && named, p.is("DATABASE") && named, p.is("MODEL") && named, p.is("CONNECTION") && named:
		d.Kind = ast.ObjectKind(p.tok.word)
		p.next()
	case p.is("CATALOG", "EXTENDED"), p.is("DATABASE", "EXTENDED"), p.is("MODEL", "EXTENDED"), p.is("CONNECTION", "EXTENDED"):
		d.Kind = ast.ObjectKind(p.tok.word)
		p.next()
	case p.is("TABLE"):
		p.next()
	}
	d.Extended = p.kw("EXTENDED")
	if d.Kind == ast.Function && p.tok.kind == tokWord && !isName(p.tok) {
		// Flink wants ABS, UPPER and the like in back-ticks here.
		id := ast.Ident{Pos: ast.Pos{At: p.span(p.tok.start, p.tok.end)}, Name: p.tok.text}
		p.next()
		d.Name = &ast.Name{Pos: id.Pos, Parts: []ast.Ident{id}}
	} else {
		d.Name = p.name()
	}
	d.Pos = p.from(start)
	return d
}
