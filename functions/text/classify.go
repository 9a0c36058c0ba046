package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// classify is IS_ALPHA, IS_DIGIT, IS_DECIMAL: NULL and the empty string are
// FALSE. number is the answer for a number given as one.
func classify(name, text string, number func(types.Type) bool, holds func([]byte) bool) *functions.Scalar {
	return &functions.Scalar{
		Name: name, OwnNulls: true, Doc: functions.Doc{Group: "string", Usage: name + "(string)", Text: text},
		Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: functions.Fixed(types.BooleanType.NotNullable())}},
		Bind: func(c functions.Call) (functions.Kernel, error) {
			t := c.Args[0].Type
			return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
				switch {
				case args[0].Null(i):
					out.I64[i] = 0
				case t.IsString():
					s := args[0].Bytes(i)
					out.I64[i] = bit(len(s) > 0 && holds(s))
				default:
					out.I64[i] = bit(number(t))
				}
			}), nil
		},
	}
}

func allRunes(in func(rune) bool) func([]byte) bool {
	return func(s []byte) bool {
		for len(s) > 0 {
			r, w := utf8.DecodeRune(s)
			// Flink looks at UTF-16 units: what takes two of them is neither letter nor digit.
			if r > 0xFFFF || !in(r) {
				return false
			}
			s = s[w:]
		}
		return true
	}
}

// isDouble says whether Java reads a text as a DOUBLE: blanks around and a type
// letter behind are allowed.
func isDouble(b []byte) bool {
	s := strings.TrimFunc(string(b), func(r rune) bool { return r <= ' ' })
	if n := len(s); n > 1 && strings.ContainsRune("dDfF", rune(s[n-1])) && !strings.HasPrefix(strings.TrimLeft(s, "+-"), "0x") && !strings.HasPrefix(strings.TrimLeft(s, "+-"), "Inf") {
		s = s[:n-1]
	}
	switch strings.TrimLeft(s, "+-") {
	case "NaN", "Infinity":
		return len(s)-len(strings.TrimLeft(s, "+-")) <= 1
	}
	if strings.ContainsAny(s, "_iInN") {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || err.(*strconv.NumError).Err == strconv.ErrRange
}

var (
	isAlpha   = classify("IS_ALPHA", "Whether all characters are letters.", func(types.Type) bool { return false }, allRunes(unicode.IsLetter)).Shown("IS_ALPHA('abc') -> TRUE")
	isDigit   = classify("IS_DIGIT", "Whether all characters are digits.", types.Type.IsNumeric, allRunes(unicode.IsDigit)).Shown("IS_DIGIT('12a') -> FALSE")
	isDecimal = classify("IS_DECIMAL", "Whether the string can be read as a number.", types.Type.IsNumeric, isDouble).Shown("IS_DECIMAL('1.5e3') -> TRUE")
)
