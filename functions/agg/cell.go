package agg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/types"
)

// cell is one value of any type per group, or none: a fixed part whose Valid bit
// says that there is one. Lists and structs are kept encoded.
type cell struct {
	t     types.Type
	part  int
	c     functions.Cells
	valid batch.BitCol
	i64   batch.Col[int64]
	hi    batch.Col[int64]
	f64   batch.Col[float64]
	tmp   batch.Vector
	enc   []byte
}

// open binds the cell to part of c.
func (k *cell) open(c functions.Cells, part int) {
	k.c, k.part, k.valid = c, part, c.Valid(part)
	switch k.t.Layout() {
	case types.LayoutI64:
		k.i64 = c.I64(part)
	case types.LayoutF64:
		k.f64 = c.F64(part)
	case types.LayoutWide:
		k.i64, k.hi = c.I64(part), c.Hi(part)
	}
}

func (k *cell) clear(id uint32) { k.valid.Set(id, false) }

func (k *cell) has(id uint32) bool { return k.valid.Get(id) }

// load is the group's value in row 0 of a vector that the next load overwrites.
func (k *cell) load(id uint32) *batch.Vector {
	switch k.t.Layout() {
	case types.LayoutI64:
		k.tmp.Prepare(k.t, 1)
		k.tmp.I64[0] = *k.i64.At(id)
	case types.LayoutF64:
		k.tmp.Prepare(k.t, 1)
		k.tmp.F64[0] = *k.f64.At(id)
	case types.LayoutWide:
		k.tmp.Prepare(k.t, 1)
		k.tmp.I64[0], k.tmp.Hi[0] = *k.i64.At(id), *k.hi.At(id)
	case types.LayoutBytes:
		k.tmp.Prepare(k.t, 1)
		k.tmp.SetBytes(0, k.c.Bytes(k.part, id))
	default:
		k.tmp.Prepare(k.t, 0)
		batch.DecodeValue(k.c.Bytes(k.part, id), k.t, &k.tmp, 0)
	}
	return &k.tmp
}

// store keeps row `row` of v, which isn't NULL.
func (k *cell) store(id uint32, v *batch.Vector, row int) {
	k.valid.Set(id, true)
	switch k.t.Layout() {
	case types.LayoutI64:
		*k.i64.At(id) = v.I64[row]
	case types.LayoutF64:
		*k.f64.At(id) = v.F64[row]
	case types.LayoutWide:
		*k.i64.At(id), *k.hi.At(id) = v.I64[row], v.Hi[row]
	case types.LayoutBytes:
		k.c.SetBytes(k.part, id, v.Bytes(row))
	default:
		k.enc = batch.AppendValue(k.enc[:0], k.t, v, row)
		k.c.SetBytes(k.part, id, k.enc)
	}
}

// to writes the value, or NULL, to row i of out.
func (k *cell) to(id uint32, out *batch.Vector, i int) {
	if !k.has(id) {
		out.SetNull(i)
		return
	}
	out.Set(k.t, i, k.load(id), 0)
}
