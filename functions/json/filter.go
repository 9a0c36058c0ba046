package json

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/functions/regex"
)

// filter is the condition of [?(..)]: an AND, OR or NOT of others, a comparison,
// or a path that must lead somewhere.
type filter struct {
	op          string // "&&", "||", "!", "", or a comparison
	parts       []*filter
	left, right operand
}

// operand is a path from the element (@) or the root ($), or a literal.
type operand struct {
	path     *path
	fromRoot bool
	value    node
	pattern  *regex.Regex
	given    bool
}

const maxFilter = 50 // nested

// readFilter reads (condition).
func readFilter(t string, depth int) (f *filter, rest string, err error) {
	if !strings.HasPrefix(t, "(") || depth > maxFilter {
		return nil, t, fmt.Errorf("a filter is written [?(condition)]")
	}
	f, rest, err = readOr(t[1:], depth)
	if err != nil {
		return nil, rest, err
	}
	if rest = strings.TrimLeft(rest, " "); !strings.HasPrefix(rest, ")") {
		return nil, rest, fmt.Errorf("a ) is missing before '%s'", rest)
	}
	return f, rest[1:], nil
}

func readOr(t string, depth int) (*filter, string, error) {
	return readChain(t, "||", func(t string) (*filter, string, error) {
		return readChain(t, "&&", func(t string) (*filter, string, error) { return readTest(t, depth) })
	})
}

func readChain(t, op string, part func(string) (*filter, string, error)) (*filter, string, error) {
	f, rest, err := part(t)
	for err == nil {
		more, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), op)
		if !ok {
			return f, rest, nil
		}
		var next *filter
		next, rest, err = part(more)
		f = &filter{op: op, parts: []*filter{f, next}}
	}
	return nil, rest, err
}

func readTest(t string, depth int) (*filter, string, error) {
	t = strings.TrimLeft(t, " ")
	if strings.HasPrefix(t, "!") {
		f, rest, err := readTest(t[1:], depth)
		return &filter{op: "!", parts: []*filter{f}}, rest, err
	}
	if strings.HasPrefix(t, "(") {
		return readFilter(t, depth+1)
	}
	f := &filter{}
	rest, err := f.left.read(t, depth)
	if err != nil {
		return nil, rest, err
	}
	rest = strings.TrimLeft(rest, " ")
	for _, op := range [...]string{"==", "!=", "<=", ">=", "=~", "<", ">"} {
		if more, ok := strings.CutPrefix(rest, op); ok {
			f.op = op
			rest, err = f.right.read(strings.TrimLeft(more, " "), depth)
			return f, rest, err
		}
	}
	return f, rest, nil
}

func (o *operand) read(t string, depth int) (rest string, err error) {
	o.given = true
	switch {
	case t == "":
		return t, fmt.Errorf("a filter ends too soon")
	case t[0] == '@' || t[0] == '$':
		o.path, o.fromRoot = &path{}, t[0] == '$'
		return o.path.read(t[1:], depth+1)
	case t[0] == '\'' || t[0] == '"':
		s, rest, err := quoted(t)
		o.value = node{kind: text, value: []byte(s)}
		return rest, err
	case t[0] == '/':
		end := strings.IndexByte(t[1:], '/')
		if end < 0 {
			return t, fmt.Errorf("a regular expression isn't closed")
		}
		pattern, rest := t[1:1+end], t[2+end:]
		if strings.HasPrefix(rest, "i") {
			pattern, rest = "(?i)"+pattern, rest[1:]
		}
		o.pattern, err = regex.Compile(`\A(?:` + pattern + `)\z`)
		return rest, err
	}
	end := strings.IndexAny(t, " )&|=<>!")
	if end < 0 {
		end = len(t)
	}
	word := t[:end]
	switch word {
	case "true", "false":
		o.value = node{kind: boolean, value: []byte(word)}
	case "null":
		o.value = node{kind: null}
	default:
		if _, err := strconv.ParseFloat(word, 64); err != nil {
			return t, fmt.Errorf("'%s' in a filter", word)
		}
		o.value = node{kind: number, value: []byte(word)}
	}
	return t[end:], nil
}

// of is the operand's value for an element; ok is false when its path leads
// nowhere.
func (o *operand) of(d *document, root, at int) (n node, ok bool) {
	if o.path == nil {
		return o.value, true
	}
	if o.fromRoot {
		at = root
	}
	found, _ := o.path.find(d, at, nil)
	if len(found) == 0 {
		return n, false
	}
	return d.nodes[found[0]], true
}

func (f *filter) holds(d *document, root, at int) bool {
	switch f.op {
	case "&&":
		return f.parts[0].holds(d, root, at) && f.parts[1].holds(d, root, at)
	case "||":
		return f.parts[0].holds(d, root, at) || f.parts[1].holds(d, root, at)
	case "!":
		return !f.parts[0].holds(d, root, at)
	}
	l, ok := f.left.of(d, root, at)
	if f.op == "" {
		return ok
	}
	if f.op == "=~" {
		return ok && l.kind == text && f.right.pattern != nil && f.right.pattern.Match(l.value)
	}
	r, ok2 := f.right.of(d, root, at)
	if !ok || !ok2 {
		return f.op == "!=" && ok != ok2
	}
	c, comparable := compareNodes(l, r)
	switch f.op {
	case "==":
		return comparable && c == 0
	case "!=":
		return !comparable || c != 0
	case "<":
		return comparable && c < 0
	case "<=":
		return comparable && c <= 0
	case ">":
		return comparable && c > 0
	}
	return comparable && c >= 0
}

func compareNodes(l, r node) (int, bool) {
	if l.kind != r.kind || l.kind >= array {
		return 0, false
	}
	if l.kind == number {
		x, _ := strconv.ParseFloat(string(l.value), 64)
		y, _ := strconv.ParseFloat(string(r.value), 64)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	return bytes.Compare(l.value, r.value), true
}
