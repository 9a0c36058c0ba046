package arena

import (
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// layout is where a record's columns lie. A record begins with a word:
//
//	bits 0-19   column i isn't NULL, for the first 20 columns
//	bits 20-24  flags
//	bits 25-31  key group
//	bits 32-63  upper half of the hash
//
// then comes what the record's owner puts there (key, links, heads), then words of
// validity for the columns beyond 20, then 8 bytes per column, 16 for wide ones. A
// column of bytes holds a batch.View into the blob; nested values are encoded.
type layout struct {
	ts     []types.Type
	kind   []types.Layout
	at     []uintptr // of the column's cell
	vars   []int     // the columns of bytes and nested values
	extra  uintptr   // of the first further word of validity
	words  int       // how many
	stride uintptr
	blank  uint64 // validity of a new record, of the first word
}

const (
	inWord   = 20 // columns whose validity lies in the first word
	live     = 1 << 20
	dead     = 1 << 21 // deleted since Release
	grouped  = 1 << 22 // the values of all variable columns lie in one chunk, in order
	nullKey0 = 1 << 23
	nullKey1 = 1 << 24
	nullKeys = nullKey0 | nullKey1
	groupBit = 25
	flagBits = live | dead | grouped | nullKeys
)

// newLayout lays cols out behind owned bytes.
func newLayout(cols []state.Column, owned uintptr) layout {
	l := layout{blank: 1<<min(len(cols), inWord) - 1}
	l.extra = 8 + owned
	l.words = max(len(cols)-inWord+63, 0) / 64
	at := l.extra + uintptr(l.words)*8
	for i, c := range cols {
		k := c.Type.Layout()
		l.ts, l.kind, l.at = append(l.ts, c.Type), append(l.kind, k), append(l.at, at)
		at += 8
		switch k {
		case types.LayoutWide:
			at += 8
		case types.LayoutBytes, types.LayoutList, types.LayoutStruct:
			l.vars = append(l.vars, i)
		}
	}
	l.stride = at
	return l
}

// validAt is the offset and the mask of a column's validity bit.
func (l *layout) validAt(c int) (uintptr, uint64) {
	if c < inWord {
		return 0, 1 << c
	}
	c -= inWord
	return l.extra + uintptr(c/64)*8, 1 << (c % 64)
}

// isWord says that a column is one word.
func isWord(k types.Layout) bool { return k == types.LayoutI64 || k == types.LayoutF64 }
