package arena

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// records are rows of one layout, by id: a table's rows, the entries of a list, of
// sorted rows, of a multiset. Record 0 is all zero: it reads as NULL.
type records struct {
	layout
	mem  *memory
	off  uintptr // where the first lies in mem: those of inline lists lie within other records
	blob *blob
	next uint32       // the next id never used
	free []uint32     // ids to use again
	gone []uint32     // dropped since Release
	buf  []byte       // scratch: an encoded value
	nth  []int32      // scratch: 0, 1, ...
	vec  batch.Vector // scratch: a decoded value
}

func newRecords(l layout, b *blob) records {
	r := records{layout: l, mem: &memory{}, blob: b, next: 1}
	r.mem.size(int(l.stride)) // record 0
	return r
}

func (r *records) ptr(id uint32) unsafe.Pointer {
	return unsafe.Add(r.base(), uintptr(id)*r.stride)
}

func (r *records) base() unsafe.Pointer { return unsafe.Add(r.mem.base(), r.off) }

func word(p unsafe.Pointer, at uintptr) *uint64 { return (*uint64)(unsafe.Add(p, at)) }
func half(p unsafe.Pointer, at uintptr) *uint32 { return (*uint32)(unsafe.Add(p, at)) }

// add makes a record, all cells zero and valid. head goes into its first word.
func (r *records) add(head uint64) (uint32, unsafe.Pointer) {
	var id uint32
	if n := len(r.free); n > 0 {
		id, r.free = r.free[n-1], r.free[:n-1]
		p := r.ptr(id)
		clear(unsafe.Slice((*byte)(p), r.stride))
		return id, r.init(p, head)
	}
	id = r.next
	if id == math.MaxUint32 {
		panic("a table can't hold more than 4294967294 rows")
	}
	r.next++
	r.mem.size(int(uintptr(r.next) * r.stride))
	return id, r.init(r.ptr(id), head)
}

// addAt is add with a given id; 0 when that is taken.
func (r *records) addAt(id uint32, head uint64) uint32 {
	if id < r.next && *word(r.ptr(id), 0)&live != 0 {
		return 0
	}
	if id >= r.next {
		r.next = id + 1
		r.mem.size(int(uintptr(r.next) * r.stride))
	}
	p := r.ptr(id)
	clear(unsafe.Slice((*byte)(p), r.stride))
	r.init(p, head)
	return id
}

func (r *records) init(p unsafe.Pointer, head uint64) unsafe.Pointer {
	*word(p, 0) = head | live | r.blank
	for w := 0; w < r.words; w++ {
		*word(p, r.extra+uintptr(w)*8) = math.MaxUint64
	}
	return p
}

// drop gives a record back after Release; its values stay readable until then.
func (r *records) drop(id uint32) {
	p := r.ptr(id)
	r.dropVars(p)
	*word(p, 0) &^= live
	r.gone = append(r.gone, id)
}

func (r *records) release() {
	r.free = append(r.free, r.gone...)
	r.gone = r.gone[:0]
}

// bytes is the memory in use.
func (r *records) bytes() int64 { return int64(r.next) * int64(r.stride) }

// reset forgets all records; the next ones find their memory zero.
func (r *records) reset(give bool) {
	r.mem.zero(int(uintptr(r.next)*r.stride), give)
	r.next, r.free, r.gone = 1, r.free[:0], r.gone[:0]
}

// dropVars drops the values of the variable columns, which stay in their cells.
func (r *records) dropVars(p unsafe.Pointer) {
	if len(r.vars) == 0 {
		return
	}
	if *word(p, 0)&grouped != 0 {
		r.blob.drop(r.chunk(p))
		return
	}
	for _, c := range r.vars {
		r.blob.drop(batch.View(*word(p, r.at[c])))
	}
}

// chunk is where the values of a grouped record lie.
func (r *records) chunk(p unsafe.Pointer) batch.View {
	n := 0
	for _, c := range r.vars {
		n += batch.View(*word(p, r.at[c])).Len()
	}
	return batch.NewView(batch.View(*word(p, r.at[r.vars[0]])).Off(), n)
}

