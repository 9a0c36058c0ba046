package json

import "strconv"

// find appends to out the nodes that the path leads to from the root. missing
// says that a member or element on the way wasn't there.
func (p *path) find(d *document, root int, out []int) (nodes []int, missing bool) {
	return walk(d, p.steps, root, root, out)
}

// walk follows steps from the node at. Steps that lead to several places skip
// those without what the next step wants.
func walk(d *document, steps []step, root, at int, out []int) ([]int, bool) {
	for k, s := range steps {
		rest := steps[k+1:]
		n := &d.nodes[at]
		switch s.kind {
		case every:
			for c := n.child; c != 0; c = d.nodes[c].next {
				out, _ = walk(d, rest, root, c, out)
			}
			return out, false
		case deep:
			return descend(d, rest, root, at, out), false
		case elements, slice:
			if n.kind != array {
				return out, true
			}
			for _, i := range s.positions(n.count) {
				if c := d.element(n, i); c != 0 {
					out, _ = walk(d, rest, root, c, out)
				}
			}
			return out, false
		case filtered:
			if n.kind != array && n.kind != object {
				return out, true
			}
			return d.filter(s.filter, rest, root, at, out), false
		case members:
			at = d.projection(at, s.keys)
		case length:
			at = d.length(at)
		default:
			at = d.step(n, s)
		}
		if at == 0 {
			return out, true
		}
	}
	return append(out, at), false
}

// descend follows the steps from the node and from all below it.
func descend(d *document, rest []step, root, at int, out []int) []int {
	if k := d.nodes[at].kind; k == array || k == object {
		out, _ = walk(d, rest, root, at, out)
	}
	for c := d.nodes[at].child; c != 0; c = d.nodes[c].next {
		out = descend(d, rest, root, c, out)
	}
	return out
}

// positions are the elements a list or a slice names.
func (s *step) positions(count int) []int {
	if s.kind == elements {
		return s.list
	}
	from, to := 0, count
	if s.from != nil {
		if from = *s.from; from < 0 {
			from = max(from+count, 0)
		}
	}
	if s.to != nil {
		if to = *s.to; to < 0 {
			to += count
		}
	}
	var out []int
	for i := from; i < min(to, count); i++ {
		out = append(out, i)
	}
	return out
}

func (d *document) filter(f *filter, rest []step, root, at int, out []int) []int {
	n := &d.nodes[at]
	if n.kind != array {
		if f.holds(d, root, at) {
			out, _ = walk(d, rest, root, at, out)
		}
		return out
	}
	for c := n.child; c != 0; c = d.nodes[c].next {
		if f.holds(d, root, c) {
			out, _ = walk(d, rest, root, c, out)
		}
	}
	return out
}

// projection makes an object of some members, 0 when the node isn't an object.
func (d *document) projection(at int, keys []string) int {
	if d.nodes[at].kind != object {
		return 0
	}
	me, last := d.add(node{kind: object}), 0
	for _, k := range keys {
		c := d.step(&d.nodes[at], step{key: k})
		if c == 0 {
			continue
		}
		copied := d.nodes[c]
		copied.next = 0
		i := d.add(copied)
		if last == 0 {
			d.nodes[me].child = i
		} else {
			d.nodes[last].next = i
		}
		last = i
		d.nodes[me].count++
	}
	return me
}

func (d *document) length(at int) int {
	n := d.nodes[at]
	if n.kind != array && n.kind != object {
		return 0
	}
	return d.add(node{kind: number, value: strconv.AppendInt(nil, int64(n.count), 10)})
}

// step is the child a step leads to, 0 if there is none.
func (d *document) step(n *node, s step) int {
	if s.kind == element {
		return d.element(n, s.index)
	}
	found := 0
	if n.kind == object {
		for c := n.child; c != 0; c = d.nodes[c].next {
			if string(d.nodes[c].key) == s.key {
				found = c // of equal keys the last counts
			}
		}
	}
	return found
}

// element is the node at a position, from the end when it is negative.
func (d *document) element(n *node, i int) int {
	if n.kind != array {
		return 0
	}
	if i < 0 {
		i += n.count
	}
	if i < 0 || i >= n.count {
		return 0
	}
	found := n.child
	for ; i > 0; i-- {
		found = d.nodes[found].next
	}
	return found
}
