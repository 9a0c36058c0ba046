package protobuf

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

type encoder struct {
	*plan
	null string // a NULL text in a list
	buf  []byte
	ends []int
	err  error
}

// writable refuses a table that lacks fields without which no message can be
// written.
func (m *message) writable() error {
	for _, r := range m.needed {
		if r.field < 0 {
			return fmt.Errorf("field %q of message %s is required, and no column has its name", r.name, m.title())
		}
	}
	for i := range m.fields {
		if sub := m.fields[i].sub; sub != nil {
			if err := sub.writable(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *message) title() string {
	if m.name == "" {
		return "at the top"
	}
	return m.name
}

// Encode appends a message per live row.
func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf, e.ends, e.err = e.buf[:0], e.ends[:0], nil
	for k := range b.Rows() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		e.message(e.root, b.Cols, i)
		if e.err != nil {
			return to, e.err
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

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("protobuf: "+format, args...)
	}
}

// message appends the fields of row i by their numbers.
func (e *encoder) message(m *message, cols []batch.Vector, i int) {
	for _, k := range m.order {
		f, v := &m.fields[k], &cols[k]
		switch {
		case v.Null(i):
			if f.required {
				e.fail("column %s is NULL, and the field is required", f.path)
			}
		case len(f.later) > 0 && slices.ContainsFunc(f.later, func(c int) bool { return !cols[c].Null(i) }):
		case f.isMap:
			e.entries(f, v, i)
		case f.repeated:
			e.list(f, v, i)
		case f.sub != nil:
			e.nested(f.num, f.kind, f.sub, v.Kids, i, false)
		default:
			e.scalar(f, v, i, f.presence)
		}
	}
}

// nested appends a message with its tag; without says that it has no fields.
func (e *encoder) nested(num protowire.Number, kind protoreflect.Kind, m *message, cols []batch.Vector, i int, without bool) {
	if kind == protoreflect.GroupKind {
		e.buf = protowire.AppendTag(e.buf, num, protowire.StartGroupType)
		if !without {
			e.message(m, cols, i)
		}
		e.buf = protowire.AppendTag(e.buf, num, protowire.EndGroupType)
		return
	}
	e.buf = protowire.AppendTag(e.buf, num, protowire.BytesType)
	from := e.open()
	if !without {
		e.message(m, cols, i)
	}
	e.close(from)
}

// open leaves room for a length of one byte, close writes it and moves what was
// appended when it needs more.
func (e *encoder) open() int {
	e.buf = append(e.buf, 0)
	return len(e.buf)
}

func (e *encoder) close(from int) {
	n := len(e.buf) - from
	if n < 0x80 {
		e.buf[from-1] = byte(n)
		return
	}
	var size [10]byte
	b := protowire.AppendVarint(size[:0], uint64(n))
	e.buf = slices.Insert(e.buf, from, b[1:]...)
	e.buf[from-1] = b[0]
}

func (e *encoder) list(f *field, v *batch.Vector, i int) {
	list, items := v.Str[i], &v.Kids[0]
	if list.Len() == 0 {
		return
	}
	if f.packed {
		e.buf = protowire.AppendTag(e.buf, f.num, protowire.BytesType)
		from := e.open()
		for k := list.Off(); k < list.Off()+list.Len(); k++ {
			e.value(f, items, k)
		}
		e.close(from)
		return
	}
	for k := list.Off(); k < list.Off()+list.Len(); k++ {
		if f.sub != nil {
			e.nested(f.num, f.kind, f.sub, items.Kids, k, items.Null(k))
			continue
		}
		e.buf = protowire.AppendTag(e.buf, f.num, f.wire)
		e.value(f, items, k)
	}
}

// entries appends a map: a message per entry, with key and value.
func (e *encoder) entries(f *field, v *batch.Vector, i int) {
	key, val := &f.sub.fields[0], &f.sub.fields[1]
	for k := v.Str[i].Off(); k < v.Str[i].Off()+v.Str[i].Len(); k++ {
		e.buf = protowire.AppendTag(e.buf, f.num, protowire.BytesType)
		from := e.open()
		e.buf = protowire.AppendTag(e.buf, key.num, key.wire)
		e.value(key, &v.Kids[0], k)
		if val.sub != nil {
			e.nested(val.num, val.kind, val.sub, v.Kids[1].Kids, k, v.Kids[1].Null(k))
		} else {
			e.buf = protowire.AppendTag(e.buf, val.num, val.wire)
			e.value(val, &v.Kids[1], k)
		}
		e.close(from)
	}
}

// scalar appends a field with its tag; a default only where it is told from none.
func (e *encoder) scalar(f *field, v *batch.Vector, i int, always bool) {
	at := len(e.buf)
	e.buf = protowire.AppendTag(e.buf, f.num, f.wire)
	if none := e.value(f, v, i); none && !always {
		e.buf = e.buf[:at]
	}
}

// value appends row i of v without a tag, and says whether it is zero or empty. NULL
// in a list or map is what Flink writes for it.
func (e *encoder) value(f *field, v *batch.Vector, i int) (none bool) {
	null := v.Null(i)
	var bits uint64
	switch f.kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		b := []byte(nil)
		switch {
		case !null:
			b = v.Bytes(i)
		case f.kind == protoreflect.StringKind:
			e.buf = protowire.AppendString(e.buf, e.null)
			return e.null == ""
		}
		e.buf = protowire.AppendBytes(e.buf, b)
		return len(b) == 0
	case protoreflect.FloatKind:
		if !null {
			bits = uint64(math.Float32bits(float32(v.F64[i])))
		}
	case protoreflect.DoubleKind:
		if !null {
			bits = math.Float64bits(v.F64[i])
		}
	case protoreflect.EnumKind:
		bits = e.enum(f, v, i, null)
	default:
		if !null {
			bits = wireBits(f.kind, v.I64[i])
		}
	}
	switch f.wire {
	case protowire.Fixed32Type:
		e.buf = protowire.AppendFixed32(e.buf, uint32(bits))
	case protowire.Fixed64Type:
		e.buf = protowire.AppendFixed64(e.buf, bits)
	default:
		e.buf = protowire.AppendVarint(e.buf, bits)
	}
	return bits == 0
}

// enum is the number of an enum's value, of NULL the first one.
func (e *encoder) enum(f *field, v *batch.Vector, i int, null bool) uint64 {
	switch {
	case null:
		return uint64(f.enum.Get(0).Number())
	case f.item.Layout() == types.LayoutBytes:
		x, ok := f.numbers[string(v.Bytes(i))]
		if !ok {
			e.fail("column %s: %q is no value of its enum", f.path, v.Bytes(i))
		}
		return uint64(x)
	}
	x := v.I64[i]
	if int64(int32(x)) != x || f.names[protoreflect.EnumNumber(x)] == "" {
		e.fail("column %s: %d is no value of its enum", f.path, x)
	}
	return uint64(x)
}
