package protobuf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

type decoder struct {
	*plan
	lenient bool
	gather  []byte

	b     []byte // the block
	start int    // where the message begins in it
	err   error  // the first fault of the message
}

// slot is what has been seen of a field in the message being read.
type slot struct {
	seen  bool
	bits  uint64
	at    span   // of bytes, or of a message
	more  []span // of a message that came again: the parts count as one
	first int    // row of the first item of a list
	count int
	off   int // where the field stood last
}

// span is bytes of the block.
type span struct{ from, to int }

// Decode appends a row per message.
func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	in, d.gather = in.Gather(d.gather)
	d.b = in.Block
	for i := range in.Messages {
		m := &in.Messages[i]
		in.Begin(i, to.Len)
		if m.Value == nil {
			continue
		}
		d.err, d.start = nil, m.At
		d.row(d.root, span{m.At, m.At + len(m.Value)}, nil, to.Cols, to.Len)
		if d.err == nil {
			to.AppendKind(batch.Insert)
			continue
		}
		if d.lenient {
			d.err = formats.Ignored(d.err)
		}
		if err := bad(*m, d.err); err != nil {
			return err
		}
	}
	d.root.share(to.Cols, d.b)
	return nil
}

// share makes texts and bytes views of the block.
func (m *message) share(cols []batch.Vector, block []byte) {
	for i := range m.fields {
		f, v := &m.fields[i], &cols[i]
		switch {
		case f.isMap:
			f.sub.share(v.Kids, block)
			continue
		case f.repeated:
			v = &v.Kids[0]
		}
		if f.sub != nil {
			f.sub.share(v.Kids, block)
		} else if f.item.Layout() == types.LayoutBytes && !f.copied {
			v.ShareBuf(block, nil)
		}
	}
}

func (d *decoder) fail(path string, at int, err error) {
	if d.err != nil {
		return
	}
	if path == "" {
		d.err = fmt.Errorf("byte %d: %w", at-d.start, err)
		return
	}
	d.err = fmt.Errorf("field %s at byte %d: %w", path, at-d.start, err)
}

// row appends one row to the columns, whatever happens, so that they stay in step:
// the message in part and more, of which later values count.
func (d *decoder) row(m *message, part span, more []span, cols []batch.Vector, n int) {
	for i := range m.slots {
		s := &m.slots[i]
		*s = slot{more: s.more[:0]}
		if f := &m.fields[i]; f.repeated {
			s.first = cols[i].Kids[0].Size(f.kid)
		}
	}
	for i := range m.needed {
		m.needed[i].seen = false
	}
	d.scan(m, part, cols)
	for _, p := range more {
		d.scan(m, p, cols)
	}
	for _, r := range m.needed {
		if !r.seen && d.err == nil && part.to >= 0 {
			d.fail(m.name, part.from, fmt.Errorf("the required field %q is missing", r.name))
		}
	}
	for i := range m.fields {
		d.column(&m.fields[i], &m.slots[i], &cols[i], n)
	}
}

// absent is the part of a message that isn't there.
var absent = span{0, -1}

// column appends what was seen of a field.
func (d *decoder) column(f *field, s *slot, v *batch.Vector, n int) {
	switch {
	case d.err != nil:
		v.AppendNull(f.t, n)
	case f.repeated:
		if s.count == 0 && !f.defaults {
			v.AppendNull(f.t, n)
			return
		}
		if f.isMap && s.count > 1 {
			f.unique(s, v, d.b)
		}
		v.Str = append(v.Str[:n], batch.NewView(s.first, s.count))
		v.SetValid(n)
	case f.sub != nil:
		part := absent
		if s.seen {
			part = s.at
		} else if !f.defaults {
			v.AppendNull(f.t, n)
			return
		}
		d.row(f.sub, part, s.more, v.Kids, n)
		v.SetValid(n)
	case s.seen:
		x := scalar{bits: s.bits}
		if f.wire == protowire.BytesType {
			x.text = d.b[s.at.from:s.at.to]
		}
		if err := f.append(v, n, x, s.at.from); err != nil {
			d.fail(f.path, s.off, err)
		}
	case f.defaults:
		if err := f.append(v, n, f.zero, -1); err != nil {
			d.fail(f.path, d.start, err)
		}
	default:
		v.AppendNull(f.t, n)
	}
}

