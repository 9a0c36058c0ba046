//go:build unix

package optest

import "syscall"

// cpuNs is the CPU time of the process so far.
func cpuNs() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
