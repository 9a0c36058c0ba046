package json

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// rawType is the type of JSON(text): text that is embedded as it is.
var rawType = types.Type{Kind: types.Raw, Name: "json"}

// appendValue appends row i of v as JSON.
func appendValue(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	if v.Null(i) {
		return append(b, "null"...)
	}
	var room [48]byte
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(b, v.I64[i] != 0)
	case types.Decimal:
		return appendNumber(b, types.AppendDecimal(room[:0], v.Decimal(t, i), t.Scale))
	case types.Float, types.Double: // a FLOAT's digits are those of the DOUBLE it widens to
		return appendFloat(b, types.AppendDouble(room[:0], v.F64[i]))
	case types.Char, types.VarChar:
		return quote(b, v.Bytes(i))
	case types.Binary, types.VarBinary, types.Bitmap:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes(i))
		return append(b, '"')
	case types.Variant, types.Raw:
		return append(b, v.Bytes(i)...)
	case types.Date, types.Time, types.Timestamp, types.TimestampLTZ:
		return append(appendTime(append(b, '"'), t, v, i), '"')
	case types.Array:
		s := v.Str[i]
		b = append(b, '[')
		for e := 0; e < s.Len(); e++ {
			if e > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, t.Elem(), &v.Kids[0], s.Off()+e)
		}
		return append(b, ']')
	case types.Map, types.Multiset:
		return appendMap(b, t, v, v.Str[i])
	case types.Row, types.Structured:
		b = append(b, '{')
		for n, k := 0, nextField(t, -1); k >= 0; n, k = n+1, nextField(t, k) {
			if n > 0 {
				b = append(b, ',')
			}
			b = append(quote(b, []byte(t.Fields[k].Name)), ':')
			b = appendValue(b, t.Fields[k].Type, &v.Kids[k], i)
		}
		return append(b, '}')
	}
	return strconv.AppendInt(b, v.I64[i], 10)
}

// nextField is the field behind field k in the order of their names, in which
// Flink writes them; the first for -1, -1 for the last.
func nextField(t types.Type, k int) int {
	best := -1
	for i, f := range t.Fields {
		if (k < 0 || f.Name > t.Fields[k].Name || f.Name == t.Fields[k].Name && i > k) && (best < 0 || f.Name < t.Fields[best].Name) {
			best = i
		}
	}
	return best
}

// appendMap appends a map's entries in the order of their keys.
func appendMap(b []byte, t types.Type, v *batch.Vector, s batch.View) []byte {
	kt, keys := t.KidTypes(), &v.Kids[0]
	order := make([]int, s.Len())
	for e := range order {
		order[e] = s.Off() + e
	}
	sort.Slice(order, func(x, y int) bool { return bytes.Compare(keys.Bytes(order[x]), keys.Bytes(order[y])) < 0 })
	b = append(b, '{')
	for n, e := range order {
		if n > 0 {
			b = append(b, ',')
		}
		b = quote(b, keys.Bytes(e))
		b = appendValue(append(b, ':'), kt[1], &v.Kids[1], e)
	}
	return append(b, '}')
}

// appendTime appends ISO 8601 text: a fraction of as many digits as it needs.
func appendTime(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	x := v.I64[i]
	switch t.Kind {
	case types.Date:
		return types.AppendDate(b, x)
	case types.Time:
		b = time.UnixMilli(x).UTC().AppendFormat(b, "15:04:05")
		if x%1000 != 0 {
			b = time.UnixMilli(x).UTC().AppendFormat(b, ".999")
		}
		return b
	}
	nanos := int64(0)
	if t.Layout() == types.LayoutWide {
		nanos = v.Hi[i]
	}
	b = time.UnixMicro(x).Add(time.Duration(nanos)).UTC().AppendFormat(b, "2006-01-02T15:04:05.999999999")
	if t.Kind == types.TimestampLTZ {
		b = append(b, 'Z')
	}
	return b
}