func (r *records) setValid(p unsafe.Pointer, c int, on bool) {
	at, mask := r.validAt(c)
	if w := word(p, at); on {
		*w |= mask
	} else {
		*w &^= mask
	}
}

func (r *records) valid(p unsafe.Pointer, c int) bool {
	at, mask := r.validAt(c)
	return *word(p, at)&mask != 0
}

// put stores row sel[k] (k when sel is nil) of from in record ids[k].
func (r *records) put(ids []uint32, sel []int32, cols []int, from []batch.Vector) {
	vars := 0
	for _, c := range cols {
		if isVar(r.kind[c]) {
			vars++
		}
	}
	// A few rows at a time, so that they stay in the cache from column to column.
	for at := 0; at < len(ids) && vars < len(cols); at += chunk {
		to := min(at+chunk, len(ids))
		for k, c := range cols {
			if isVar(r.kind[c]) {
				continue
			}
			if sel != nil {
				r.putFixed(ids[at:to], sel[at:to], 0, c, &from[k])
			} else {
				r.putFixed(ids[at:to], nil, at, c, &from[k])
			}
		}
	}
	if len(ids) > 0 { // record 0 stays zero: an id of 0 may have been written
		r.wipe0()
	}
	switch {
	case vars == 0:
	case vars == len(r.vars) && !r.nested(cols):
		r.putGrouped(ids, sel, cols, from)
	default:
		r.putEach(ids, sel, cols, from)
	}
}

func isVar(k types.Layout) bool {
	return k == types.LayoutBytes || k == types.LayoutList || k == types.LayoutStruct
}

// nested says that a column's values must be encoded, or that columns aren't in
// order.
func (r *records) nested(cols []int) bool {
	last := -1
	for _, c := range cols {
		if isVar(r.kind[c]) && (r.kind[c] != types.LayoutBytes || c < last) {
			return true
		}
		last = c
	}
	return false
}

// putFixed stores a column of words: rows first, first+1, ... when sel is nil.
func (r *records) putFixed(ids []uint32, sel []int32, first, c int, v *batch.Vector) {
	base, at := r.base(), r.at[c]
	row := func(k int) int {
		if sel != nil {
			return int(sel[k])
		}
		return first + k
	}
	switch r.kind[c] {
	case types.LayoutF64:
		for k, id := range ids {
			*(*float64)(unsafe.Add(base, uintptr(id)*r.stride+at)) = v.F64[row(k)]
		}
	case types.LayoutWide:
		for k, id := range ids {
			p := unsafe.Add(base, uintptr(id)*r.stride+at)
			*(*int64)(p), *(*int64)(unsafe.Add(p, 8)) = v.I64[row(k)], v.Hi[row(k)]
		}
	default:
		if sel == nil {
			from := v.I64[first:]
			for k, id := range ids {
				*(*int64)(unsafe.Add(base, uintptr(id)*r.stride+at)) = from[k]
			}
		} else {
			for k, id := range ids {
				*(*int64)(unsafe.Add(base, uintptr(id)*r.stride+at)) = v.I64[sel[k]]
			}
		}
	}
	r.putValid(ids, sel, first, c, v)
}

func (r *records) wipe0() { clear(r.mem.buf[:r.stride]) }

func (r *records) putValid(ids []uint32, sel []int32, first, c int, v *batch.Vector) {
	base := r.base()
	at, mask := r.validAt(c)
	if len(v.Valid) == 0 {
		for _, id := range ids {
			*word(base, uintptr(id)*r.stride+at) |= mask
		}
		return
	}
	for k, id := range ids {
		row := first + k
		if sel != nil {
			row = int(sel[k])
		}
		if w := word(base, uintptr(id)*r.stride+at); v.Null(row) {
			*w &^= mask
		} else {
			*w |= mask
		}
	}
}

// putGrouped stores all variable columns of each record in one chunk.
func (r *records) putGrouped(ids []uint32, sel []int32, cols []int, from []batch.Vector) {
	for k, c := range cols {
		if isVar(r.kind[c]) {
			r.putValid(ids, sel, 0, c, &from[k])
		}
	}
	for k, id := range ids {
		if id == 0 {
			continue
		}
		row := k
		if sel != nil {
			row = int(sel[k])
		}
		r.group(r.ptr(id), row, cols, from)
	}
	r.wipe0()
}

