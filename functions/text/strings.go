package text

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

var (
	str      = functions.StringParam
	whole    = functions.IntParam
	aString  = functions.Strict(types.StringType)
	anInt    = functions.Strict(types.IntType)
	oneInt   = []functions.Param{str, whole}
	twoTexts = []functions.Param{str, str}
)

// pad is LPAD and RPAD: exactly n characters, NULL where that is impossible.
func pad(name string, left bool) *functions.Scalar {
	return strict(name, name+"(string, length, pad)", aString, []functions.Param{str, whole, str},
		func(args []batch.Vector, out *batch.Vector, i int) {
			s, n, p := args[0].Bytes(i), args[1].I64[i], args[2].Bytes(i)
			need := n - chars(s)
			if n < 0 || len(p) == 0 {
				out.SetNull(i)
				return
			}
			if need <= 0 {
				out.SetBytes(i, s[:skip(s, n)])
				return
			}
			off := len(out.Buf)
			if !left {
				out.Buf = append(out.Buf, s...)
			}
			if len(p) == 1 {
				for ; need > 0; need-- {
					out.Buf = append(out.Buf, p[0])
				}
			}
			for k := chars(p); need > 0; need -= k {
				out.Buf = append(out.Buf, p[:skip(p, need)]...)
			}
			if left {
				out.Buf = append(out.Buf, s...)
			}
			out.EndBytes(i, off)
		})
}

// find is the position of sub in s at or after start, all from 1; 0 is nowhere.
// An empty sub is at 1.
func find(sub, s []byte, start int64) int64 {
	if len(sub) == 0 {
		return 1
	}
	from := skip(s, start-1)
	if at := bytes.Index(s[from:], sub); at >= 0 {
		return chars(s[:from+at]) + 1
	}
	return 0
}

var position = strict("POSITION", "POSITION(part IN string)", anInt, twoTexts,
	func(args []batch.Vector, out *batch.Vector, i int) {
		out.I64[i] = find(args[0].Bytes(i), args[1].Bytes(i), 1)
	}).Says("Where the part first occurs, from 1; 0 if it doesn't.", "POSITION('l' IN 'hello') -> 3")

var locate = strict("LOCATE", "LOCATE(part, string[, start])", anInt, []functions.Param{str, str, whole.Opt()},
	func(args []batch.Vector, out *batch.Vector, i int) {
		start := int64(1)
		if len(args) > 2 {
			start = args[2].I64[i]
		}
		out.I64[i] = find(args[0].Bytes(i), args[1].Bytes(i), start)
	}).Says("Where the part first occurs, from 1 and at or behind start; 0 if it doesn't.", "LOCATE('l', 'hello', 4) -> 4")

// instr looks from start on for occurrence nth, which may overlap the one before;
// from a negative start, counted from the end, it looks backwards.
var instr = func() *functions.Scalar {
	f := strict("INSTR", "INSTR(string, part[, start[, nth]])", anInt, []functions.Param{str, str, whole.Opt(), whole.Opt()}, nil).Says(
		"Where the part occurs in the string for the first or nth time, from 1; 0 if it doesn't. A negative start counts from the end and looks backwards.",
		"INSTR('hello', 'l') -> 3", "INSTR('hello', 'l', 1, 2) -> 4", "INSTR('hello', 'l', -1) -> 4")
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			var err error
			row := 0
			functions.Each(n, sel, func(i int) {
				if err != nil || out.Null(i) {
					return
				}
				start, nth := int64(1), int64(1)
				if len(args) > 2 {
					start = args[2].I64[i]
				}
				if len(args) > 3 {
					nth = args[3].I64[i]
				}
				if nth < 1 {
					row, err = i, fmt.Errorf("INSTR: the number of the occurrence is %d, but they are counted from 1", nth)
					return
				}
				out.I64[i] = occurrence(args[0].Bytes(i), args[1].Bytes(i), start, nth)
			})
			return row, err
		}), nil
	}
	return f
}()

