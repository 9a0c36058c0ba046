package json

import (
	"fmt"
	"strconv"
	"strings"
)

// path is a compiled JSON path: its mode and its steps from the root.
type path struct {
	lax   bool
	steps []step
	many  bool // it can lead to several places: the result is a list
}

type step struct {
	kind   stepKind
	key    string   // a member
	index  int      // an element, negative from the end
	keys   []string // several members, as an object of their own
	from   *int     // of a slice; nil where left out
	to     *int
	list   []int
	filter *filter
}

type stepKind uint8

const (
	member   stepKind = iota
	element           // [0]
	every             // * or [*]
	deep              // .. : the value and all below it
	members           // ['a','b']
	elements          // [0,2]
	slice             // [0:2]
	filtered          // [?(..)]
	length            // .length()
)

// compilePath reads "[lax|strict] $.a['b'][0][*].*" and what else Flink's path
// library knows: ..a, [0,2], [1:3], ['a','b'], [?(@.a > 1)], .length().
func compilePath(s string) (*path, error) {
	p := &path{}
	t := strings.TrimSpace(s)
	for _, mode := range [...]string{"lax", "strict"} {
		if r := strings.TrimPrefix(t, mode); r != t && strings.TrimLeft(r, " \t\n") != r {
			p.lax, t = mode == "lax", strings.TrimSpace(r)
			break
		}
	}
	if !strings.HasPrefix(t, "$") {
		return nil, fmt.Errorf("JSON path '%s' doesn't start with $", s)
	}
	rest, err := p.read(t[1:], 0)
	if err == nil && rest != "" {
		err = fmt.Errorf("from '%s' on", rest)
	}
	if err != nil {
		return nil, fmt.Errorf("JSON path '%s' can't be read: %w", s, err)
	}
	return p, nil
}

// read reads steps as far as they go.
func (p *path) read(t string, depth int) (rest string, err error) {
	for t != "" && (t[0] == '.' || t[0] == '[') {
		if strings.HasPrefix(t, "..") {
			p.steps, p.many = append(p.steps, step{kind: deep}), true
			if t = t[1:]; len(t) > 1 && t[1] == '[' {
				t = t[1:]
			}
		}
		if strings.HasPrefix(t, ".[") {
			t = t[1:]
		}
		var x step
		if t[0] == '.' {
			x, t, err = dotted(t[1:])
		} else {
			x, t, err = bracketed(t[1:], depth)
		}
		if err != nil {
			return t, err
		}
		p.steps = append(p.steps, x)
		p.many = p.many || x.kind == every || x.kind >= elements && x.kind <= filtered
	}
	return t, nil
}

func dotted(t string) (x step, rest string, err error) {
	end := strings.IndexAny(t, ".[(?@ )=<>!&|,")
	if end < 0 {
		end = len(t)
	}
	name, rest := t[:end], t[end:]
	switch {
	case name == "*":
		return step{kind: every}, rest, nil
	case strings.HasPrefix(rest, "()"):
		if name != "length" && name != "size" {
			return x, rest, fmt.Errorf("the function %s()", name)
		}
		return step{kind: length}, rest[2:], nil
	case name == "":
		return x, rest, fmt.Errorf("a name is missing before '%s'", rest)
	}
	return step{key: name}, rest, nil
}

// bracketed reads what is behind a [.
func bracketed(t string, depth int) (x step, rest string, err error) {
	t = strings.TrimLeft(t, " ")
	switch {
	case t == "":
		return x, t, fmt.Errorf("a ] is missing")
	case t[0] == '\'' || t[0] == '"':
		return quotedKeys(t)
	case t[0] == '?':
		f, rest, err := readFilter(strings.TrimLeft(t[1:], " "), depth+1)
		if err != nil {
			return x, rest, err
		}
		if rest = strings.TrimLeft(rest, " "); !strings.HasPrefix(rest, "]") {
			return x, rest, fmt.Errorf("a ] is missing behind a filter")
		}
		return step{kind: filtered, filter: f}, rest[1:], nil
	}
	end := strings.IndexByte(t, ']')
	if end < 0 {
		return x, t, fmt.Errorf("a ] is missing")
	}
	in, rest := strings.TrimSpace(t[:end]), t[end+1:]
	if in == "*" {
		return step{kind: every}, rest, nil
	}
	if from, to, ok := strings.Cut(in, ":"); ok {
		x.kind = slice
		for i, s := range [...]string{from, to} {
			if s = strings.TrimSpace(s); s == "" {
				continue
			}
			n, err := strconv.Atoi(s)
			if err != nil {
				return x, t, fmt.Errorf("[%s]", in)
			}
			if i == 0 {
				x.from = &n
			} else {
				x.to = &n
			}
		}
		return x, rest, nil
	}
	for _, s := range strings.Split(in, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return x, t, fmt.Errorf("[%s]", in)
		}
		x.list = append(x.list, n)
	}
	if len(x.list) == 1 {
		return step{kind: element, index: x.list[0]}, rest, nil
	}
	x.kind = elements
	return x, rest, nil
}

// quotedKeys reads 'a'] and 'a','b'].
func quotedKeys(t string) (x step, rest string, err error) {
	for {
		key, rest, err := quoted(t)
		if err != nil {
			return x, t, err
		}
		x.keys = append(x.keys, key)
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "]") {
			if len(x.keys) == 1 {
				return step{key: key}, rest[1:], nil
			}
			x.kind = members
			return x, rest[1:], nil
		}
		if !strings.HasPrefix(rest, ",") {
			return x, rest, fmt.Errorf("a ] is missing behind '%s'", key)
		}
		t = strings.TrimLeft(rest[1:], " ")
	}
}

// quoted reads a text in quotes of either sort.
func quoted(t string) (s, rest string, err error) {
	if t == "" || t[0] != '\'' && t[0] != '"' {
		return "", t, fmt.Errorf("a quote is missing before '%s'", t)
	}
	var b strings.Builder
	for i := 1; i < len(t); i++ {
		switch {
		case t[i] == t[0]:
			return b.String(), t[i+1:], nil
		case t[i] == '\\' && i+1 < len(t):
			i++
		}
		b.WriteByte(t[i])
	}
	return "", t, fmt.Errorf("a quote isn't closed")
}
