package lineedit

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// breakRune stands for a line break inside the line being edited.
const breakRune = '⏎'

// keys cuts what a terminal sends into keys as go-prompt knows them: a control
// character or escape sequence each, and runs of text.
type keys struct {
	rest  []byte   // not cut yet
	out   [][]byte // cut, not handed out
	paste []byte   // of a bracketed paste that hasn't ended
	in    bool     // a paste
}

var (
	pasteBegin = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// feed takes bytes. idle says that no more have come for a moment: a lone escape
// is then the key.
func (k *keys) feed(b []byte, idle bool) {
	k.rest = append(k.rest, b...)
	for len(k.rest) > 0 {
		if k.in {
			i := bytes.Index(k.rest, pasteEnd)
			if i < 0 {
				keep := 0 // a part of the end may be there
				for n := min(len(pasteEnd)-1, len(k.rest)); n > 0; n-- {
					if bytes.HasPrefix(pasteEnd, k.rest[len(k.rest)-n:]) {
						keep = n
						break
					}
				}
				k.paste = append(k.paste, k.rest[:len(k.rest)-keep]...)
				k.rest = append([]byte(nil), k.rest[len(k.rest)-keep:]...)
				return
			}
			k.paste = append(k.paste, k.rest[:i]...)
			k.rest, k.in = k.rest[i+len(pasteEnd):], false
			if text := pasted(k.paste); text != "" {
				k.out = append(k.out, []byte(text))
			}
			k.paste = nil
			continue
		}
		if bytes.HasPrefix(k.rest, pasteBegin) {
			k.rest, k.in = k.rest[len(pasteBegin):], true
			continue
		}
		n := k.next(idle)
		if n == 0 {
			return
		}
		k.out = append(k.out, append([]byte(nil), k.rest[:n]...))
		k.rest = k.rest[n:]
	}
}

// next is the length of the first key of rest, 0 when more must come.
func (k *keys) next(idle bool) int {
	b := k.rest
	switch {
	case b[0] == 0x1b:
		return escape(b, idle)
	case b[0] < ' ' || b[0] == 0x7f:
		return 1
	}
	n := 0
	for n < len(b) && b[n] >= ' ' && b[n] != 0x7f {
		if !utf8.FullRune(b[n:]) && !idle {
			return n // the rest of a character is to come
		}
		_, w := utf8.DecodeRune(b[n:])
		n += w
	}
	return n
}

// escape is the length of an escape sequence.
func escape(b []byte, idle bool) int {
	switch {
	case len(b) == 1:
		if idle {
			return 1
		}
		return 0
	case b[1] == 'O':
		if len(b) > 2 {
			return 3
		}
	case b[1] == '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= '@' && b[i] <= '~' && !(i == 2 && b[i] == '[') {
				return i + 1
			}
		}
	default:
		return 1 + max(1, runeLen(b[1:]))
	}
	if idle {
		return len(b)
	}
	return 0
}

func runeLen(b []byte) int {
	_, n := utf8.DecodeRune(b)
	return n
}

// pop is the next key.
func (k *keys) pop() ([]byte, bool) {
	if len(k.out) == 0 {
		return nil, false
	}
	b := k.out[0]
	k.out = k.out[1:]
	return b, true
}

// pasted makes a paste one insertion: line breaks of all kinds become ⏎, a tab
// spaces, other control characters go, and so do breaks at its end.
func pasted(b []byte) string {
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(string(b))
	return encode(strings.TrimRight(s, "\n"))
}

// encode shows line breaks; decode is its inverse.
func encode(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return breakRune
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		}
		return r
	}, s)
}

func decode(s string) string { return strings.ReplaceAll(s, string(breakRune), "\n") }
