package arena

import "unsafe"

// memory is one growing run of bytes without Go pointers. While it's small it lies
// on the heap and may move as it grows; then it becomes a reservation of address
// space that fills without moving. Views into where it was before stay readable
// until release.
type memory struct {
	buf    []byte // all of it is zero until written, or as free left it
	mapped []byte // what to unmap; nil: on the heap
	old    [][]byte
}

const (
	heapMax = 1 << 20 // bytes that may lie on the heap
	reserve = 64 << 30
)

// size makes room for n bytes.
func (m *memory) size(n int) {
	if n > len(m.buf) {
		m.grow(n)
	}
}

func (m *memory) grow(n int) {
	from, mapped := m.buf, m.mapped
	if n <= heapMax {
		m.buf = alloc(min(max(n, 2*len(from)), heapMax))
	} else if m.buf, m.mapped = mapMemory(n); m.buf == nil {
		m.buf, m.mapped = alloc(max(n, 2*len(from))), nil
	}
	copy(m.buf, from)
	if mapped != nil {
		m.old = append(m.old, mapped)
	}
}

// alloc is heap memory aligned to words, with a word behind it: the address of the
// end is still within.
func alloc(n int) []byte {
	w := make([]uint64, (n+7)/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), len(w)*8-8)
}

func (m *memory) base() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.buf)) }

// zero makes the first n bytes zero, and gives the memory back if give says so.
func (m *memory) zero(n int, give bool) {
	if !give || m.mapped == nil || !dropMemory(m.buf[:n]) {
		clear(m.buf[:n])
	}
}

// release unmaps what was outgrown.
func (m *memory) release() {
	for _, b := range m.old {
		unmapMemory(b)
	}
	m.old = nil
}

// free gives everything back.
func (m *memory) free() {
	m.release()
	if m.mapped != nil {
		unmapMemory(m.mapped)
	}
	m.buf, m.mapped = nil, nil
}
