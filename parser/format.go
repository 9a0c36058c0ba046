package parser

import (
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// width is how long a line may get before what is on it is laid out over several.
const width = 100

// Format lays a script out anew: keywords in capitals, one blank between words, a
// line per clause where a statement doesn't fit on one. No word is added, taken away
// or changed otherwise, and comments stay where they are. Formatting twice changes
// nothing more. A text with a fault in it is refused as Parse refuses it.
//
// The words are those of the lexer; the tree says where lines may break and which
// words are names.
func Format(src *sqlerr.Source) (string, error) {
	stmts, err := Parse(src)
	if err != nil {
		return "", err
	}
	f := &formatter{src: src.Text, toks: lex(src.Text, nil), names: map[int]bool{}, verbatim: map[int]int{}, breaks: map[int]int{}, tight: map[int]bool{}}
	f.at = map[int]int{}
	for i, t := range f.toks {
		f.at[t.start] = i
	}
	for _, s := range stmts {
		f.learn(s)
		f.statement(s, 0)
	}
	out := f.write()
	again, err := Parse(&sqlerr.Source{Name: src.Name, Text: out})
	if err != nil || len(again) != len(stmts) {
		return "", sqlerr.New(sqlerr.Invalid, sqlerr.Span{}, "%s can't be formatted without changing it", src.Name)
	}
	for i := range stmts {
		if !ast.Equal(stmts[i], again[i]) {
			return "", sqlerr.New(sqlerr.Invalid, stmts[i].Span(), "this statement can't be formatted without changing it")
		}
	}
	return out, nil
}

// formatter decides about the words of a text. Maps are by the byte where a word
// begins.
type formatter struct {
	src      string
	toks     []token
	at       map[int]int  // index of the token
	names    map[int]bool // words that are names: their case stays
	verbatim map[int]int  // texts that aren't SQL, such as SET's values: their end
	breaks   map[int]int  // a line begins here, indented by so many levels
	tight    map[int]bool // a word that no blank follows: a sign
}

// learn walks a statement's tree for names, signs and texts.
func (f *formatter) learn(s ast.Stmt) {
	ast.Walk(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			f.names[n.Span().Start] = true
		case *ast.Name:
			for _, p := range n.Parts {
				f.names[p.Span().Start] = true
			}
		case *ast.Unary:
			if len(n.Op) == 1 {
				f.tight[n.Span().Start] = true
			}
		case *ast.Interval:
			if n.Neg {
				if i, ok := f.at[n.Span().Start]; ok && i+1 < len(f.toks) {
					f.tight[f.toks[i+1].start] = true
				}
			}
		case *ast.Set:
			if n.Key != nil {
				for _, x := range []*ast.Text{n.Key, n.Value} {
					f.verbatim[x.Span().Start] = x.Span().End
				}
			}
		case *ast.Reset:
			if n.Key != nil {
				f.verbatim[n.Key.Span().Start] = n.Key.Span().End
			}
		}
		return true
	})
}

// fits says whether what is between two places would fit on a line.
func (f *formatter) fits(s sqlerr.Span, indent int) bool {
	if f.commented(s) {
		return false
	}
	n := 2 * indent
	for i, ok := f.at[s.Start]; ok && i < len(f.toks) && f.toks[i].start < s.End; i++ {
		n += utf8.RuneCountInString(f.src[f.toks[i].start:f.toks[i].end]) + 1
	}
	return n <= width
}

// commented says whether a line comment is within a place.
func (f *formatter) commented(s sqlerr.Span) bool {
	for i, ok := f.at[s.Start]; ok && i+1 < len(f.toks) && f.toks[i+1].start < s.End; i++ {
		gap := f.src[f.toks[i].end:f.toks[i+1].start]
		if strings.Contains(gap, "--") || strings.Contains(gap, "//") {
			return true
		}
	}
	return false
}

// line begins a line at a place.
func (f *formatter) line(start, indent int) {
	if _, ok := f.at[start]; ok {
		f.breaks[start] = indent
	}
}

// before begins a line at the nearest of the words that stands before a place, and
// returns where.
func (f *formatter) before(start, indent int, words ...string) int {
	i, ok := f.at[start]
	for ; ok && i > 0; i-- {
		for _, w := range words {
			if f.toks[i].kind == tokWord && f.toks[i].word == w || f.toks[i].kind == tokOp && f.toks[i].word == w {
				f.line(f.toks[i].start, indent)
				return i
			}
		}
	}
	return -1
}

