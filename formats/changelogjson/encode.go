// Package changelogjson is lines of changes: {"op":"+I","row":{"a":1}}. It reads
// and writes every row kind, and its row form is the JSON of every other printed
// result. Start with Format; AppendJSON prints one value.
package changelogjson

import (
	"encoding/base64"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

// AppendJSON appends row i of v: numbers and booleans bare, DECIMAL with its
// scale, times as SQL prints them, TIMESTAMP_LTZ in UTC with a Z, binary in
// base64, ROW as an object, ARRAY as an array, MAP and MULTISET as an object when
// the keys are strings, else {"$map":[[k,v],...]}.
func AppendJSON(b []byte, t types.Type, v *batch.Vector, i int, s *types.Session) []byte {
	if v.Null(i) {
		return append(b, "null"...)
	}
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(b, v.I64[i] != 0)
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		return strconv.AppendInt(b, v.I64[i], 10)
	case types.Decimal:
		return types.AppendDecimal(b, v.Decimal(t, i), t.Scale)
	case types.Float, types.Double:
		return jsonscan.AppendFloat(b, t, v.F64[i])
	case types.Date:
		b = types.AppendDate(append(b, '"'), v.I64[i])
	case types.Time:
		b = types.AppendTime(append(b, '"'), v.I64[i], t.Length)
	case types.Timestamp, types.TimestampLTZ:
		nanos := 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		b = types.AppendTimestamp(append(b, '"'), v.I64[i], nanos, t.Length)
		if t.Kind == types.TimestampLTZ {
			b = append(b, 'Z')
		}
	case types.IntervalYM:
		b = types.AppendMonths(append(b, '"'), v.I64[i])
	case types.IntervalDT:
		b = types.AppendMillis(append(b, '"'), v.I64[i])
	case types.Binary, types.VarBinary, types.Raw:
		b = base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes(i))
	case types.Bitmap:
		b = types.AppendBitmap(append(b, '"'), v.Bytes(i))
	case types.Array:
		return appendArray(b, t, v, i, s)
	case types.Map, types.Multiset:
		return appendMap(b, t, v, i, s)
	case types.Row, types.Structured:
		b = append(b, '{')
		for k, f := range t.Fields {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(jsonscan.AppendString(b, f.Name), ':')
			b = AppendJSON(b, f.Type, &v.Kids[k], i, s)
		}
		return append(b, '}')
	case types.Null:
		return append(b, "null"...)
	default:
		return jsonscan.AppendString(b, v.Bytes(i))
	}
	return append(b, '"')
}

func appendArray(b []byte, t types.Type, v *batch.Vector, i int, s *types.Session) []byte {
	b = append(b, '[')
	for e, at := v.Str[i].Off(), 0; at < v.Str[i].Len(); at++ {
		if at > 0 {
			b = append(b, ',')
		}
		b = AppendJSON(b, t.Elem(), &v.Kids[0], e+at, s)
	}
	return append(b, ']')
}

func appendMap(b []byte, t types.Type, v *batch.Vector, i int, s *types.Session) []byte {
	kt := t.KidTypes()
	object := kt[0].IsString()
	for at := 0; at < v.Str[i].Len(); at++ {
		object = object && !v.Kids[0].Null(v.Str[i].Off()+at)
	}
	open, end := "{", "}"
	if !object {
		open, end = `{"$map":[`, "]}"
	}
	b = append(b, open...)
	for at := 0; at < v.Str[i].Len(); at++ {
		e := v.Str[i].Off() + at
		if at > 0 {
			b = append(b, ',')
		}
		if !object {
			b = append(b, '[')
		}
		b = AppendJSON(b, kt[0], &v.Kids[0], e, s)
		b = append(b, map[bool]byte{true: ':', false: ','}[object])
		b = AppendJSON(b, kt[1], &v.Kids[1], e, s)
		if !object {
			b = append(b, ']')
		}
	}
	return append(b, end...)
}

// encoder writes a line per change.
type encoder struct {
	spec formats.Spec
	buf  []byte
}

func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf = e.buf[:0]
	var ends []int
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		e.buf = append(e.buf, `{"op":"`...)
		e.buf = append(e.buf, b.Kind(i).String()...)
		e.buf = append(e.buf, `","row":{`...)
		for c, f := range e.spec.Schema.Fields {
			if c > 0 {
				e.buf = append(e.buf, ',')
			}
			e.buf = append(jsonscan.AppendString(e.buf, f.Name), ':')
			e.buf = AppendJSON(e.buf, f.Type, &b.Cols[c], i, e.spec.Session)
		}
		e.buf = append(e.buf, '}', '}')
		ends = append(ends, len(e.buf))
	}
	from := 0
	for _, end := range ends {
		to = append(to, formats.Message{Value: e.buf[from:end]})
		from = end
	}
	return to, nil
}