func (r *records) group(p unsafe.Pointer, row int, cols []int, from []batch.Vector) {
	r.dropVars(p)
	n := 0
	for k, c := range cols {
		if r.kind[c] == types.LayoutBytes {
			n += from[k].Str[row].Len()
		}
	}
	off := r.blob.alloc(n)
	to := r.blob.buf
	for k, c := range cols {
		if r.kind[c] != types.LayoutBytes {
			continue
		}
		v := from[k].Str[row]
		n := v.Len()
		copy(to[off:off+n], from[k].Buf[v.Off():])
		*word(p, r.at[c]) = uint64(batch.NewView(off, n))
		off += n
	}
	*word(p, 0) |= grouped
}

// putEach stores variable columns one by one.
func (r *records) putEach(ids []uint32, sel []int32, cols []int, from []batch.Vector) {
	for n, c := range cols {
		if !isVar(r.kind[c]) {
			continue
		}
		v := &from[n]
		for k, id := range ids {
			if id == 0 {
				continue
			}
			row := k
			if sel != nil {
				row = int(sel[k])
			}
			null := v.Null(row)
			r.setValid(r.ptr(id), c, !null)
			switch {
			case null:
			case r.kind[c] == types.LayoutBytes:
				r.setVar(id, c, v.Bytes(row))
			default:
				r.buf = batch.AppendValue(r.buf[:0], r.ts[c], v, row)
				r.setVar(id, c, r.buf)
			}
		}
	}
}

// setVar replaces the value of one variable column.
func (r *records) setVar(id uint32, c int, b []byte) {
	p := r.ptr(id)
	if *word(p, 0)&grouped != 0 {
		r.ungroup(p)
	}
	cell := word(p, r.at[c])
	r.blob.drop(batch.View(*cell))
	*cell = uint64(r.blob.put(b))
}

// ungroup gives each value of a grouped record a chunk of its own.
func (r *records) ungroup(p unsafe.Pointer) {
	r.dropVars(p)
	for _, c := range r.vars {
		v := batch.View(*word(p, r.at[c]))
		off := r.blob.alloc(v.Len())
		copy(r.blob.buf[off:], r.blob.get(v))
		*word(p, r.at[c]) = uint64(batch.NewView(off, v.Len()))
		if v.Len() == 0 {
			*word(p, r.at[c]) = 0
		}
	}
	*word(p, 0) &^= grouped
}

// setRow stores row of from in all columns of one record. canonical stores values
// as batch.AppendKey has them.
func (r *records) setRow(id uint32, from []batch.Vector, row int, canonical bool) {
	p := r.ptr(id)
	simple := true
	for c := range r.ts {
		v := &from[c]
		if r.setValid(p, c, !v.Null(row)); v.Null(row) && !isVar(r.kind[c]) {
			continue
		}
		switch r.kind[c] {
		case types.LayoutI64:
			*word(p, r.at[c]) = uint64(v.I64[row])
		case types.LayoutF64:
			f := v.F64[row]
			if canonical {
				f = math.Float64frombits(floatKey(f))
			}
			*word(p, r.at[c]) = math.Float64bits(f)
		case types.LayoutWide:
			*word(p, r.at[c]), *word(p, r.at[c]+8) = uint64(v.I64[row]), uint64(v.Hi[row])
		case types.LayoutList, types.LayoutStruct:
			simple = false
		}
	}
	if len(r.vars) == 0 {
		return
	}
	if simple {
		r.groupRow(p, row, from)
		return
	}
	for _, c := range r.vars {
		v := &from[c]
		switch {
		case v.Null(row):
		case r.kind[c] == types.LayoutBytes:
			r.setVar(id, c, v.Bytes(row))
		default:
			if r.buf = r.buf[:0]; canonical {
				r.buf = batch.AppendKey(r.buf, r.ts[c], v, row)
			} else {
				r.buf = batch.AppendValue(r.buf, r.ts[c], v, row)
			}
			r.setVar(id, c, r.buf)
		}
	}
}

