package arena

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	madvHugePage = 14
)

// mapMemory reserves address space for at least n bytes, more if the system lets
// us, and asks for huge pages. Memory is used as it's touched. nil: the system
// refused.
func mapMemory(n int) (buf, mapped []byte) {
	for _, size := range []int{max(reserve, 2*n), 4 * n, n} {
		b, err := syscall.Mmap(-1, 0, size+hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
		if err != nil {
			continue
		}
		skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
		_ = syscall.Madvise(b, madvHugePage) // advice: it works without
		return b[skip : skip+size : skip+size], b
	}
	return nil, nil
}

// dropMemory gives the pages of mapped memory back: they read as zero. false: they
// are as they were.
func dropMemory(b []byte) bool {
	const madvDontNeed = 4
	n := (len(b) + hugePage - 1) &^ (hugePage - 1)
	return n <= cap(b) && syscall.Madvise(b[:n], madvDontNeed) == nil
}

func unmapMemory(b []byte) { _ = syscall.Munmap(b) }
