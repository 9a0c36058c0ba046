package text

import (
	"regexp"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// matcher makes a strict function whose second argument is a pattern. f gets nil
// for a pattern that isn't valid.
func matcher(name, usage string, result func([]functions.Arg) (types.Type, error), params []functions.Param, f func(re *regexp.Regexp, args []batch.Vector, out *batch.Vector, i int)) *functions.Scalar {
	s := strict(name, usage, result, params, nil)
	s.Bind = func(c functions.Call) (functions.Kernel, error) {
		if len(c.Args) > 1 && c.Args[1].Const != nil && !c.Args[1].Const.Null(0) {
			re, _ := regexp.Compile(string(c.Args[1].Const.Bytes(0)))
			return kernel(func(args []batch.Vector, out *batch.Vector, i int) { f(re, args, out, i) }), nil
		}
		var last string
		var re *regexp.Regexp
		first := true
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			if p := args[1].Bytes(i); first || string(p) != last {
				first, last = false, string(p)
				re, _ = regexp.Compile(last)
			}
			f(re, args, out, i)
		}), nil
	}
	return s
}

// regexpExtract gives a group of the first match, the whole match by default.
var regexpExtract = matcher("REGEXP_EXTRACT", "REGEXP_EXTRACT(string, regex[, group])", functions.Nullable(types.StringType),
	[]functions.Param{functions.StringParam, functions.StringParam, functions.IntParam.Opt()},
	func(re *regexp.Regexp, args []batch.Vector, out *batch.Vector, i int) {
		var g int64
		if len(args) > 2 {
			g = args[2].I64[i]
		}
		if re == nil || g < 0 || g > int64(re.NumSubexp()) {
			out.SetNull(i)
			return
		}
		s := args[0].Bytes(i)
		m := re.FindSubmatchIndex(s)
		if m == nil || m[2*g] < 0 {
			out.SetNull(i)
			return
		}
		out.SetBytes(i, s[m[2*g]:m[2*g+1]])
	})

// regexpReplace replaces every match by a literal text.
var regexpReplace = matcher("REGEXP_REPLACE", "REGEXP_REPLACE(string, regex, replacement)", functions.Nullable(types.StringType),
	[]functions.Param{functions.StringParam, functions.StringParam, functions.StringParam},
	func(re *regexp.Regexp, args []batch.Vector, out *batch.Vector, i int) {
		if re == nil {
			out.SetNull(i)
			return
		}
		out.SetBytes(i, re.ReplaceAllLiteral(args[0].Bytes(i), args[2].Bytes(i)))
	})

// regexpFind says whether a pattern occurs; one that isn't valid doesn't.
var regexpFind = matcher("REGEXP", "REGEXP(string, regex)", functions.Strict(types.BooleanType),
	[]functions.Param{functions.StringParam, functions.StringParam},
	func(re *regexp.Regexp, args []batch.Vector, out *batch.Vector, i int) {
		out.I64[i] = 0
		if re != nil && re.Match(args[0].Bytes(i)) {
			out.I64[i] = 1
		}
	})