// groupRow is group over all columns.
func (r *records) groupRow(p unsafe.Pointer, row int, from []batch.Vector) {
	r.dropVars(p)
	n := 0
	for _, c := range r.vars {
		n += from[c].Str[row].Len()
	}
	off := r.blob.alloc(n)
	to := r.blob.buf
	for _, c := range r.vars {
		v := from[c].Str[row]
		n := v.Len()
		copy(to[off:off+n], from[c].Buf[v.Off():])
		*word(p, r.at[c]) = uint64(batch.NewView(off, n))
		off += n
	}
	*word(p, 0) |= grouped
}

// floatKey gives equal floats equal bits, as batch.AppendKey does.
func floatKey(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case f != f:
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}

// gather writes columns cols of records ids to rows 0..len(ids)-1 of to.
func (r *records) gather(ids []uint32, cols []int, to []batch.Vector) {
	for k, c := range cols {
		r.gatherColumn(ids, c, &to[k])
	}
}

func (r *records) gatherColumn(ids []uint32, c int, v *batch.Vector) {
	kind, base, stride := r.kind[c], r.base(), r.stride
	if kind == types.LayoutList || kind == types.LayoutStruct {
		r.gatherNested(ids, c, v)
		return
	}
	v.Prepare(r.ts[c], len(ids))
	at, mask := r.validAt(c)
	all, cell := mask, r.at[c]
	switch kind {
	case types.LayoutI64:
		to := v.I64[:len(ids)]
		for k, id := range ids {
			p := unsafe.Add(base, uintptr(id)*stride)
			to[k] = *(*int64)(unsafe.Add(p, cell))
			all &= *word(p, at)
		}
	case types.LayoutF64:
		to := v.F64[:len(ids)]
		for k, id := range ids {
			p := unsafe.Add(base, uintptr(id)*stride)
			to[k] = *(*float64)(unsafe.Add(p, cell))
			all &= *word(p, at)
		}
	case types.LayoutWide:
		for k, id := range ids {
			p := unsafe.Add(base, uintptr(id)*stride)
			v.I64[k], v.Hi[k] = *(*int64)(unsafe.Add(p, cell)), *(*int64)(unsafe.Add(p, cell+8))
			all &= *word(p, at)
		}
	default:
		v.ShareBuf(r.blob.buf[:r.blob.used], nil)
		to := v.Str[:len(ids)]
		for k, id := range ids {
			p := unsafe.Add(base, uintptr(id)*stride)
			to[k] = batch.View(*word(p, cell))
			all &= *word(p, at)
		}
	}
	if all != 0 {
		return
	}
	for k, id := range ids {
		if *word(base, uintptr(id)*stride+at)&mask == 0 {
			v.SetNull(k)
		}
	}
}

func (r *records) gatherNested(ids []uint32, c int, v *batch.Vector) {
	v.Prepare(r.ts[c], 0)
	for k, id := range ids {
		b := r.nestedValue(id, c)
		if b == nil {
			v.AppendNull(r.ts[c], k)
			continue
		}
		batch.DecodeValue(b, r.ts[c], v, k)
	}
}

// nestedValue is the encoded value of a nested column, nil when NULL.
func (r *records) nestedValue(id uint32, c int) []byte {
	p := r.ptr(id)
	v := batch.View(*word(p, r.at[c]))
	if id == 0 || v.Len() == 0 || !r.valid(p, c) {
		return nil
	}
	return r.blob.get(v)
}

// equal says whether a record equals row of from in every column: exactly, or in
// the sense of GROUP BY when the record is canonical.
func (r *records) equal(p unsafe.Pointer, from []batch.Vector, row int, canonical bool) bool {
	for c := range r.ts {
		v := &from[c]
		if null := v.Null(row); null || !r.valid(p, c) {
			if null != !r.valid(p, c) {
				return false
			}
			continue
		}
		cell := *word(p, r.at[c])
		switch r.kind[c] {
		case types.LayoutI64:
			if int64(cell) != v.I64[row] {
				return false
			}
		case types.LayoutF64:
			x := math.Float64bits(v.F64[row])
			if canonical {
				x = floatKey(v.F64[row])
			}
			if cell != x {
				return false
			}
		case types.LayoutWide:
			if int64(cell) != v.I64[row] || int64(*word(p, r.at[c]+8)) != v.Hi[row] {
				return false
			}
		case types.LayoutBytes:
			if !bytes.Equal(r.blob.get(batch.View(cell)), v.Bytes(row)) {
				return false
			}
		default:
			if r.buf = r.buf[:0]; canonical {
				r.buf = batch.AppendKey(r.buf, r.ts[c], v, row)
			} else {
				r.buf = batch.AppendValue(r.buf, r.ts[c], v, row)
			}
			if !bytes.Equal(r.blob.get(batch.View(cell)), r.buf) {
				return false
			}
		}
	}
	return true
}

