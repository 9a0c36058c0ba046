package bytemask

import "golang.org/x/sys/cpu"

// scan makes the words of n times 64 bytes at b.
func scan(b *byte, n int, x, y byte, to *Word) {
	if cpu.X86.HasAVX2 {
		avx2(b, n, x, y, to)
	} else {
		sse2(b, n, x, y, to)
	}
}

// sse2 is scan with instructions that every amd64 has.
//
//go:noescape
func sse2(b *byte, n int, x, y byte, to *Word)

// avx2 is scan with 32 bytes at a time.
//
//go:noescape
func avx2(b *byte, n int, x, y byte, to *Word)

// places is plainPlaces.
func places(words []Word, base uint32, to []uint32) (n, found int) {
	if cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT {
		return bmiPlaces(words, base, to)
	}
	return plainPlaces(words, base, to)
}

// bmiPlaces writes four places of each word whether they are there or not: how many
// there are varies from word to word, and a branch on that is guessed wrongly.
//
//go:noescape
func bmiPlaces(words []Word, base uint32, to []uint32) (n, found int)
