//go:build !unix

package spill

func mapWords(n int) []uint64 { return make([]uint64, n) }

func unmapWords([]uint64) {}
