package spill

import (
	"os"
	"syscall"
)

const fadvWillNeed = 3

// willNeed has the system begin to read a piece of a file.
func willNeed(f *os.File, at, n int64) {
	_, _, _ = syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), uintptr(at), uintptr(n), fadvWillNeed, 0, 0) // advice: it works without
}
