package parser

import "fmt"

type tokenKind uint8

const (
	tokEOF     tokenKind = iota
	tokWord              // an unquoted word: a keyword or a name
	tokName              // a back-ticked name
	tokNumber            // 1, 1.5, .5, 1e3
	tokString            // any character literal; text is its value
	tokBytes             // X'0A'; text is the digits
	tokOp                // operators and punctuation, and "/*+" and "*/" of hints
	tokIllegal           // text is what is wrong with it
)

// token is one piece of the text. word is the upper-case form of a tokWord, so
// that keywords compare without regard to case; for a tokOp it is the operator.
type token struct {
	kind       tokenKind
	text       string
	word       string
	hint       string // of a tokIllegal
	start, end int
	off        int // of a tokIllegal: where the fault is
}

// describe is the token as error messages name it.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of input"
	case tokString:
		if len(t.text) > 20 {
			return fmt.Sprintf("string '%.20s...'", t.text)
		}
		return fmt.Sprintf("string '%s'", t.text)
	case tokBytes:
		return fmt.Sprintf("binary literal X'%s'", t.text)
	case tokNumber:
		return "number " + t.text
	}
	return fmt.Sprintf("%q", t.text)
}
