// Package text is the functions of strings. Lengths and positions count
// characters, not bytes. All is the list.
package text

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// All is the package's functions.
var All = []*functions.Scalar{
	upper, lower, length,
	concat("CONCAT").Says("The strings joined; NULL if any is.", "CONCAT('a', 'b', 'c') -> 'abc'"),
	pipes,
	splitIndex, replace, substring,
	trim("TRIM", true, true).Says(
		"The string without the characters, blanks if none are given, at its ends or the one named.", "TRIM('  a ') -> 'a'", "TRIM(LEADING 'x' FROM 'xxax') -> 'ax'"),
	trim("LTRIM", true, false).Says("The string without blanks, or the characters given, at its start.", "LTRIM('  a ') -> 'a '"),
	trim("RTRIM", false, true).Says("The string without blanks, or the characters given, at its end.", "RTRIM('axx', 'x') -> 'a'"),
	trim("BTRIM", true, true).Says("The string without blanks, or the characters given, at both ends.", "BTRIM(' a ') -> 'a'"),
	startsWith, endsWith, translate, elt, printf, regexpExtract, regexpExtractAll, regexpReplace, regexpFind, regexpCount, regexpInstr,
	regexpSubstr,
	pad("LPAD", true).Says("The string filled on the left to a length, or cut to it.", "LPAD('7', 3, '0') -> '007'"),
	pad("RPAD", false).Says("The string filled on the right to a length, or cut to it.", "RPAD('ab', 4, '.') -> 'ab..'"),
	position, locate, instr, left, right, repeat, reverse, initcap, ascii, chr, concatWS, overlay, toBase64, fromBase64, encode,
	decode, hexOf, unhex, bin, isAlpha, isDigit, isDecimal, isValidUTF8, makeValidUTF8, urlEncode, urlDecode, parseURL, inetAton,
	inetNtoa, uuid,
	digest("MD5", 32, sumMD5).Says("The MD5 hash in hexadecimal digits.", "MD5('a') -> '0cc175b9c0f1b6a831c399e269772661'"),
	digest("SHA1", 40, sumSHA1).Says("The SHA-1 hash in hexadecimal digits.", "SHA1('a') -> '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"),
	digest("SHA224", 56, sumSHA224).Says(
		"The SHA-224 hash in hexadecimal digits.", "SHA224('a') -> 'abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5'"),
	digest("SHA256", 64, sumSHA256).Says(
		"The SHA-256 hash in hexadecimal digits.", "SHA256('a') -> 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'"),
	digest("SHA384", 96, sumSHA384).Says("The SHA-384 hash in hexadecimal digits."),
	digest("SHA512", 128, sumSHA512).Says("The SHA-512 hash in hexadecimal digits."),
	sha2,
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
		functions.Each(n, sel, func(i int) { f(args, out, i) })
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

func mapped(name string, result func([]functions.Arg) (types.Type, error), f func([]byte) []byte) *functions.Scalar {
	return strict(name, name+"(string)", result, []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) { out.SetBytes(i, f(args[0].Bytes(i))) })
}

