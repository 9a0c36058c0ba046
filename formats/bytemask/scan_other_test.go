//go:build !amd64

package bytemask

// scans are the forms of scan, by name.
func scans() map[string]func(b *byte, n int, x, y byte, to *Word) {
	return map[string]func(b *byte, n int, x, y byte, to *Word){"plain": scan}
}
