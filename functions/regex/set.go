package regex

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// set is characters as ranges, ascending and apart.
type set []span

type span struct{ lo, hi rune }

var (
	lineEnds   = set{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	digits     = set{{'0', '9'}}
	wordChars  = set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	blanks     = set{{'\t', '\r'}, {' ', ' '}}
	horizontal = set{{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}
	vertical   = set{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	// boundary is what \b of Java 17 takes for a word.
	boundary = fromTables(unicode.L, unicode.Nd).union(single('_'))
)

func single(r rune) set { return set{{r, r}} }

func (s set) normal() set {
	slices.SortFunc(s, func(a, b span) int { return int(a.lo - b.lo) })
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && x.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, x.hi)
		} else {
			out = append(out, x)
		}
	}
	return out
}

func (s set) union(t set) set { return append(slices.Clone(s), t...).normal() }

func (s set) negated() set {
	var out set
	next := rune(0)
	for _, x := range s {
		if x.lo > next {
			out = append(out, span{next, x.lo - 1})
		}
		next = x.hi + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, span{next, utf8.MaxRune})
	}
	return out
}

func (s set) intersect(t set) set { return s.negated().union(t.negated()).negated() }

func (s set) has(r rune) bool {
	for _, x := range s {
		if r >= x.lo && r <= x.hi {
			return true
		}
	}
	return false
}

// folded adds the other cases: of ASCII letters, or of all.
func (s set) folded(all bool) set {
	out := slices.Clone(s)
	if !all {
		for _, x := range s {
			for r := max(x.lo, 'A'); r <= min(x.hi, 'z'); r++ {
				if r <= 'Z' || r >= 'a' {
					out = append(out, span{r ^ 32, r ^ 32})
				}
			}
		}
		return out.normal()
	}
	for _, x := range s {
		if x.hi-x.lo > 5000 {
			continue // practically everything is in it
		}
		for r := x.lo; r <= x.hi; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				out = append(out, span{f, f})
			}
		}
	}
	return out.normal()
}

func fromTables(tables ...*unicode.RangeTable) set {
	var out set
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, span{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, span{r, r})
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return out.normal()
}

// class reads a character class behind its [, with unions, ranges and &&.
func (p *parser) class() set {
	if p.depth++; p.depth > 500 {
		p.fail("too deeply nested")
	}
	defer func() { p.depth-- }()
	negate := p.take("^")
	var whole, part set
	started, both, first := false, false, true
	join := func() {
		if both {
			whole = whole.intersect(part.normal())
		} else {
			whole = part.normal()
		}
	}
	for ; ; first = false {
		r := p.peek()
		switch {
		case r < 0:
			p.fail("unclosed character class")
		case r == ']' && !first:
			p.at++
			if started || !both {
				join()
			}
			if negate {
				return whole.negated()
			}
			return whole
		case p.flags.comments && p.skipComment():
		case p.take("&&"):
			if started || !both {
				join()
			}
			both, started, part = true, false, nil
		case r == '[':
			p.at++
			part, started = append(part, p.class()...), true
		case p.take(`\Q`):
			for p.more() && !p.take(`\E`) {
				part, started = append(part, span{p.s[p.at], p.s[p.at]}), true
				p.at++
			}
		default:
			part, started = append(part, p.classItem()...), true
		}
	}
}

// classItem is a character, a range or a named set in a class.
func (p *parser) classItem() set {
	one := func() (rune, set, bool) {
		if !p.take(`\`) {
			p.at++
			return p.s[p.at-1], nil, true
		}
		if s, ok := p.named(); ok {
			return 0, s, false
		}
		if !p.more() {
			p.fail("the pattern ends in a backslash")
		}
		return p.char(), nil, true
	}
	lo, s, isChar := one()
	if !isChar {
		return s
	}
	if p.peek() == '-' && p.at+1 < len(p.s) && p.s[p.at+1] != ']' && p.s[p.at+1] != '[' {
		p.at++
		hi, _, ok := one()
		if !ok || hi < lo {
			p.fail("illegal character range")
		}
		return set{{lo, hi}}
	}
	return single(lo)
}

// named reads \d \w \s \h \v and \p{..} with their opposites; the backslash is
// behind us. ok is false, and nothing read, when it is another escape.
func (p *parser) named() (s set, ok bool) {
	r := p.peek()
	switch r {
	case 'd', 'D':
		if s = digits; p.flags.unicodeClass {
			s = fromTables(unicode.Nd)
		}
	case 'w', 'W':
		if s = wordChars; p.flags.unicodeClass {
			s = fromTables(unicode.L, unicode.M, unicode.Nd, unicode.Pc)
		}
	case 's', 'S':
		if s = blanks; p.flags.unicodeClass {
			s = fromTables(unicode.White_Space)
		}
	case 'h', 'H':
		s = horizontal
	case 'v', 'V':
		s = vertical
	case 'p', 'P':
		p.at++
		s = p.property()
		if r == 'P' {
			s = s.negated()
		}
		return s, true
	default:
		return nil, false
	}
	p.at++
	if r < 'a' {
		s = s.negated()
	}
	return s, true
}

var posix = map[string]set{
	"Lower": {{'a', 'z'}}, "Upper": {{'A', 'Z'}}, "ASCII": {{0, 127}}, "Alpha": {{'A', 'Z'}, {'a', 'z'}}, "Digit": {{'0', '9'}},
	"Alnum": {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, "Punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, "Graph": {{'!', '~'}},
	"Print": {{' ', '~'}}, "Blank": {{'\t', '\t'}, {' ', ' '}}, "Cntrl": {{0, 31}, {127, 127}}, "XDigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, "Space": {{'\t', '\r'}, {' ', ' '}},
}

// property reads the name behind \p.
func (p *parser) property() set {
	var name string
	if p.take("{") {
		from := p.at
		for p.more() && p.peek() != '}' {
			p.at++
		}
		name = string(p.s[from:p.at])
		if !p.take("}") {
			p.fail("unclosed character family")
		}
	} else if p.more() {
		name = string(p.peek())
		p.at++
	}
	if s, ok := posix[name]; ok {
		return s
	}
	bare := name
	if k, v, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(k) {
		case "sc", "script", "gc", "general_category":
			bare = v
		}
	}
	bare = strings.TrimPrefix(bare, "Is")
	switch name {
	case "javaLowerCase", "IsLowercase":
		return fromTables(unicode.Lower, unicode.Other_Lowercase)
	case "javaUpperCase", "IsUppercase":
		return fromTables(unicode.Upper, unicode.Other_Uppercase)
	case "javaLetter", "IsLetter":
		return fromTables(unicode.L)
	case "javaDigit", "IsDigit":
		return fromTables(unicode.Nd)
	case "javaLetterOrDigit":
		return fromTables(unicode.L, unicode.Nd)
	case "javaWhitespace", "IsWhite_Space", "IsWhiteSpace":
		return fromTables(unicode.White_Space)
	case "IsAlphabetic", "javaAlphabetic":
		return fromTables(unicode.L, unicode.Nl, unicode.Other_Alphabetic)
	case "IsPunctuation":
		return fromTables(unicode.P)
	case "L1":
		return set{{0, 255}}
	case "all":
		return set{{0, utf8.MaxRune}}
	}
	if t, ok := unicode.Categories[bare]; ok {
		return fromTables(t)
	}
	for script, t := range unicode.Scripts {
		if strings.EqualFold(script, bare) && bare != name {
			return fromTables(t)
		}
	}
	p.fail("unknown character property '" + name + "'")
	return nil
}
