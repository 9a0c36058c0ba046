package arena

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// keys is how the keys of a table lie in its rows, behind the first word: one or
// two words as they are, with bits in the first word for NULL; so do those of timers
// up to four words, the last two of which, namespace and time, are never NULL;
// anything else as a view of the bytes that batch.AppendKey gives.
type keys struct {
	kind   keyKind
	size   uintptr // bytes in the row
	ts     []types.Type
	layout []types.Layout

	// The keys of a batch, prepared: words, or bytes from starts[k] to starts[k+1].
	words  [4][]uint64
	own    [4][]uint64 // buffers for words that had to be made
	nulls  [4][]uint64 // validity of each key column, nil: no NULLs
	enc    []byte
	starts []int
	text   *batch.Vector // a single column of bytes without NULLs, compared where it lies
}

type keyKind uint8

const (
	keyNone keyKind = iota
	key8
	key16
	keyWords
	keyBytes
)

func (k *keys) init(cols []state.Column, timer bool) {
	fixed := 0
	for _, c := range cols {
		l := c.Type.Layout()
		k.ts, k.layout = append(k.ts, c.Type), append(k.layout, l)
		switch l {
		case types.LayoutI64, types.LayoutF64:
			fixed += 8
		case types.LayoutWide:
			fixed += 16
		default:
			fixed += 100
		}
	}
	switch {
	case fixed == 0:
	case fixed == 8:
		k.kind, k.size = key8, 8
	case fixed == 16:
		k.kind, k.size = key16, 16
	case timer && fixed <= 32 && fixed == 8*len(cols):
		k.kind, k.size = keyWords, uintptr(fixed)
	default:
		k.kind, k.size = keyBytes, 8
	}
}

// prepare reads the keys of a batch.
func (k *keys) prepare(cols []batch.Vector, n int) {
	if n == 0 {
		return
	}
	switch k.kind {
	case keyNone:
	case keyBytes:
		k.encode(cols, n)
	default:
		if k.layout[0] == types.LayoutWide {
			k.words[0], k.words[1] = asWords(cols[0].I64[:n]), asWords(cols[0].Hi[:n])
			k.nulls[0] = cols[0].Valid
			k.zeroNulls(0, cols[0].Valid, n)
			k.zeroNulls(1, cols[0].Valid, n)
			return
		}
		for c := range cols {
			v := &cols[c]
			if k.layout[c] == types.LayoutF64 {
				w := grow(k.own[c], n)
				for i, f := range v.F64[:n] {
					w[i] = floatKey(f)
				}
				k.own[c], k.words[c] = w, w
			} else {
				k.words[c] = asWords(v.I64[:n])
			}
			k.nulls[c] = v.Valid
			k.zeroNulls(c, v.Valid, n)
		}
	}
}

// zeroNulls makes the word of each NULL 0, in a copy.
func (k *keys) zeroNulls(c int, valid []uint64, n int) {
	if len(valid) == 0 {
		return
	}
	if len(k.own[c]) < n || &k.own[c][0] != &k.words[c][0] {
		w := grow(k.own[c], n)
		copy(w, k.words[c])
		k.own[c], k.words[c] = w, w
	}
	for i := range k.words[c] {
		if null(valid, i) {
			k.words[c][i] = 0
		}
	}
}

func null(valid []uint64, i int) bool {
	return i>>6 < len(valid) && valid[i>>6]>>(uint(i)&63)&1 == 0
}

func asWords(x []int64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}

func (k *keys) encode(cols []batch.Vector, n int) {
	if k.text = nil; len(cols) == 1 && k.layout[0] == types.LayoutBytes && len(cols[0].Valid) == 0 {
		k.text = &cols[0]
		return
	}
	k.starts = grow(k.starts, n+1)
	b := k.enc[:0]
	for i := 0; i < n; i++ {
		k.starts[i] = len(b)
		for c := range cols {
			v := &cols[c]
			switch l := k.layout[c]; {
			case len(v.Valid) > 0 && v.Null(i):
				b = append(b, 0)
			case l == types.LayoutI64:
				b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(v.I64[i]))
			case l == types.LayoutBytes:
				s := v.Bytes(i)
				b = append(binary.AppendUvarint(append(b, 1), uint64(len(s))), s...)
			default:
				b = batch.AppendKey(b, k.ts[c], v, i)
			}
		}
	}
	k.enc, k.starts[n] = b, len(b)
}