var length = func() *functions.Scalar {
	f := strict("CHAR_LENGTH", "CHAR_LENGTH(string)", functions.Strict(types.IntType), []functions.Param{functions.StringParam},
		func(args []batch.Vector, out *batch.Vector, i int) {
			out.I64[i] = chars(args[0].Bytes(i))
		}).Says("The number of characters.", "CHAR_LENGTH('straße') -> 6")
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

// pipes is ||: CONCAT of two, whose type has a length.
var pipes = func() *functions.Scalar {
	f := concat("||").Says("The strings joined; NULL if either is.", "'a' || 'b' -> 'ab'")
	f.Sigs = []functions.Sig{{Params: twoTexts, Result: joined}}
	return f
}()

// parts is strict for a function whose results are parts of its first argument.
func parts(name, usage string, result func([]functions.Arg) (types.Type, error), params []functions.Param, f func(args []batch.Vector, i int) (from, to int)) *functions.Scalar {
	s := strict(name, usage, result, params, nil)
	s.Bind = func(functions.Call) (functions.Kernel, error) { return views(f), nil }
	return s
}

// splitIndex gives part k, counted from 0; an empty separator means a space. The
// separator may be a character's code.
var splitIndex = func() *functions.Scalar {
	f := parts("SPLIT_INDEX", "SPLIT_INDEX(string, separator, index)", functions.Nullable(types.StringType),
		[]functions.Param{functions.StringParam, functions.StringParam, functions.IntParam}, splitByText).Says(
		"The part of that number, counted from 0, between separators; NULL if there are fewer. The separator may be a character's code.",
		"SPLIT_INDEX('a,b,c', ',', 1) -> 'b'", "SPLIT_INDEX('a,b,c', 44, 1) -> 'b'")
	byCode := f.Sigs[0]
	byCode.Params = []functions.Param{functions.StringParam, functions.IntParam, functions.IntParam}
	f.Sigs = append(f.Sigs, byCode)
	general := f.Bind
	f.Bind = func(c functions.Call) (functions.Kernel, error) {
		if c.Args[1].Type.IsInteger() {
			return views(splitByCode), nil
		}
		return general(c)
	}
	return f
}()

func splitByText(args []batch.Vector, i int) (from, to int) {
	s, sep, k := args[0].Bytes(i), args[1].Bytes(i), args[2].I64[i]
	if len(sep) == 0 {
		sep = space
	}
	if k < 0 || len(s) == 0 {
		return -1, 0
	}
	if len(sep) == 1 {
		return splitAt(s, sep[0], k)
	}
	return nthPart(s, sep, k)
}

// splitByCode gives NULL for codes outside 1 to 255.
func splitByCode(args []batch.Vector, i int) (from, to int) {
	s, c, k := args[0].Bytes(i), args[1].I64[i], args[2].I64[i]
	switch {
	case c < 1 || c > 255 || k < 0 || len(s) == 0:
		return -1, 0
	case c < utf8.RuneSelf:
		return splitAt(s, byte(c), k)
	}
	return nthPart(s, []byte(string(rune(c))), k)
}

// nthPart is part k of s between separators; from -1 where there are fewer.
func nthPart(s, sep []byte, k int64) (from, to int) {
	for ; k > 0; k-- {
		at := bytes.Index(s[from:], sep)
		if at < 0 {
			return -1, 0
		}
		from += at + len(sep)
	}
	if at := bytes.Index(s[from:], sep); at >= 0 {
		return from, from + at
	}
	return from, len(s)
}

// splitAt is part k of s between bytes c. It looks at eight bytes at a time: those
// that are c become bytes of zero, whose high bits are counted.
func splitAt(s []byte, c byte, k int64) (from, to int) {
	const ones, low7 = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	from, left := 0, int(k)+1 // separators to find: the one before the part, and its end
	if k == 0 {
		left = 1
	}
	at := 0
	for ; at+8 <= len(s); at += 8 {
		x := binary.LittleEndian.Uint64(s[at:]) ^ ones*uint64(c)
		hit := ^((x&low7 + low7) | x | low7) // 0x80 in each byte that was c
		n := bits.OnesCount64(hit)
		if n < left-1 {
			left -= n
			continue
		}
		for ; hit != 0; hit &= hit - 1 {
			i := at + bits.TrailingZeros64(hit)>>3
			if left--; left == 0 {
				return from, i
			}
			if left == 1 {
				from = i + 1
			}
		}
	}
	for ; at < len(s); at++ {
		if s[at] != c {
			continue
		}
		if left--; left == 0 {
			return from, at
		}
		if left == 1 {
			from = at + 1
		}
	}
	if left > 1 {
		return -1, 0
	}
	return from, len(s)
}

var replace = strict("REPLACE", "REPLACE(string, old, new)", functions.Strict(types.StringType),
	[]functions.Param{functions.StringParam, functions.StringParam, functions.StringParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		s, old, by, off := args[0].Bytes(i), args[1].Bytes(i), args[2].Bytes(i), len(out.Buf)
		if len(old) == 0 { // before, between and behind all characters
			out.SetBytes(i, bytes.ReplaceAll(s, old, by))
			return
		}
		for {
			at := bytes.Index(s, old)
			if at < 0 {
				break
			}
			out.Buf = append(append(out.Buf, s[:at]...), by...)
			s = s[at+len(old):]
		}
		out.Buf = append(out.Buf, s...)
		out.EndBytes(i, off)
	}).Says("The string with every occurrence of old replaced.", "REPLACE('hello', 'l', 'L') -> 'heLLo'")

var space = []byte(" ")

// substring counts from 1, from the end when start is negative; start 0 is 1.
var substring = func() *functions.Scalar {
	f := parts("SUBSTRING", "SUBSTRING(string FROM start [FOR length])", part,
		[]functions.Param{functions.StringParam, functions.IntParam, functions.IntParam.Opt()},
		func(args []batch.Vector, i int) (from, to int) {
			s, start := args[0].Bytes(i), args[1].I64[i]
			if len(args) > 2 && args[2].I64[i] < 0 {
				return -1, 0
			}
			if start > 0 {
				start--
			} else if start < 0 {
				if start += chars(s); start < 0 {
					return 0, 0
				}
			}
			from = skip(s, start)
			if len(args) == 2 {
				return from, len(s)
			}
			return from, from + skip(s[from:], args[2].I64[i])
		}).Says("The part from a position, counted from 1 and from the end when negative, of that length or to the end.", "SUBSTRING('hello' FROM 2 FOR 3) -> 'ell'", "SUBSTRING('hello', -3) -> 'llo'")
	f.Aliases = []string{"SUBSTR"}
	general := f.Bind
	f.Bind = func(c functions.Call) (functions.Kernel, error) {
		if len(c.Args) == 3 && c.Args[1].Const != nil && c.Args[2].Const != nil {
			if start, n := c.Args[1].Const.I64[0], c.Args[2].Const.I64[0]; start > 0 && n >= 0 {
				return between(start-1, n), nil
			}
		}
		return general(c)
	}
	return f
}()

// between gives n characters behind the first start ones.
func between(start, length int64) functions.Kernel {
	return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
		out.Share(&args[0])
		in, need := &args[0], start+length
		one := func(i int) {
			s := in.Bytes(i)
			from := skip(s, start)
			out.Str[i] = batch.NewView(in.Str[i].Off()+from, skip(s[from:], length))
		}
		if sel != nil {
			functions.Each(n, sel, one)
			return 0, nil
		}
		views := out.Str[:n]
		for i, v := range in.Str[:n] {
			if int64(v.Len()) >= need && asciiStart(in.Buf[v.Off():], int(need)) {
				views[i] = batch.NewView(v.Off()+int(start), int(length))
				continue
			}
			one(i)
		}
		return 0, nil
	})
}