// encode appends all columns of a record as batch.AppendRow does.
func (r *records) encode(b []byte, p unsafe.Pointer) []byte {
	if len(r.vars) == 0 && r.words == 0 && *word(p, 0)&r.blank == r.blank {
		return r.encodeWords(b, p)
	}
	for c := range r.ts {
		cell := *word(p, r.at[c])
		if !r.valid(p, c) {
			b = append(b, 0)
			continue
		}
		switch r.kind[c] {
		case types.LayoutI64, types.LayoutF64:
			b = binary.LittleEndian.AppendUint64(append(b, 1), cell)
		case types.LayoutWide:
			b = binary.LittleEndian.AppendUint64(append(b, 1), cell)
			b = binary.LittleEndian.AppendUint64(b, *word(p, r.at[c]+8))
		case types.LayoutBytes:
			v := batch.View(cell)
			b = binary.AppendUvarint(append(b, 1), uint64(v.Len()))
			b = append(b, r.blob.get(v)...)
		default:
			if v := batch.View(cell); v.Len() == 0 {
				b = append(b, 0)
			} else {
				b = append(b, r.blob.get(v)...)
			}
		}
	}
	return b
}

// encodeWords is encode for words none of which is NULL.
func (r *records) encodeWords(b []byte, p unsafe.Pointer) []byte {
	n := len(b)
	b = slices.Grow(b, 17*len(r.ts))
	to := b[n : n+17*len(r.ts)]
	k := 0
	for c, at := range r.at {
		to[k] = 1
		binary.LittleEndian.PutUint64(to[k+1:], *word(p, at))
		k += 9
		if r.kind[c] == types.LayoutWide {
			binary.LittleEndian.PutUint64(to[k:], *word(p, at+8))
			k += 8
		}
	}
	return b[:n+k]
}

// decode reads what encode wrote into a new record and returns the bytes behind.
func (r *records) decode(b []byte, id uint32) []byte {
	p := r.ptr(id)
	for c := range r.ts {
		if b[0] == 0 {
			r.setValid(p, c, false)
			b = b[1:]
			continue
		}
		switch r.kind[c] {
		case types.LayoutI64, types.LayoutF64:
			*word(p, r.at[c]) = binary.LittleEndian.Uint64(b[1:])
			b = b[9:]
		case types.LayoutWide:
			*word(p, r.at[c]), *word(p, r.at[c]+8) = binary.LittleEndian.Uint64(b[1:]), binary.LittleEndian.Uint64(b[9:])
			b = b[17:]
		case types.LayoutBytes:
			n, w := binary.Uvarint(b[1:])
			b = b[1+w:]
			*word(p, r.at[c]) = uint64(r.blob.put(b[:n]))
			b = b[n:]
		default:
			end := r.skip(b, c)
			*word(p, r.at[c]) = uint64(r.blob.put(b[:len(b)-len(end)]))
			b = end
		}
	}
	return b
}

// behind returns the bytes behind an encoded value of column c, NULL or not.
func (r *records) behind(b []byte, c int) []byte {
	switch k := r.kind[c]; {
	case b[0] == 0:
		return b[1:]
	case k == types.LayoutI64 || k == types.LayoutF64:
		return b[9:]
	case k == types.LayoutWide:
		return b[17:]
	case k == types.LayoutBytes:
		n, w := binary.Uvarint(b[1:])
		return b[1+uint64(w)+n:]
	}
	return r.skip(b, c)
}

// skip returns the bytes behind an encoded value of column c.
func (r *records) skip(b []byte, c int) []byte {
	r.vec.Prepare(r.ts[c], 0)
	return batch.DecodeValue(b, r.ts[c], &r.vec, 0)
}
