package batch

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/millrace/millrace/types"
)

// KeyGroups is the number of key groups that hashes fall into; a subtask owns a
// range of them. Persisted: it never changes.
const KeyGroups = 128

// KeyGroup is the key group of a hash.
func KeyGroup(hash uint64) int { return int(hash % KeyGroups) }

// Subtask is the subtask, of n, that owns a key group.
func Subtask(group, n int) int { return group * n / KeyGroups }

// Constants of the multiply-mix hash: odd, fixed, because key groups are
// persisted.
const (
	mul0     = 0x9e3779b97f4a7c15
	mul1     = 0xd6e8feb86659fd93
	nullHash = 0x7ae36f2b4c1d9875
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^mul0, b^mul1)
	return hi ^ lo
}

// HashBytes is the 64-bit hash of b.
func HashBytes(seed uint64, b []byte) uint64 {
	h := seed ^ uint64(len(b))*mul1
	for len(b) >= 16 {
		h = mix(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]))
		b = b[16:]
	}
	var x, y uint64
	switch {
	case len(b) >= 8:
		x, y = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	case len(b) > 0:
		x = uint64(b[0])<<16 | uint64(b[len(b)>>1])<<8 | uint64(b[len(b)-1])
	}
	return mix(h^x, y)
}

// canonical gives equal floats equal bits: -0.0 is 0.0, all NaNs are one.
func canonical(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if f != f {
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}

// Hash writes the hash of rows 0..n-1 over the key columns to out, column by
// column. The same for exchange, key group and table. No columns hash to 0, key
// group 0.
func Hash(ts []types.Type, cols []Vector, n int, out []uint64) {
	clear(out[:n])
	mixIn(ts, cols, n, out)
}

// HashUnder is Hash, but for the key group, which is that of the first k columns:
// rows that were spread by these keep to their subtask when state filed under more
// columns is restored. k must not be 0.
func HashUnder(ts []types.Type, cols []Vector, k, n int, out []uint64) {
	Hash(ts[:k], cols[:k], n, out)
	var few [MaxRows]uint8
	groups := few[:]
	if n > MaxRows {
		groups = make([]uint8, n)
	}
	for i, h := range out[:n] {
		groups[i] = uint8(KeyGroup(h))
	}
	mixIn(ts[k:], cols[k:], n, out)
	for i, h := range out[:n] {
		out[i] = h&^(KeyGroups-1) | uint64(groups[i])
	}
}

// mixIn adds columns to hashes.
func mixIn(ts []types.Type, cols []Vector, n int, out []uint64) {
	out = out[:n]
	for c := range cols {
		v := &cols[c]
		switch layout := ts[c].Layout(); {
		case len(v.Valid) > 0:
			mixNullable(ts[c], v, out)
		case layout == types.LayoutI64:
			for i, x := range v.I64[:n] {
				out[i] = mix(out[i], uint64(x))
			}
		case layout == types.LayoutF64:
			for i, x := range v.F64[:n] {
				out[i] = mix(out[i], canonical(x))
			}
		case layout == types.LayoutWide:
			for i, x := range v.I64[:n] {
				out[i] = mix(mix(out[i], uint64(x)), uint64(v.Hi[i]))
			}
		case layout == types.LayoutBytes:
			for i := range out {
				out[i] = HashBytes(out[i], v.Bytes(i))
			}
		default:
			var buf []byte
			for i := range out {
				buf = AppendKey(buf[:0], ts[c], v, i)
				out[i] = HashBytes(out[i], buf)
			}
		}
	}
}

// mixNullable adds a column with NULLs. What a kernel has left at a NULL row doesn't
// count: it is hashed as zero, and a mark, so that NULL and 0 differ.
func mixNullable(t types.Type, v *Vector, out []uint64) {
	layout := t.Layout()
	var buf []byte
	for i, h := range out {
		null := v.Null(i)
		switch layout {
		case types.LayoutI64, types.LayoutF64:
			var x uint64
			if !null && layout == types.LayoutI64 {
				x = uint64(v.I64[i])
			} else if !null {
				x = canonical(v.F64[i])
			}
			h = mix(h, x)
		case types.LayoutWide:
			var lo, hi uint64
			if !null {
				lo, hi = uint64(v.I64[i]), uint64(v.Hi[i])
			}
			h = mix(mix(h, lo), hi)
		case types.LayoutBytes:
			var b []byte
			if !null {
				b = v.Bytes(i)
			}
			h = HashBytes(h, b)
		default:
			buf = AppendKey(buf[:0], t, v, i)
			h = HashBytes(h, buf)
		}
		if null {
			h = mix(h, nullHash)
		}
		out[i] = h
	}
}
