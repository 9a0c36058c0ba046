package json

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/types"
)

type encoder struct {
	*Printer
	buf  []byte
	ends []int
}

// Encode makes an object per row.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf, e.ends = e.buf[:0], e.ends[:0]
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		var err error
		if e.buf, err = e.Append(e.buf, b.Cols, i); err != nil {
			return to, err
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

// Printer writes rows as objects, as Flink's json format does: fractions of times
// and of DECIMAL without trailing zeros, doubles as Java prints them.
type Printer struct {
	fields   []printed
	sep      byte // between date and time
	plain    bool // DECIMAL never as 1E+2
	omit     bool // NULL fields are left out
	nullKeys string
	literal  []byte
}

// printed is a column with its name as it is written.
type printed struct {
	t    types.Type
	key  []byte // "name":
	kids []printed
}

// NewPrinter makes a printer of the columns of a schema.
func NewPrinter(s *types.Schema, v formats.Values) (*Printer, error) {
	p := &Printer{sep: ' ', plain: v.Bool("encode.decimal-as-plain-number"), omit: v.Bool("encode.ignore-null-fields"),
		nullKeys: strings.ToUpper(v.String("map-null-key.mode")), literal: jsonscan.AppendString(nil, v.String("map-null-key.literal"))}
	if isISO(v) {
		p.sep = 'T'
	}
	for _, f := range s.Fields {
		if err := supported(f.Type); err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
		p.fields = append(p.fields, newPrinted(f.Name, f.Type))
	}
	return p, nil
}

func newPrinted(name string, t types.Type) printed {
	p := printed{t: t, key: append(jsonscan.AppendString(nil, name), ':')}
	if t.Kind == types.Row {
		for _, f := range t.Fields {
			p.kids = append(p.kids, newPrinted(f.Name, f.Type))
		}
		return p
	}
	for _, k := range t.KidTypes() {
		p.kids = append(p.kids, newPrinted("", k))
	}
	return p
}

// Append appends row i of the columns as an object.
func (p *Printer) Append(to []byte, cols []batch.Vector, i int) ([]byte, error) {
	return p.object(to, p.fields, cols, i)
}

func (p *Printer) object(to []byte, fields []printed, cols []batch.Vector, i int) (_ []byte, err error) {
	to = append(to, '{')
	first := true
	for c := range fields {
		f := &fields[c]
		if p.omit && cols[c].Null(i) {
			continue
		}
		if !first {
			to = append(to, ',')
		}
		first = false
		if to, err = p.value(append(to, f.key...), f, &cols[c], i); err != nil {
			return to, err
		}
	}
	return append(to, '}'), nil
}

var errNullKey = errors.New("JSON format doesn't support to convert map data with null keys. You can drop null key entries or encode null in literals by specifying json.map-null-key.mode option.")

func (p *Printer) value(to []byte, f *printed, v *batch.Vector, i int) ([]byte, error) {
	t := f.t
	if v.Null(i) || t.Kind == types.Null {
		return append(to, "null"...), nil
	}
	switch t.Kind {
	case types.Boolean:
		return strconv.AppendBool(to, v.I64[i] != 0), nil
	case types.Float, types.Double:
		return jsonscan.AppendFloat(to, t, v.F64[i]), nil
	case types.Decimal:
		return formats.AppendBigDecimal(to, v.Decimal(t, i), t.Scale, p.plain), nil
	case types.Char, types.VarChar:
		return jsonscan.AppendString(to, v.Bytes(i)), nil
	case types.Binary, types.VarBinary:
		return append(base64.StdEncoding.AppendEncode(append(to, '"'), v.Bytes(i)), '"'), nil
	case types.Date:
		return append(types.AppendDate(append(to, '"'), v.I64[i]), '"'), nil
	case types.Time:
		return append(formats.AppendTime(append(to, '"'), v.I64[i]), '"'), nil
	case types.Timestamp, types.TimestampLTZ:
		nanos := 0
		if t.Length > 6 {
			nanos = int(v.Hi[i])
		}
		to = formats.AppendTimestamp(append(to, '"'), v.I64[i], nanos, p.sep)
		if t.Kind == types.TimestampLTZ {
			to = append(to, 'Z')
		}
		return append(to, '"'), nil
	case types.Array:
		return p.list(to, f, v, i)
	case types.Map, types.Multiset:
		return p.pairs(to, f, v, i)
	case types.Row:
		return p.object(to, f.kids, v.Kids, i)
	}
	return strconv.AppendInt(to, v.I64[i], 10), nil
}

func (p *Printer) list(to []byte, f *printed, v *batch.Vector, i int) (_ []byte, err error) {
	to = append(to, '[')
	from := v.Str[i].Off()
	for e := range v.Str[i].Len() {
		if e > 0 {
			to = append(to, ',')
		}
		if to, err = p.value(to, &f.kids[0], &v.Kids[0], from+e); err != nil {
			return to, err
		}
	}
	return append(to, ']'), nil
}

// spelled writes a map whose keys aren't texts as Reader.spelled reads it.
func (p *Printer) spelled(to []byte, f *printed, v *batch.Vector, i int) (_ []byte, err error) {
	to = append(to, `{"$map":[`...)
	for k := range v.Str[i].Len() {
		open := byte('[')
		if k > 0 {
			to = append(to, ',')
		}
		for c := range v.Kids {
			if to, err = p.value(append(to, open), &f.kids[c], &v.Kids[c], v.Str[i].Off()+k); err != nil {
				return to, err
			}
			open = ','
		}
		to = append(to, ']')
	}
	return append(to, "]}"...), nil
}

func (p *Printer) pairs(to []byte, f *printed, v *batch.Vector, i int) (_ []byte, err error) {
	if !f.kids[0].t.IsString() {
		return p.spelled(to, f, v, i)
	}
	to = append(to, '{')
	from, first := v.Str[i].Off(), true
	for e := from; e < from+v.Str[i].Len(); e++ {
		null := v.Kids[0].Null(e)
		if null && p.nullKeys == "DROP" {
			continue
		}
		if !first {
			to = append(to, ',')
		}
		first = false
		switch {
		case !null:
			to = jsonscan.AppendString(to, v.Kids[0].Bytes(e))
		case p.nullKeys == "LITERAL":
			to = append(to, p.literal...)
		default:
			return to, errNullKey
		}
		if to, err = p.value(append(to, ':'), &f.kids[1], &v.Kids[1], e); err != nil {
			return to, err
		}
	}
	return append(to, '}'), nil
}
