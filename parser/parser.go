// Package parser turns the text of Flink SQL into the tree of package ast. It is
// a hand-written lexer and recursive descent with precedence climbing for
// expressions; each statement family has its file, named after it.
//
// Text goes through lex into tokens, statement picks the parse function by the
// first word, and the functions build the tree. A fault ends its statement only:
// Parse goes on after the next semicolon, so one run reports several. Start with
// Parse here, then statement in statement.go and query in query.go.
//
// The parser accepts more than Millrace can run: what has no meaning here is
// refused later, by name.
package parser

import (
	"strings"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Options changes how a text is read. The zero value is the plain dialect.
type Options struct {
	// Lookup, if set, finds the variables that ${VAR}, ${VAR:-default} and
	// ${VAR:?message} stand for inside string literals. $${ stands for ${.
	Lookup func(name string) (value string, ok bool)

	// MySQL, if set, reads the query or INSERT of MySQL's dialect that stands in
	// src.Text[start:end], where SET 'table.sql-dialect' = 'mysql' came before it or
	// IsMySQL says that the session is in that dialect. MySQLEnd finds the end of the
	// statement that begins at start.
	MySQL    func(src *sqlerr.Source, start, end int) (ast.Stmt, error)
	MySQLEnd func(text string, start int) int
	IsMySQL  bool
}

// dialect is the setting that chooses the dialect.
const dialect = "table.sql-dialect"

// Parse reads a script: statements separated by semicolons. The error is a
// sqlerr.List or *sqlerr.Error with code sqlerr.Syntax; the statements without
// fault are returned beside it.
func Parse(src *sqlerr.Source) ([]ast.Stmt, error) { return Options{}.Parse(src) }

// ParseExpr reads one expression, such as a computed column's.
func ParseExpr(src *sqlerr.Source) (ast.Expr, error) {
	var e ast.Expr
	err := newParser(src, Options{}).whole(func(p *parser) { e = p.expr() })
	return e, err
}

// ParseQuery reads one query, such as a view's.
func ParseQuery(src *sqlerr.Source) (ast.Query, error) {
	var q ast.Query
	err := newParser(src, Options{}).whole(func(p *parser) { q = p.query() })
	return q, err
}

// ParseType reads one type, such as `ROW<a INT NOT NULL>`.
func ParseType(src *sqlerr.Source) (ast.TypeName, error) {
	var t ast.TypeName
	err := newParser(src, Options{}).whole(func(p *parser) { t = p.typeName() })
	return t, err
}

// Parse is the package's Parse under these options.
func (o Options) Parse(src *sqlerr.Source) ([]ast.Stmt, error) {
	p := newParser(src, o)
	var stmts []ast.Stmt
	for {
		for p.op(";") {
		}
		if p.tok.kind == tokEOF {
			return stmts, p.errs.Sort().Err()
		}
		if o.IsMySQL && o.MySQL != nil && p.isAny("SELECT", "WITH", "VALUES", "INSERT", "REPLACE") || o.IsMySQL && p.isOp("(") {
			if s := p.mysql(o); s != nil {
				stmts = append(stmts, s)
			}
			continue
		}
		first := p.i
		var s ast.Stmt
		if p.catch(func() {
			s = p.statement()
			if p.tok.kind != tokEOF && !p.isOp(";") {
				p.unexpected(`";"`)
			}
		}) {
			stmts = append(stmts, s)
			switch s := s.(type) {
			case *ast.Set:
				if s.Key != nil && s.Key.Value == dialect {
					o.IsMySQL = strings.EqualFold(s.Value.Value, "mysql")
				}
			case *ast.Reset:
				if s.Key == nil || s.Key.Value == dialect {
					o.IsMySQL = false
				}
			}
			continue
		}
		if len(p.errs) > 4*sqlerr.Max {
			return stmts, p.errs.Sort().Err()
		}
		p.recover(first)
	}
}

// mysql reads a statement of MySQL's dialect and goes behind it. The text after it is
// cut into tokens anew: a string of MySQL's may have looked like anything.
func (p *parser) mysql(o Options) ast.Stmt {
	start := p.tok.start
	end := o.MySQLEnd(p.src.Text, start)
	s, err := o.MySQL(p.src, start, end)
	if err != nil {
		p.errs = append(p.errs, sqlerr.All(err)...)
	}
	p.toks, p.i = lex(p.src.Text[end:], o.Lookup), 0
	for i := range p.toks {
		p.toks[i].start += end
		p.toks[i].end += end
		p.toks[i].off += end
	}
	p.tok = p.toks[0]
	return s
}

// maxDepth bounds the nesting of expressions, queries and types.
const maxDepth = 1000

// parser reads a slice of tokens. A fault is recorded and thrown as bailout,
// which never leaves the package.
type parser struct {
	src   *sqlerr.Source
	toks  []token
	i     int
	tok   token // toks[i]
	errs  sqlerr.List
	depth int
}

type bailout struct{}

func newParser(src *sqlerr.Source, o Options) *parser {
	p := &parser{src: src, toks: lex(src.Text, o.Lookup)}
	p.tok = p.toks[0]
	return p
}

// whole runs f, which must use up the text but for a trailing semicolon.
func (p *parser) whole(f func(*parser)) error {
	p.catch(func() {
		f(p)
		p.op(";")
		if p.tok.kind != tokEOF {
			p.unexpected("the end")
		}
	})
	return p.errs.Err()
}

// catch runs f and says whether it ended without a fault.
func (p *parser) catch(f func()) (ok bool) {
	depth := p.depth
	defer func() {
		if r := recover(); r != nil {
			if _, mine := r.(bailout); !mine {
				panic(r)
			}
			p.depth, ok = depth, false
		}
	}()
	f()
	return true
}

// recover goes behind the statement that began at token first: to the next
// semicolon, or behind END if the fault was inside a statement set.
func (p *parser) recover(first int) {
	inSet := false
	for i := first; i < p.i; i++ {
		switch {
		case p.toks[i].word == "BEGIN" && p.toks[i].kind == tokWord:
			inSet = true
		case p.toks[i].word == "END" && inSet && (p.toks[i-1].word == ";" || p.toks[i-1].word == "BEGIN"):
			inSet = false
		}
	}
	for p.tok.kind != tokEOF {
		if p.isOp(";") && !(inSet && p.endAhead()) {
			return
		}
		p.next()
	}
}

// endAhead says whether an END that closes a statement set is still to come.
func (p *parser) endAhead() bool {
	for i := p.i; i+1 < len(p.toks); i++ {
		if p.toks[i].word == ";" && p.toks[i+1].word == "END" && p.toks[i+1].kind == tokWord {
			return true
		}
	}
	return false
}

func (p *parser) next() {
	if p.i+1 < len(p.toks) {
		p.i++
		p.tok = p.toks[p.i]
	}
}

func (p *parser) peek(n int) token {
	return p.toks[min(p.i+n, len(p.toks)-1)]
}

func (p *parser) span(start, end int) sqlerr.Span {
	return sqlerr.Span{Src: p.src, Start: start, End: max(start, end)}
}

// from is the position from byte start to the end of the last token read.
func (p *parser) from(start int) ast.Pos {
	end := start
	if p.i > 0 {
		end = p.toks[p.i-1].end
	}
	return ast.Pos{At: p.span(start, end)}
}

// here is the place of the current token.
func (p *parser) here() ast.Pos { return ast.Pos{At: p.span(p.tok.start, p.tok.end)} }

// enter counts one level of nesting; call the result when leaving.
func (p *parser) enter() func() {
	p.depth++
	if p.depth > maxDepth {
		p.fail(sqlerr.New(sqlerr.Syntax, p.here().At, "nested too deeply: more than %d levels", maxDepth))
	}
	return p.leave
}

func (p *parser) leave() { p.depth-- }

// isOp says whether the current token is the operator op.
func (p *parser) isOp(op string) bool { return p.tok.kind == tokOp && p.tok.word == op }

// op consumes the operator if it is next.
func (p *parser) op(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) needOp(op string) {
	if !p.op(op) {
		p.unexpected(`"` + op + `"`)
	}
}

// is says whether the next tokens are these keywords.
func (p *parser) is(words ...string) bool {
	for i, w := range words {
		if t := p.peek(i); t.kind != tokWord || t.word != w {
			return false
		}
	}
	return true
}

// isAny says whether the next token is one of these keywords.
func (p *parser) isAny(words ...string) bool {
	for _, w := range words {
		if p.is(w) {
			return true
		}
	}
	return false
}

// kw consumes the keywords if they are next, all or none.
func (p *parser) kw(words ...string) bool {
	if !p.is(words...) {
		return false
	}
	for range words {
		p.next()
	}
	return true
}

func (p *parser) need(words ...string) {
	for _, w := range words {
		if !p.kw(w) {
			p.unexpected(w)
		}
	}
}

// oneOf consumes one of the keywords and returns it.
func (p *parser) oneOf(words ...string) string {
	for _, w := range words {
		if p.kw(w) {
			return w
		}
	}
	p.unexpected(words...)
	return ""
}

// list parses one or more f separated by commas.
func (p *parser) list(f func()) {
	f()
	for p.op(",") {
		f()
	}
}

// parens parses ( f , f ... ) with at least one.
func (p *parser) parens(f func()) {
	p.needOp("(")
	p.list(f)
	p.needOp(")")
}

func (p *parser) fail(e *sqlerr.Error) {
	p.errs = append(p.errs, e)
	panic(bailout{})
}

func (p *parser) failf(at ast.Pos, format string, args ...any) {
	p.fail(sqlerr.New(sqlerr.Syntax, at.At, format, args...))
}

// unexpected fails at the current token. expected are keywords in upper case,
// quoted operators, or descriptions in lower case.
func (p *parser) unexpected(expected ...string) {
	t := p.tok
	if t.kind == tokIllegal {
		e := sqlerr.New(sqlerr.Syntax, p.span(t.off, t.end), "%s", t.text)
		e.Hint = t.hint
		p.fail(e)
	}
	at := p.here().At
	if t.kind == tokEOF {
		at = p.span(t.start, t.start)
	}
	msg := "unexpected " + t.describe()
	if len(expected) > 0 {
		msg += ", expected " + join(expected)
	}
	e := sqlerr.New(sqlerr.Syntax, at, "%s", msg)
	if p.i > 0 && len(expected) == 1 && expected[0] == `";"` {
		// SELECT a FORM t: the misspelt word was taken for an alias
		prev := p.toks[p.i-1]
		if near := nearest(prev.text, clauseWords); near != "" && prev.kind == tokWord && !ast.Reserved(prev.word) {
			e.At, e.Hint = e.At.To(p.span(prev.start, prev.end)), "did you mean "+near+" for "+prev.text+"?"
		}
	}
	if t.kind == tokWord && e.Hint == "" {
		var words []string
		name := false
		for _, x := range expected {
			if x == strings.ToUpper(x) && x[0] != '"' {
				words = append(words, x)
			}
			name = name || strings.Contains(x, "name") || strings.Contains(x, "expression") || strings.Contains(x, "alias")
		}
		switch near := sqlerr.Nearest(t.text, words); {
		case name && ast.Reserved(t.word) && !structural[t.word]:
			e.Hint = t.word + " is a reserved word; as a name it needs back-ticks: `" + t.text + "`"
		case near != "" && near != t.word:
			e.Hint = "did you mean " + near + "?"
		}
	}
	p.fail(e)
}

// clauseWords begin the clauses of a query.
var clauseWords = []string{"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION"}

// structural words are hardly ever meant as names where one was expected.
var structural = wordSet(`SELECT FROM WHERE GROUP ORDER HAVING UNION EXCEPT INTERSECT LIMIT OFFSET FETCH ON AND OR THEN
ELSE END WHEN AS INTO IN LIKE BETWEEN JOIN BY WITH SET VALUES PARTITION USING IS OVER`)

func join(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return words[0]
}

// nearest is sqlerr.Nearest, but nothing for words too short to tell.
func nearest(word string, words []string) string {
	if len(word) < 3 {
		return ""
	}
	return sqlerr.Nearest(word, words)
}
