package batch

import "unsafe"

// Pointer is the address of pointer-free memory that doesn't move.
type Pointer = unsafe.Pointer

// At is the cell of row id, for reading and writing.
func (c Col[T]) At(id uint32) *T {
	return (*T)(unsafe.Add(c.Base, uintptr(id)*c.Stride))
}

// BitCol is a bit of every row of a table in state: Mask in the 64-bit word at
// Base + id*Stride.
type BitCol struct {
	Base   Pointer
	Stride uintptr
	Mask   uint64
}

// Get says whether the bit of row id is set.
func (c BitCol) Get(id uint32) bool {
	return *(*uint64)(unsafe.Add(c.Base, uintptr(id)*c.Stride))&c.Mask != 0
}

// Set sets or clears the bit of row id.
func (c BitCol) Set(id uint32, on bool) {
	w := (*uint64)(unsafe.Add(c.Base, uintptr(id)*c.Stride))
	if on {
		*w |= c.Mask
	} else {
		*w &^= c.Mask
	}
}
