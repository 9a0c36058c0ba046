package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of a message. The library takes the lengths in a stream at their word and
// asks for that much memory.
const (
	maxHead = 64 << 20
	maxBody = 1 << 30
	maxDeep = 64 // of nested types
)

var errDamaged = errors.New("damaged: a length in it is beyond its message")

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
	if len(flat) < 4 {
		return errDamaged
	}
	m, ok := open(flat, int(binary.LittleEndian.Uint32(flat)))
	if !ok || !m.message() {
		return errDamaged
	}
	if at := m.field(10); at > 0 {
		if at+8 > len(flat) {
			return errDamaged
		}
		g.body = int64(binary.LittleEndian.Uint64(flat[at:]))
	}
	if g.body < 0 || g.body > maxBody {
		return fmt.Errorf("damaged, or too large: a message's body of %d bytes", g.body)
	}
	return nil
}

// table is a flatbuffer's: at is its place, and its fields are found by the slots of
// the format's schema files (Message.fbs, Schema.fbs of Apache Arrow).
type table struct {
	b      []byte
	at     int
	slots  int // where they begin
	length int // of the slots' bytes
}

func open(b []byte, at int) (t table, ok bool) {
	if at < 0 || at+4 > len(b) {
		return t, false
	}
	t = table{b: b, at: at, slots: at - int(int32(binary.LittleEndian.Uint32(b[at:])))}
	if t.slots < 0 || t.slots+4 > len(b) {
		return t, false
	}
	t.length = int(binary.LittleEndian.Uint16(b[t.slots:]))
	return t, t.slots+t.length <= len(b)
}

// field is where a field's value lies, 0 for one that isn't there.
func (t table) field(slot int) int {
	if slot+2 > t.length {
		return 0
	}
	off := int(binary.LittleEndian.Uint16(t.b[t.slots+slot:]))
	if off == 0 {
		return 0
	}
	return t.at + off
}

func (t table) byte(slot int) byte {
	if at := t.field(slot); at > 0 && at < len(t.b) {
		return t.b[at]
	}
	return 0
}

// follow is what the offset at a place points to.
func (t table) follow(at int) (int, bool) {
	if at+4 > len(t.b) {
		return 0, false
	}
	to := at + int(binary.LittleEndian.Uint32(t.b[at:]))
	return to, to+4 <= len(t.b)
}

// vector is where a vector's elements of some bytes each lie, and how many there are.
func (t table) vector(slot, width int) (first, n int, ok bool) {
	at := t.field(slot)
	if at == 0 {
		return 0, 0, true
	}
	at, ok = t.follow(at)
	if !ok {
		return 0, 0, false
	}
	n = int(binary.LittleEndian.Uint32(t.b[at:]))
	return at + 4, n, n <= (len(t.b)-at-4)/width
}

// kid is the table that a field points to.
func (t table) kid(slot int) (table, bool) {
	at := t.field(slot)
	if at == 0 {
		return table{}, false
	}
	at, ok := t.follow(at)
	if !ok {
		return table{}, false
	}
	return open(t.b, at)
}

func (t table) message() bool {
	if _, _, ok := t.vector(12, 4); !ok {
		return false
	}
	h, ok := t.kid(8)
	if !ok {
		return false
	}
	switch t.byte(6) {
	case 1: // Schema
		_, _, ok := h.vector(8, 4)
		return ok && h.fields(6, 0)
	case 2: // DictionaryBatch
		h, ok = h.kid(6)
		return ok && h.rows()
	case 3: // RecordBatch
		return h.rows()
	}
	return true // the library refuses it
}

// fields looks through the columns in a vector, and through what they hold.
func (t table) fields(slot, deep int) bool {
	first, n, ok := t.vector(slot, 4)
	if !ok || deep > maxDeep {
		return false
	}
	for i := range n {
		at, ok := t.follow(first + 4*i)
		if !ok {
			return false
		}
		f, ok := open(t.b, at)
		if !ok || !f.fields(14, deep+1) {
			return false
		}
		if _, _, ok := f.vector(16, 4); !ok {
			return false
		}
		if f.byte(8) == 14 { // a union has a vector of ids
			u, ok := f.kid(10)
			if !ok {
				return false
			}
			if _, _, ok := u.vector(6, 4); !ok {
				return false
			}
		}
	}
	return true
}

// rows looks through a RecordBatch: its nodes, buffers and counts.
func (t table) rows() bool {
	for slot, width := range map[int]int{6: 16, 8: 16, 12: 8} {
		if _, _, ok := t.vector(slot, width); !ok {
			return false
		}
	}
	return true
}
