package regex

import (
	"errors"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// op says what a node is.
type op uint8

const (
	opSeq      op = iota // subs one after another; none is the empty pattern
	opAlt                // one of subs, the first that fits
	opSet                // one character of set
	opGroup              // subs[0]; index is the capture's number, 0 for none
	opRepeat             // subs[0] min to max times, max -1 without end
	opLook               // subs[0] ahead or behind, or not
	opAtomic             // subs[0] without going back into it
	opBack               // what group index matched
	opAssert             // a place; char says which
	opNewlines           // \R
)

type node struct {
	op             op
	subs           []*node
	set            set
	index          int
	min, max       int
	lazy, possess  bool
	behind, negate bool
	char           rune // of opAssert: ^ $ A Z z b B G, and M m for ^ $ in (?m)
	fold, unixLine bool
}

// flags are Java's, as they stand at a place of the pattern.
type flags struct{ fold, unicodeCase, dotAll, multi, comments, unixLines, unicodeClass bool }

type parser struct {
	s      []rune
	at     int
	flags  flags
	groups int
	names  map[string]int
	depth  int
}

// mistake is what parse functions panic with; Compile gives it back as an error.
type mistake string

func (p *parser) fail(what string) { panic(mistake(what)) }

// parse reads Java's syntax.
func parse(pattern string) (n *node, groups int, err error) {
	if !utf8.ValidString(pattern) {
		return nil, 0, errors.New("the pattern isn't UTF-8")
	}
	p := &parser{s: []rune(pattern), names: map[string]int{}}
	defer func() {
		if r := recover(); r != nil {
			m, ok := r.(mistake)
			if !ok {
				panic(r)
			}
			err = errors.New(string(m))
		}
	}()
	n = p.alternatives()
	if p.at < len(p.s) {
		p.fail("unmatched closing ')'")
	}
	return n, p.groups, nil
}

func (p *parser) more() bool { return p.at < len(p.s) }

func (p *parser) peek() rune {
	if p.at < len(p.s) {
		return p.s[p.at]
	}
	return -1
}

func (p *parser) take(text string) bool {
	r := []rune(text)
	if len(p.s)-p.at < len(r) || string(p.s[p.at:p.at+len(r)]) != text {
		return false
	}
	p.at += len(r)
	return true
}

func (p *parser) alternatives() *node {
	if p.depth++; p.depth > 500 {
		p.fail("too deeply nested")
	}
	defer func() { p.depth-- }()
	n := &node{op: opAlt, subs: []*node{p.sequence()}}
	for p.take("|") {
		n.subs = append(n.subs, p.sequence())
	}
	if len(n.subs) == 1 {
		return n.subs[0]
	}
	return n
}

func (p *parser) sequence() *node {
	n := &node{op: opSeq}
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		if p.flags.comments && p.skipComment() {
			continue
		}
		if p.take(`\Q`) {
			for p.more() && !p.take(`\E`) {
				n.subs = append(n.subs, p.quantified(p.literal(p.s[p.at], 1)))
			}
			continue
		}
		if a := p.atom(); a != nil {
			n.subs = append(n.subs, p.quantified(a))
		}
	}
	return n
}

func (p *parser) skipComment() bool {
	if r := p.peek(); r == '#' {
		for p.more() && p.peek() != '\n' {
			p.at++
		}
		return true
	} else if r == ' ' || r >= '\t' && r <= '\r' {
		p.at++
		return true
	}
	return false
}

// literal is one character; width is how much of the pattern it took.
func (p *parser) literal(r rune, width int) *node {
	p.at += width
	return p.charSet(single(r))
}

func (p *parser) charSet(s set) *node {
	if p.flags.fold {
		s = s.folded(p.flags.unicodeCase)
	}
	return &node{op: opSet, set: s}
}

