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
// up to four words, the last two of which, namespace and time, are never NULL.
// Anything else is the bytes that batch.AppendKey gives, in three words: short ones
// lie there, padded, with their length in the last byte; of others there is a view,
// and that byte is apart.
type keys struct {
	kind   keyKind
	size   uintptr // bytes in the row
	ts     []types.Type
	layout []types.Layout

	// The keys of a batch, prepared: words, or three words each as they lie in a row,
	// and the bytes of one that is apart, from starts[k] to starts[k+1].
	words  [4][]uint64
	own    [4][]uint64 // buffers for words that had to be made
	nulls  [4][]uint64 // validity of each key column, nil: no NULLs
	images [][3]uint64
	enc    []byte
	starts []int
	text   *batch.Vector // a single column of bytes without NULLs: long ones are compared where they lie
	long   bool          // a row's key was apart
}

const (
	shortKey = 23 // bytes of a key that lies in its row
	apart    = 0xff << 56
)

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
		k.kind, k.size = keyBytes, 24
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
	k.images = grow(k.images, n)
	if k.text = nil; len(cols) == 1 && k.layout[0] == types.LayoutBytes && len(cols[0].Valid) == 0 {
		k.text = &cols[0]
		for i := range k.images {
			k.images[i] = packer{}.text(k.text.Bytes(i)).image()
		}
		return
	}
	k.starts = grow(k.starts, n+1)
	k.enc = k.enc[:0]
	for i := range k.images {
		k.starts[i] = len(k.enc)
		var w packer
		for c := len(cols) - 1; c >= 0; c-- {
			v := &cols[c]
			switch l := k.layout[c]; {
			case len(v.Valid) > 0 && v.Null(i):
				w = w.add(0, 1)
			case l == types.LayoutI64:
				w = w.add(uint64(v.I64[i]), 8).add(1, 1)
			case l == types.LayoutBytes:
				w = w.text(v.Bytes(i))
			default:
				w.n = shortKey + 1
			}
		}
		if k.images[i] = w.image(); w.n > shortKey {
			b := k.enc
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
			k.enc = b
			if b := k.enc[k.starts[i]:]; len(b) <= shortKey {
				k.images[i] = imageOf(b)
				k.enc = k.enc[:k.starts[i]]
			}
		}
	}
	k.starts[n] = len(k.enc)
}

// packer makes the image of a key from the values of its columns, the last one first,
// in registers: a key written byte by byte and read by the word waits for its bytes.
type packer struct {
	w0, w1, w2 uint64
	n          int // bytes so far; beyond shortKey the words don't count
}

// add puts the lower n bytes of x, 1 to 8, before the others. The rest of x is 0.
func (p packer) add(x uint64, n int) packer {
	up, down := uint(n)*8, 64-uint(n)*8
	return packer{p.w0<<up | x, p.w1<<up | p.w0>>down, p.w2<<up | p.w1>>down, p.n + n}
}

// text puts a text that isn't NULL before the others.
func (p packer) text(s []byte) packer {
	n := len(s)
	if p.n+2+n > shortKey {
		p.n = shortKey + 1
		return p
	}
	switch rest := n & 7; {
	case rest == 0:
	case n >= 8:
		p = p.add(binary.LittleEndian.Uint64(s[n-8:])>>(64-uint(rest)*8), rest)
	case n >= 4:
		p = p.add(uint64(binary.LittleEndian.Uint32(s))|uint64(binary.LittleEndian.Uint32(s[n-4:]))<<(uint(n)*8-32), n)
	default:
		p = p.add(uint64(s[0])|uint64(s[n>>1])<<(n>>1*8)|uint64(s[n-1])<<(n*8-8), n)
	}
	for at := n&^7 - 8; at >= 0; at -= 8 {
		p = p.add(binary.LittleEndian.Uint64(s[at:]), 8)
	}
	return p.add(1|uint64(n)<<8, 2)
}

// image is the key's, but for the view of one that is apart.
func (p packer) image() [3]uint64 {
	if p.n > shortKey {
		return [3]uint64{0, 0, apart}
	}
	return [3]uint64{p.w0, p.w1, p.w2 | uint64(p.n)<<56}
}

// imageOf is the image of an encoded key.
func imageOf(b []byte) (w [3]uint64) {
	if len(b) > shortKey {
		return [3]uint64{0, 0, apart}
	}
	copy((*[24]byte)(unsafe.Pointer(&w))[:], b)
	w[2] |= uint64(len(b)) << 56
	return w
}

// image is the three words of a row's key.
func image(p unsafe.Pointer) *[3]uint64 { return (*[3]uint64)(unsafe.Add(p, 8)) }

// stored is the encoded key in a row: a view of the row or of the blob.
func stored(p unsafe.Pointer, b *blob) []byte {
	w := image(p)
	if w[2] >= apart {
		return b.get(batch.View(w[0]))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(w)), w[2]>>56)
}

// put writes an encoded key into a row.
func (k *keys) put(p unsafe.Pointer, key []byte, b *blob) {
	w := imageOf(key)
	if w[2] >= apart {
		w[0] = uint64(b.put(key))
		k.long = true
	}
	*image(p) = w
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
		if w := &k.images[i]; w[2] < apart {
			return *image(p) == *w
		}
		if image(p)[2] < apart {
			return false
		}
		stored := stored(p, b)
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
		if w := &k.images[i]; w[2] < apart {
			*image(p) = *w
			return
		}
		if k.text != nil {
			s := k.text.Bytes(i)
			k.enc = append(binary.AppendUvarint(append(k.enc[:0], 1), uint64(len(s))), s...)
			k.put(p, k.enc, b)
			return
		}
		k.put(p, k.enc[k.starts[i]:k.starts[i+1]], b)
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
	if w := image(p); k.kind == keyBytes && w[2] >= apart {
		b.drop(batch.View(w[0]))
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
			b := stored(r.ptr(id), r.blob)
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
		return append(b, stored(p, bl)...)
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
		if w := &k.images[i]; w[2] < apart {
			return append(b, unsafe.Slice((*byte)(unsafe.Pointer(w)), w[2]>>56)...)
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
		k.images = append(k.images[:0], imageOf(k.enc))
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
		k.put(p, b, bl)
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
