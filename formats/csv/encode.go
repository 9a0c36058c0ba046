package csv

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

type encoder struct {
	dialect
	schema *types.Schema
	plain  bool
	safe   byte // characters below it make a field quoted, as Jackson has it
	buf    []byte
	cell   []byte
	ends   []int
}

func newEncoder(s formats.Spec) (formats.Encoder, error) {
	d, err := newDialect(s.Options)
	if err != nil {
		return nil, err
	}
	for _, f := range s.Schema.Fields {
		if err := supported(f.Type, true); err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
	}
	return &encoder{dialect: d, schema: s.Schema, plain: !s.Options.Bool("write-bigdecimal-in-scientific-notation"), safe: max(d.delim, d.quote) + 1}, nil
}

// Encode writes a record per live row, without a line break.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf, e.ends = e.buf[:0], e.ends[:0]
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		for c := range e.schema.Fields {
			if c > 0 {
				e.buf = append(e.buf, e.delim)
			}
			e.field(e.schema.Fields[c].Type, &b.Cols[c], i)
		}
		e.ends = append(e.ends, len(e.buf))
	}
	from := 0
	for _, end := range e.ends {
		to = append(to, formats.Message{Value: e.buf[from:end:end]})
		from = end
	}
	return to, nil
}

// field appends a cell; all but numbers and booleans may be quoted.
func (e *encoder) field(t types.Type, v *batch.Vector, i int) {
	if v.Null(i) {
		e.buf = append(e.buf, e.null...)
		return
	}
	if t.IsNumeric() || t.Kind == types.Boolean {
		e.buf = e.value(e.buf, t, v, i)
		return
	}
	e.cell = e.value(e.cell[:0], t, v, i)
	if e.quote == 0 || !e.needsQuotes(e.cell) {
		e.buf = append(e.buf, e.cell...)
		return
	}
	e.buf = append(e.buf, e.quote)
	for _, c := range e.cell {
		if c == e.quote || e.escape != 0 && c == e.escape {
			e.buf = append(e.buf, c)
		}
		e.buf = append(e.buf, c)
	}
	e.buf = append(e.buf, e.quote)
}

func (e *encoder) needsQuotes(s []byte) bool {
	const unchecked = 24 // longer text is quoted unseen
	if len(s) > unchecked {
		return true
	}
	for _, c := range s {
		if c < e.safe {
			return true
		}
	}
	return false
}

func (e *encoder) value(b []byte, t types.Type, v *batch.Vector, i int) []byte {
	if v.Null(i) {
		return append(b, e.null...)
	}
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(b, v.I64[i] != 0)
	case types.Decimal:
		return formats.AppendBigDecimal(b, v.Decimal(t, i), t.Scale, e.plain)
	case types.Float:
		return types.AppendFloat(b, v.F64[i])
	case types.Double:
		return types.AppendDouble(b, v.F64[i])
	case types.Date:
		return types.AppendDate(b, v.I64[i])
	case types.Time:
		return formats.AppendTime(b, v.I64[i])
	case types.Timestamp, types.TimestampLTZ:
		nanos := 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		b = formats.AppendTimestamp(b, v.I64[i], nanos, ' ')
		if t.Kind == types.TimestampLTZ {
			b = append(b, 'Z')
		}
		return b
	case types.Binary, types.VarBinary:
		return base64.StdEncoding.AppendEncode(b, v.Bytes(i))
	case types.Array:
		for k, s := 0, v.Str[i]; k < s.Len(); k++ {
			if k > 0 {
				b = append(b, e.elem...)
			}
			b = e.value(b, t.Elem(), &v.Kids[0], s.Off()+k)
		}
		return b
	case types.Row, types.Structured:
		for k, f := range t.Fields {
			if k > 0 {
				b = append(b, e.elem...)
			}
			b = e.value(b, f.Type, &v.Kids[k], i)
		}
		return b
	case types.Char, types.VarChar, types.Variant, types.Raw, types.Bitmap:
		return append(b, v.Bytes(i)...)
	}
	return strconv.AppendInt(b, v.I64[i], 10)
}