// statement lays out one statement.
func (f *formatter) statement(s ast.Stmt, indent int) {
	switch s := s.(type) {
	case *ast.StatementSet:
		for _, x := range s.Stmts {
			f.line(x.Span().Start, indent+1)
			f.statement(x, indent+1)
		}
		for i := len(f.toks) - 1; i >= 0; i-- {
			if f.toks[i].end <= s.Span().End && f.toks[i].word == "END" {
				f.line(f.toks[i].start, indent)
				break
			}
		}
		return
	}
	if f.fits(s.Span(), indent) {
		return
	}
	switch s := s.(type) {
	case *ast.QueryStmt:
		f.query(s.Query, indent)
	case *ast.Insert:
		f.line(s.Query.Span().Start, indent)
		f.query(s.Query, indent)
	case *ast.Explain:
		if s.Stmt != nil {
			f.line(s.Stmt.Span().Start, indent)
			f.statement(s.Stmt, indent)
		}
	case *ast.CreateView:
		f.before(s.Query.Span().Start, indent, "AS")
		f.line(s.Query.Span().Start, indent)
		delete(f.breaks, s.Query.Span().Start)
		f.query(s.Query, indent)
	case *ast.CreateTable:
		f.createTable(s, indent)
	}
}

func (f *formatter) createTable(s *ast.CreateTable, indent int) {
	if s.Schema != nil {
		for _, c := range s.Schema.Columns {
			f.line(c.Span().Start, indent+1)
		}
		for _, w := range s.Schema.Watermarks {
			f.line(w.Span().Start, indent+1)
		}
		for _, c := range s.Schema.Constraints {
			if i, ok := f.at[c.Span().Start]; ok && i > 0 && (f.toks[i-1].word == "," || f.toks[i-1].word == "(") {
				f.line(c.Span().Start, indent+1)
			}
		}
		f.close(s.Schema.Span().End, indent)
	}
	if n := len(s.Options); n > 0 {
		first, last := s.Options[0].Span(), s.Options[n-1].Span()
		if !f.fits(first.To(last), indent+4) {
			for _, o := range s.Options {
				f.line(o.Span().Start, indent+1)
			}
			if i, ok := f.at[first.Start]; ok {
				f.close(f.closing(i), indent)
			}
		}
	}
	if s.Query != nil {
		f.before(s.Query.Span().Start, indent, "AS")
		f.query(s.Query, indent)
	}
}

// closing is the end of the parenthesis around token i.
func (f *formatter) closing(i int) int {
	depth := 0
	for ; i < len(f.toks); i++ {
		switch f.toks[i].word {
		case "(":
			depth++
		case ")":
			if depth--; depth < 0 {
				return f.toks[i].end
			}
		}
	}
	return -1
}

// close puts the parenthesis that ends at a place on a line of its own.
func (f *formatter) close(end, indent int) {
	f.line(end-1, indent)
}

// query lays a query out over lines.
func (f *formatter) query(q ast.Query, indent int) {
	if f.fits(q.Span(), indent) {
		return
	}
	switch q := q.(type) {
	case *ast.Select:
		f.selectQuery(q, indent)
	case *ast.SetOp:
		f.query(q.L, indent)
		f.before(q.R.Span().Start, indent, string(q.Op), "MINUS")
		f.line(f.outside(q.R.Span().Start), indent)
		f.query(q.R, indent)
	case *ast.Ordered:
		f.query(q.Query, indent)
		if len(q.OrderBy) > 0 {
			f.before(q.OrderBy[0].Span().Start, indent, "ORDER")
		}
		if q.Limit != nil {
			f.before(q.Limit.Span().Start, indent, "LIMIT", "FETCH")
		}
	case *ast.With:
		for i, c := range q.CTEs {
			if i > 0 {
				f.line(c.Span().Start, indent)
			}
			f.nested(c.Query, indent)
		}
		f.line(f.outside(q.Body.Span().Start), indent)
		f.query(q.Body, indent)
	case *ast.Values:
		for _, r := range q.Rows {
			f.line(r.Span().Start, indent+1)
		}
	}
}

