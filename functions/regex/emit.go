package regex

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// needs says what a pattern asks of an engine and its text.
type needs struct {
	backtrack bool // look-around, back-references, possessive: only the slow engine
	lineEnd   bool // $ or \Z: the fast form is right only for texts without a final line end
	ascii     bool // \b or \B: the fast form is right only for ASCII
	context   bool // looks at what lies before: a search can't just begin in the middle
}

// writer prints a tree for one of the engines. Captures stay in Java's order,
// since all are printed without names.
type writer struct {
	strings.Builder
	slow  bool
	needs needs
}

func (w *writer) node(n *node) {
	switch n.op {
	case opSeq:
		for _, s := range n.subs {
			w.node(s)
		}
	case opAlt:
		w.WriteString("(?:")
		for i, s := range n.subs {
			if i > 0 {
				w.WriteByte('|')
			}
			w.node(s)
		}
		w.WriteByte(')')
	case opSet:
		w.set(n.set)
	case opGroup:
		if w.WriteByte('('); n.index == 0 {
			w.WriteString("?:")
		}
		w.node(n.subs[0])
		w.WriteByte(')')
	case opRepeat:
		w.repeat(n)
	case opLook:
		w.needs.backtrack = true
		w.WriteString("(?")
		if n.behind {
			w.WriteByte('<')
		}
		if n.negate {
			w.WriteByte('!')
		} else {
			w.WriteByte('=')
		}
		w.node(n.subs[0])
		w.WriteByte(')')
	case opAtomic:
		w.needs.backtrack = true
		w.WriteString("(?>")
		w.node(n.subs[0])
		w.WriteByte(')')
	case opBack:
		w.needs.backtrack = true
		if n.fold {
			fmt.Fprintf(w, `(?i:\%d)`, n.index)
		} else {
			fmt.Fprintf(w, `(?:\%d)`, n.index)
		}
	case opNewlines:
		w.needs.backtrack = true // \r\n is never taken apart
		w.WriteString("(?>\r\n|[\n\v\f\r\u0085\u2028\u2029])")
	case opAssert:
		w.assert(n)
	}
}

func (w *writer) repeat(n *node) {
	if n.possess {
		w.needs.backtrack = true
		w.WriteString("(?>")
	}
	w.WriteString("(?:")
	w.node(n.subs[0])
	w.WriteByte(')')
	switch {
	case n.min == 0 && n.max < 0:
		w.WriteByte('*')
	case n.min == 1 && n.max < 0:
		w.WriteByte('+')
	case n.min == 0 && n.max == 1:
		w.WriteByte('?')
	case n.max < 0:
		fmt.Fprintf(w, "{%d,}", n.min)
	default:
		fmt.Fprintf(w, "{%d,%d}", n.min, n.max)
	}
	if n.lazy {
		w.WriteByte('?')
	}
	if n.possess {
		w.WriteByte(')')
	}
}

func (w *writer) char(r rune) {
	if r < utf8.RuneSelf && r > ' ' && !(r >= '0' && r <= '9') && !(r|32 >= 'a' && r|32 <= 'z') && r != '_' {
		w.WriteByte('\\')
	}
	w.WriteRune(r)
}

func (w *writer) set(s set) {
	switch {
	case len(s) == 0: // nothing fits
		w.WriteString(`[^\x00-` + string(utf8.MaxRune) + `]`)
	case len(s) == 1 && s[0].lo == s[0].hi:
		w.char(s[0].lo)
	default:
		w.WriteByte('[')
		for _, x := range s {
			// Surrogates can't be written and don't occur in UTF-8.
			if x.lo >= 0xD800 && x.lo <= 0xDFFF {
				x.lo = 0xE000
			}
			if x.hi >= 0xD800 && x.hi <= 0xDFFF {
				x.hi = 0xD7FF
			}
			if x.lo > x.hi {
				continue
			}
			w.char(x.lo)
			if x.hi > x.lo {
				w.WriteByte('-')
				w.char(x.hi)
			}
		}
		w.WriteByte(']')
	}
}

// assert prints a place. The fast engine gets the form that is right for the
// texts Regex gives it.
func (w *writer) assert(n *node) {
	ends := "[\n\r\u0085\u2028\u2029]"
	if n.unixLine {
		ends = "\n"
	}
	switch n.char {
	case '^', 'A':
		w.needs.context = true
		w.WriteString(`\A`)
	case 'z':
		w.WriteString(`\z`)
	case '$', 'Z':
		w.needs.lineEnd = true
		if w.slow {
			w.WriteString("(?=(?:\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029])?\\z)")
		} else {
			w.WriteString(`\z`)
		}
	case 'b', 'B':
		w.needs.ascii, w.needs.context = true, true
		if !w.slow {
			w.WriteString(`\` + string(n.char))
			return
		}
		var in writer
		in.set(boundary)
		c := in.String()
		if n.char == 'b' {
			w.WriteString("(?:(?<=" + c + ")(?!" + c + ")|(?<!" + c + ")(?=" + c + "))")
		} else {
			w.WriteString("(?:(?<=" + c + ")(?=" + c + ")|(?<!" + c + ")(?!" + c + "))")
		}
	case 'M':
		w.needs.backtrack = true
		w.WriteString(`(?:\A|(?<=` + ends + `)(?<!` + "\r(?=\n)" + `)(?!\z))`)
	case 'm':
		w.needs.backtrack = true
		w.WriteString(`(?:(?=` + ends + `|\z)(?<!` + "\r(?=\n)" + `))`)
	case 'G':
		w.needs.backtrack = true
		w.WriteString(`\G`)
	}
}
