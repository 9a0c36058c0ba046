package collection

import (
	"bytes"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// Split cuts a string into an array.
var Split = &functions.Scalar{
	Name: "SPLIT",
	Doc:  doc("SPLIT(string, delimiter)", "The parts between the delimiters, empty ones too. An empty delimiter gives every character.", "SPLIT('a,b', ',') -> [a, b]"),
	Sigs: []functions.Sig{{Params: []functions.Param{functions.StringParam, functions.StringParam}, Result: functions.Strict(types.ArrayOf(types.StringType))}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			kid := &out.Kids[0]
			put := func(b []byte) {
				kid.Str = append(kid.Str, 0)
				kid.SetBytes(len(kid.Str)-1, b)
			}
			functions.Each(n, sel, func(i int) {
				s, d, first := args[0].Bytes(i), args[1].Bytes(i), len(kid.Str)
				for len(s) > 0 && len(d) == 0 {
					_, w := utf8.DecodeRune(s)
					put(s[:w])
					s = s[w:]
				}
				if len(d) > 0 && len(args[0].Bytes(i)) > 0 {
					for at := bytes.Index(s, d); at >= 0; at = bytes.Index(s, d) {
						put(s[:at])
						s = s[at+len(d):]
					}
					put(s)
				}
				out.Str[i] = batch.NewView(first, len(kid.Str)-first)
			})
			return 0, nil
		}), nil
	},
}

// ArrayJoin puts strings together.
var ArrayJoin = &functions.Scalar{
	Name: "ARRAY_JOIN",
	Doc:  doc("ARRAY_JOIN(array, delimiter[, null replacement])", "The elements with the delimiter between them; NULLs are left out or replaced.", "ARRAY_JOIN(ARRAY['a', 'b'], '-') -> 'a-b'"),
	Sigs: []functions.Sig{{
		Params: []functions.Param{{Type: "<ARRAY<STRING>>", Accept: func(a functions.Arg) (types.Type, bool) {
			return a.Type.Plain(), a.Type.Kind == types.Array && a.Type.Elem().IsString()
		}}, functions.StringParam, functions.StringParam.Opt()},
		Result: functions.Strict(types.StringType),
	}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			functions.Each(n, sel, func(i int) {
				s, kid, off, any := args[0].Str[i], &args[0].Kids[0], len(out.Buf), false
				for e := s.Off(); e < s.Off()+s.Len(); e++ {
					var part []byte
					switch {
					case !kid.Null(e):
						part = kid.Bytes(e)
					case len(args) == 3:
						part = args[2].Bytes(i)
					default:
						continue
					}
					if any {
						out.Buf = append(out.Buf, args[1].Bytes(i)...)
					}
					out.Buf, any = append(out.Buf, part...), true
				}
				out.EndBytes(i, off)
			})
			return 0, nil
		}), nil
	},
}
