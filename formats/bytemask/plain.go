package bytemask

import "encoding/binary"

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
		for k := 0; k < 64; k += 8 {
			v := binary.LittleEndian.Uint64(b[w<<6+k:])
			word.High |= v & high
			hit := zeros(v^xs) | zeros(v^ys)
			word.Hit |= (hit >> 7 * gather >> 56) << k
		}
		to[w] = word
	}
}

// zeros has the top bit of each byte of v set that is zero, and no other.
func zeros(v uint64) uint64 { return ^((v&low + low) | v | low) }