// flags are the NULL bits of prepared key i.
func (k *keys) flags(i int) uint64 {
	var f uint64
	if null(k.nulls[0], i) {
		f = nullKey0
	}
	if null(k.nulls[1], i) {
		f |= nullKey1
	}
	return f
}

// nullKey is the bit that says that word c of a key is NULL.
func nullKey(c int) uint64 { return nullKey0 << c & nullKeys }

// equal says whether the row at p has prepared key i.
func (k *keys) equal(p unsafe.Pointer, i int, b *blob) bool {
	switch k.kind {
	case key8:
		if *word(p, 8) != k.words[0][i] {
			return false
		}
		return *word(p, 0)&nullKeys == 0 && len(k.nulls[0]) == 0 || *word(p, 0)&nullKeys == k.flags(i)
	case key16:
		if *word(p, 8) != k.words[0][i] || *word(p, 16) != k.words[1][i] {
			return false
		}
		return *word(p, 0)&nullKeys == k.flags(i)
	case keyWords:
		for c := range k.layout {
			if *word(p, 8+uintptr(c)*8) != k.words[c][i] {
				return false
			}
		}
		return *word(p, 0)&nullKeys == k.flags(i)
	case keyBytes:
		stored := b.get(batch.View(*word(p, 8)))
		if k.text == nil {
			return bytes.Equal(stored, k.enc[k.starts[i]:k.starts[i+1]])
		}
		s := k.text.Bytes(i)
		head := len(stored) - len(s) // the mark that it isn't NULL, and the length
		return head == 1+uvarintLen(len(s)) && bytes.Equal(stored[head:], s)
	}
	return true
}

// store writes prepared key i into a new row.
func (k *keys) store(p unsafe.Pointer, i int, b *blob) {
	switch k.kind {
	case key8:
		*word(p, 8) = k.words[0][i]
		*word(p, 0) |= k.flags(i)
	case key16:
		*word(p, 8), *word(p, 16) = k.words[0][i], k.words[1][i]
		*word(p, 0) |= k.flags(i)
	case keyWords:
		for c := range k.layout {
			*word(p, 8+uintptr(c)*8) = k.words[c][i]
		}
		*word(p, 0) |= k.flags(i)
	case keyBytes:
		if k.text != nil {
			s := k.text.Bytes(i)
			k.enc = append(binary.AppendUvarint(append(k.enc[:0], 1), uint64(len(s))), s...)
			*word(p, 8) = uint64(b.put(k.enc))
			return
		}
		*word(p, 8) = uint64(b.put(k.enc[k.starts[i]:k.starts[i+1]]))
	}
}

// uvarintLen is the bytes that binary.AppendUvarint takes.
func uvarintLen(n int) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// drop drops a row's key.
func (k *keys) drop(p unsafe.Pointer, b *blob) {
	if k.kind == keyBytes {
		b.drop(batch.View(*word(p, 8)))
	}
}

// read writes the keys of rows to the columns of to.
func (k *keys) read(r *records, ids []uint32, to []batch.Vector) {
	switch k.kind {
	case keyNone:
	case keyBytes:
		for c := range to {
			to[c].Prepare(k.ts[c], 0)
		}
		for n, id := range ids {
			b := r.blob.get(batch.View(*word(r.ptr(id), 8)))
			for c := range to {
				b = batch.DecodeValue(b, k.ts[c], &to[c], n)
			}
		}
	default:
		for c := range to {
			v := &to[c]
			v.Prepare(k.ts[c], len(ids))
			at, mask := 8+uintptr(c)*8, nullKey(c)
			for n, id := range ids {
				p := r.ptr(id)
				switch k.layout[c] {
				case types.LayoutI64:
					v.I64[n] = int64(*word(p, at))
				case types.LayoutF64:
					v.F64[n] = math.Float64frombits(*word(p, at))
				default:
					v.I64[n], v.Hi[n] = int64(*word(p, at)), int64(*word(p, at+8))
				}
				if *word(p, 0)&mask != 0 {
					v.SetNull(n)
				}
			}
		}
	}
}