// scan runs over a part of a message, keeping where singular fields lie and
// appending the items of lists.
func (d *decoder) scan(m *message, p span, cols []batch.Vector) {
	at, end := p.from, p.to
	for at < end && d.err == nil {
		off := at
		tag, n := uvarint(d.b[at:end])
		num, typ := protowire.DecodeTag(tag)
		if n <= 0 || num < protowire.MinValidNumber || typ == protowire.EndGroupType {
			d.fail(m.name, off, errors.New("no field of a message begins here"))
			return
		}
		at += n
		i := m.find(num)
		if len(m.needed) > 0 {
			for k := range m.needed {
				if m.needed[k].num == num {
					m.needed[k].seen = true
				}
			}
		}
		if r, ok := m.rivals[num]; ok && r.wire == typ {
			for _, k := range r.others {
				m.slots[k] = slot{more: m.slots[k].more[:0]}
			}
		}
		if i < 0 {
			if at = d.skip(m.name, num, typ, off, at, end); at < 0 {
				return
			}
			continue
		}
		f, s := &m.fields[i], &m.slots[i]
		s.off = off
		switch {
		case typ == f.wire:
			bits, b, next := d.value(f, num, typ, off, at, end)
			if next < 0 {
				return
			}
			at = next
			if f.closed && f.names[protoreflect.EnumNumber(int32(bits))] == "" {
				continue // counts as a field that isn't known
			}
			if f.repeated {
				d.item(f, s, &cols[i], scalar{bits: bits}, b)
				continue
			}
			if f.sub != nil && s.seen {
				s.more = append(s.more, b)
				continue
			}
			s.seen, s.bits, s.at = true, bits, b
		case typ == protowire.BytesType && f.repeated && f.sub == nil:
			_, b, next := d.value(f, num, typ, off, at, end)
			if next < 0 {
				return
			}
			at = next
			d.packed(f, s, &cols[i], b)
		default: // written with another type: not this field
			if at = d.skip(f.path, num, typ, off, at, end); at < 0 {
				return
			}
		}
	}
}

// packed appends the items of a list that lie without tags.
func (d *decoder) packed(f *field, s *slot, v *batch.Vector, p span) {
	for at := p.from; at < p.to; {
		bits, _, next := d.value(f, f.num, f.wire, at, at, p.to)
		if next < 0 {
			return
		}
		at = next
		if f.closed && f.names[protoreflect.EnumNumber(int32(bits))] == "" {
			continue
		}
		d.item(f, s, v, scalar{bits: bits}, span{})
	}
}

// item appends an item of a list or an entry of a map.
func (d *decoder) item(f *field, s *slot, v *batch.Vector, x scalar, b span) {
	n := s.first + s.count
	s.count++
	if f.isMap {
		d.row(f.sub, b, nil, v.Kids, n)
		return
	}
	v = &v.Kids[0]
	if f.sub != nil {
		d.row(f.sub, b, nil, v.Kids, n)
		v.SetValid(n)
		return
	}
	if f.wire == protowire.BytesType {
		x.text = d.b[b.from:b.to]
	}
	if err := f.append(v, n, x, b.from); err != nil {
		d.fail(f.path, s.off, err)
	}
}

// value reads one value at d.b[at:end]: its bits, or where its bytes lie. next is
// -1 after a fault.
func (d *decoder) value(f *field, num protowire.Number, typ protowire.Type, off, at, end int) (bits uint64, b span, next int) {
	switch typ {
	case protowire.VarintType:
		x, n := uvarint(d.b[at:end])
		if n <= 0 {
			break
		}
		return x, b, at + n
	case protowire.Fixed32Type:
		if end-at >= 4 {
			return uint64(binary.LittleEndian.Uint32(d.b[at:])), b, at + 4
		}
	case protowire.Fixed64Type:
		if end-at >= 8 {
			return binary.LittleEndian.Uint64(d.b[at:]), b, at + 8
		}
	case protowire.BytesType:
		x, n := uvarint(d.b[at:end])
		if n <= 0 || x > uint64(end-at-n) {
			break
		}
		at += n
		return 0, span{at, at + int(x)}, at + int(x)
	case protowire.StartGroupType:
		body, n := protowire.ConsumeGroup(num, d.b[at:end])
		if n < 0 {
			break
		}
		return 0, span{at, at + len(body)}, at + n
	}
	d.fail(f.path, off, errShort)
	return 0, b, -1
}

var errShort = errors.New("the message ends in the middle of a value")

func (d *decoder) skip(path string, num protowire.Number, typ protowire.Type, off, at, end int) int {
	n := protowire.ConsumeFieldValue(num, typ, d.b[at:end])
	if n < 0 {
		d.fail(path, off, fmt.Errorf("field number %d: %w", num, protowire.ParseError(n)))
		return -1
	}
	return at + n
}

// uvarint reads a varint of at most ten bytes; n <= 0 says that there is none. One
// byte is the usual case.
func uvarint(b []byte) (x uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}