// occurrence is the position, from 1, of the nth sub in s from start on; 0 is
// nowhere. An empty sub is at 1, or behind the end of a search from there.
func occurrence(s, sub []byte, start, nth int64) int64 {
	switch {
	case start == 0:
		return 0
	case start > 0:
		if len(sub) == 0 {
			return find(sub, s, start)
		}
		from := skip(s, start-1)
		for {
			at := bytes.Index(s[from:], sub)
			if at < 0 {
				return 0
			}
			if nth--; nth == 0 {
				return chars(s[:from+at]) + 1
			}
			from += at + skip(s[from+at:], 1)
		}
	}
	if len(sub) == 0 {
		return chars(s) + 1
	}
	end := skip(s, chars(s)+start+1) // the part ends there at most
	for {
		at := bytes.LastIndex(s[:end], sub)
		if at < 0 {
			return 0
		}
		if nth--; nth == 0 {
			return chars(s[:at]) + 1
		}
		end = at + len(sub) - 1
	}
}

var left = parts("LEFT", "LEFT(string, length)", part, oneInt,
	func(args []batch.Vector, i int) (from, to int) {
		return 0, skip(args[0].Bytes(i), args[1].I64[i])
	}).Says("The first characters.", "LEFT('hello', 2) -> 'he'")

var right = parts("RIGHT", "RIGHT(string, length)", part, oneInt,
	func(args []batch.Vector, i int) (from, to int) {
		s := args[0].Bytes(i)
		return skip(s, chars(s)-max(args[1].I64[i], 0)), len(s)
	}).Says("The last characters.", "RIGHT('hello', 2) -> 'lo'")

var repeat = strict("REPEAT", "REPEAT(string, times)", aString, oneInt,
	func(args []batch.Vector, out *batch.Vector, i int) {
		s, off := args[0].Bytes(i), len(out.Buf)
		for n := args[1].I64[i]; n > 0 && len(s) > 0; n-- {
			out.Buf = append(out.Buf, s...)
		}
		out.EndBytes(i, off)
	}).Says("The string so many times.", "REPEAT('ab', 3) -> 'ababab'")

var reverse = mapped("REVERSE", functions.Nullable(types.StringType), func(s []byte) []byte {
	r := make([]byte, 0, len(s))
	for len(s) > 0 {
		_, w := utf8.DecodeLastRune(s)
		r = append(r, s[len(s)-w:]...)
		s = s[:len(s)-w]
	}
	return r
}).Says("The characters from the last to the first.", "REVERSE('abc') -> 'cba'")

// initcap begins each run of ASCII letters and digits with a capital; other
// characters stay as they are and part words.
var initcap = strict("INITCAP", "INITCAP(string)", functions.ArgType(0), []functions.Param{str},
	func(args []batch.Vector, out *batch.Vector, i int) {
		off, inside := len(out.Buf), false
		for _, c := range args[0].Bytes(i) {
			was := inside
			isLetter := c|32 >= 'a' && c|32 <= 'z'
			inside = isLetter || c >= '0' && c <= '9'
			switch {
			case isLetter && was:
				c |= 32
			case isLetter:
				c &^= 32
			}
			out.Buf = append(out.Buf, c)
		}
		out.EndBytes(i, off)
	}).Says("The string with each word's first letter in capitals, the others small.", "INITCAP('hello WORLD') -> 'Hello World'")

// ascii is the first byte, signed.
var ascii = strict("ASCII", "ASCII(string)", anInt, []functions.Param{str},
	func(args []batch.Vector, out *batch.Vector, i int) {
		out.I64[i] = 0
		if s := args[0].Bytes(i); len(s) > 0 {
			out.I64[i] = int64(int8(s[0]))
		}
	}).Says("The code of the first byte; 0 for an empty string.", "ASCII('A') -> 65")

var chr = strict("CHR", "CHR(code)", functions.Nullable(types.StringType), []functions.Param{functions.BigIntParam},
	func(args []batch.Vector, out *batch.Vector, i int) {
		n := args[0].I64[i]
		if n < 0 {
			out.SetBytes(i, nil)
			return
		}
		out.SetBytes(i, []byte(string(rune(n&255))))
	}).Says("The character of a code, modulo 256; an empty string below 0.", "CHR(97) -> 'a'")