// append appends a row's key as batch.AppendKey does.
func (k *keys) append(b []byte, p unsafe.Pointer, bl *blob) []byte {
	switch k.kind {
	case keyNone:
		return b
	case keyBytes:
		return append(b, bl.get(batch.View(*word(p, 8)))...)
	}
	w := *word(p, 0)
	for c, l := range k.layout {
		if w&nullKey(c) != 0 {
			b = append(b, 0)
			continue
		}
		b = binary.LittleEndian.AppendUint64(append(b, 1), *word(p, 8+uintptr(c)*8))
		if l == types.LayoutWide {
			b = binary.LittleEndian.AppendUint64(b, *word(p, 16))
		}
	}
	return b
}

// encoded appends prepared key i as append does that of a row.
func (k *keys) encoded(b []byte, i int) []byte {
	switch k.kind {
	case keyNone:
		return b
	case keyBytes:
		if k.text != nil {
			s := k.text.Bytes(i)
			return append(binary.AppendUvarint(append(b, 1), uint64(len(s))), s...)
		}
		return append(b, k.enc[k.starts[i]:k.starts[i+1]]...)
	}
	for c, l := range k.layout {
		if len(k.nulls[c]) > 0 && null(k.nulls[c], i) {
			b = append(b, 0)
			continue
		}
		b = binary.LittleEndian.AppendUint64(append(b, 1), k.words[c][i])
		if l == types.LayoutWide {
			b = binary.LittleEndian.AppendUint64(b, k.words[1][i])
		}
	}
	return b
}

// decode prepares one key from its bytes, as key 0, and returns the bytes behind.
func (k *keys) decode(b []byte, scratch *batch.Vector) []byte {
	if k.kind == keyBytes {
		k.text = nil
		rest := b
		for _, t := range k.ts {
			scratch.Prepare(t, 0)
			rest = batch.DecodeValue(rest, t, scratch, 0)
		}
		k.enc, k.starts = append(k.enc[:0], b[:len(b)-len(rest)]...), append(k.starts[:0], 0, len(b)-len(rest))
		return rest
	}
	for c, l := range k.layout {
		k.own[c], k.nulls[c] = grow(k.own[c], 1), nil
		k.words[c], k.own[c][0] = k.own[c], 0
		if l == types.LayoutWide {
			k.own[1] = grow(k.own[1], 1)
			k.words[1], k.own[1][0] = k.own[1], 0
		}
		if b[0] == 0 {
			k.nulls[c] = allNull
			b = b[1:]
			continue
		}
		k.words[c][0], b = binary.LittleEndian.Uint64(b[1:]), b[9:]
		if l == types.LayoutWide {
			k.words[1][0], b = binary.LittleEndian.Uint64(b), b[8:]
		}
	}
	return b
}

// skip returns the bytes behind a key as append writes it.
func (k *keys) skip(b []byte, scratch *batch.Vector) []byte {
	for c, l := range k.layout {
		switch {
		case l == types.LayoutStruct || l == types.LayoutList:
			scratch.Prepare(k.ts[c], 0)
			b = batch.DecodeValue(b, k.ts[c], scratch, 0)
		case b[0] == 0:
			b = b[1:]
		case l == types.LayoutBytes:
			n, w := binary.Uvarint(b[1:])
			b = b[1+uint64(w)+n:]
		case l == types.LayoutWide:
			b = b[17:]
		default:
			b = b[9:]
		}
	}
	return b
}

// load writes a key, as append writes it, into a new row.
func (k *keys) load(p unsafe.Pointer, b []byte, bl *blob) {
	switch k.kind {
	case keyNone:
		return
	case keyBytes:
		*word(p, 8) = uint64(bl.put(b))
		return
	}
	for c, l := range k.layout {
		at := 8 + uintptr(c)*8
		switch {
		case b[0] == 0:
			*word(p, 0) |= nullKey(c)
			b = b[1:]
		case l == types.LayoutWide:
			*word(p, at), *word(p, at+8) = binary.LittleEndian.Uint64(b[1:]), binary.LittleEndian.Uint64(b[9:])
			b = b[17:]
		default:
			*word(p, at), b = binary.LittleEndian.Uint64(b[1:]), b[9:]
		}
	}
}

var allNull = []uint64{0}