// outside goes before the parentheses that open at a place.
func (f *formatter) outside(start int) int {
	i, ok := f.at[start]
	for ok && i > 0 && f.toks[i-1].word == "(" && f.toks[i-1].kind == tokOp {
		i--
	}
	if !ok {
		return start
	}
	return f.toks[i].start
}

// nested lays out a query in parentheses: inside them, one level in.
func (f *formatter) nested(q ast.Query, indent int) {
	if q == nil || f.fits(q.Span(), indent+6) {
		return
	}
	i, ok := f.at[q.Span().Start]
	if !ok || i == 0 || f.toks[i-1].word != "(" {
		return
	}
	f.line(q.Span().Start, indent+1)
	f.query(q, indent+1)
	if end := f.closing(i); end >= 0 {
		f.close(end, indent)
	}
}

func (f *formatter) selectQuery(s *ast.Select, indent int) {
	if n := len(s.Items); n > 0 {
		items := s.Items[0].Span().To(s.Items[n-1].Span())
		if n > 1 && !f.fits(items, indent+4) {
			for _, it := range s.Items {
				f.line(it.Span().Start, indent+1)
			}
		}
	}
	for _, it := range s.Items {
		f.expr(it.Expr, indent+1)
	}
	if s.From != nil {
		f.before(s.From.Span().Start, indent, "FROM")
		f.ref(s.From, indent)
	}
	for _, c := range []struct {
		word string
		x    ast.Expr
	}{{"WHERE", s.Where}, {"HAVING", s.Having}, {"QUALIFY", s.Qualify}} {
		if c.x != nil {
			f.before(c.x.Span().Start, indent, c.word)
			f.condition(c.x, indent)
		}
	}
	if g := s.GroupBy; g != nil && len(g.Items) > 0 {
		f.before(g.Items[0].Span().Start, indent, "GROUP")
	}
	if len(s.Windows) > 0 {
		f.before(s.Windows[0].Span().Start, indent, "WINDOW")
	}
}

// condition puts the parts of a long AND or OR on lines.
func (f *formatter) condition(x ast.Expr, indent int) {
	b, ok := x.(*ast.Binary)
	if !ok || b.Op != "AND" && b.Op != "OR" || f.fits(x.Span(), indent+3) {
		f.expr(x, indent)
		return
	}
	f.condition(b.L, indent)
	f.before(b.R.Span().Start, indent+1, b.Op)
	f.expr(b.R, indent+1)
}

// expr looks for queries in an expression.
func (f *formatter) expr(x ast.Expr, indent int) {
	ast.Walk(x, func(n ast.Node) bool {
		if q, ok := n.(ast.Query); ok {
			f.nested(q, indent)
			return false
		}
		return true
	})
}

func (f *formatter) ref(r ast.TableRef, indent int) {
	switch r := r.(type) {
	case *ast.Join:
		f.ref(r.L, indent)
		if r.Kind != ast.CommaJoin {
			i := f.before(f.outside(r.R.Span().Start), indent, "JOIN")
			for i > 0 && isJoinWord(f.toks[i-1].word) {
				delete(f.breaks, f.toks[i].start)
				i--
				f.line(f.toks[i].start, indent)
			}
		}
		f.ref(r.R, indent)
		if r.On != nil {
			f.condition(r.On, indent+1)
		}
	case *ast.Aliased:
		f.ref(r.Ref, indent)
	case *ast.Derived:
		f.nested(r.Query, indent)
	case *ast.TableFunc:
		for _, a := range r.Call.Args {
			f.expr(a, indent)
		}
	}
}

func isJoinWord(w string) bool {
	switch w {
	case "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "NATURAL":
		return true
	}
	return false
}

