package batch

import (
	"github.com/millrace/millrace/types"
)

// Vector is one column. Which slices are in use follows from its type's
// types.Layout. A vector doesn't know its length: the batch does.
type Vector struct {
	// Valid has bit i&63 of word i>>6 set when row i isn't NULL. Words beyond its
	// end count as all ones; empty means no NULLs. The value slices hold
	// something harmless at a NULL row.
	Valid []uint64
	I64   []int64
	F64   []float64
	Hi    []int64
	Str   []View // into Buf, or into Kids for lists
	Buf   []byte
	Kids  []Vector

	own    []byte // the buffer that is ours when Buf views another's
	shared bool   // Buf belongs to another vector or to state
}

// Prepare makes v ready for n rows of type t to be written at 0..n-1: value
// slices have length n with undefined contents, Buf is empty and v's own, no row
// is NULL. Kids of a struct are prepared too; Kids of a list are empty and grow
// by Append. Buffers are reused.
func (v *Vector) Prepare(t types.Type, n int) {
	v.Valid = v.Valid[:0]
	v.disown()
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = grow(v.I64, n)
	case types.LayoutF64:
		v.F64 = grow(v.F64, n)
	case types.LayoutWide:
		v.I64, v.Hi = grow(v.I64, n), grow(v.Hi, n)
	case types.LayoutBytes:
		v.Str = grow(v.Str, n)
	case types.LayoutList:
		v.Str = grow(v.Str, n)
		v.kids(t, 0)
	case types.LayoutStruct:
		v.kids(t, n)
	}
}

func (v *Vector) kids(t types.Type, n int) {
	kt := t.KidTypes()
	if v.shared || cap(v.Kids) < len(kt) {
		v.Kids = make([]Vector, len(kt))
	}
	v.Kids = v.Kids[:len(kt)]
	for i := range kt {
		v.Kids[i].Prepare(kt[i], n)
	}
}

// disown gives v a buffer of its own again, empty.
func (v *Vector) disown() {
	if v.shared {
		v.Buf, v.Kids, v.shared = v.own, nil, false
	}
	v.Buf = v.Buf[:0]
}

// Share makes v's views point into from's Buf and Kids without copying: for
// results that are parts of the input. v must not be appended to afterwards,
// until the next Prepare.
func (v *Vector) Share(from *Vector) { v.ShareBuf(from.Buf, from.Kids) }

// ShareBuf is Share for bytes that lie elsewhere (a state arena, a file's block).
func (v *Vector) ShareBuf(buf []byte, kids []Vector) {
	if !v.shared {
		v.own = v.Buf
	}
	v.Buf, v.Kids, v.shared = buf[:len(buf):len(buf)], kids, true
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}

// Null says whether row i is NULL.
func (v *Vector) Null(i int) bool {
	w := i >> 6
	return w < len(v.Valid) && v.Valid[w]>>(uint(i)&63)&1 == 0
}

// HasNulls says whether any of the first n rows is NULL.
func (v *Vector) HasNulls(n int) bool {
	for w, x := range v.Valid {
		if w<<6 >= n {
			return false
		}
		if rest := n - w<<6; rest < 64 {
			x |= ^uint64(0) << uint(rest)
		}
		if x != ^uint64(0) {
			return true
		}
	}
	return false
}

// SetNull makes row i NULL and its value harmless (zero, empty).
func (v *Vector) SetNull(i int) {
	for len(v.Valid) <= i>>6 {
		v.Valid = append(v.Valid, ^uint64(0))
	}
	v.Valid[i>>6] &^= 1 << (uint(i) & 63)
	if i < len(v.I64) {
		v.I64[i] = 0
	}
	if i < len(v.Hi) {
		v.Hi[i] = 0
	}
	if i < len(v.F64) {
		v.F64[i] = 0
	}
	if i < len(v.Str) {
		v.Str[i] = 0
	} else if v.Str == nil {
		for k := range v.Kids { // a struct: its fields are NULL as well
			v.Kids[k].SetNull(i)
		}
	}
}

// SetValid makes row i not NULL.
func (v *Vector) SetValid(i int) {
	if i>>6 < len(v.Valid) {
		v.Valid[i>>6] |= 1 << (uint(i) & 63)
	}
}

// SetAllValid makes rows i to end-1 valid.
func (v *Vector) SetAllValid(i, end int) {
	for end = min(end, len(v.Valid)<<6); i < end; i++ {
		v.SetValid(i)
	}
}

// AndValid makes v's row i NULL wherever u's is, for the first n rows: the
// NULL rule of strict functions, a word at a time.
func (v *Vector) AndValid(u *Vector, n int) {
	words := min(len(u.Valid), (n+63)>>6)
	for len(v.Valid) < words {
		v.Valid = append(v.Valid, ^uint64(0))
	}
	for w := 0; w < words; w++ {
		v.Valid[w] &= u.Valid[w]
	}
}

// Bytes are the bytes of row i: of a string, binary or variant column. They are
// borrowed like the batch.
func (v *Vector) Bytes(i int) []byte {
	s := v.Str[i]
	off := s.Off()
	return v.Buf[off : off+s.Len() : off+s.Len()]
}

// SetBytes copies b into v's Buf as the value of row i.
func (v *Vector) SetBytes(i int, b []byte) {
	off := len(v.Buf)
	v.Buf = append(v.Buf, b...)
	v.Str[i] = NewView(off, len(b))
}

// SetString is SetBytes for a string.
func (v *Vector) SetString(i int, s string) {
	off := len(v.Buf)
	v.Buf = append(v.Buf, s...)
	v.Str[i] = NewView(off, len(s))
}

// EndBytes makes row i the bytes of Buf from off to its end: for kernels that
// append to v.Buf themselves.
func (v *Vector) EndBytes(i, off int) { v.Str[i] = NewView(off, len(v.Buf)-off) }

// Wide is the 128-bit value of row i of a DECIMAL(p > 18) column.
func (v *Vector) Wide(i int) types.Int128 { return types.Int128{Hi: v.Hi[i], Lo: uint64(v.I64[i])} }

// SetWide sets it.
func (v *Vector) SetWide(i int, x types.Int128) { v.Hi[i], v.I64[i] = x.Hi, int64(x.Lo) }

// Decimal is the unscaled value of row i of any DECIMAL column.
func (v *Vector) Decimal(t types.Type, i int) types.Int128 {
	if t.Length > 18 {
		return v.Wide(i)
	}
	return types.Int128Of(v.I64[i])
}

// Col is a fixed-width cell of every row of a table in state: the cell of row id
// lies at Base + id*Stride. It is valid until the table's next Upsert.
type Col[T int64 | float64 | uint64] struct {
	Base   Pointer
	Stride uintptr
}
