//go:build !unix

package optest

func cpuNs() int64 { return 0 }