// write puts the words out.
func (f *formatter) write() string {
	var b strings.Builder
	indent, column := 0, 0 // column 0: a line begins
	newline := func(n int) {
		s := strings.TrimRight(b.String(), " ")
		b.Reset()
		b.WriteString(s)
		b.WriteString("\n" + strings.Repeat("  ", n))
		column = 2 * n
	}
	prev := token{kind: tokEOF}
	inType := 0
	for i := 0; i < len(f.toks); i++ {
		t := f.toks[i]
		before := 0
		if i > 0 {
			before = f.toks[i-1].end
		}
		gap := f.src[before:t.start]
		top := i == 0 || prev.word == ";" && prev.kind == tokOp && !f.inSet(i)
		at, breaks := f.breaks[t.start]
		if top {
			at, breaks = 0, true
		}
		level := indent + 1
		if breaks {
			level = at
		}
		ended := f.comments(&b, gap, level, newline)
		if t.kind == tokEOF {
			break
		}
		text := f.src[t.start:t.end]
		if end, ok := f.verbatim[t.start]; ok && end > t.end {
			for i+1 < len(f.toks) && f.toks[i+1].start < end {
				i++
			}
			text = f.src[t.start:end]
		} else if t.kind == tokWord && !f.names[t.start] {
			if _, ok := f.verbatim[t.start]; !ok {
				text = t.word
			}
		}
		switch {
		case i == 0 || b.Len() == 0:
		case breaks:
			if top && strings.Count(gap, "\n") > 1 && !ended {
				newline(0)
			}
			if !ended || column != 2*at {
				newline(at)
			}
			indent = at
		case ended:
		case f.blank(prev, t, gap, inType):
			b.WriteByte(' ')
			column++
		}
		switch {
		case t.kind == tokOp && t.word == "<" && isTypeWord(prev):
			inType++
		case t.kind == tokOp && t.word == ">" && inType > 0:
			inType--
		}
		b.WriteString(text)
		column += len(text)
		prev = t
	}
	s := strings.TrimRight(b.String(), " \n")
	if s == "" {
		return ""
	}
	return s + "\n"
}

// inSet says whether token i is inside a statement set, whose statements were given
// their lines.
func (f *formatter) inSet(i int) bool {
	_, ok := f.breaks[f.toks[i].start]
	return ok
}

func isTypeWord(t token) bool {
	switch t.word {
	case "ROW", "ARRAY", "MAP", "MULTISET", "STRUCTURED":
		return t.kind == tokWord
	}
	return false
}

// blank says whether a blank stands between two words.
func (f *formatter) blank(prev, t token, gap string, inType int) bool {
	op := func(t token, words string) bool {
		return t.kind == tokOp && strings.Contains(" "+words+" ", " "+t.word+" ")
	}
	switch {
	case op(prev, "( [ ."), op(t, ", ) ] ; ."):
		return false
	case op(t, "["):
		return gap != "" && prev.kind == tokWord && !f.names[prev.start] && !isTypeWord(prev) && prev.word != "ARRAY"
	case op(t, "("):
		return gap != "" || prev.kind == tokOp
	case f.tight[prev.start] && prev.kind == tokOp:
		return false
	case op(t, "<") && isTypeWord(prev):
		return false
	case inType > 0 && (op(prev, "<") || op(t, ">")):
		return false
	}
	return true
}

// comments writes those between two words and says whether a line was begun.
func (f *formatter) comments(b *strings.Builder, gap string, level int, newline func(int)) (ended bool) {
	lines := 0 // breaks since the last word or comment
	for len(gap) > 0 {
		c := ""
		switch {
		case strings.HasPrefix(gap, "--"), strings.HasPrefix(gap, "//"):
			c = gap
			if i := strings.IndexByte(gap, '\n'); i >= 0 {
				c = gap[:i]
			}
		case strings.HasPrefix(gap, "/*"):
			c = gap[:strings.Index(gap, "*/")+2]
		default:
			if gap[0] == '\n' {
				lines++
			}
			gap = gap[1:]
			continue
		}
		gap = gap[len(c):]
		text := strings.TrimRight(c, " \t\r")
		switch {
		case b.Len() == 0:
		case lines > 1 && level == 0:
			if ended {
				newline(level)
			} else {
				newline(0)
				newline(level)
			}
		case lines > 0 && !ended:
			newline(level)
		case !ended:
			b.WriteByte(' ')
		}
		b.WriteString(text)
		lines, ended = 0, false
		if c[0] != '/' || c[1] != '*' {
			newline(level)
			ended = true
			gap = strings.TrimPrefix(gap, "\n")
			lines = 0
			if strings.HasPrefix(strings.TrimLeft(gap, " \t"), "\n") {
				lines = 1
			}
			if lines > 0 && level == 0 && strings.TrimSpace(gap) == "" {
				newline(0)
			}
		} else if lines = 0; strings.HasPrefix(strings.TrimLeft(gap, " \t"), "\n") && level == 0 {
			newline(level)
			ended = true
		}
	}
	return ended
}