// concatWS joins the arguments that aren't NULL; only a NULL separator gives NULL.
var concatWS = func() *functions.Scalar {
	f := strict("CONCAT_WS", "CONCAT_WS(separator, string, ...)", func(args []functions.Arg) (types.Type, error) {
		return types.StringType.WithNull(functions.AnyNull(args)), nil
	}, twoTexts, func(args []batch.Vector, out *batch.Vector, i int) {
		if args[0].Null(i) {
			out.SetNull(i)
			return
		}
		off, first := len(out.Buf), true
		for k := 1; k < len(args); k++ {
			if args[k].Null(i) {
				continue
			}
			if !first {
				out.Buf = append(out.Buf, args[0].Bytes(i)...)
			}
			first = false
			out.Buf = append(out.Buf, args[k].Bytes(i)...)
		}
		out.EndBytes(i, off)
	}).Says("The strings that aren't NULL, joined with a separator between them.", "CONCAT_WS('-', 'a', CAST(NULL AS STRING), 'b') -> 'a-b'")
	f.OwnNulls, f.Sigs[0].Variadic = true, true
	return f
}()

// overlay leaves the string alone when start is outside it.
var overlay = strict("OVERLAY", "OVERLAY(string PLACING new FROM start [FOR length])", overlaid,
	[]functions.Param{str, str, functions.BigIntParam, functions.BigIntParam.Opt()},
	func(args []batch.Vector, out *batch.Vector, i int) {
		s, r, start := args[0].Bytes(i), args[1].Bytes(i), args[2].I64[i]
		n := chars(r)
		if len(args) > 3 {
			n = args[3].I64[i]
		}
		if start < 1 || start > chars(s) {
			out.SetBytes(i, s)
			return
		}
		from := skip(s, start-1)
		off := len(out.Buf)
		out.Buf = append(append(out.Buf, s[:from]...), r...)
		if n > 0 {
			out.Buf = append(out.Buf, s[from+skip(s[from:], n):]...)
		}
		out.EndBytes(i, off)
	}).Says("The string with the characters from start on, as many as the new text has or as given, replaced by the new text.", "OVERLAY('hello' PLACING 'XX' FROM 2) -> 'hXXlo'")

var toBase64 = mapped("TO_BASE64", aString, func(s []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(s)) }).Says("The string's bytes in base64.", "TO_BASE64('hello') -> 'aGVsbG8='")

// fromBase64 takes text with or without its padding.
var fromBase64 = func() *functions.Scalar {
	f := strict("FROM_BASE64", "FROM_BASE64(string)", aString, []functions.Param{str}, nil).Says("The string whose bytes the base64 text holds.", "FROM_BASE64('aGVsbG8=') -> 'hello'")
	f.Bind = func(functions.Call) (functions.Kernel, error) {
		var bad error
		one := func(args []batch.Vector, out *batch.Vector, i int) {
			s := string(args[0].Bytes(i))
			body := strings.TrimRight(s, "=")
			b, err := base64.RawStdEncoding.DecodeString(body)
			if pads := len(s) - len(body); err == nil && pads > 0 && (len(s)%4 != 0 || pads > 2) {
				err = errors.New("Input byte array has wrong 4-byte ending unit")
			}
			if at, is := err.(base64.CorruptInputError); is && int(at) < len(s) {
				err = fmt.Errorf("Illegal base64 character %x", s[at])
			}
			bad = err
			out.SetBytes(i, b)
		}
		return functions.KernelFunc(func(n int, sel []int32, args []batch.Vector, out *batch.Vector) (int, error) {
			for k := 0; sel == nil && k < n; k++ {
				if one(args, out, k); bad != nil {
					return k, bad
				}
			}
			for _, k := range sel {
				if one(args, out, int(k)); bad != nil {
					return int(k), bad
				}
			}
			return 0, nil
		}), nil
	}
	return f
}()
