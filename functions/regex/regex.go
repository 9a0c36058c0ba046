// Package regex is regular expressions in Java's syntax, with Java's meaning, as
// Flink's functions take them.
//
// Compile parses a pattern into a tree (parse.go, set.go) and prints it for one of
// two engines (emit.go): the standard library's, which runs in linear time, or a
// backtracking one for what only that can do (look-around, back-references,
// possessive repeats) and for the few texts on which the fast form of $ and \b
// would differ from Java's. Simple shapes need neither (shape.go).
//
// Start with Compile and Find.
package regex

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Regex is a compiled pattern. It belongs to one goroutine.
type Regex struct {
	// Groups is the number of capturing groups.
	Groups int

	shape *shape
	must  []byte // stands in every match
	fast  *regexp.Regexp
	rest  *regexp.Regexp // fast behind one character of context
	needs needs
	tree  *node
	slow  *regexp2.Regexp

	runes   []rune // the text of the slow engine
	offsets []int  // the byte of each rune
	text    []byte // what runes were made from
}

// Compile reads a pattern; the error says what is wrong with it.
func Compile(pattern string) (*Regex, error) {
	tree, groups, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	r := &Regex{Groups: groups, tree: tree, shape: shapeOf(tree), must: required(tree)}
	var w writer
	w.node(tree)
	r.needs = w.needs
	if !r.needs.backtrack {
		// What this engine refuses (long repeats) the other one takes.
		r.fast, err = regexp.Compile(w.String())
		if err == nil && r.needs.context {
			r.rest, err = regexp.Compile(`\A(?s:.)(?s:.*?)(` + w.String() + `)`)
		}
		if err != nil {
			r.fast = nil
		}
	}
	if r.fast == nil {
		err = r.compileSlow()
	}
	return r, err
}

func (r *Regex) compileSlow() (err error) {
	if r.slow == nil {
		w := writer{slow: true}
		w.node(r.tree)
		r.slow, err = regexp2.Compile(w.String(), regexp2.None)
	}
	return err
}

// Find looks for the first match that begins at from or behind it. It returns,
// in room where that is large enough, the start and end of the match and of each
// group, -1 for one that took no part; nil when there is no match.
func (r *Regex) Find(s []byte, from int, room []int) []int {
	if r.shape != nil {
		return r.shape.find(s, from, room[:0])
	}
	if !bytes.Contains(s[from:], r.must) {
		return nil
	}
	if r.fast == nil || r.needs.lineEnd && endsLine(s) || r.needs.ascii && !ascii(s) {
		return r.findSlow(s, from, room[:0])
	}
	if from == 0 || !r.needs.context {
		m := r.fast.FindSubmatchIndex(s[from:])
		return shift(m, from)
	}
	_, w := utf8.DecodeLastRune(s[:from])
	m := r.rest.FindSubmatchIndex(s[from-w:])
	if m == nil {
		return nil
	}
	return shift(m[2:], from-w)
}

// Match says whether there is a match anywhere.
func (r *Regex) Match(s []byte) bool {
	if r.shape != nil || r.fast == nil || r.needs.lineEnd && endsLine(s) || r.needs.ascii && !ascii(s) {
		var room [8]int
		return r.Find(s, 0, room[:]) != nil
	}
	if !bytes.Contains(s, r.must) {
		return false
	}
	return r.fast.Match(s)
}

// Next is where to look on behind a match m, -1 when the text is done.
func Next(s []byte, m []int) int {
	if m[1] > m[0] {
		return m[1]
	}
	if m[1] >= len(s) {
		return -1
	}
	_, w := utf8.DecodeRune(s[m[1]:])
	return m[1] + w
}

func shift(m []int, by int) []int {
	for i := range m {
		if m[i] >= 0 {
			m[i] += by
		}
	}
	return m
}

func (r *Regex) findSlow(s []byte, from int, room []int) []int {
	if r.compileSlow() != nil {
		return nil
	}
	if from == 0 || !bytes.Equal(r.text, s) {
		r.runes, r.offsets, r.text = r.runes[:0], r.offsets[:0], append(r.text[:0], s...)
		for at := 0; at < len(s); {
			c, w := utf8.DecodeRune(s[at:])
			r.runes, r.offsets = append(r.runes, c), append(r.offsets, at)
			at += w
		}
		r.offsets = append(r.offsets, len(s))
	}
	start := 0
	for start < len(r.runes) && r.offsets[start] < from {
		start++
	}
	m, err := r.slow.FindRunesMatchStartingAt(r.runes, start)
	if err != nil || m == nil {
		return nil
	}
	for g := 0; g <= r.Groups; g++ {
		group := m.GroupByNumber(g)
		if group == nil || len(group.Captures) == 0 {
			room = append(room, -1, -1)
			continue
		}
		room = append(room, r.offsets[group.Index], r.offsets[group.Index+group.Length])
	}
	return room
}

func endsLine(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	c, _ := utf8.DecodeLastRune(s)
	return lineEnds.has(c)
}

func ascii(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
