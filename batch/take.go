package batch

import (
	"github.com/millrace/millrace/types"
)

// Take gathers rows idx of from into v: row k of v is row idx[k] of from, NULL
// where idx[k] is negative. Strings and list elements aren't copied: v shares
// from's buffers and is valid as long as they are.
func (v *Vector) Take(t types.Type, from *Vector, idx []int32) {
	v.take(t, from, idx, len(from.Valid) > 0 && !clean(from.Valid, idx))
}

// TakeValid is Take of rows that aren't NULL, nor negative.
func (v *Vector) TakeValid(t types.Type, from *Vector, idx []int32) { v.take(t, from, idx, false) }

// HasNullsIn says whether any of the rows is NULL.
func (v *Vector) HasNullsIn(rows []int32) bool { return len(v.Valid) > 0 && !clean(v.Valid, rows) }

// clean says that no row of idx is NULL or negative.
func clean(valid []uint64, idx []int32) bool {
	bit := uint64(1)
	for _, i := range idx {
		if w := uint(i) >> 6; w < uint(len(valid)) {
			bit &= valid[w] >> (uint(i) & 63)
		} else if i < 0 {
			return false
		}
	}
	return bit&1 != 0
}

// take is Take; nulls says that some row of idx may be NULL in from.
func (v *Vector) take(t types.Type, from *Vector, idx []int32, nulls bool) {
	n := len(idx)
	layout := t.Layout()
	if layout == types.LayoutBytes || layout == types.LayoutList {
		v.Valid = v.Valid[:0]
		v.Str = grow(v.Str, n)
		v.Share(from)
	} else {
		v.Prepare(t, n)
	}
	switch layout {
	case types.LayoutI64:
		nulls = gather(v.I64, from.I64, idx) || nulls
	case types.LayoutF64:
		nulls = gather(v.F64, from.F64, idx) || nulls
	case types.LayoutWide:
		gather(v.Hi, from.Hi, idx)
		nulls = gather(v.I64, from.I64, idx) || nulls
	case types.LayoutBytes, types.LayoutList:
		nulls = gather(v.Str, from.Str, idx) || nulls
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			v.Kids[k].Take(kt, &from.Kids[k], idx)
		}
		nulls = true
	}
	if nulls {
		for k, i := range idx {
			if i < 0 || from.Null(int(i)) {
				v.SetNull(k)
			}
		}
	}
}

func gather[T int64 | float64 | View](to, from []T, idx []int32) (negative bool) {
	to = to[:len(idx)]
	var sign int32
	for k, i := range idx {
		sign |= i
		if i >= 0 {
			to[k] = from[i]
		} else {
			to[k] = 0
		}
	}
	return sign < 0
}

// Append copies row i of from to the end of v, which has n rows so far. Strings
// and elements are copied: v is independent of from.
func (v *Vector) Append(t types.Type, n int, from *Vector, i int) {
	if i < 0 || from.Null(i) {
		v.AppendNull(t, n)
		return
	}
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = append(v.I64[:n], from.I64[i])
	case types.LayoutF64:
		v.F64 = append(v.F64[:n], from.F64[i])
	case types.LayoutWide:
		v.I64, v.Hi = append(v.I64[:n], from.I64[i]), append(v.Hi[:n], from.Hi[i])
	case types.LayoutBytes:
		off := len(v.Buf)
		v.Buf = append(v.Buf, from.Bytes(i)...)
		v.Str = append(v.Str[:n], NewView(off, len(v.Buf)-off))
	case types.LayoutList:
		s := from.Str[i]
		first := 0
		for k, kt := range t.KidTypes() {
			first = v.Kids[k].Size(kt)
			for e := 0; e < s.Len(); e++ {
				v.Kids[k].Append(kt, first+e, &from.Kids[k], s.Off()+e)
			}
		}
		v.Str = append(v.Str[:n], NewView(first, s.Len()))
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			v.Kids[k].Append(kt, n, &from.Kids[k], i)
		}
	}
	v.SetValid(n)
}

// AppendNull appends a NULL to v, which has n rows so far.
func (v *Vector) AppendNull(t types.Type, n int) {
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = append(v.I64[:n], 0)
	case types.LayoutF64:
		v.F64 = append(v.F64[:n], 0)
	case types.LayoutWide:
		v.I64, v.Hi = append(v.I64[:n], 0), append(v.Hi[:n], 0)
	case types.LayoutBytes, types.LayoutList:
		v.Str = append(v.Str[:n], 0)
	case types.LayoutStruct:
		for k := range t.Fields {
			v.Kids[k].AppendNull(t.Fields[k].Type, n)
		}
	}
	v.SetNull(n)
}

