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
	many  bool // a wildcard occurs: the result is a list
}

type step struct {
	key   string // a member
	index int    // an element, negative from the end
	kind  stepKind
}

type stepKind uint8

const (
	member stepKind = iota
	element
	every
)

// compilePath reads "[lax|strict] $.a['b'][0][*].*".
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
	t = t[1:]
	for t != "" {
		x, rest, ok := nextStep(t)
		if !ok {
			return nil, fmt.Errorf("not supported yet: JSON path '%s' from '%s' on", s, t)
		}
		p.steps, t = append(p.steps, x), rest
		p.many = p.many || x.kind == every
	}
	return p, nil
}

func nextStep(t string) (x step, rest string, ok bool) {
	if t[0] == '.' {
		end := strings.IndexAny(t[1:], ".[(?@ ")
		if end < 0 {
			end = len(t) - 1
		}
		name, rest := t[1:1+end], t[1+end:]
		if name == "*" {
			return step{kind: every}, rest, true
		}
		return step{key: name}, rest, name != "" && !strings.HasPrefix(rest, "(")
	}
	if t[0] != '[' || len(t) < 3 {
		return x, t, false
	}
	if q := t[1]; q == '\'' || q == '"' {
		end := strings.Index(t[2:], string(q)+"]")
		if end < 0 {
			return x, t, false
		}
		return step{key: t[2 : 2+end]}, t[4+end:], true
	}
	end := strings.IndexByte(t, ']')
	if end < 0 {
		return x, t, false
	}
	in := strings.TrimSpace(t[1:end])
	if in == "*" {
		return step{kind: every}, t[end+1:], true
	}
	n, err := strconv.Atoi(in)
	return step{kind: element, index: n}, t[end+1:], err == nil
}

// find appends to out the nodes that the path leads to from the root. missing
// says that a member or element on the way wasn't there.
func (p *path) find(d *document, root int, out []int) (nodes []int, missing bool) {
	return walk(d, p.steps, root, out)
}

func walk(d *document, steps []step, at int, out []int) ([]int, bool) {
	for k, s := range steps {
		n := &d.nodes[at]
		if s.kind == every {
			if n.kind != array && n.kind != object {
				return out, true
			}
			for c := n.child; c != 0; c = d.nodes[c].next {
				out, _ = walk(d, steps[k+1:], c, out)
			}
			return out, false
		}
		if at = d.step(n, s); at == 0 {
			return out, true
		}
	}
	return append(out, at), false
}

// step is the child a step leads to, 0 if there is none.
func (d *document) step(n *node, s step) int {
	found := 0
	if s.kind == member {
		if n.kind != object {
			return 0
		}
		for c := n.child; c != 0; c = d.nodes[c].next {
			if string(d.nodes[c].key) == s.key {
				found = c // of equal keys the last counts
			}
		}
		return found
	}
	if n.kind != array {
		return 0
	}
	i := s.index
	if i < 0 {
		i += n.count
	}
	if i < 0 || i >= n.count {
		return 0
	}
	found = n.child
	for ; i > 0; i-- {
		found = d.nodes[found].next
	}
	return found
}
