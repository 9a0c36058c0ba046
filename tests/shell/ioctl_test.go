package shell

import (
	"syscall"
	"unsafe"
)

func ioctl(fd uintptr, request uintptr, n *uint32) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(n))); e != 0 {
		return e
	}
	return nil
}
