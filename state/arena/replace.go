package arena

import (
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Replace is Gather and Put of each row in turn.
func (t *table) Replace(ids []uint32, sel []int32, cols []int, from, to []batch.Vector) {
	if t.track.on {
		t.touchAll(ids)
	}
	t.replace(ids, sel, cols, from, to)
}

func (r *records) replace(ids []uint32, sel []int32, cols []int, from, to []batch.Vector) {
	n, vars, nested := len(ids), 0, r.nested(cols)
	for k, c := range cols {
		if nested && (r.kind[c] == types.LayoutList || r.kind[c] == types.LayoutStruct) {
			to[k].Prepare(r.ts[c], 0)
			continue
		}
		to[k].Prepare(r.ts[c], 2*n)
		if isVar(r.kind[c]) {
			vars++
		}
	}
	switch {
	case vars == 0 && !nested:
	case vars == len(r.vars) && !nested:
		r.replaceGrouped(ids, sel, cols, from, to)
	default:
		r.replaceEach(ids, sel, cols, from, to)
		return
	}
	for k, c := range cols {
		if !isVar(r.kind[c]) {
			r.replaceFixed(ids, sel, c, &from[k], &to[k])
		}
	}
}

// replaceFixed replaces one column of words.
func (r *records) replaceFixed(ids []uint32, sel []int32, c int, from, to *batch.Vector) {
	base, stride, cell, n := r.base(), r.stride, r.at[c], len(ids)
	if sel == nil {
		sel = r.count(n)
	}
	sel = sel[:n]
	at, mask := r.validAt(c)
	all := mask // of the rows as they were
	switch r.kind[c] {
	case types.LayoutF64:
		was, is := to.F64[:n], to.F64[n:2*n]
		for k, id := range ids {
			p, x := unsafe.Add(base, uintptr(id)*stride), from.F64[sel[k]]
			v := (*float64)(unsafe.Add(p, cell))
			was[k], is[k] = *v, x
			*v = x
			all &= *word(p, at)
		}
	case types.LayoutWide:
		for k, id := range ids {
			p, x := unsafe.Add(base, uintptr(id)*stride), from.Hi[sel[k]]
			v := (*int64)(unsafe.Add(p, cell+8))
			to.Hi[k], to.Hi[n+k] = *v, x
			*v = x
		}
		fallthrough
	default:
		was, is := to.I64[:n], to.I64[n:2*n]
		for k, id := range ids {
			p, x := unsafe.Add(base, uintptr(id)*stride), from.I64[sel[k]]
			v := (*int64)(unsafe.Add(p, cell))
			was[k], is[k] = *v, x
			*v = x
			all &= *word(p, at)
		}
	}
	if all != 0 && len(from.Valid) == 0 {
		return
	}
	for k, id := range ids {
		r.replaceValid(word(base, uintptr(id)*stride+at), mask, k, n+k, from.Null(int(sel[k])), to)
	}
}

// count is 0, 1, ... n-1.
func (r *records) count(n int) []int32 {
	for len(r.nth) < n {
		r.nth = append(r.nth, int32(len(r.nth)))
	}
	return r.nth[:n]
}

// replaceValid says in rows was and is of to whether a cell was NULL and is.
func (r *records) replaceValid(w *uint64, mask uint64, was, is int, null bool, to *batch.Vector) {
	if *w&mask == 0 {
		to.SetNull(was)
	}
	if null {
		to.SetNull(is)
		*w &^= mask
	} else {
		*w |= mask
	}
}

// replaceGrouped replaces all variable columns: what they were and what they are
// lies in the blob.
func (r *records) replaceGrouped(ids []uint32, sel []int32, cols []int, from, to []batch.Vector) {
	n := len(ids)
	for k, id := range ids {
		row := k
		if sel != nil {
			row = int(sel[k])
		}
		p := r.ptr(id)
		for j, c := range cols {
			if isVar(r.kind[c]) {
				to[j].Str[k] = batch.View(*word(p, r.at[c]))
			}
		}
		r.group(p, row, cols, from)
		for j, c := range cols {
			if isVar(r.kind[c]) {
				to[j].Str[n+k] = batch.View(*word(p, r.at[c]))
				at, mask := r.validAt(c)
				r.replaceValid(word(p, at), mask, k, n+k, from[j].Null(row), &to[j])
			}
		}
	}
	for j, c := range cols {
		if isVar(r.kind[c]) {
			to[j].ShareBuf(r.blob.buf[:r.blob.used], nil)
		}
	}
}

// replaceEach goes row by row: some values are nested, or not all variable columns
// are replaced.
func (r *records) replaceEach(ids []uint32, sel []int32, cols []int, from, to []batch.Vector) {
	n := len(ids)
	old, one := make([]batch.Vector, len(cols)), make([]int32, 1)
	is := make([]batch.Vector, len(cols))
	for j := range cols {
		to[j].Prepare(r.ts[cols[j]], 0)
		is[j].Prepare(r.ts[cols[j]], 0)
	}
	for k := range ids {
		if one[0] = int32(k); sel != nil {
			one[0] = sel[k]
		}
		r.gather(ids[k:k+1], cols, old)
		for j, c := range cols {
			to[j].Append(r.ts[c], k, &old[j], 0)
			is[j].Append(r.ts[c], k, &from[j], int(one[0]))
		}
		r.put(ids[k:k+1], one, cols, from)
	}
	for j, c := range cols {
		for k := range n {
			to[j].Append(r.ts[c], n+k, &is[j], k)
		}
	}
}
