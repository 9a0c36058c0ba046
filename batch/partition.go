package batch

import "github.com/millrace/millrace/types"

// Partitioner spreads rows over subtasks: a row goes to the owner of the key group
// of its hash over the key columns. One per exchange; it reuses its buffers.
type Partitioner struct {
	keys   []int
	ts     []types.Type // of the keys
	owner  [KeyGroups]uint8
	cols   []Vector
	hashes []uint64
	rows   [][]int32
}

// MaxSubtasks is the highest parallelism: a key group has one owner.
const MaxSubtasks = KeyGroups

// NewPartitioner spreads rows of the column types ts by columns keys over n
// subtasks, 1 <= n <= MaxSubtasks.
func NewPartitioner(ts []types.Type, keys []int, n int) *Partitioner {
	p := &Partitioner{keys: keys, cols: make([]Vector, len(keys)), rows: make([][]int32, n)}
	for _, k := range keys {
		p.ts = append(p.ts, ts[k])
	}
	for g := range p.owner {
		p.owner[g] = uint8(Subtask(g, n))
	}
	return p
}

// Split lists the rows of b for each subtask, ascending; valid until the next
// Split. b has no selection.
func (p *Partitioner) Split(b *Batch) [][]int32 {
	for i, k := range p.keys {
		p.cols[i] = b.Cols[k]
	}
	p.hashes = grow(p.hashes, b.Len)
	Hash(p.ts, p.cols, b.Len, p.hashes)
	for t := range p.rows {
		p.rows[t] = grow(p.rows[t], b.Len)
	}
	var n [MaxSubtasks]int32
	for i, h := range p.hashes {
		t := p.owner[h%KeyGroups]
		p.rows[t][n[t]] = int32(i)
		n[t]++
	}
	for t := range p.rows {
		p.rows[t] = p.rows[t][:n[t]]
	}
	return p.rows
}

// AppendTake copies rows idx of from to the end of b, column by column. Strings
// and elements are copied: b is independent of from. b was Reset with ts.
func (b *Batch) AppendTake(ts []types.Type, from *Batch, idx []int32) {
	for c := range ts {
		b.Cols[c].appendTake(ts[c], b.Len, &from.Cols[c], idx)
	}
	if b.Kinds == nil && from.Kinds != nil {
		b.Kinds = make([]Kind, b.Len, MaxRows)
	}
	if b.Kinds != nil {
		for _, i := range idx {
			b.Kinds = append(b.Kinds, from.Kind(int(i)))
		}
	}
	b.Len += len(idx)
}

// AppendRange copies rows first to end of from to the end of b, column by column.
// Strings and elements are copied: b is independent of from. b was Reset with ts.
func (b *Batch) AppendRange(ts []types.Type, from *Batch, first, end int) {
	for c := range ts {
		b.Cols[c].appendRange(ts[c], b.Len, &from.Cols[c], first, end)
	}
	if b.Kinds == nil && from.Kinds != nil {
		b.Kinds = make([]Kind, b.Len, MaxRows)
	}
	if b.Kinds != nil {
		for i := first; i < end; i++ {
			b.Kinds = append(b.Kinds, from.Kind(i))
		}
	}
	b.Len += end - first
}

// appendRange copies rows first to end of from behind the n rows of v.
func (v *Vector) appendRange(t types.Type, n int, from *Vector, first, end int) {
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = append(v.I64[:n], from.I64[first:end]...)
	case types.LayoutF64:
		v.F64 = append(v.F64[:n], from.F64[first:end]...)
	case types.LayoutWide:
		v.I64, v.Hi = append(v.I64[:n], from.I64[first:end]...), append(v.Hi[:n], from.Hi[first:end]...)
	case types.LayoutBytes:
		v.Str = lengthen(v.Str[:n], end-first)
		buf := v.Buf
		for k, s := range from.Str[first:end] {
			off := len(buf)
			buf = append(buf, from.Buf[s.Off():s.Off()+s.Len()]...)
			v.Str[n+k] = NewView(off, s.Len())
		}
		v.Buf = buf
	default:
		for i := first; i < end; i++ {
			v.Append(t, n+i-first, from, i)
		}
		return
	}
	if len(from.Valid) == 0 && len(v.Valid) == 0 {
		return
	}
	for i := first; i < end; i++ {
		if from.Null(i) {
			v.SetNull(n + i - first)
		} else {
			v.SetValid(n + i - first)
		}
	}
}

// appendTake copies rows idx of from behind the n rows of v.
func (v *Vector) appendTake(t types.Type, n int, from *Vector, idx []int32) {
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = extend(v.I64[:n], from.I64, idx)
	case types.LayoutF64:
		v.F64 = extend(v.F64[:n], from.F64, idx)
	case types.LayoutWide:
		v.I64, v.Hi = extend(v.I64[:n], from.I64, idx), extend(v.Hi[:n], from.Hi, idx)
	case types.LayoutBytes:
		v.appendStrings(n, from, idx)
	default:
		for k, i := range idx {
			v.Append(t, n+k, from, int(i))
		}
		return
	}
	if len(from.Valid) == 0 && len(v.Valid) == 0 {
		return
	}
	for k, i := range idx {
		if from.Null(int(i)) {
			v.SetNull(n + k)
		} else {
			v.SetValid(n + k)
		}
	}
}

func (v *Vector) appendStrings(n int, from *Vector, idx []int32) {
	v.Str = lengthen(v.Str[:n], len(idx))
	to, buf := v.Str[n:], v.Buf
	for k, i := range idx {
		s := from.Str[i]
		off := len(buf)
		buf = append(buf, from.Buf[s.Off():s.Off()+s.Len()]...)
		to[k] = NewView(off, s.Len())
	}
	v.Buf = buf
}

func extend[T int64 | float64](to, from []T, idx []int32) []T {
	n := len(to)
	to = lengthen(to, len(idx))
	tail := to[n:][:len(idx)]
	for k, i := range idx {
		tail[k] = from[i]
	}
	return to
}

// lengthen makes s n elements longer, in place where it has room.
func lengthen[T any](s []T, n int) []T {
	if len(s)+n <= cap(s) {
		return s[:len(s)+n]
	}
	out := make([]T, len(s)+n, max(len(s)+n, 2*cap(s)))
	copy(out, s)
	return out
}
