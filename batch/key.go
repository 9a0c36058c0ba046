package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"sort"

	"github.com/millrace/millrace/types"
)

// AppendKey appends the canonical bytes of row i of v: two values are equal in
// the sense of GROUP BY, DISTINCT and IS NOT DISTINCT FROM iff their bytes are.
// NULL is a value. Encodings are self-delimiting, so keys of several columns are
// concatenations. DecodeValue reads them.
func AppendKey(b []byte, t types.Type, v *Vector, i int) []byte { return encode(b, t, v, i, true) }

// AppendValue is AppendKey without canonical floats and map order: the exact
// value, for rows kept in state.
func AppendValue(b []byte, t types.Type, v *Vector, i int) []byte { return encode(b, t, v, i, false) }

// AppendRow appends all columns of row i, each by AppendValue.
func AppendRow(b []byte, ts []types.Type, cols []Vector, i int) []byte {
	for c := range ts {
		b = AppendValue(b, ts[c], &cols[c], i)
	}
	return b
}

func encode(b []byte, t types.Type, v *Vector, i int, canon bool) []byte {
	if v.Null(i) {
		return append(b, 0)
	}
	b = append(b, 1)
	switch t.Layout() {
	case types.LayoutI64:
		return binary.LittleEndian.AppendUint64(b, uint64(v.I64[i]))
	case types.LayoutF64:
		if canon {
			return binary.LittleEndian.AppendUint64(b, canonical(v.F64[i]))
		}
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.F64[i]))
	case types.LayoutWide:
		b = binary.LittleEndian.AppendUint64(b, uint64(v.I64[i]))
		return binary.LittleEndian.AppendUint64(b, uint64(v.Hi[i]))
	case types.LayoutBytes:
		s := v.Bytes(i)
		b = binary.AppendUvarint(b, uint64(len(s)))
		return append(b, s...)
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			b = encode(b, kt, &v.Kids[k], i, canon)
		}
		return b
	}
	s := v.Str[i]
	b = binary.AppendUvarint(b, uint64(s.Len()))
	kt := t.KidTypes()
	if canon && t.Kind != types.Array {
		return appendSorted(b, kt, v, s)
	}
	for e := 0; e < s.Len(); e++ {
		for k := range kt {
			b = encode(b, kt[k], &v.Kids[k], s.Off()+e, canon)
		}
	}
	return b
}

// appendSorted writes a map's or multiset's entries in the order of their bytes.
func appendSorted(b []byte, kt []types.Type, v *Vector, s View) []byte {
	entries := make([][]byte, s.Len())
	for e := range entries {
		for k := range kt {
			entries[e] = encode(entries[e], kt[k], &v.Kids[k], s.Off()+e, true)
		}
	}
	sort.Slice(entries, func(i, j int) bool { return bytes.Compare(entries[i], entries[j]) < 0 })
	for _, e := range entries {
		b = append(b, e...)
	}
	return b
}

// DecodeValue reads one value written by AppendKey or AppendValue and appends it
// to v, which has n rows so far. It returns the bytes behind it.
func DecodeValue(b []byte, t types.Type, v *Vector, n int) []byte {
	if b[0] == 0 {
		v.AppendNull(t, n)
		return b[1:]
	}
	b = b[1:]
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = append(v.I64[:n], int64(binary.LittleEndian.Uint64(b)))
		b = b[8:]
	case types.LayoutF64:
		v.F64 = append(v.F64[:n], math.Float64frombits(binary.LittleEndian.Uint64(b)))
		b = b[8:]
	case types.LayoutWide:
		v.I64 = append(v.I64[:n], int64(binary.LittleEndian.Uint64(b)))
		v.Hi = append(v.Hi[:n], int64(binary.LittleEndian.Uint64(b[8:])))
		b = b[16:]
	case types.LayoutBytes:
		l, w := binary.Uvarint(b)
		off := len(v.Buf)
		v.Buf = append(v.Buf, b[w:w+int(l)]...)
		v.Str = append(v.Str[:n], NewView(off, int(l)))
		b = b[w+int(l):]
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			b = DecodeValue(b, kt, &v.Kids[k], n)
		}
	default:
		l, w := binary.Uvarint(b)
		b = b[w:]
		kt := t.KidTypes()
		first := v.Kids[0].Size(kt[0])
		for e := 0; e < int(l); e++ {
			for k := range kt {
				b = DecodeValue(b, kt[k], &v.Kids[k], first+e)
			}
		}
		v.Str = append(v.Str[:n], NewView(first, int(l)))
	}
	v.SetValid(n)
	return b
}

// DecodeRow appends the row that AppendRow wrote to b's columns and returns the
// bytes behind it. The caller counts the row (AppendKind).
func (b *Batch) DecodeRow(enc []byte, ts []types.Type) []byte {
	for c := range ts {
		enc = DecodeValue(enc, ts[c], &b.Cols[c], b.Len)
	}
	return enc
}
