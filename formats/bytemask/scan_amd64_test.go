package bytemask

import "golang.org/x/sys/cpu"

// scans are the forms of scan that this processor has, by name.
func scans() map[string]func(b *byte, n int, x, y byte, to *Word) {
	forms := map[string]func(b *byte, n int, x, y byte, to *Word){"sse2": sse2}
	if cpu.X86.HasAVX2 {
		forms["avx2"] = avx2
	}
	return forms
}
