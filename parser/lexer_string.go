package parser

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// stringKind is how the inside of a character literal is read.
type stringKind uint8

const (
	plainString   stringKind = iota // 'a''b'
	escapeString                    // E'a\n'
	unicodeString                   // U&'\263A'
)

// charset skips the prefix of _UTF8'...' and says whether there is one.
func (l *lexer) charset() bool {
	i := 1
	for isDigit(l.at(i)) || l.at(i) == '_' || l.at(i) == '-' || l.at(i)|0x20 >= 'a' && l.at(i)|0x20 <= 'z' {
		i++
	}
	if i == 1 || l.at(i) != '\'' {
		return false
	}
	l.pos += i
	return true
}

// str reads a literal whose opening quote is at pos.
func (l *lexer) str(start int, kind stringKind) {
	var b strings.Builder
	faultAt, fault := 0, ""
	l.pos++
	for {
		if l.pos >= len(l.src) {
			l.illegal(start, start, "string isn't closed", "end it with a single quote; a quote inside is written ''")
			return
		}
		c := l.src[l.pos]
		switch {
		case c == '\'' && l.at(1) == '\'':
			b.WriteByte('\'')
			l.pos += 2
			continue
		case c == '\'':
			l.pos++
			text := b.String()
			if kind == unicodeString {
				var err string
				if text, err = l.unicode(text); err != "" && fault == "" {
					faultAt, fault = start, err
				}
			}
			if fault != "" {
				l.illegal(start, faultAt, fault, "")
				return
			}
			l.add(tokString, start, text)
			return
		case c == '\\' && kind == escapeString:
			at := l.pos
			if err := l.escape(&b); err != "" && fault == "" {
				faultAt, fault = at, err
			}
			continue
		case c == '$' && l.lookup != nil:
			at := l.pos
			if err, ok := l.substitute(&b); ok {
				if err != "" && fault == "" {
					faultAt, fault = at, err
				}
				continue
			}
		}
		b.WriteByte(c)
		l.pos++
	}
}

// escape reads one escape of an E-string; pos is at the backslash.
func (l *lexer) escape(b *strings.Builder) string {
	c := l.at(1)
	if l.pos+1 >= len(l.src) {
		l.pos++
		return ""
	}
	l.pos += 2
	if i := strings.IndexByte("bfnrt", c); i >= 0 {
		b.WriteByte("\b\f\n\r\t"[i])
		return ""
	}
	digits := func(most, base int) (int64, bool) {
		n := 0
		for n < most && l.pos+n < len(l.src) {
			if _, err := strconv.ParseUint(l.src[l.pos+n:l.pos+n+1], base, 8); err != nil {
				break
			}
			n++
		}
		v, err := strconv.ParseInt(l.src[l.pos:l.pos+n], base, 64)
		l.pos += n
		return v, err == nil
	}
	v, ok := int64(0), true
	switch c {
	case 'x':
		v, ok = digits(2, 16)
	case 'u':
		v, ok = digits(4, 16)
	case 'U':
		v, ok = digits(8, 16)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		l.pos--
		v, ok = digits(3, 8)
	default:
		l.pos--
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		l.pos += n
		b.WriteRune(r)
		return ""
	}
	if !ok || v > utf8.MaxRune {
		return fmt.Sprintf("invalid escape \\%c", c)
	}
	b.WriteRune(rune(v))
	return ""
}

// unicode resolves \XXXX and \+XXXXXX, with another escape character if UESCAPE
// follows, which it consumes.
func (l *lexer) unicode(text string) (string, string) {
	esc := byte('\\')
	save, n := l.pos, len(l.toks)
	l.blanks()
	if len(l.src)-l.pos > 7 && strings.EqualFold(l.src[l.pos:l.pos+7], "UESCAPE") && wordRune(l.src[l.pos+7:]) == 0 {
		l.pos += 7
		l.blanks()
		if l.at(0) != '\'' || l.at(2) != '\'' {
			return "", "UESCAPE needs one character in quotes"
		}
		esc = l.at(1)
		l.pos += 3
	} else {
		l.pos, l.toks = save, l.toks[:n]
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != esc {
			b.WriteByte(text[i])
			i++
			continue
		}
		i++
		if i < len(text) && text[i] == esc {
			b.WriteByte(esc)
			i++
			continue
		}
		width := 4
		if i < len(text) && text[i] == '+' {
			width = 6
			i++
		}
		if i+width > len(text) {
			return "", "unfinished Unicode escape"
		}
		v, err := strconv.ParseUint(text[i:i+width], 16, 32)
		if err != nil || v > utf8.MaxRune {
			return "", fmt.Sprintf("invalid Unicode escape %q", text[i:i+width])
		}
		b.WriteRune(rune(v))
		i += width
	}
	return b.String(), ""
}

// bytes reads X'..'; pos is at the quote.
func (l *lexer) bytes(start int) {
	i := strings.IndexByte(l.src[l.pos+1:], '\'')
	if i < 0 {
		l.pos = len(l.src)
		l.illegal(start, start, "binary literal isn't closed", "")
		return
	}
	digits := strings.ToUpper(l.src[l.pos+1 : l.pos+1+i])
	l.pos += i + 2
	switch {
	case strings.Trim(digits, "0123456789ABCDEF") != "":
		l.illegal(start, start, "binary literal with something else than hexadecimal digits", "")
	case len(digits)%2 != 0:
		l.illegal(start, start, "binary literal with an odd number of digits", "")
	default:
		l.add(tokBytes, start, digits)
	}
}

// substitute replaces ${VAR}, ${VAR:-default} and ${VAR:?message}; $${ stands
// for ${. It is false when pos isn't at any of them.
func (l *lexer) substitute(b *strings.Builder) (fault string, ok bool) {
	rest := l.src[l.pos:]
	if strings.HasPrefix(rest, "$${") {
		b.WriteString("${")
		l.pos += 3
		return "", true
	}
	if !strings.HasPrefix(rest, "${") {
		return "", false
	}
	end := strings.IndexByte(rest, '}')
	if end < 0 {
		l.pos += 2
		return `"${" isn't closed with "}"; write "$${" for the characters themselves`, true
	}
	l.pos += end + 1
	name, arg, op := rest[2:end], "", byte(0)
	if i := strings.IndexByte(name, ':'); i >= 0 && i+1 < len(name) && (name[i+1] == '-' || name[i+1] == '?') {
		op, arg, name = name[i+1], strings.ReplaceAll(name[i+2:], "''", "'"), name[:i]
	}
	if !isWordStart(name) || strings.ContainsAny(name, " \t\n'\":{$") {
		return fmt.Sprintf(`%q isn't the name of a variable; write "$${" for the characters themselves`, name), true
	}
	v, set := l.lookup(name)
	switch {
	case set && !(op != 0 && v == ""):
		b.WriteString(v)
	case op == '-':
		b.WriteString(arg)
	case op == '?' && arg != "":
		return fmt.Sprintf("variable %q isn't set: %s", name, arg), true
	default:
		return fmt.Sprintf(`variable %q isn't set; set it or give a default: "${%s:-default}"`, name, name), true
	}
	return "", true
}
