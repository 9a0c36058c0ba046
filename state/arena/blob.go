package arena

import (
	"math/bits"

	"github.com/millrace/millrace/batch"
)

// blob holds values of variable length: chunks in size classes with free lists. A
// value never changes in place; what replaces it goes elsewhere, and the old bytes
// are free after Release. Values are named by batch.View: that of no bytes is 0.
type blob struct {
	memory
	used int
	free [classes][]uint32 // offsets in steps of 16 bytes
	gone []batch.View      // dropped since Release
	live int64             // bytes of chunks in use
}

const classes = 32 + 4*22

// class is the size class of n bytes, n > 0: steps of 16 up to 512, then four to
// each doubling.
func class(n int) int {
	if n <= 512 {
		return (n - 1) >> 4
	}
	top := bits.Len(uint(n-1)) - 1 // 9 or more
	return 32 + (top-9)*4 + (n-1)>>(top-2)&3
}

// classSize is the bytes of a chunk of the class.
func classSize(c int) int {
	if c < 32 {
		return (c + 1) << 4
	}
	top := (c-32)>>2 + 9
	return (4 + (c-32)&3 + 1) << (top - 2)
}

// alloc finds a chunk of n bytes and returns its offset.
func (b *blob) alloc(n int) int {
	if n == 0 {
		return 0
	}
	c := class(n)
	size := classSize(c)
	b.live += int64(size)
	if f := b.free[c]; len(f) > 0 {
		b.free[c] = f[:len(f)-1]
		return int(f[len(f)-1]) << 4
	}
	off := max(b.used, 16)
	b.used = off + size
	b.size(b.used)
	return off
}

// put stores a value.
func (b *blob) put(v []byte) batch.View {
	off := b.alloc(len(v))
	copy(b.buf[off:], v)
	return batch.NewView(off, len(v))
}

func (b *blob) get(v batch.View) []byte {
	off := v.Off()
	return b.buf[off : off+v.Len() : off+v.Len()]
}

// drop frees a chunk after Release.
func (b *blob) drop(v batch.View) {
	if v.Len() > 0 {
		b.gone = append(b.gone, v)
	}
}

// freeNow frees a chunk that nobody can have a view of.
func (b *blob) freeNow(v batch.View) {
	if v.Len() == 0 {
		return
	}
	c := class(v.Len())
	b.live -= int64(classSize(c))
	b.free[c] = append(b.free[c], uint32(v.Off()>>4))
}

func (b *blob) release() {
	for _, v := range b.gone {
		b.freeNow(v)
	}
	b.gone = b.gone[:0]
}

// reset forgets all values.
func (b *blob) reset(give bool) {
	if give {
		b.memory.zero(b.used, true)
	}
	b.used, b.live, b.gone = 0, 0, b.gone[:0]
	for c := range b.free {
		b.free[c] = nil
	}
}
