package ipc

import (
	"encoding/binary"
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Bounds of a message. The library takes the lengths in a stream at their word and
// asks for that much memory.
const (
	maxHead = 64 << 20
	maxBody = 1 << 30
	maxDeep = 64 // of nested types
)

// guard passes a stream on message by message, the heads of which it has looked
// through: every vector in them lies within its head.
type guard struct {
	in   io.Reader
	head []byte // of the message being passed on, what is left
	body int64  // what is left behind it
}

func (g *guard) Read(p []byte) (int, error) {
	for len(g.head) == 0 {
		if g.body > 0 {
			n, err := g.in.Read(p[:min(int64(len(p)), g.body)])
			g.body -= int64(n)
			return n, err
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.head)
	g.head = g.head[n:]
	return n, nil
}

// next reads the head of a message: its length, behind a mark in newer streams, and a
// flatbuffer.
func (g *guard) next() error {
	b := make([]byte, 8)
	if n, err := io.ReadFull(g.in, b[:4]); err != nil {
		if n > 0 {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	size := binary.LittleEndian.Uint32(b)
	if b = b[:4]; size == 0xffffffff {
		b = b[:8]
		if _, err := io.ReadFull(g.in, b[4:]); err != nil {
			return io.ErrUnexpectedEOF
		}
		size = binary.LittleEndian.Uint32(b[4:])
	}
	if size > maxHead {
		return fmt.Errorf("damaged: a message's head of %d bytes", size)
	}
	for left := int(size); left > 0; { // in steps: what the length says need not come
		from := len(b)
		b = append(b, make([]byte, min(left, 1<<20))...)
		if _, err := io.ReadFull(g.in, b[from:]); err != nil {
			return io.ErrUnexpectedEOF
		}
		left -= len(b) - from
	}
	if g.head = b; size == 0 { // the end
		return nil
	}
	flat := b[len(b)-int(size):]
	m := &flatbuffers.Table{Bytes: flat, Pos: flatbuffers.GetUOffsetT(flat)}
	message(m)
	if at := m.Offset(10); at > 0 {
		g.body = m.GetInt64(m.Pos + flatbuffers.UOffsetT(at))
	}
	if g.body < 0 || g.body > maxBody {
		return fmt.Errorf("damaged, or too large: a message's body of %d bytes", g.body)
	}
	return nil
}

// What follows goes through a message by the slots of the format's schema files
// (Message.fbs, Schema.fbs of Apache Arrow) and panics where it's damaged, as the
// library does: Next makes an error of it.

// vector is where a vector's elements of some bytes each lie, and how many there are.
func vector(t *flatbuffers.Table, slot flatbuffers.VOffsetT, width int) (first flatbuffers.UOffsetT, n int) {
	at := flatbuffers.UOffsetT(t.Offset(slot))
	if at == 0 {
		return 0, 0
	}
	first, n = t.Vector(at), t.VectorLen(at)
	if n > (len(t.Bytes)-int(first))/width {
		panic("a length in it is beyond its message")
	}
	return first, n
}

// kid is the table that a slot holds; nil: it holds none.
func kid(t *flatbuffers.Table, slot flatbuffers.VOffsetT) *flatbuffers.Table {
	at := flatbuffers.UOffsetT(t.Offset(slot))
	if at == 0 {
		return nil
	}
	return &flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + at)}
}

func message(m *flatbuffers.Table) {
	vector(m, 12, 4)
	h := kid(m, 8)
	if h == nil {
		return // the library refuses it
	}
	switch m.GetByteSlot(6, 0) {
	case 1: // Schema
		vector(h, 8, 4)
		left := len(h.Bytes) // each column takes more than a byte, unless several share one
		fields(h, 6, 0, &left)
	case 2: // DictionaryBatch
		if h = kid(h, 6); h != nil {
			rows(h)
		}
	case 3: // RecordBatch
		rows(h)
	}
}

// fields goes through the columns in a vector, and what they hold.
func fields(t *flatbuffers.Table, slot flatbuffers.VOffsetT, deep int, left *int) {
	first, n := vector(t, slot, 4)
	if *left -= n; deep > maxDeep || *left < 0 {
		panic("types are nested too deep")
	}
	for i := range n {
		f := &flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(first + flatbuffers.UOffsetT(4*i))}
		fields(f, 14, deep+1, left)
		vector(f, 16, 4)
		if u := kid(f, 10); u != nil && f.GetByteSlot(8, 0) == 14 { // a union has a vector of ids
			vector(u, 6, 4)
		}
	}
}

// rows goes through a RecordBatch: its nodes, buffers and counts.
func rows(t *flatbuffers.Table) {
	vector(t, 6, 16)
	vector(t, 8, 16)
	vector(t, 12, 8)
}