// Size is the number of rows in v by its value slices: what a list's Kids hold.
func (v *Vector) Size(t types.Type) int {
	switch t.Layout() {
	case types.LayoutF64:
		return len(v.F64)
	case types.LayoutBytes, types.LayoutList:
		return len(v.Str)
	case types.LayoutStruct:
		if len(v.Kids) == 0 {
			return 0
		}
		return v.Kids[0].Size(t.Fields[0].Type)
	}
	return len(v.I64)
}

// Reset makes b an empty batch of the given column types, to be filled by
// AppendRow. Buffers are reused.
func (b *Batch) Reset(ts []types.Type) {
	if cap(b.Cols) < len(ts) {
		b.Cols = make([]Vector, len(ts))
	}
	b.Cols = b.Cols[:len(ts)]
	for i := range ts {
		b.Cols[i].Prepare(ts[i], 0)
	}
	b.Len, b.Sel, b.Kinds = 0, nil, b.Kinds[:0]
	if len(b.Kinds) == 0 {
		b.Kinds = nil
	}
}

// AppendRow copies row i of from to the end of b with the given kind. Negative i
// appends a row of NULLs.
func (b *Batch) AppendRow(ts []types.Type, kind Kind, from *Batch, i int) {
	for c := range ts {
		b.Cols[c].Append(ts[c], b.Len, &from.Cols[c], i)
	}
	b.AppendKind(kind)
}

// AppendKind counts one more row of that kind, whose columns were appended.
func (b *Batch) AppendKind(kind Kind) {
	if b.Kinds == nil && kind != Insert {
		b.Kinds = make([]Kind, b.Len, MaxRows)
	}
	if b.Kinds != nil {
		b.Kinds = append(b.Kinds, kind)
	}
	b.Len++
}

// Compact makes out the live rows of b without a selection. Without one it is b
// itself, by header. Strings are shared.
func (b *Batch) Compact(ts []types.Type, out *Batch) *Batch {
	if b.Sel == nil {
		return b
	}
	if cap(out.Cols) < len(ts) {
		out.Cols = make([]Vector, len(ts))
	}
	out.Cols = out.Cols[:len(ts)]
	var valid []uint64 // of the column before: fields of one ROW share it
	nulls := false
	for c := range ts {
		v := &b.Cols[c]
		if len(v.Valid) == 0 {
			out.Cols[c].take(ts[c], v, b.Sel, false)
			continue
		}
		if len(v.Valid) != len(valid) || &v.Valid[0] != &valid[0] {
			valid, nulls = v.Valid, !clean(v.Valid, b.Sel)
		}
		out.Cols[c].take(ts[c], v, b.Sel, nulls)
	}
	out.Len, out.Sel = len(b.Sel), nil
	if b.Kinds == nil {
		out.Kinds = nil
		return out
	}
	out.Kinds = grow(out.Kinds, len(b.Sel))
	for k, i := range b.Sel {
		out.Kinds[k] = b.Kinds[i]
	}
	return out
}

// Set makes row i of v, which was prepared for its rows, a copy of row j of from.
// Strings and elements are copied.
func (v *Vector) Set(t types.Type, i int, from *Vector, j int) {
	if j < 0 || from.Null(j) {
		v.SetNull(i)
		return
	}
	switch t.Layout() {
	case types.LayoutI64:
		v.I64[i] = from.I64[j]
	case types.LayoutF64:
		v.F64[i] = from.F64[j]
	case types.LayoutWide:
		v.I64[i], v.Hi[i] = from.I64[j], from.Hi[j]
	case types.LayoutBytes:
		v.SetBytes(i, from.Bytes(j))
	case types.LayoutList:
		s, first := from.Str[j], 0
		for k, kt := range t.KidTypes() {
			first = v.Kids[k].Size(kt)
			for e := 0; e < s.Len(); e++ {
				v.Kids[k].Append(kt, first+e, &from.Kids[k], s.Off()+e)
			}
		}
		v.Str[i] = NewView(first, s.Len())
	case types.LayoutStruct:
		for k, kt := range t.KidTypes() {
			v.Kids[k].Set(kt, i, &from.Kids[k], j)
		}
	}
	v.SetValid(i)
}
