package spill

import "math/bits"

// filter is a blocked Bloom filter: all bits of a hash lie in one line of the cache.
// At 10 bits a row it takes one in 80 hashes for there that isn't.
type filter struct {
	words []uint64 // lines of 8
	lines uint64
}

const (
	bitsPerRow = 10
	probes     = 6
)

func newFilter(rows int) filter {
	lines := max((rows*bitsPerRow+511)/512, 1)
	return filter{words: mapWords(lines * 8), lines: uint64(lines)}
}

// spread mixes key group and upper half of a hash, all that is kept of one.
func spread(group int, upper uint32) uint64 {
	x := uint64(upper)<<7 | uint64(group)
	hi, lo := bits.Mul64(x*0x9e3779b97f4a7c15+0x632be59bd9b4e019, 0xd6e8feb86659fd93)
	return hi ^ lo
}

func (f *filter) add(h uint64) {
	line := f.line(h)
	for i := 0; i < probes; i++ {
		line[h>>6&7] |= 1 << (h & 63)
		h >>= 9
	}
}

func (f *filter) has(h uint64) bool {
	line := f.line(h)
	for i := 0; i < probes; i++ {
		if line[h>>6&7]>>(h&63)&1 == 0 {
			return false
		}
		h >>= 9
	}
	return true
}

// line is chosen by other bits than those within it, as good as.
func (f *filter) line(h uint64) *[8]uint64 {
	at, _ := bits.Mul64(h*0xff51afd7ed558ccd, f.lines)
	return (*[8]uint64)(f.words[at*8:])
}

func (f *filter) free() {
	unmapWords(f.words)
	f.words = nil
}
