package bytemask

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones = 0x0101010101010101
	low  = 0x7F * ones
	high = 0x80 * ones
	// gather brings the top bits of eight bytes, shifted down to their lowest, into
	// the top byte.
	gather = 0x0102040810204080
)

// plain is scan, eight bytes at a time. Each mask of a byte is exact, unlike that of
// the usual test for a zero byte, as all of them count.
func plain(b []byte, x, y byte, to []Word) {
	xs, ys := uint64(x)*ones, uint64(y)*ones
	for w := range to {
		var word Word
		var seen, beyond uint64
		for k := 0; k < 64; k += 8 {
			v := binary.LittleEndian.Uint64(b[w<<6+k:])
			beyond |= v & high
			second := zeros(v ^ ys)
			seen |= second
			hit := zeros(v^xs) | second
			word.Hit |= (hit >> 7 * gather >> 56) << k
		}
		word.High, word.Y = uint32(beyond|beyond>>32), uint32(seen|seen>>32)
		to[w] = word
	}
}

// zeros has the top bit of each byte of v set that is zero, and no other.
func zeros(v uint64) uint64 { return ^((v&low + low) | v | low) }

// plainPlaces writes the places of the words' hits to to, base being that of the first
// one's first byte, while to has room for another 64. It returns how many words it
// went through and how many places it wrote.
func plainPlaces(words []Word, base uint32, to []uint32) (n, found int) {
	for ; n < len(words) && found+64 <= len(to); n++ {
		for hit := words[n].Hit; hit != 0; hit &= hit - 1 {
			to[found] = base + uint32(bits.TrailingZeros64(hit))
			found++
		}
		base += 64
	}
	return n, found
}
