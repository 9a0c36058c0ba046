// Package raw is a message that is the value of the one column itself: text in a
// charset, bytes, or a number in its binary form.
package raw

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Format is raw.
var Format = &formats.Format{
	Name: "raw", Doc: "A message is the value of the one column.", Lines: true,
	Options: []formats.Option{
		{Name: "charset", Default: "UTF-8", Doc: "Of text."},
		{Name: "endianness", Type: formats.EnumOption, Default: "big-endian", Enum: []string{"big-endian", "little-endian"}, Doc: "Of numbers."},
		{Name: "line-delimiter", Doc: "Splits a message into rows; in files, what separates them (a line break)."},
	},
	Delimiter: func(v formats.Values) []byte {
		if s := v.String("line-delimiter"); s != "" {
			return []byte(s)
		}
		return nil
	},
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		c, err := newCodec(s)
		return &decoder{codec: c, wanted: s.Schema.Len() > 0}, err
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		c, err := newCodec(s)
		return &encoder{codec: c}, err
	},
}

type codec struct {
	t     types.Type
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	chars encoding.Encoding // nil: UTF-8
	delim []byte
	size  int // bytes of a number, 0 for text and bytes
}

func newCodec(s formats.Spec) (codec, error) {
	if s.Full.Len() != 1 {
		return codec{}, fmt.Errorf("The 'raw' format only supports single physical column. However the defined schema contains multiple physical columns: %s", strings.Join(s.Full.Names(), ", "))
	}
	c := codec{t: s.Full.Fields[0].Type, order: binary.BigEndian}
	if strings.EqualFold(s.Options.String("endianness"), "little-endian") {
		c.order = binary.LittleEndian
	}
	if d := s.Options.String("line-delimiter"); d != "" {
		c.delim = []byte(d)
	}
	switch c.t.Kind {
	case types.Boolean, types.TinyInt:
		c.size = 1
	case types.SmallInt:
		c.size = 2
	case types.Int, types.Float:
		c.size = 4
	case types.BigInt, types.Double:
		c.size = 8
	case types.Char, types.VarChar, types.Binary, types.VarBinary, types.Raw:
	default:
		return c, fmt.Errorf("the 'raw' format doesn't support type %s", c.t.Nullable())
	}
	if name := s.Options.String("charset"); c.t.IsString() && !strings.EqualFold(name, "UTF-8") {
		e, err := htmlindex.Get(name)
		if err != nil {
			return c, fmt.Errorf("unsupported 'raw.charset' name: %s", name)
		}
		c.chars = e
	}
	return c, nil
}

type decoder struct {
	codec
	wanted bool
}

func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		values := [][]byte{m.Value}
		if d.delim != nil && m.Value != nil {
			values = bytes.Split(m.Value, d.delim)
		}
		for _, x := range values {
			if d.wanted {
				if err := d.append(&to.Cols[0], to.Len, x); err != nil {
					if err := bad(m, err); err != nil {
						return err
					}
					continue
				}
			}
			to.AppendKind(batch.Insert)
		}
	}
	return nil
}

func (d *decoder) append(v *batch.Vector, n int, x []byte) error {
	if x == nil {
		v.AppendNull(d.t, n)
		return nil
	}
	if d.size == 0 {
		off := len(v.Buf)
		switch {
		case d.chars != nil:
			text, err := d.chars.NewDecoder().Bytes(x)
			if err != nil {
				return err
			}
			v.Buf = append(v.Buf, text...)
		case d.t.IsString() && !utf8.Valid(x):
			v.Buf = append(v.Buf, bytes.ToValidUTF8(x, []byte("\uFFFD"))...)
		default:
			v.Buf = append(v.Buf, x...)
		}
		v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
		v.SetValid(n)
		return nil
	}
	if len(x) != d.size {
		return fmt.Errorf("size of data received for deserializing %s type is not %d: it is %d", d.t.Nullable(), d.size, len(x))
	}
	var i int64
	switch d.size {
	case 1:
		i = int64(int8(x[0]))
	case 2:
		i = int64(int16(d.order.Uint16(x)))
	case 4:
		i = int64(int32(d.order.Uint32(x)))
	case 8:
		i = int64(d.order.Uint64(x))
	}
	switch d.t.Kind {
	case types.Float:
		v.F64 = append(v.F64[:n], float64(math.Float32frombits(uint32(i))))
	case types.Double:
		v.F64 = append(v.F64[:n], math.Float64frombits(uint64(i)))
	case types.Boolean:
		if i != 0 {
			i = 1
		}
		v.I64 = append(v.I64[:n], i)
	default:
		v.I64 = append(v.I64[:n], i)
	}
	v.SetValid(n)
	return nil
}

type encoder struct {
	codec
	buf []byte
}

// Encode makes a message per row; that of NULL is nil.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf = e.buf[:0]
	type span struct{ from, to int }
	spans := make([]span, 0, b.Rows())
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if b.Cols[0].Null(i) {
			spans = append(spans, span{-1, -1})
			continue
		}
		from := len(e.buf)
		if err := e.append(&b.Cols[0], i); err != nil {
			return to, err
		}
		spans = append(spans, span{from, len(e.buf)})
	}
	for _, s := range spans {
		m := formats.Message{}
		if s.from >= 0 {
			m.Value = e.buf[s.from:s.to:s.to]
		}
		to = append(to, m)
	}
	return to, nil
}

func (e *encoder) append(v *batch.Vector, i int) error {
	if e.size == 0 {
		x := v.Bytes(i)
		if e.chars != nil {
			var err error
			if x, err = encoding.ReplaceUnsupported(e.chars.NewEncoder()).Bytes(x); err != nil {
				return err
			}
		}
		e.buf = append(e.buf, x...)
		return nil
	}
	var x uint64
	switch e.t.Kind {
	case types.Float:
		x = uint64(math.Float32bits(float32(v.F64[i])))
	case types.Double:
		x = math.Float64bits(v.F64[i])
	default:
		x = uint64(v.I64[i])
	}
	switch e.size {
	case 1:
		e.buf = append(e.buf, byte(x))
	case 2:
		e.buf = e.order.AppendUint16(e.buf, uint16(x))
	case 4:
		e.buf = e.order.AppendUint32(e.buf, uint32(x))
	case 8:
		e.buf = e.order.AppendUint64(e.buf, x)
	}
	return nil
}
