package shell

import (
	"strings"

	"github.com/millrace/millrace/parser"
)

// colours of the terminal's own palette.
var colours = map[parser.Kind]string{parser.String: "32", parser.Number: "35", parser.Comment: "90", parser.Quoted: "33", parser.Illegal: "31"}

// newHighlighter colours a line of SQL: keywords, strings, numbers, comments. pending
// is what was typed before the line, so that a string begun there goes on.
func newHighlighter(pending func() string) func(string) string {
	keywords := map[string]bool{}
	for _, w := range parser.Keywords() {
		keywords[w] = true
	}
	return func(line string) string {
		before := pending()
		if before != "" {
			before += "\n"
		}
		text := before + strings.ReplaceAll(line, "⏎", "\n")
		var b strings.Builder
		at := len(before)
		shift := func(s string) string { return strings.ReplaceAll(s, "\n", "⏎") }
		for _, t := range parser.Tokens(text) {
			if t.End <= at {
				continue
			}
			start := max(t.Start, at)
			code := colours[t.Kind]
			if t.Kind == parser.Word && keywords[t.Upper] && parser.Reserved(t.Upper) {
				code = "34;1"
			}
			if t.Kind == parser.Illegal && strings.HasPrefix(t.Text, "'") {
				code = colours[parser.String] // being typed
			}
			b.WriteString(shift(text[at:start]))
			if code != "" {
				b.WriteString("\x1b[" + code + "m" + shift(text[start:t.End]) + "\x1b[0m")
			} else {
				b.WriteString(shift(text[start:t.End]))
			}
			at = t.End
		}
		b.WriteString(shift(text[at:]))
		return b.String()
	}
}
