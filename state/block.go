package state

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// The bytes of a Block, the same from every implementation:
//
//	block   = version (1 byte, 2), signature of the Spec (8), new rows (4), section...
//	section = kind (1), namespace (8), length of rows (8), row...
//	row     = 1 or 2, hash (8), key, order, [time], cells, lists, multisets, sorted
//	        | 0, hash (8), key                          a row that is gone
//
// A row of a delta that begins with 2 is new: no block before has one of its key, but
// as gone. New rows are how many of those there are, or rows of a base; 0 when nobody
// counted: room is made for them. Version 1 has no such number.
//
// Integers are little-endian. hash is the one Upsert was given; key is the key
// columns by batch.AppendKey; order is an uvarint that sorts rows by arrival
// within the task that wrote them; time (8, only with a TTL) is when the row was
// last written, in ms. A cell is batch.AppendValue of its column. A list is an
// uvarint count, then per entry its mutable cells (8 each) and batch.AppendRow. A
// multiset is an uvarint count, then per value its columns by AppendKey and a
// varint count. Sorted is an uvarint count, then rows by AppendRow in order.
//
// Timers are a table whose key is their key, ns and ms (BIGINT), with no cells; order
// is that of arrival. Of their hash the key group alone, which is the key's, counts.
//
// Rows are named by their key, not their id: a delta may be laid over a base that
// another task wrote.
const blockVersion = 2

// Section says what a section of a block holds.
type Section byte

const (
	TableRows    Section = iota // rows of the table itself
	SliceRows                   // rows of the slice of the namespace
	SliceDropped                // the slice is gone; comes before rows of a new slice of that name
)

const (
	// BlockHeader is how many bytes come before a block's sections.
	BlockHeader   = 13
	sectionHeader = 17
)

// Signature tells specs apart whose rows are encoded differently.
func (s Spec) Signature() uint64 {
	b := []byte{}
	add := func(mark byte, cols []Column, n int) {
		b = append(b, mark, byte(n))
		for _, c := range cols {
			b = append(append(b, c.Type.String()...), 0)
		}
	}
	add('k', s.Key, 0)
	add('r', s.Row, 0)
	for _, l := range s.Lists {
		add('l', l.Row, l.Cells)
	}
	for _, m := range s.Multisets {
		add('m', m, 0)
	}
	for _, o := range s.Sorted {
		add('o', o.Row, len(o.By))
	}
	if s.TTL > 0 {
		b = append(b, 't')
	}
	return batch.HashBytes(0, b)
}

// The marks that rows begin with.
const (
	RowGone byte = iota
	RowThere
	RowNew
)

// AppendBlock begins a block.
func AppendBlock(b []byte, signature uint64) []byte {
	b = binary.LittleEndian.AppendUint64(append(b, blockVersion), signature)
	return binary.LittleEndian.AppendUint32(b, 0)
}

// SetNew notes in a block how many of its rows are new.
func SetNew(b []byte, n int) { binary.LittleEndian.PutUint32(b[9:], uint32(n)) }

// New is how many of its rows are new, 0 if nobody counted.
func (b Block) New() int {
	if len(b.Data) < BlockHeader || b.Data[0] < 2 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(b.Data[9:]))
}

// BeginSection begins a section and returns where it begins, for EndSection.
func BeginSection(b []byte, kind Section, ns int64) ([]byte, int) {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(append(b, byte(kind)), uint64(ns))
	return binary.LittleEndian.AppendUint64(b, 0), at
}

// EndSection ends the section that begins at at; one without rows is taken back,
// unless it says that a slice was dropped.
func EndSection(b []byte, at int) []byte {
	n := len(b) - at - sectionHeader
	if n == 0 && Section(b[at]) != SliceDropped {
		return b[:at]
	}
	binary.LittleEndian.PutUint64(b[at+9:], uint64(n))
	return b
}

// Empty says that a block has no sections.
func (b Block) Empty() bool { return len(b.Data) <= BlockHeader }

// Sections calls f for each section of a block, in order. A block that was
// written for another Spec, or cut short, is an error. A panic of f, which reads
// rows, is one too.
func (b Block) Sections(signature uint64, f func(kind Section, ns int64, rows []byte) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("state %q, key group %d: the block is damaged: %v", b.Name, b.Group, r)
		}
	}()
	header := BlockHeader
	if len(b.Data) > 0 && b.Data[0] == 1 {
		header -= 4
	}
	if len(b.Data) < header || b.Data[0] == 0 || b.Data[0] > blockVersion {
		return fmt.Errorf("state %q, key group %d: the block has a format that this version can't read", b.Name, b.Group)
	}
	if binary.LittleEndian.Uint64(b.Data[1:]) != signature {
		return fmt.Errorf("state %q was written with other columns; it can't be restored into this query", b.Name)
	}
	for d := b.Data[header:]; len(d) > 0; {
		n := binary.LittleEndian.Uint64(d[9:])
		rows := d[sectionHeader : sectionHeader+n]
		if err := f(Section(d[0]), int64(binary.LittleEndian.Uint64(d[1:])), rows); err != nil {
			return fmt.Errorf("state %q, key group %d: %w", b.Name, b.Group, err)
		}
		d = d[sectionHeader+n:]
	}
	return nil
}

// TimerSpec is the table that a set of timers is kept as.
func TimerSpec(name string, key []types.Type) Spec {
	s := Spec{Name: name}
	for _, t := range append(append([]types.Type(nil), key...), types.BigIntType, types.BigIntType) {
		s.Key = append(s.Key, Column{Type: t})
	}
	return s
}
