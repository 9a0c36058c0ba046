package parser

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a text into tokens. It never fails: what isn't a token becomes a
// tokIllegal, which the parser reports if it gets there.
type lexer struct {
	src    string
	pos    int
	lookup func(string) (string, bool)
	toks   []token
	inHint bool
}

func lex(src string, lookup func(string) (string, bool)) []token {
	l := &lexer{src: src, lookup: lookup, toks: make([]token, 0, len(src)/5+2)}
	for l.scan() {
	}
	return l.toks
}

func (l *lexer) at(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) add(kind tokenKind, start int, text string) {
	t := token{kind: kind, text: text, start: start, end: l.pos}
	switch kind {
	case tokWord:
		t.word = strings.ToUpper(text)
	case tokOp:
		t.word = text
	}
	l.toks = append(l.toks, t)
}

func (l *lexer) illegal(start, off int, msg, hint string) {
	l.toks = append(l.toks, token{kind: tokIllegal, text: msg, hint: hint, start: start, end: max(l.pos, start), off: off})
}

// scan appends the next token and says whether there are more.
func (l *lexer) scan() bool {
	if !l.blanks() {
		return true
	}
	start := l.pos
	if start >= len(l.src) {
		l.add(tokEOF, start, "")
		return false
	}
	c := l.src[start]
	switch {
	case c == '\'':
		l.str(start, plainString)
	case (c == 'e' || c == 'E') && l.at(1) == '\'':
		l.pos++
		l.str(start, escapeString)
	case (c == 'n' || c == 'N') && l.at(1) == '\'':
		l.pos++
		l.str(start, plainString)
	case (c == 'u' || c == 'U') && l.at(1) == '&' && l.at(2) == '\'':
		l.pos += 2
		l.str(start, unicodeString)
	case (c == 'x' || c == 'X') && l.at(1) == '\'':
		l.pos++
		l.bytes(start)
	case c == '_' && l.charset():
		l.str(start, plainString)
	case c == '`':
		l.quoted(start)
	case c >= '0' && c <= '9', c == '.' && isDigit(l.at(1)):
		l.number(start)
	case isWordStart(l.src[start:]):
		for l.pos < len(l.src) {
			n := wordRune(l.src[l.pos:])
			if n == 0 {
				break
			}
			l.pos += n
		}
		l.add(tokWord, start, l.src[start:l.pos])
	default:
		l.op(start)
	}
	return true
}

// blanks skips white space and comments. It is false when it made a token: an
// unfinished comment.
func (l *lexer) blanks() bool {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case c == '-' && l.at(1) == '-' || c == '/' && l.at(1) == '/':
			if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
				l.pos += i + 1
			} else {
				l.pos = len(l.src)
			}
		case c == '/' && l.at(1) == '*' && l.at(2) != '+':
			start := l.pos
			i := strings.Index(l.src[l.pos+2:], "*/")
			if i < 0 {
				l.pos = len(l.src)
				l.illegal(start, start, "comment isn't closed", "end it with */")
				return false
			}
			l.pos += i + 4
		case c == 0xEF && strings.HasPrefix(l.src[l.pos:], "\uFEFF"): // a byte order mark
			l.pos += 3
		default:
			if c >= utf8.RuneSelf {
				if r, n := utf8.DecodeRuneInString(l.src[l.pos:]); unicode.IsSpace(r) {
					l.pos += n
					continue
				}
			}
			return true
		}
	}
	return true
}

func (l *lexer) op(start int) {
	for _, op := range [...]string{"/*+", "<>", "!=", "<=", ">=", "=>", "||"} {
		if strings.HasPrefix(l.src[start:], op) {
			l.pos += len(op)
			l.inHint = l.inHint || op == "/*+"
			l.add(tokOp, start, op)
			return
		}
	}
	if l.inHint && strings.HasPrefix(l.src[start:], "*/") {
		l.pos += 2
		l.inHint = false
		l.add(tokOp, start, "*/")
		return
	}
	c := l.src[start]
	l.pos++
	switch {
	case strings.IndexByte("()[]{},.;+-*/%=<>?|^$:", c) >= 0:
		l.add(tokOp, start, l.src[start:l.pos])
	case c == '"':
		if i := strings.IndexByte(l.src[l.pos:], '"'); i >= 0 {
			l.pos += i + 1
		}
		l.illegal(start, start, "double quotes don't quote anything", "names are quoted with `back-ticks`, strings with 'single quotes'")
	default:
		r, n := utf8.DecodeRuneInString(l.src[start:])
		l.pos = start + n
		l.illegal(start, start, "unexpected character "+strings.ReplaceAll(quoteRune(r), `'`, `"`), "")
	}
}

func quoteRune(r rune) string {
	if unicode.IsPrint(r) {
		return "'" + string(r) + "'"
	}
	return "'\\u" + strings.ToUpper(hex4(r)) + "'"
}

func hex4(r rune) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]})
}

// quoted reads a back-ticked name; a doubled back-tick is one.
func (l *lexer) quoted(start int) {
	var b strings.Builder
	l.pos++
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		l.pos++
		if c == '`' {
			if l.at(0) != '`' {
				if b.Len() == 0 {
					l.illegal(start, start, "empty name", "")
					return
				}
				l.add(tokName, start, b.String())
				return
			}
			l.pos++
		}
		b.WriteByte(c)
	}
	l.illegal(start, start, "back-tick isn't closed", "")
}

func (l *lexer) number(start int) {
	for isDigit(l.at(0)) {
		l.pos++
	}
	if l.at(0) == '.' && l.at(1) != '.' && !isWordStart(l.src[l.pos+1:]) {
		l.pos++
		for isDigit(l.at(0)) {
			l.pos++
		}
	}
	if c := l.at(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.at(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.at(n)) {
			l.pos += n
			for isDigit(l.at(0)) {
				l.pos++
			}
		}
	}
	l.add(tokNumber, start, l.src[start:l.pos])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(s string) bool {
	if s == "" {
		return false
	}
	if c := s[0]; c < utf8.RuneSelf {
		return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '$' && len(s) > 1 && wordRune(s[1:]) > 0
	}
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

// wordRune is the length of the character at the start of s if it can continue a
// word, else 0.
func wordRune(s string) int {
	if c := s[0]; c < utf8.RuneSelf {
		if c == '_' || c == '$' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) {
		return n
	}
	return 0
}
