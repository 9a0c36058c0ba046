// Package bytemask looks at a block of text once and notes, 64 bytes to a word,
// where its delimiters are. Decoders then go from delimiter to delimiter by the bits
// of the words instead of looking at bytes.
//
// Start with Masks: Fill it for a block, then ask Next, or for all Places at once.
package bytemask

import (
	"math/bits"
	"slices"
)

// Word is what is known of 64 bytes.
type Word struct {
	Hit  uint64 // bit i: byte i is one of those looked for
	High uint32 // not 0: a byte is beyond ASCII
	Y    uint32 // not 0: a byte is the second one of those looked for
}

// Masks are the words of a block.
type Masks struct {
	words []Word
	from  int // place of the first word's first byte
	end   int // place behind the last byte looked at
}

// Fill looks for x and y in b[from:to]. They may be the same.
func (m *Masks) Fill(b []byte, from, to int, x, y byte) {
	n := (to - from + 63) >> 6
	if cap(m.words) <= n {
		m.words = make([]Word, n+1, n+n/4+16)
	}
	m.words = m.words[:n+1]
	m.from, m.end = from, to
	whole := (to - from) >> 6
	if whole > 0 {
		scan(&b[from], whole, x, y, &m.words[0])
	}
	if whole < n {
		var rest [64]byte
		k := copy(rest[:], b[from+whole<<6:to])
		scan(&rest[0], 1, x, y, &m.words[whole])
		m.words[whole].Hit &= 1<<k - 1
	}
	m.words[n] = Word{Hit: ^uint64(0)} // ends every search
}

// Next is the place of the first byte looked for at or behind i, or a place at or
// behind the end of what Fill looked at. wide says that there may be bytes beyond
// ASCII before it; when it is false there are none. i must lie in the block or at its
// end.
func (m *Masks) Next(i int) (at int, wide bool) {
	k := i - m.from
	w := k >> 6
	x := &m.words[w]
	high := x.High
	if hit := x.Hit >> (k & 63); hit != 0 {
		return i + bits.TrailingZeros64(hit), high != 0
	}
	for {
		w++
		x = &m.words[w]
		high |= x.High
		if x.Hit != 0 {
			return m.from + w<<6 + bits.TrailingZeros64(x.Hit), high != 0
		}
	}
}

// Places appends the places of all bytes looked for, in order, to to. The block must
// end below 4 GB.
func (m *Masks) Places(to []uint32) []uint32 {
	words := m.words[:len(m.words)-1]
	for base := uint32(m.from); len(words) > 0; {
		to = slices.Grow(to, 64+2*len(words))
		n, found := places(words, base, to[len(to):cap(to)])
		to = to[:len(to)+found]
		words, base = words[n:], base+64*uint32(n)
	}
	return to
}

// Seen says that a byte of the block may be beyond ASCII (wide), and that one may be
// the second of the bytes looked for; where it says no there is none.
func (m *Masks) Seen() (wide, second bool) {
	var all Word
	for i := range m.words {
		all.High |= m.words[i].High
		all.Y |= m.words[i].Y
	}
	return all.High != 0, all.Y != 0
}

// Within says that i is a place Next may be asked for.
func (m *Masks) Within(i int) bool { return i >= m.from && i <= m.end }