// printable says whether appendValue knows a type; keys of maps must be strings.
func printable(t types.Type) bool {
	if t.Kind == types.Map || t.Kind == types.Multiset {
		if !t.Elem().IsString() {
			return false
		}
	}
	for _, f := range t.Fields {
		if !printable(f.Type) {
			return false
		}
	}
	return !t.IsInterval() && t.Kind != types.Symbol && t.Kind != types.Descriptor
}

func checkPrintable(c functions.Call, from int) error {
	for _, a := range c.Args[from:] {
		if !printable(a.Type) {
			return sqlerr.New(sqlerr.Type, a.At, "%s can't write %s as JSON", c.Name, a.Type.Nullable())
		}
	}
	return nil
}

// String is JSON_STRING(value).
var String = &functions.Scalar{
	Name: "JSON_STRING",
	Doc:  doc("JSON_STRING(value)", "The value as JSON text; NULL stays NULL.", "JSON_STRING(ARRAY[1, 2]) -> '[1,2]'"),
	Sigs: []functions.Sig{{Params: []functions.Param{functions.AnyParam}, Result: functions.Strict(types.StringType)}},
	Bind: func(c functions.Call) (functions.Kernel, error) {
		if err := checkPrintable(c, 0); err != nil {
			return nil, err
		}
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			off := len(out.Buf)
			out.Buf = appendValue(out.Buf, c.Args[0].Type, &args[0], i)
			out.EndBytes(i, off)
			return nil
		}), nil
	},
}

// asGiven is the signature of a keyword and values of any types.
func asGiven(fits func(args []functions.Arg) bool) []functions.Sig {
	return []functions.Sig{{Infer: func(args []functions.Arg) (as []types.Type, t types.Type, ok bool, err error) {
		if len(args) == 0 || args[0].Type.Kind != types.Symbol || !fits(args) {
			return nil, t, false, nil
		}
		for _, a := range args {
			as = append(as, a.Type.Plain())
		}
		return as, types.StringType.NotNullable(), true, nil
	}}}
}

// Object is JSON_OBJECT(on null, key, value, ...).
var Object = &functions.Scalar{
	Name:     "JSON_OBJECT",
	Doc:      doc("JSON_OBJECT([KEY key VALUE value, ...] [NULL | ABSENT ON NULL])", "A JSON object of the pairs.", `JSON_OBJECT(KEY 'a' VALUE 1) -> '{"a":1}'`),
	OwnNulls: true,
	Sigs: asGiven(func(args []functions.Arg) bool {
		for i := 1; i < len(args); i += 2 {
			if !args[i].Type.IsString() {
				return false
			}
		}
		return len(args)%2 == 1
	}),
	Bind: func(c functions.Call) (functions.Kernel, error) {
		if err := checkPrintable(c, 1); err != nil {
			return nil, err
		}
		absent := symbol(c.Args[0]) == "ABSENT"
		var order []int
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			// Members are written in the order of their keys, of equal keys the last.
			order = order[:0]
			for k := 1; k < len(args); k += 2 {
				if args[k].Null(i) {
					return errors.New("a key of JSON_OBJECT is NULL")
				}
				if absent && args[k+1].Null(i) {
					continue
				}
				at := sort.Search(len(order), func(x int) bool { return bytes.Compare(args[order[x]].Bytes(i), args[k].Bytes(i)) >= 0 })
				if at < len(order) && bytes.Equal(args[order[at]].Bytes(i), args[k].Bytes(i)) {
					order[at] = k
				} else {
					order = slices.Insert(order, at, k)
				}
			}
			off := len(out.Buf)
			b := append(out.Buf, '{')
			for n, k := range order {
				if n > 0 {
					b = append(b, ',')
				}
				b = append(quote(b, args[k].Bytes(i)), ':')
				b = appendValue(b, c.Args[k+1].Type, &args[k+1], i)
			}
			out.Buf = append(b, '}')
			out.EndBytes(i, off)
			return nil
		}), nil
	},
}

