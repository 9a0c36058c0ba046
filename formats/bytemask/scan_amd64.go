package bytemask

// scan makes the words of n times 64 bytes at b.
//
//go:noescape
func scan(b *byte, n int, x, y byte, to *Word)
