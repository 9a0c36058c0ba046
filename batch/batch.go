// Package batch is what flows between operators: a Batch of up to a thousand
// rows in typed columns, with one row-kind column beside them.
//
// A Vector is a column: plain slices, no interface per value and no pointer per
// row; types.Type.Layout says which slices a SQL type uses. Producers call
// Prepare, fill rows 0..n-1 and emit; a batch is read-only and borrowed from
// then on: it is valid until the consumer's Process returns, and the producer
// reuses its buffers afterwards. Who keeps rows copies them (Append).
//
// Start with Batch and Vector. take.go gathers and copies rows, key.go gives the
// canonical bytes that hashing, equality and state use, order.go compares.
package batch

import "strings"

// MaxRows is the most rows a batch should carry (millrace.batch-rows can only
// lower it).
const MaxRows = 1024

// Kind is the row kind of a change: what it does to the table it is a change of.
type Kind int8

// The kinds, with Flink's byte values.
const (
	Insert       Kind = iota // +I
	UpdateBefore             // -U
	UpdateAfter              // +U
	Delete                   // -D
)

func (k Kind) String() string { return [...]string{"+I", "-U", "+U", "-D"}[k&3] }

// Sign is +1 for kinds that add a row, -1 for kinds that take one away.
func (k Kind) Sign() int8 {
	if k == Insert || k == UpdateAfter {
		return 1
	}
	return -1
}

// Set is the set holding only k.
func (k Kind) Set() KindSet { return 1 << uint(k) }

// ParseKind reads "+I", "-U", "+U" or "-D".
func ParseKind(s string) (Kind, bool) {
	switch s {
	case "+I":
		return Insert, true
	case "-U":
		return UpdateBefore, true
	case "+U":
		return UpdateAfter, true
	case "-D":
		return Delete, true
	}
	return 0, false
}

// KindSet is a set of kinds.
type KindSet uint8

// The sets that occur as changelog modes.
const (
	InsertOnly KindSet = 1 << Insert
	Upsert     KindSet = 1<<Insert | 1<<UpdateAfter | 1<<Delete
	All        KindSet = 1<<Insert | 1<<UpdateBefore | 1<<UpdateAfter | 1<<Delete
)

// Has says whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s&k.Set() != 0 }

// String is Flink's form: "[I,UB,UA,D]".
func (s KindSet) String() string {
	var p []string
	for k, name := range [...]string{"I", "UB", "UA", "D"} {
		if s.Has(Kind(k)) {
			p = append(p, name)
		}
	}
	return "[" + strings.Join(p, ",") + "]"
}

// Changes is what an edge may carry: its changelog mode.
type Changes struct {
	Kinds        KindSet
	DeletesByKey bool // a -D holds only the key columns; the others are NULL
}

// InsertOnly says that only +I can occur.
func (c Changes) InsertOnly() bool { return c.Kinds&^InsertOnly == 0 }

// Batch is rows in columns.
type Batch struct {
	Len  int      // physical rows in the columns
	Cols []Vector // only the columns the plan needs
	// Sel lists the live rows, ascending; nil means all. It occurs only between
	// scan, calc and sink: every other operator sees dense batches.
	Sel []int32
	// Kinds has Len entries; nil means every row is an Insert.
	Kinds []Kind
}

// Rows is the number of live rows.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Len
}

// Kind is the kind of physical row i.
func (b *Batch) Kind(i int) Kind {
	if b.Kinds == nil {
		return Insert
	}
	return b.Kinds[i]
}

// View locates bytes in a Vector's Buf, or elements in its Kids: 36 bits of
// offset (64 GB) above 28 bits of length (256 MB).
type View uint64

// MaxViewLen is the longest value a View can describe, in bytes or elements.
const MaxViewLen = 1<<28 - 1

// NewView makes a View of n bytes at off.
func NewView(off, n int) View { return View(uint64(off)<<28 | uint64(n)) }

// Off is the offset of the first byte or element.
func (v View) Off() int { return int(v >> 28) }

// Len is the number of bytes or elements.
func (v View) Len() int { return int(v & MaxViewLen) }
