package json

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/formats/jsonscan"
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// node is a value of a document: its kind, its text (decoded, for strings) and
// the indexes of its first child and next sibling, 0 for none. Members of an
// object have their key.
type node struct {
	kind        kind
	value, key  []byte
	child, next int
	count       int
}

// document is a parsed text; nodes[1] is the root. It is reused.
type document struct {
	nodes []node
	in    []byte
	at    int
	buf   []byte // decoded strings that had escapes
}

const maxDepth = 1000

// parse reads s, which must stay unchanged while the nodes are used. It returns
// the root, 0 when s isn't JSON.
func (d *document) parse(s []byte) int {
	d.nodes, d.in, d.at, d.buf = append(d.nodes[:0], node{}), s, 0, d.buf[:0]
	root := d.value(0)
	d.blank()
	if root == 0 || d.at != len(d.in) {
		return 0
	}
	return root
}

func (d *document) blank() {
	for d.at < len(d.in) {
		switch d.in[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

func (d *document) take(c byte) bool {
	d.blank()
	if d.at < len(d.in) && d.in[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *document) add(n node) int {
	d.nodes = append(d.nodes, n)
	return len(d.nodes) - 1
}

func (d *document) value(depth int) int {
	d.blank()
	if d.at >= len(d.in) || depth > maxDepth {
		return 0
	}
	switch c := d.in[d.at]; {
	case c == '{':
		return d.container(object, '}', depth)
	case c == '[':
		return d.container(array, ']', depth)
	case c == '"':
		s, ok := d.str()
		if !ok {
			return 0
		}
		return d.add(node{kind: text, value: s})
	case c == '-' || c >= '0' && c <= '9':
		return d.num()
	}
	for _, w := range [...]struct {
		s string
		k kind
	}{{"true", boolean}, {"false", boolean}, {"null", null}} {
		if end := d.at + len(w.s); end <= len(d.in) && string(d.in[d.at:end]) == w.s {
			d.at = end
			return d.add(node{kind: w.k, value: d.in[end-len(w.s) : end]})
		}
	}
	return 0
}

func (d *document) container(k kind, end byte, depth int) int {
	d.at++
	me := d.add(node{kind: k})
	if d.take(end) {
		return me
	}
	last := 0
	for {
		var key []byte
		if k == object {
			d.blank()
			var ok bool
			if key, ok = d.str(); !ok || !d.take(':') {
				return 0
			}
		}
		c := d.value(depth + 1)
		if c == 0 {
			return 0
		}
		d.nodes[c].key = key
		if last == 0 {
			d.nodes[me].child = c
		} else {
			d.nodes[last].next = c
		}
		last = c
		d.nodes[me].count++
		if d.take(end) {
			return me
		}
		if !d.take(',') {
			return 0
		}
	}
}

func (d *document) digits() bool {
	start := d.at
	for d.at < len(d.in) && d.in[d.at] >= '0' && d.in[d.at] <= '9' {
		d.at++
	}
	return d.at > start
}

func (d *document) num() int {
	start := d.at
	if d.in[d.at] == '-' {
		d.at++
	}
	zero := d.at < len(d.in) && d.in[d.at] == '0'
	first := d.at
	if !d.digits() || zero && d.at > first+1 {
		return 0
	}
	if d.at < len(d.in) && d.in[d.at] == '.' {
		d.at++
		if !d.digits() {
			return 0
		}
	}
	if d.at < len(d.in) && (d.in[d.at] == 'e' || d.in[d.at] == 'E') {
		d.at++
		if d.at < len(d.in) && (d.in[d.at] == '+' || d.in[d.at] == '-') {
			d.at++
		}
		if !d.digits() {
			return 0
		}
	}
	return d.add(node{kind: number, value: d.in[start:d.at]})
}

// str reads a quoted string and decodes it.
func (d *document) str() ([]byte, bool) {
	if d.at >= len(d.in) || d.in[d.at] != '"' {
		return nil, false
	}
	d.at++
	start := d.at
	for d.at < len(d.in) {
		switch c := d.in[d.at]; {
		case c == '"':
			d.at++
			return d.in[start : d.at-1], true
		case c < ' ':
			return nil, false
		case c == '\\':
			return d.escaped(start)
		}
		d.at++
	}
	return nil, false
}

// startsWithString says that s begins with a whole string; Flink looks no
// further.
func (d *document) startsWithString(s []byte) bool {
	d.in, d.at, d.buf = s, 0, d.buf[:0]
	_, ok := d.str()
	return ok
}

// unescape decodes what is between a string's quotes, quotes in it as they are;
// ok is false for an escape that is none.
func (d *document) unescape(s []byte) (out []byte, ok bool) {
	for len(s) > 0 {
		at := bytes.IndexByte(s, '\\')
		if at < 0 {
			return append(out, s...), true
		}
		out = append(out, s[:at]...)
		end := at + 2
		if at+1 < len(s) && s[at+1] == 'u' {
			for end = at + 6; end+6 <= len(s) && s[end] == '\\' && s[end+1] == 'u'; {
				end += 6
			}
		}
		if end > len(s) {
			return nil, false
		}
		d.in, d.at, d.buf = append(append([]byte{'"'}, s[at:end]...), '"'), 0, d.buf[:0]
		part, ok := d.str()
		if !ok {
			return nil, false
		}
		out, s = append(out, part...), s[end:]
	}
	return out, true
}

func (d *document) escaped(start int) ([]byte, bool) {
	off := len(d.buf)
	d.buf = append(d.buf, d.in[start:d.at]...)
	for d.at < len(d.in) {
		c := d.in[d.at]
		d.at++
		switch {
		case c == '"':
			return d.buf[off:len(d.buf):len(d.buf)], true
		case c < ' ':
			return nil, false
		case c != '\\':
			d.buf = append(d.buf, c)
			continue
		}
		if d.at >= len(d.in) {
			return nil, false
		}
		e := d.in[d.at]
		d.at++
		switch e {
		case '"', '\\', '/':
			d.buf = append(d.buf, e)
		case 'b':
			d.buf = append(d.buf, '\b')
		case 'f':
			d.buf = append(d.buf, '\f')
		case 'n':
			d.buf = append(d.buf, '\n')
		case 'r':
			d.buf = append(d.buf, '\r')
		case 't':
			d.buf = append(d.buf, '\t')
		case 'u':
			r, ok := d.hex()
			if !ok {
				return nil, false
			}
			if utf16.IsSurrogate(r) && d.at+1 < len(d.in) && d.in[d.at] == '\\' && d.in[d.at+1] == 'u' {
				d.at += 2
				low, ok := d.hex()
				if !ok {
					return nil, false
				}
				r = utf16.DecodeRune(r, low)
			}
			d.buf = utf8.AppendRune(d.buf, r)
		default:
			return nil, false
		}
	}
	return nil, false
}

func (d *document) hex() (rune, bool) {
	if d.at+4 > len(d.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.in[d.at:d.at+4]), 16, 32)
	d.at += 4
	return rune(n), err == nil
}

// print appends the node as compact JSON.
func (d *document) print(b []byte, i int) []byte {
	n := &d.nodes[i]
	switch n.kind {
	case text:
		return quote(b, n.value)
	case number:
		return appendNumber(b, n.value)
	case array, object:
		return d.printAll(b, n, d.print)
	}
	return append(b, n.value...)
}

// printAll appends an array or object, its parts by each.
func (d *document) printAll(b []byte, n *node, each func(b []byte, i int) []byte) []byte {
	open, end := byte('['), byte(']')
	if n.kind == object {
		open, end = '{', '}'
	}
	b = append(b, open)
	for c := n.child; c != 0; c = d.nodes[c].next {
		if c != n.child {
			b = append(b, ',')
		}
		if n.kind == object {
			b = append(quote(b, d.nodes[c].key), ':')
		}
		b = each(b, c)
	}
	return append(b, end)
}

// AppendQuoted appends s as a JSON string.
func AppendQuoted(b, s []byte) []byte { return quote(b, s) }

// quote appends s in double quotes with escapes.
func quote(b, s []byte) []byte { return jsonscan.AppendString(b, s) }
