// Package mysql reads MySQL's dialect with TiDB's parser: queries and INSERTs become
// the same tree as their Flink form (Parse, with translate in query.go and expr.go),
// and DDL becomes changes of columns and keys (ParseDDL, ParseTable in ddl.go),
// which change data capture applies to what it knows of a table.
//
// TiDB's parser knows where a select item stands but not every name; the place of a
// name is looked for in the text behind the place of what it is in.
package mysql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	tidb "github.com/pingcap/tidb/pkg/parser"
	tast "github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the values of literals

	"github.com/millrace/millrace/parser/ast"
	"github.com/millrace/millrace/sqlerr"
)

// Parse reads the statement of MySQL's dialect in src.Text[start:end].
func Parse(src *sqlerr.Source, start, end int) (stmt ast.Stmt, err error) {
	t := &translator{src: src, base: start, end: end, text: src.Text[start:end], near: 0}
	node, err := parse(t.text)
	if err != nil {
		return nil, t.syntax(err)
	}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			stmt, err = nil, f.err
		}
	}()
	return t.stmt(node), nil
}

// parse reads one statement.
func parse(text string) (node tast.StmtNode, err error) {
	defer func() { // a bug of the library mustn't end the process
		if r := recover(); r != nil {
			node, err = nil, fmt.Errorf("the MySQL parser failed: %v", r)
		}
	}()
	p := tidb.New()
	nodes, _, err := p.Parse(text, "", "")
	switch {
	case err != nil:
		return nil, err
	case len(nodes) != 1:
		return nil, fmt.Errorf("%d statements instead of one", len(nodes))
	}
	return nodes[0], nil
}

// failure carries an error up to Parse.
type failure struct{ err error }

// translator turns TiDB's tree into ours.
type translator struct {
	src       *sqlerr.Source
	base, end int // of the statement in src
	text      string
	near      int // where to look for names: the place of what is being translated
}

var place = regexp.MustCompile(`^line (\d+) column (\d+) near "(?s:(.*))"`)

// syntax gives an error of the parser its place: the column it tells is that of the
// end of the word at fault, the text it quotes begins with that word or behind it.
func (t *translator) syntax(err error) error {
	msg := err.Error()
	m := place.FindStringSubmatch(msg)
	if m == nil {
		return sqlerr.New(sqlerr.Syntax, t.span(0, len(t.text)), "MySQL dialect: %s", msg)
	}
	at := len(t.text)
	if rest := strings.TrimSpace(m[3]); rest != "" {
		if i := strings.LastIndex(t.text, rest); i >= 0 {
			at = i
		} else if line, e := strconv.Atoi(m[1]); e == nil { // it quotes the beginning alone
			i := 0
			for range line - 1 {
				i += strings.IndexByte(t.text[i:], '\n') + 1
			}
			if j := strings.Index(t.text[i:], strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0])); j >= 0 {
				at = i + j
			}
		}
	}
	word := t.text[at:]
	if i := strings.IndexAny(word, " \t\n,()"); i > 0 {
		word = word[:i]
	}
	if word == "" {
		return sqlerr.New(sqlerr.Syntax, t.span(at, at), "MySQL dialect: unexpected end of the statement")
	}
	return sqlerr.New(sqlerr.Syntax, t.span(at, at+len(word)), "MySQL dialect: unexpected %q", word)
}

func (t *translator) span(start, end int) sqlerr.Span {
	return sqlerr.Span{Src: t.src, Start: t.base + start, End: t.base + end}
}

// at looks for a word from where the translation is on; the place of the whole
// statement if it isn't there.
func (t *translator) at(word string) ast.Pos {
	for from := t.near; word != "" && from <= len(t.text); {
		i := strings.Index(t.text[from:], word)
		if i < 0 {
			break
		}
		i += from
		end := i + len(word)
		if (i == 0 || !wordByte(t.text[i-1])) && (end == len(t.text) || !wordByte(t.text[end])) {
			return ast.Pos{At: t.span(i, end)}
		}
		from = end
	}
	return ast.Pos{At: t.span(min(t.near, len(t.text)), len(t.text))}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// move notes where a node stands, if the parser knows.
func (t *translator) move(n tast.Node) {
	if o := n.OriginTextPosition(); o > 0 && o < len(t.text) {
		t.near = o
	}
}

func (t *translator) whole() ast.Pos { return ast.Pos{At: t.span(0, len(t.text))} }

// unsupported refuses by name.
func (t *translator) unsupported(what string) {
	panic(failure{sqlerr.Unsupported(t.at("").Span(), "in the MySQL dialect, "+what)})
}

// Statement finds the end of the statement of MySQL's dialect that begins at start:
// the place of its semicolon, or the end of the text.
func Statement(text string, start int) int {
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == ';':
			return i
		case c == '\'' || c == '"' || c == '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c != '`' {
					i++
				}
			}
		case c == '#' || c == '-' && strings.HasPrefix(text[i:], "-- "):
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case strings.HasPrefix(text[i:], "/*"):
			n := strings.Index(text[i+2:], "*/")
			if n < 0 {
				return len(text)
			}
			i += n + 3
		}
	}
	return len(text)
}