func (p *parser) quantified(a *node) *node {
	for {
		for p.flags.comments && p.more() && p.skipComment() {
		}
		lo, hi := 0, -1
		switch p.peek() {
		case '*':
		case '+':
			lo = 1
		case '?':
			hi = 1
		case '{':
			if a.op == opRepeat && !a.possess && !a.lazy {
				p.fail("dangling meta character '{'")
			}
			lo, hi = p.counts()
			p.at--
		default:
			return a
		}
		p.at++
		a = &node{op: opRepeat, subs: []*node{a}, min: lo, max: hi}
		if p.take("?") {
			a.lazy = true
		} else if p.take("+") {
			a.possess = true
		}
		if r := p.peek(); r == '*' || r == '?' || r == '+' {
			p.fail("dangling meta character '" + string(r) + "'")
		}
	}
}

// counts reads {n}, {n,} and {n,m}.
func (p *parser) counts() (lo, hi int) {
	p.at++
	num := func() int {
		from := p.at
		for p.peek() >= '0' && p.peek() <= '9' {
			p.at++
		}
		n, err := strconv.ParseInt(string(p.s[from:p.at]), 10, 31)
		if err != nil {
			p.fail("illegal repetition")
		}
		return int(n)
	}
	lo = num()
	hi = lo
	if p.take(",") {
		if hi = -1; p.peek() != '}' {
			if hi = num(); hi < lo {
				p.fail("illegal repetition range")
			}
		}
	}
	if !p.take("}") {
		p.fail("unclosed counted closure")
	}
	return lo, hi
}

func (p *parser) atom() *node {
	switch r := p.peek(); r {
	case '(':
		p.at++
		return p.group()
	case '[':
		p.at++
		return p.charSet(p.class())
	case '.':
		p.at++
		return &node{op: opSet, set: p.dot()}
	case '^', '$':
		p.at++
		if p.flags.multi {
			r = map[rune]rune{'^': 'M', '$': 'm'}[r]
		}
		return &node{op: opAssert, char: r, unixLine: p.flags.unixLines}
	case '*', '+', '?':
		p.fail("dangling meta character '" + string(r) + "'")
	case '{':
		p.fail("illegal repetition")
	case '\\':
		p.at++
		return p.escape()
	}
	return p.literal(p.peek(), 1)
}

func (p *parser) dot() set {
	switch {
	case p.flags.dotAll:
		return set{{0, utf8.MaxRune}}
	case p.flags.unixLines:
		return single('\n').negated()
	}
	return lineEnds.negated()
}

func (p *parser) group() *node {
	if !p.take("?") {
		p.groups++
		return p.closed(&node{op: opGroup, index: p.groups})
	}
	switch {
	case p.take(":"):
		return p.closed(&node{op: opGroup})
	case p.take("="):
		return p.closed(&node{op: opLook})
	case p.take("!"):
		return p.closed(&node{op: opLook, negate: true})
	case p.take(">"):
		return p.closed(&node{op: opAtomic})
	case p.take("<="):
		return p.closed(&node{op: opLook, behind: true})
	case p.take("<!"):
		return p.closed(&node{op: opLook, behind: true, negate: true})
	case p.take("<"):
		name := p.name()
		if _, twice := p.names[name]; twice {
			p.fail("the group '" + name + "' is defined twice")
		}
		p.groups++
		p.names[name] = p.groups
		return p.closed(&node{op: opGroup, index: p.groups})
	}
	was := p.flags
	p.readFlags()
	if p.take(")") { // for the rest of the enclosing group
		return nil
	}
	if !p.take(":") {
		p.fail("unknown inline modifier")
	}
	n := &node{op: opGroup, subs: []*node{p.alternatives()}}
	p.flags = was
	p.close()
	return n
}

// closed reads a group's content and its end; flags set inside end with it.
func (p *parser) closed(n *node) *node {
	was := p.flags
	n.subs = []*node{p.alternatives()}
	p.flags = was
	p.close()
	return n
}

func (p *parser) close() {
	if !p.take(")") {
		p.fail("unclosed group")
	}
}

