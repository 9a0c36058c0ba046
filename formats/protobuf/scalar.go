package protobuf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// number is a value's bits on the wire as what a column holds.
func number(k protoreflect.Kind, bits uint64) int64 {
	switch k {
	case protoreflect.BoolKind:
		if bits != 0 {
			return 1
		}
		return 0
	case protoreflect.Sint32Kind:
		return int64(int32(protowire.DecodeZigZag(bits & math.MaxUint32)))
	case protoreflect.Sint64Kind:
		return protowire.DecodeZigZag(bits)
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return int64(bits)
	}
	return int64(int32(bits)) // unsigned ones too: Java's int has the same bits
}

// wireBits is the inverse of number. An int32 takes ten bytes when it is negative.
func wireBits(k protoreflect.Kind, x int64) uint64 {
	switch k {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.EncodeZigZag(x)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return uint64(uint32(x))
	}
	return uint64(x)
}

// defaultOf is a field's default as it would lie on the wire.
func defaultOf(fd protoreflect.FieldDescriptor) (s scalar) {
	if fd.IsList() {
		return s
	}
	v := fd.Default()
	switch fd.Kind() {
	case protoreflect.StringKind:
		s.text = []byte(v.String())
	case protoreflect.BytesKind:
		s.text = v.Bytes()
	case protoreflect.BoolKind:
		if v.Bool() {
			s.bits = 1
		}
	case protoreflect.FloatKind:
		s.bits = uint64(math.Float32bits(float32(v.Float())))
	case protoreflect.DoubleKind:
		s.bits = math.Float64bits(v.Float())
	case protoreflect.EnumKind:
		s.bits = uint64(v.Enum())
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		s.bits = v.Uint()
	default:
		s.bits = wireBits(fd.Kind(), v.Int())
	}
	return s
}

var errUTF8 = errors.New("the text isn't valid UTF-8")

// append appends a value to v, which has n rows. at is where text lies in the
// block, -1 when it lies elsewhere. Where it can't, it says why and appends NULL.
func (f *field) append(v *batch.Vector, n int, s scalar, at int) error {
	t := f.item
	switch t.Layout() {
	case types.LayoutBytes:
		text := s.text
		switch {
		case f.kind == protoreflect.EnumKind:
			name := f.names[protoreflect.EnumNumber(int32(s.bits))]
			if name == "" {
				name = "UNRECOGNIZED" // as Java calls it
			}
			off := len(v.Buf)
			v.Buf = append(v.Buf, name...)
			v.Str = append(v.Str[:n], batch.NewView(off, len(name)))
			v.SetValid(n)
			return nil
		case f.kind == protoreflect.StringKind && !utf8.Valid(text):
			if f.strict {
				v.AppendNull(t, n)
				return errUTF8
			}
			text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
		}
		if len(text) > batch.MaxViewLen {
			v.AppendNull(t, n)
			return fmt.Errorf("%d bytes are more than a column can hold", len(text))
		}
		if f.copied {
			at = len(v.Buf)
			v.Buf = append(v.Buf, text...)
		}
		v.Str = append(v.Str[:n], batch.NewView(max(at, 0), len(text)))
	case types.LayoutF64:
		x := math.Float64frombits(s.bits)
		if f.kind == protoreflect.FloatKind {
			x = float64(math.Float32frombits(uint32(s.bits)))
		}
		v.F64 = append(v.F64[:n], x)
	default:
		x := number(f.kind, s.bits)
		if !formats.InRange(x, t.Kind) && t.IsInteger() {
			v.AppendNull(t, n)
			return fmt.Errorf("%d doesn't fit %s", x, t.Nullable())
		}
		v.I64 = append(v.I64[:n], x)
	}
	v.SetValid(n)
	return nil
}
