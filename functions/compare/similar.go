package compare

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/regex"
	"github.com/millrace/millrace/types"
)

// similar is SIMILAR TO: SQL's regular expressions.
var similar = &functions.Scalar{
	Name: "SIMILAR TO", Doc: functions.Doc{Group: "comparison", Usage: "string SIMILAR TO pattern [ESCAPE character]", Text: "Whether the whole string fits a SQL regular expression: % and _ as in LIKE, | * + ? {n} ( ) [ ] as in others.", Example: []string{"'abc' SIMILAR TO '(a|b)%' -> TRUE"}},
	Sigs: []functions.Sig{{
		Params: []functions.Param{functions.StringParam, functions.StringParam, functions.StringParam.Opt()},
		Result: functions.Strict(types.BooleanType),
	}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		var last, lastEsc string
		var re *regex.Regex
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			return functions.Try(n, sel, func(i int) (err error) {
				var esc []byte
				if len(args) > 2 {
					if esc = args[2].Bytes(i); utf8.RuneCount(esc) != 1 {
						return fmt.Errorf("Invalid escape character '%s'", esc)
					}
				}
				if pattern := args[1].Bytes(i); re == nil || string(pattern) != last || string(esc) != lastEsc {
					last, lastEsc, re = string(pattern), string(esc), nil
					java, err := similarPattern([]rune(last), lastEsc)
					if err != nil {
						return err
					}
					if re, err = regex.Compile(java); err != nil {
						return fmt.Errorf("Invalid regular expression '%s': %v", last, err)
					}
				}
				out.I64[i] = bit(re.Match(args[0].Bytes(i)))
				return nil
			})
		}), nil
	},
}

// classes are the named sets of a bracket expression.
var classes = map[string]string{"ALPHA": `\p{Alpha}`, "UPPER": `\p{Upper}`, "LOWER": `\p{Lower}`, "DIGIT": `\d`, "SPACE": " ", "WHITESPACE": `\s`, "ALNUM": `\p{Alnum}`}

// similarPattern writes a SQL regular expression in Java's syntax.
func similarPattern(p []rune, esc string) (string, error) {
	var b strings.Builder
	start, end := `\A(?:`, `)\z`
	if !strings.ContainsRune(string(p), '|') && esc == "" { // % at an end means that the text may begin or end anywhere
		if len(p) > 0 && p[0] == '%' && !(len(p) > 1 && strings.ContainsRune("*+?{", p[1])) {
			start, p = "(?:", p[1:]
		}
		if len(p) > 0 && p[len(p)-1] == '%' {
			end, p = ")", p[:len(p)-1]
		}
	}
	b.WriteString(start)
	quote := func(r rune) {
		if strings.ContainsRune(`[]()|^-+*?{}$\.&#`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	for i := 0; i < len(p); i++ {
		r := p[i]
		switch {
		case esc != "" && string(r) == esc:
			if i++; i == len(p) {
				return "", fmt.Errorf("Invalid escape sequence '%s', %d", string(p), i-1)
			}
			quote(p[i])
		case r == '_':
			b.WriteString("(?s:.)")
		case r == '%':
			b.WriteString("(?s:.*)")
		case r == '[':
			n, err := bracket(&b, p[i+1:])
			if err != nil {
				return "", err
			}
			i += n
		case strings.ContainsRune("|*+?(){}", r):
			b.WriteRune(r)
		default:
			quote(r)
		}
	}
	b.WriteString(end)
	return b.String(), nil
}

// bracket writes a bracket expression and says how many characters it took.
func bracket(b *strings.Builder, p []rune) (n int, err error) {
	b.WriteByte('[')
	for n < len(p) {
		rest := string(p[n:])
		switch r := p[n]; {
		case r == ']':
			b.WriteByte(']')
			return n + 1, nil
		case strings.HasPrefix(rest, "[:"):
			name, _, ok := strings.Cut(rest[2:], ":]")
			class := classes[strings.ToUpper(name)]
			if !ok || class == "" {
				return n, fmt.Errorf("Invalid regular expression: unknown class in '%s'", rest)
			}
			b.WriteString(class)
			n += len(name) + 4
			continue
		case r == '-' || r == '^':
			b.WriteRune(r)
		default:
			if strings.ContainsRune(`[]\&`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		n++
	}
	return n, fmt.Errorf("Invalid regular expression: '[' isn't closed")
}