func (p *parser) name() string {
	from := p.at
	for r := p.peek(); r < 128 && (unicode.IsLetter(r) || p.at > from && unicode.IsDigit(r)); r = p.peek() {
		p.at++
	}
	name := string(p.s[from:p.at])
	if name == "" || !p.take(">") {
		p.fail("a group's name isn't closed by '>'")
	}
	return name
}

func (p *parser) readFlags() {
	on := true
	for {
		switch p.peek() {
		case 'i':
			p.flags.fold = on
		case 'u':
			p.flags.unicodeCase = on
		case 's':
			p.flags.dotAll = on
		case 'm':
			p.flags.multi = on
		case 'x':
			p.flags.comments = on
		case 'd':
			p.flags.unixLines = on
		case 'U':
			p.flags.unicodeClass, p.flags.unicodeCase = on, on
		case '-':
			if !on {
				p.fail("unknown inline modifier")
			}
			on = false
		default:
			return
		}
		p.at++
	}
}

// escape is what follows a backslash outside a class.
func (p *parser) escape() *node {
	r := p.peek()
	switch {
	case r < 0:
		p.fail("the pattern ends in a backslash")
	case r >= '1' && r <= '9':
		p.at++
		n := int(r - '0')
		for d := p.peek(); d >= '0' && d <= '9' && n*10+int(d-'0') <= p.groups; d = p.peek() {
			n = n*10 + int(d-'0')
			p.at++
		}
		return &node{op: opBack, index: n, fold: p.flags.fold}
	case r == 'k':
		p.at++
		if !p.take("<") {
			p.fail("\\k needs a group's name in < >")
		}
		n, ok := p.names[p.name()]
		if !ok {
			p.fail("a back-reference to no group")
		}
		return &node{op: opBack, index: n, fold: p.flags.fold}
	case r == 'A' || r == 'Z' || r == 'z' || r == 'b' || r == 'B' || r == 'G':
		p.at++
		if r == 'b' && p.peek() == '{' {
			p.fail("\\b{g} isn't supported")
		}
		return &node{op: opAssert, char: r, unixLine: p.flags.unixLines}
	case r == 'R':
		p.at++
		return &node{op: opNewlines}
	case r == 'E':
		p.at++
		return nil
	}
	if s, ok := p.named(); ok {
		return p.charSet(s)
	}
	return p.charSet(single(p.char()))
}

// char reads an escaped character: \t, \x41, \u0041, \0101, \cA, \.
func (p *parser) char() rune {
	r := p.peek()
	p.at++
	switch r {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	case 'a':
		return 7
	case 'e':
		return 27
	case 'c':
		c := p.peek()
		if c < 0 {
			p.fail("illegal control escape")
		}
		p.at++
		return c ^ 64
	case '0':
		return p.number(8, 1, 3)
	case 'x':
		if p.take("{") {
			c := p.number(16, 1, 6)
			if !p.take("}") || c > utf8.MaxRune {
				p.fail("unclosed hexadecimal escape")
			}
			return c
		}
		return p.number(16, 2, 2)
	case 'u':
		hi := p.number(16, 4, 4)
		if hi >= 0xD800 && hi < 0xDC00 && p.take(`\u`) {
			return (hi-0xD800)<<10 + p.number(16, 4, 4) - 0xDC00 + 0x10000
		}
		return hi
	}
	if r < 128 && unicode.IsLetter(r) {
		p.fail("illegal escape '\\" + string(r) + "'")
	}
	return r
}

func (p *parser) number(base, least, most int) rune {
	from, n := p.at, rune(0)
	for p.at-from < most {
		d := digitOf(p.peek())
		if d < 0 || d >= base || base == 8 && n*8+rune(d) > 0377 {
			break
		}
		n = n*rune(base) + rune(d)
		p.at++
	}
	if p.at-from < least {
		p.fail("illegal escape of a number")
	}
	return n
}

func digitOf(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0')
	case r|32 >= 'a' && r|32 <= 'f':
		return int(r|32-'a') + 10
	}
	return -1
}
