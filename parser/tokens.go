package parser

// Kind is what a piece of text is, for colours and completion.
type Kind uint8

// The kinds of token.
const (
	Word    Kind = iota // an unquoted word: a keyword or a name
	Quoted              // a back-ticked name
	Number              //
	String              // a literal; Text is its value
	Op                  // operators, punctuation, /*+ and */
	Comment             //
	Illegal             // what can't be read: a string that isn't closed
)

// Token is one piece of a text that may not be whole yet. Upper is a Word in upper
// case.
type Token struct {
	Kind       Kind
	Text       string
	Upper      string
	Start, End int
}

// Tokens cuts a text into its tokens; white space is left out. It never fails.
func Tokens(text string) []Token {
	var out []Token
	at := 0
	for _, t := range lex(text, nil) {
		out = comments(out, text, at, t.start)
		if at = t.end; t.kind == tokEOF {
			break
		}
		x := Token{Text: t.text, Start: t.start, End: t.end}
		switch t.kind {
		case tokWord:
			x.Kind, x.Upper = Word, t.word
		case tokName:
			x.Kind = Quoted
		case tokNumber:
			x.Kind = Number
		case tokString, tokBytes:
			x.Kind = String
		case tokOp:
			x.Kind = Op
		default:
			x.Kind, x.Text = Illegal, text[t.start:t.end]
		}
		out = append(out, x)
	}
	return out
}

// comments appends those between two tokens.
func comments(out []Token, text string, from, to int) []Token {
	for i := from; i < to; i++ {
		switch text[i] {
		case '-', '/':
			end := i + 1
			if text[i:min(i+2, to)] == "/*" {
				for end = i + 2; end < to && text[max(i, end-2):end] != "*/"; end++ {
				}
			} else {
				for end < to && text[end] != '\n' {
					end++
				}
			}
			out = append(out, Token{Kind: Comment, Text: text[i:end], Start: i, End: end})
			i = end
		}
	}
	return out
}
