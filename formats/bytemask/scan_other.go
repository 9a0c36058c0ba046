//go:build !amd64

package bytemask

import "unsafe"

// scan makes the words of n times 64 bytes at b.
func scan(b *byte, n int, x, y byte, to *Word) {
	plain(unsafe.Slice(b, 64*n), x, y, unsafe.Slice(to, n))
}

func places(words []Word, base uint32, to []uint32) (n, found int) {
	return plainPlaces(words, base, to)
}
