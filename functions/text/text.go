// Package text is the functions of strings. Lengths and positions count
// characters, not bytes. All is the list.
package text

import (
	"bytes"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	upper, lower,
	length, concat("CONCAT"), concat("||"), splitIndex, replace, substring,
	trim("TRIM", true, true), trim("LTRIM", true, false), trim("RTRIM", false, true),
	trim("BTRIM", true, true), startsWith, endsWith, translate, elt, printf,
	regexpExtract, regexpExtractAll, regexpReplace, regexpFind, regexpCount, regexpInstr, regexpSubstr,
	pad("LPAD", true), pad("RPAD", false), position, locate, instr, left, right, repeat, reverse, initcap, ascii, chr,
	concatWS, overlay, toBase64, fromBase64, encode, decode, hexOf, unhex, bin, isAlpha, isDigit, isDecimal, isValidUTF8, makeValidUTF8,
	urlEncode, urlDecode, parseURL, inetAton, inetNtoa, uuid,
	digest("MD5", 32, sumMD5), digest("SHA1", 40, sumSHA1), digest("SHA224", 56, sumSHA224), digest("SHA256", 64, sumSHA256),
	digest("SHA384", 96, sumSHA384), digest("SHA512", 128, sumSHA512), sha2,
}

// CountChar counts a character in a string: Nexmark's user-defined function.
var CountChar = &functions.Scalar{
	Name: "COUNT_CHAR", Doc: functions.Doc{Group: "string", Usage: "COUNT_CHAR(string, character)"}, OwnNulls: true,
	Sigs: []functions.Sig{{Params: []functions.Param{functions.StringParam, functions.StringParam}, Result: functions.Fixed(types.BigIntType)}},
	Bind: func(functions.Call) (functions.Kernel, error) {
		return kernel(func(args []batch.Vector, out *batch.Vector, i int) {
			out.I64[i] = 0
			if args[0].Null(i) || args[1].Null(i) {
				return
			}
			if c := args[1].Bytes(i); len(c) > 0 {
				_, w := utf8.DecodeRune(c)
				out.I64[i] = int64(bytes.Count(args[0].Bytes(i), c[:w]))
			}
		}), nil
	},
}

// kernel calls f for each selected row.
func kernel(f func(args []batch.Vector, out *batch.Vector, i int)) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		if sel == nil {
			for i := 0; i < n; i++ {
				f(args, out, i)
			}
			return 0, nil
		}
		for _, i := range sel {
			f(args, out, int(i))
		}
		return 0, nil
	})
}

func strict(name, usage string, result func([]functions.Arg) (types.Type, error), params []functions.Param, f func(args []batch.Vector, out *batch.Vector, i int)) *functions.Scalar {
	return &functions.Scalar{
		Name: name, Doc: functions.Doc{Group: "string", Usage: usage},
		Sigs: []functions.Sig{{Params: params, Result: result}},
		Bind: func(functions.Call) (functions.Kernel, error) { return kernel(f), nil },
	}
}

func mapped(name string, f func([]byte) []byte) *functions.Scalar {
	return strict(name, name+"(string)", functions.Strict(types.StringType), []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) { out.SetBytes(i, f(args[0].Bytes(i))) })
}

var length = func() *functions.Scalar {
	f := strict("CHAR_LENGTH", "CHAR_LENGTH(string)", functions.Strict(types.IntType), []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) {
			out.I64[i] = int64(utf8.RuneCount(args[0].Bytes(i)))
		})
	f.Aliases = []string{"CHARACTER_LENGTH"}
	return f
}()

func concat(name string) *functions.Scalar {
	f := strict(name, "strings joined", functions.Strict(types.StringType), []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) {
			off := len(out.Buf)
			for k := range args {
				out.Buf = append(out.Buf, args[k].Bytes(i)...)
			}
			out.EndBytes(i, off)
		})
	f.Sigs[0].Variadic = true
	return f
}

// splitIndex gives part k, counted from 0; an empty separator means a space.
var splitIndex = strict("SPLIT_INDEX", "SPLIT_INDEX(string, separator, index)", functions.Nullable(types.StringType),
	[]functions.Param{functions.StringParam, functions.StringParam, functions.IntParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		s, sep, k := args[0].Bytes(i), args[1].Bytes(i), args[2].I64[i]
		if len(sep) == 0 {
			sep = space
		}
		if k < 0 || len(s) == 0 {
			out.SetNull(i)
			return
		}
		for ; k > 0; k-- {
			at := bytes.Index(s, sep)
			if at < 0 {
				out.SetNull(i)
				return
			}
			s = s[at+len(sep):]
		}
		if at := bytes.Index(s, sep); at >= 0 {
			s = s[:at]
		}
		out.SetBytes(i, s)
	})

var replace = strict("REPLACE", "REPLACE(string, old, new)", functions.Strict(types.StringType),
	[]functions.Param{functions.StringParam, functions.StringParam, functions.StringParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		out.SetBytes(i, bytes.ReplaceAll(args[0].Bytes(i), args[1].Bytes(i), args[2].Bytes(i)))
	})

var space = []byte(" ")

// substring counts from 1, from the end when start is negative; start 0 is 1.
var substring = func() *functions.Scalar {
	f := strict("SUBSTRING", "SUBSTRING(string FROM start [FOR length])", functions.Strict(types.StringType),
		[]functions.Param{functions.StringParam, functions.IntParam, functions.IntParam.Opt()},
		func(args []batch.Vector, out *batch.Vector, i int) {
			s, start := args[0].Bytes(i), args[1].I64[i]
			n := int64(utf8.RuneCount(s))
			length := n
			if len(args) > 2 {
				length = args[2].I64[i]
			}
			if start > 0 {
				start--
			} else if start < 0 {
				start += n
			}
			if length < 0 {
				out.SetNull(i)
				return
			}
			if start < 0 || start >= n {
				out.SetBytes(i, nil)
				return
			}
			from := skip(s, start)
			out.SetBytes(i, s[from:from+skip(s[from:], length)])
		})
	f.Aliases = []string{"SUBSTR"}
	return f
}()

// skip is the width in bytes of s's first n characters.
func skip(s []byte, n int64) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return at
}
