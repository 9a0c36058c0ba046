package collection

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/regex"
	"github.com/millrace/millrace/types"
)

// StrToMap is STR_TO_MAP(text[, delimiter of pairs, delimiter of key and value]);
// delimiters are regular expressions.
var StrToMap = &functions.Scalar{
	Name: "STR_TO_MAP",
	Doc:  doc("STR_TO_MAP(text[, pair delimiter, key delimiter])", "The pairs in a text as a map; the delimiters are regular expressions, ',' and '=' when left out.", "STR_TO_MAP('a=1,b=2') -> {a=1, b=2}"),
	Sigs: []functions.Sig{
		{Params: []functions.Param{functions.StringParam}, Result: functions.Nullable(types.MapOf(types.StringType, types.StringType))},
		{Params: []functions.Param{functions.StringParam, functions.StringParam, functions.StringParam}, Result: functions.Nullable(types.MapOf(types.StringType, types.StringType))},
	},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		b := mapBuilder{key: types.StringType, value: types.StringType}
		pairs, keys := splitter{pattern: ","}, splitter{pattern: "="}
		var part batch.Vector
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			return functions.Try(n, sel, func(i int) error {
				if len(args) > 1 {
					pairs.pattern, keys.pattern = string(args[1].Bytes(i)), string(args[2].Bytes(i))
				}
				b.start(out)
				entries, err := pairs.split(args[0].Bytes(i), 0)
				for _, e := range entries {
					if err != nil {
						break
					}
					var kv [][]byte
					kv, err = keys.split(e, 2)
					part.Prepare(types.StringType, 2)
					part.SetNull(1)
					if len(kv) > 0 {
						part.SetBytes(0, kv[0])
					} else {
						part.SetBytes(0, nil)
					}
					if len(kv) > 1 {
						part.SetValid(1)
						part.SetBytes(1, kv[1])
					}
					b.add(&part, 0, &part, 1)
				}
				b.end(i)
				return err
			})
		}), nil
	},
}

// splitter cuts texts at a regular expression, as Java's String.split does.
type splitter struct {
	pattern, last string
	re            *regex.Regex
}

// split gives at most most parts (0: all, without empty ones at the end).
func (s *splitter) split(text []byte, most int) (parts [][]byte, err error) {
	if s.re == nil || s.last != s.pattern {
		s.last = s.pattern
		if s.re, err = regex.Compile(s.pattern); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	done := 0
	var room [16]int
	for at := 0; at >= 0 && (most == 0 || len(parts) < most-1); {
		m := s.re.Find(text, at, room[:])
		if m == nil {
			break
		}
		if at = regex.Next(text, m); m[1] == 0 {
			continue // an empty match at the start gives no empty part
		}
		parts = append(parts, text[done:m[0]])
		done = m[1]
	}
	parts = append(parts, text[done:])
	for most == 0 && len(parts) > 0 && len(parts[len(parts)-1]) == 0 {
		parts = parts[:len(parts)-1]
	}
	return parts, nil
}
