package parser

// Split cuts a text that is typed in piece by piece into what is complete and
// the rest. complete ends behind the last semicolon that ends a statement (one
// inside a string, a comment or BEGIN ... END doesn't); rest is what follows it
// and is blank when nothing is begun. The shell runs complete and goes on reading
// into rest.
func Split(text string) (complete, rest string) {
	cut, depth := 0, 0
	toks := lex(text, nil)
	for i, t := range toks {
		first := i == 0 || toks[i-1].word == ";" && toks[i-1].kind == tokOp
		switch {
		case t.kind == tokIllegal && t.end == len(text):
			return text[:cut], text[cut:] // an open string or comment
		case t.kind == tokWord && t.word == "BEGIN" && (first || i > 0 && toks[i-1].word == "SET"):
			depth = 1
		case t.kind == tokWord && t.word == "END" && depth > 0 && (first || toks[i-1].word == "BEGIN"):
			depth = 0
		case t.kind == tokOp && t.word == ";" && depth == 0:
			cut = t.end
		}
	}
	return text[:cut], text[cut:]
}
