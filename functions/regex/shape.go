package regex

import (
	"bytes"
	"unicode/utf8"
)

// shape is a pattern simple enough for a search of its own:
//
//	[before] literal [run of one set]
//
// where before is ^ or a group of single ASCII characters and ^, and the run is
// set* or set+ in a group or not. The literal may be missing before set+ alone. It
// covers plain texts, prefixes, [0-9]+ and (&|^)key=([^&]*).
type shape struct {
	start       bool   // ^ before the literal
	before      []rune // characters that may stand before, in a group of their own
	orStart     bool
	literal     []byte
	run         bool
	least       int
	in          [utf8.RuneSelf]bool
	other       set // the characters of the run beyond ASCII
	beforeGroup int // numbers of the groups, 0 for none
	runGroup    int
	groups      int
}

// shapeOf recognises a tree, nil when it isn't of that shape.
func shapeOf(n *node) *shape {
	parts := []*node{n}
	if n.op == opSeq {
		parts = n.subs
	}
	sh := &shape{}
	if len(parts) > 0 && parts[0].op == opAssert && (parts[0].char == '^' || parts[0].char == 'A') {
		sh.start, parts = true, parts[1:]
	} else if len(parts) > 0 && parts[0].op == opGroup && parts[0].index > 0 && sh.prefix(parts[0].subs[0]) {
		sh.beforeGroup, sh.groups, parts = parts[0].index, parts[0].index, parts[1:]
	}
	for len(parts) > 0 && parts[0].op == opSet && len(parts[0].set) == 1 && parts[0].set[0].lo == parts[0].set[0].hi {
		sh.literal = utf8.AppendRune(sh.literal, parts[0].set[0].lo)
		parts = parts[1:]
	}
	if len(sh.literal) == 0 && (sh.start || sh.beforeGroup > 0) {
		return nil
	}
	if len(parts) == 1 {
		r := parts[0]
		if r.op == opGroup && r.index > 0 {
			sh.runGroup, sh.groups = r.index, r.index
			r = r.subs[0]
			if r.op == opSeq && len(r.subs) == 1 {
				r = r.subs[0]
			}
		}
		if r.op != opRepeat || r.lazy || r.max >= 0 || r.min > 1 || r.subs[0].op != opSet {
			return nil
		}
		sh.run, sh.least, parts = true, r.min, nil
		for _, x := range r.subs[0].set {
			for c := x.lo; c <= x.hi && c < utf8.RuneSelf; c++ {
				sh.in[c] = true
			}
			if x.hi >= utf8.RuneSelf {
				sh.other = append(sh.other, span{max(x.lo, utf8.RuneSelf), x.hi})
			}
		}
	}
	if len(parts) > 0 || len(sh.literal) == 0 && (!sh.run || sh.least == 0) {
		return nil
	}
	return sh
}

// prefix recognises c, and alternatives of single ASCII characters and ^.
func (sh *shape) prefix(n *node) bool {
	alts := []*node{n}
	if n.op == opAlt {
		alts = n.subs
	}
	for i, a := range alts {
		if a.op == opSeq && len(a.subs) == 1 {
			a = a.subs[0]
		}
		switch {
		case a.op == opAssert && a.char == '^' && i == len(alts)-1:
			sh.orStart = true
		case a.op == opSet && len(a.set) == 1 && a.set[0].lo == a.set[0].hi && a.set[0].lo < utf8.RuneSelf:
			sh.before = append(sh.before, a.set[0].lo)
		default:
			return false
		}
	}
	return true
}

func (sh *shape) find(s []byte, from int, room []int) []int {
	if len(sh.literal) == 0 {
		return sh.findRun(s, from, room)
	}
	for at := from; ; at++ {
		k := bytes.Index(s[at:], sh.literal)
		if k < 0 {
			return nil
		}
		at += k
		start := at
		switch {
		case sh.start:
			if at > 0 {
				return nil
			}
		case sh.beforeGroup > 0:
			if at > from && sh.precedes(s[at-1]) {
				start--
			} else if !(sh.orStart && at == 0) {
				continue
			}
		}
		end := at + len(sh.literal)
		runStart := end
		if sh.run {
			if end = sh.extend(s, end); sh.least > 0 && end == runStart {
				continue
			}
		}
		room = append(room, start, end)
		for g := 1; g <= sh.groups; g++ {
			if g == sh.beforeGroup {
				room = append(room, start, at)
			} else {
				room = append(room, runStart, end)
			}
		}
		return room
	}
}

// findRun is find for a run of a set alone.
func (sh *shape) findRun(s []byte, at int, room []int) []int {
	for at < len(s) {
		if end := sh.extend(s, at); end > at {
			for g := 0; g <= sh.groups; g++ {
				room = append(room, at, end)
			}
			return room
		}
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return nil
}

func (sh *shape) precedes(c byte) bool {
	for _, r := range sh.before {
		if rune(c) == r {
			return true
		}
	}
	return false
}

func (sh *shape) extend(s []byte, at int) int {
	for at < len(s) {
		if c := s[at]; c < utf8.RuneSelf {
			if !sh.in[c] {
				return at
			}
			at++
			continue
		}
		r, w := utf8.DecodeRune(s[at:])
		if !sh.other.has(r) {
			return at
		}
		at += w
	}
	return at
}

// required is the longest text that every match contains, empty when none is
// known: a search for it alone costs far less than a search for the pattern.
func required(n *node) []byte {
	var best, run []byte
	var walk func(n *node)
	walk = func(n *node) {
		switch {
		case n.op == opSet && len(n.set) == 1 && n.set[0].lo == n.set[0].hi:
			if run = utf8.AppendRune(run, n.set[0].lo); len(run) > len(best) {
				best = append(best[:0], run...)
			}
		case n.op == opSeq || n.op == opGroup:
			for _, s := range n.subs {
				walk(s)
			}
		case n.op == opAssert: // a place between characters
		default:
			run = run[:0]
		}
	}
	walk(n)
	return best
}