// Array is JSON_ARRAY(on null, value, ...).
var Array = &functions.Scalar{
	Name:     "JSON_ARRAY",
	Doc:      doc("JSON_ARRAY([value, ...] [NULL | ABSENT ON NULL])", "A JSON array of the values; NULLs are left out unless NULL ON NULL is said.", "JSON_ARRAY(1, 'a') -> '[1,\"a\"]'"),
	OwnNulls: true,
	Sigs:     asGiven(func([]functions.Arg) bool { return true }),
	Bind: func(c functions.Call) (functions.Kernel, error) {
		if err := checkPrintable(c, 1); err != nil {
			return nil, err
		}
		absent := symbol(c.Args[0]) != "NULL"
		return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
			off := len(out.Buf)
			b := append(out.Buf, '[')
			for k := 1; k < len(args); k++ {
				if absent && args[k].Null(i) {
					continue
				}
				if len(b) > off+1 {
					b = append(b, ',')
				}
				b = appendValue(b, c.Args[k].Type, &args[k], i)
			}
			out.Buf = append(b, ']')
			out.EndBytes(i, off)
			return nil
		}), nil
	},
}

// onText makes a strict function of one string.
func onText(name, text string, result types.Type, f func(d *document, s, b []byte) ([]byte, bool, error)) *functions.Scalar {
	return &functions.Scalar{Name: name, Doc: doc(name+"(text)", text),
		Sigs: []functions.Sig{{Params: []functions.Param{functions.StringParam}, Result: functions.Strict(result)}},
		Bind: func(functions.Call) (functions.Kernel, error) {
			d := &document{}
			return rows(func(i int, args []batch.Vector, out *batch.Vector) error {
				off := len(out.Buf)
				b, ok, err := f(d, args[0].Bytes(i), out.Buf)
				if err != nil {
					return err
				}
				out.Buf = b
				if out.EndBytes(i, off); !ok {
					out.SetNull(i)
				}
				return nil
			}), nil
		}}
}

// Functions of one text.
var (
	Raw = onText("JSON", "Marks JSON text to be embedded as it is in JSON_OBJECT and JSON_ARRAY.", rawType, func(d *document, s, b []byte) ([]byte, bool, error) {
		if len(bytes.TrimSpace(s)) == 0 {
			return b, false, nil
		}
		root := d.parse(s)
		if root == 0 {
			return b, false, errText
		}
		d.order(root)
		return d.print(b, root), true, nil
	}).Shown(`JSON_OBJECT('k' VALUE JSON('{"a":1}')) -> '{"k":{"a":1}}'`)
	Quote = onText("JSON_QUOTE", "The text as a JSON string: in double quotes, escaped.", types.StringType, func(_ *document, s, b []byte) ([]byte, bool, error) {
		return quoteASCII(b, s), true, nil
	}).Shown(`JSON_QUOTE('a"b') -> '"a\"b"'`)
	Unquote = onText("JSON_UNQUOTE", "The text that a JSON string stands for; other text unchanged.", types.StringType, func(d *document, s, b []byte) ([]byte, bool, error) {
		if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' && d.startsWithString(s) {
			if in, ok := d.unescape(s[1 : n-1]); ok {
				return append(b, in...), true, nil
			}
		}
		return append(b, s...), true, nil
	}).Shown(`JSON_UNQUOTE('"a"') -> 'a'`)
)

// appendFloat appends a float's text; NaN and the infinities in quotes.
func appendFloat(b, s []byte) []byte {
	if c := s[len(s)-1]; c < '0' || c > '9' {
		return quote(b, s)
	}
	return appendNumber(b, s)
}

// quoteASCII is quote with / and everything outside ASCII escaped too.
func quoteASCII(b, s []byte) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c == '/' {
				b = append(b, '\\', '/')
			} else {
				q := quote(b, s[i:i+1]) // takes the place of its opening quote
				b = append(b, q[len(b)+1:len(q)-1]...)
			}
			i++
			continue
		}
		r, w := utf8.DecodeRune(s[i:])
		for _, u := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, "\\u%04x", u)
		}
		i += w
	}
	return append(b, '"')
}
