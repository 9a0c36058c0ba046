package text

import (
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/regex"
	"github.com/millrace/millrace/types"
)

// patterns compiles patterns: a constant one once, others when they change.
type patterns struct {
	last  string
	ready bool
	re    *regex.Regex // nil when the pattern isn't valid
}

func (p *patterns) of(pattern []byte) *regex.Regex {
	if !p.ready || p.last != string(pattern) {
		p.last, p.ready = string(pattern), true
		p.re, _ = regex.Compile(p.last)
	}
	return p.re
}

// matcher makes a strict function whose second argument is a pattern. f gets nil
// for a pattern that isn't valid, and room for a match.
func matcher(name, usage, about string, result func([]functions.Arg) (types.Type, error), params []functions.Param,
	f func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int)) *functions.Scalar {
	s := strict(name, usage, result, params, nil)
	s.Doc.Text = about
	s.Bind = func(functions.Call) (functions.Kernel, error) {
		var p patterns
		room := make([]int, 0, 16)
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			f(p.of(args[1].Bytes(i)), args, out, i, room)
		}), nil
	}
	return s
}

var textPattern = []functions.Param{str, str}

// regexpExtract gives a group of the first match, the whole match by default.
var regexpExtract = func() *functions.Scalar {
	f := strict("REGEXP_EXTRACT", "REGEXP_EXTRACT(string, regex[, group])", functions.Nullable(types.StringType), []functions.Param{str, str, functions.IntParam.Opt()}, nil).Shown("REGEXP_EXTRACT('id=42;', 'id=([0-9]+)', 1) -> '42'")
	f.Doc.Text = "A group of the first match, the whole match when none is given; NULL when nothing matches."
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		var p patterns
		room := make([]int, 0, 16)
		return views(func(args []batch.Vector, i int) (from, to int) {
			re, g := p.of(args[1].Bytes(i)), int64(0)
			if len(args) > 2 {
				g = args[2].I64[i]
			}
			if re == nil || g < 0 || g > int64(re.Groups) {
				return -1, 0
			}
			m := re.Find(args[0].Bytes(i), 0, room)
			if m == nil {
				return -1, 0
			}
			return m[2*g], m[2*g+1]
		}), nil
	}
	return f
}()

// regexpExtractAll gives a group of every match, the first group by default.
var regexpExtractAll = matcher("REGEXP_EXTRACT_ALL", "REGEXP_EXTRACT_ALL(string, regex[, group])",
	"A group of every match, the first group when none is given, 0 for the whole match; NULL when there is no such group.",
	functions.Nullable(types.ArrayOf(types.StringType)), []functions.Param{str, str, functions.IntegerParam.Opt()},
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int) {
		g := int64(1)
		if len(args) > 2 {
			g = args[2].I64[i]
		}
		kid := &out.Kids[0]
		first := len(kid.Str)
		if re == nil || g < 0 || g > int64(re.Groups) {
			out.SetNull(i)
			return
		}
		s := args[0].Bytes(i)
		for at := 0; at >= 0; {
			m := re.Find(s, at, room)
			if m == nil {
				break
			}
			k := len(kid.Str)
			kid.Str = append(kid.Str, 0)
			if m[2*g] < 0 {
				kid.SetNull(k)
			} else {
				kid.SetValid(k)
				kid.SetBytes(k, s[m[2*g]:m[2*g+1]])
			}
			at = regex.Next(s, m)
		}
		out.Str[i] = batch.NewView(first, len(kid.Str)-first)
	}).Shown("REGEXP_EXTRACT_ALL('a1b22', '([0-9]+)') -> [1, 22]")

// regexpReplace replaces every match by a literal text.
var regexpReplace = matcher("REGEXP_REPLACE", "REGEXP_REPLACE(string, regex, replacement)",
	"The string with every match replaced by the replacement as it is; NULL when the pattern isn't valid.",
	func(args []functions.Arg) (types.Type, error) {
		valid := false // of a pattern that isn't known yet nobody can say it
		if p := args[1].Const; p != nil && args[1].Type.NotNull {
			_, err := regex.Compile(string(p.Bytes(0)))
			valid = err == nil
		}
		return types.StringType.WithNull(!valid || functions.AnyNull(args)), nil
	}, []functions.Param{str, str, str},
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int) {
		if re == nil {
			out.SetNull(i)
			return
		}
		s, by, off, done := args[0].Bytes(i), args[2].Bytes(i), len(out.Buf), 0
		for at := 0; at >= 0; {
			m := re.Find(s, at, room)
			if m == nil {
				break
			}
			out.Buf = append(append(out.Buf, s[done:m[0]]...), by...)
			done, at = m[1], regex.Next(s, m)
		}
		out.Buf = append(out.Buf, s[done:]...)
		out.EndBytes(i, off)
	}).Shown("REGEXP_REPLACE('a1b22', '[0-9]+', '#') -> 'a#b#'")

// regexpFind says whether a pattern occurs; one that isn't valid doesn't.
var regexpFind = matcher("REGEXP", "REGEXP(string, regex)", "Whether the pattern matches a part of the string.",
	functions.Strict(types.BooleanType), textPattern,
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, _ []int) {
		out.I64[i] = bit(re != nil && len(args[1].Bytes(i)) > 0 && re.Match(args[0].Bytes(i)))
	}).Shown("REGEXP('abc', 'b.') -> TRUE")

var regexpCount = matcher("REGEXP_COUNT", "REGEXP_COUNT(string, regex)", "How many matches there are; NULL when the pattern isn't valid.",
	functions.Nullable(types.IntType), textPattern,
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int) {
		out.I64[i] = 0
		if re == nil {
			out.SetNull(i)
			return
		}
		s := args[0].Bytes(i)
		for at := 0; at >= 0; {
			m := re.Find(s, at, room)
			if m == nil {
				break
			}
			out.I64[i]++
			at = regex.Next(s, m)
		}
	}).Shown("REGEXP_COUNT('a1b22', '[0-9]') -> 3")

var regexpInstr = matcher("REGEXP_INSTR", "REGEXP_INSTR(string, regex)", "Where the first match begins, from 1; 0 when nothing matches, NULL when the pattern isn't valid.",
	functions.Nullable(types.IntType), textPattern,
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int) {
		if re == nil {
			out.SetNull(i)
			return
		}
		out.I64[i] = 0
		if m := re.Find(args[0].Bytes(i), 0, room); m != nil {
			out.I64[i] = int64(utf8.RuneCount(args[0].Bytes(i)[:m[0]])) + 1
		}
	}).Shown("REGEXP_INSTR('ab12', '[0-9]') -> 3")

var regexpSubstr = matcher("REGEXP_SUBSTR", "REGEXP_SUBSTR(string, regex)", "The first match; NULL when nothing matches.",
	functions.Nullable(types.StringType), textPattern,
	func(re *regex.Regex, args []batch.Vector, out *batch.Vector, i int, room []int) {
		if re != nil {
			if m := re.Find(args[0].Bytes(i), 0, room); m != nil {
				out.SetBytes(i, args[0].Bytes(i)[m[0]:m[1]])
				return
			}
		}
		out.SetNull(i)
	}).Shown("REGEXP_SUBSTR('ab12', '[0-9]+') -> '12'")
