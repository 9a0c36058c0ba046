package plain

import (
	"sort"
	"unsafe"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// table is rows by key. Row id i lies at cells[i*stride:]: first the validity bits
// of its columns, then 8 or 16 bytes per fixed column.
type table struct {
	spec    state.Spec
	keyTs   []types.Type
	rowTs   []types.Type
	at      []int // word of column c within a row
	stride  int   // words of a row
	cells   []uint64
	bytes   map[int][][]byte // bytes column -> by id
	keys    [][]byte         // by id, nil: free
	hash    []uint64         // by id
	written []int64          // by id: when, with a TTL
	now     func() int64
	opts    state.Options
	index   map[string]uint32
	dead    map[uint32]bool // deleted since Release
	free    []uint32
	lists   []*list
	sets    []*multiset
	sorted  []*sorted
	slices  map[int64]*table
	buf     []byte
	turn    int
}

func typesOf(cols []state.Column) []types.Type {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = c.Type
	}
	return ts
}

func newTable(spec state.Spec, opts state.Options) *table {
	t := &table{spec: spec, opts: opts, now: opts.Now, hash: make([]uint64, 1), written: make([]int64, 1), keyTs: typesOf(spec.Key), rowTs: typesOf(spec.Row), bytes: map[int][][]byte{}, index: map[string]uint32{},
		dead: map[uint32]bool{}, keys: make([][]byte, 1)}
	t.stride = (len(t.rowTs) + 63) / 64
	for c, ty := range t.rowTs {
		t.at = append(t.at, t.stride)
		switch ty.Layout() {
		case types.LayoutWide:
			t.stride += 2
		case types.LayoutI64, types.LayoutF64:
			t.stride++
		default:
			t.bytes[c] = make([][]byte, 1)
		}
	}
	t.stride = max(t.stride, 1)
	t.cells = make([]uint64, t.stride)
	for _, l := range spec.Lists {
		t.lists = append(t.lists, newList(l))
	}
	for _, m := range spec.Multisets {
		t.sets = append(t.sets, &multiset{ts: typesOf(m), of: map[uint32]map[string]*counted{}})
	}
	for _, s := range spec.Sorted {
		t.sorted = append(t.sorted, newSorted(s))
	}
	if spec.Windowed {
		t.slices = map[int64]*table{}
	}
	return t
}

func (t *table) key(keys []batch.Vector, row int) []byte {
	t.buf = t.buf[:0]
	for c := range t.keyTs {
		t.buf = batch.AppendKey(t.buf, t.keyTs[c], &keys[c], row)
	}
	return t.buf
}

func (t *table) Upsert(keys []batch.Vector, hashes []uint64, ids []uint32, fresh []bool) {
	for k := range ids {
		key := t.key(keys, k)
		id, ok := t.index[string(key)]
		fresh[k] = !ok || t.dead[id] || t.expired(id)
		if !ok {
			id = t.make(key, hashes[k])
		} else if fresh[k] {
			delete(t.dead, id)
			t.clear(id)
		}
		ids[k] = id
		t.Touch(ids[k : k+1])
	}
}

// expired says that a row was last written longer ago than the TTL.
func (t *table) expired(id uint32) bool {
	return t.spec.TTL > 0 && t.now != nil && t.written[id]+t.spec.TTL.Milliseconds() <= t.now()
}

func (t *table) make(key []byte, hash uint64) uint32 {
	var id uint32
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
	} else {
		id = uint32(len(t.keys))
		t.keys = append(t.keys, nil)
		t.hash, t.written = append(t.hash, 0), append(t.written, 0)
		t.cells = append(t.cells, make([]uint64, t.stride)...)
		for c := range t.bytes {
			t.bytes[c] = append(t.bytes[c], nil)
		}
	}
	t.keys[id] = append([]byte{}, key...) // not nil: that means free
	t.hash[id] = hash
	t.index[string(key)] = id
	t.clear(id)
	return id
}

// clear makes a row fresh: cells zero and valid, collections empty.
func (t *table) clear(id uint32) {
	row := t.cells[int(id)*t.stride:][:t.stride]
	clear(row)
	for w := 0; w*64 < len(t.rowTs); w++ {
		row[w] = ^uint64(0)
	}
	for c := range t.bytes {
		t.bytes[c][id] = nil
	}
	for _, l := range t.lists {
		l.clear(id)
	}
	for _, m := range t.sets {
		m.Clear(id)
	}
	for _, s := range t.sorted {
		s.clear(id)
	}
}

func (t *table) Find(keys []batch.Vector, _ []uint64, ids []uint32) {
	for k := range ids {
		id, ok := t.index[string(t.key(keys, k))]
		if !ok || t.dead[id] || t.expired(id) {
			id = 0
		}
		ids[k] = id
	}
}

func (t *table) Delete(ids []uint32) {
	for _, id := range ids {
		if id != 0 {
			t.dead[id] = true
		}
	}
}

func (t *table) release() {
	t.sweep()
	if len(t.dead) > 0 {
		dead := make([]uint32, 0, len(t.dead))
		for id := range t.dead {
			dead = append(dead, id)
		}
		sort.Slice(dead, func(i, j int) bool { return dead[i] < dead[j] })
		for _, id := range dead {
			delete(t.index, string(t.keys[id]))
			t.clear(id)
			t.keys[id] = nil
			t.free = append(t.free, id)
		}
		clear(t.dead)
	}
	for _, l := range t.lists {
		l.release()
	}
	for _, s := range t.sorted {
		s.release()
	}
	for _, s := range t.slices {
		s.release()
	}
	if t.opts.Evict {
		t.evict()
	}
}

// sweep deletes what has expired.
func (t *table) sweep() {
	for id := range t.keys {
		if t.keys[id] != nil && t.expired(uint32(id)) {
			t.dead[uint32(id)] = true
		}
	}
}

func (t *table) Move(into, from uint32) {
	copy(t.cells[int(into)*t.stride:][:t.stride], t.cells[int(from)*t.stride:][:t.stride])
	for c := range t.bytes {
		t.bytes[c][into] = t.bytes[c][from]
	}
	for _, l := range t.lists {
		l.of[into] = append(l.of[into], l.of[from]...)
		delete(l.of, from)
	}
	t.Touch([]uint32{into})
	for _, m := range t.sets {
		m.move(into, from)
	}
	for _, s := range t.sorted {
		s.move(into, from)
	}
	t.Delete([]uint32{from})
}

func (t *table) Len() int { return len(t.index) - len(t.dead) }

// Scan goes by id.
func (t *table) Scan(f func(t state.Table, ids []uint32) error) error {
	var ids []uint32
	t.Each(func(id uint32) bool { ids = append(ids, id); return true })
	for at := 0; at < len(ids); at += batch.MaxRows {
		if err := f(t, ids[at:min(at+batch.MaxRows, len(ids))]); err != nil {
			return err
		}
	}
	return nil
}

// ScanGroup is Scan that passes over the rows of other groups.
func (t *table) ScanGroup(group int, f func(t state.Table, ids []uint32) error) error {
	return t.Scan(func(_ state.Table, ids []uint32) error {
		var in []uint32
		for _, id := range ids {
			if batch.KeyGroup(t.hash[id]) == group {
				in = append(in, id)
			}
		}
		if len(in) == 0 {
			return nil
		}
		return f(t, in)
	})
}

// OnDisk is 0: all rows are in memory.
func (t *table) OnDisk() int { return 0 }

// Aside makes a new one each time.
func (t *table) Aside() state.Table {
	spec := t.spec
	spec.Windowed = false
	return newTable(spec, t.opts)
}

// EndAside has nothing to do: the collector has.
func (t *table) EndAside() {}

func (t *table) Each(f func(id uint32) bool) {
	for id := 1; id < len(t.keys); id++ {
		if t.keys[id] != nil && !t.dead[uint32(id)] && !t.expired(uint32(id)) && !f(uint32(id)) {
			return
		}
	}
}

func (t *table) Keys(ids []uint32, to []batch.Vector) {
	for c := range to {
		to[c].Prepare(t.keyTs[c], 0)
	}
	for k, id := range ids {
		b := t.keys[id]
		for c := range to {
			b = batch.DecodeValue(b, t.keyTs[c], &to[c], k)
		}
	}
}

// Touch restarts the time to live.
func (t *table) Touch(ids []uint32) {
	if t.spec.TTL == 0 || t.now == nil {
		return
	}
	now := t.now()
	for _, id := range ids {
		t.written[id] = now
	}
}

func (t *table) word(c int) batch.Pointer { return unsafe.Pointer(&t.cells[c]) }

func (t *table) I64(col int) batch.Col[int64] {
	return batch.Col[int64]{Base: t.word(t.at[col]), Stride: uintptr(t.stride * 8)}
}

func (t *table) Hi(col int) batch.Col[int64] {
	return batch.Col[int64]{Base: t.word(t.at[col] + 1), Stride: uintptr(t.stride * 8)}
}

func (t *table) F64(col int) batch.Col[float64] {
	return batch.Col[float64]{Base: t.word(t.at[col]), Stride: uintptr(t.stride * 8)}
}

func (t *table) Valid(col int) batch.BitCol {
	return batch.BitCol{Base: t.word(col / 64), Stride: uintptr(t.stride * 8), Mask: 1 << (uint(col) % 64)}
}

func (t *table) Bytes(col int, id uint32) []byte { return t.bytes[col][id] }

func (t *table) SetBytes(col int, id uint32, b []byte) {
	t.bytes[col][id] = append([]byte(nil), b...)
}

func (t *table) Gather(ids []uint32, cols []int, to []batch.Vector) {
	for k, c := range cols {
		t.gather(ids, c, &to[k])
	}
}

func (t *table) gather(ids []uint32, c int, v *batch.Vector) {
	ty, valid := t.rowTs[c], t.Valid(c)
	layout := ty.Layout()
	if layout == types.LayoutList || layout == types.LayoutStruct {
		v.Prepare(ty, 0)
		for k, id := range ids {
			if id == 0 || !valid.Get(id) || len(t.bytes[c][id]) == 0 {
				v.AppendNull(ty, k)
				continue
			}
			batch.DecodeValue(t.bytes[c][id], ty, v, k)
		}
		return
	}
	v.Prepare(ty, len(ids))
	for k, id := range ids {
		if id == 0 || !valid.Get(id) {
			v.SetNull(k)
			continue
		}
		switch layout {
		case types.LayoutI64:
			v.I64[k] = *t.I64(c).At(id)
		case types.LayoutWide:
			v.I64[k], v.Hi[k] = *t.I64(c).At(id), *t.Hi(c).At(id)
		case types.LayoutF64:
			v.F64[k] = *t.F64(c).At(id)
		default:
			v.SetBytes(k, t.bytes[c][id])
		}
	}
}

func (t *table) Put(ids []uint32, sel []int32, cols []int, from []batch.Vector) {
	for k, c := range cols {
		ty, v, valid := t.rowTs[c], &from[k], t.Valid(c)
		for n, id := range ids {
			row := n
			if sel != nil {
				row = int(sel[n])
			}
			if id == 0 {
				continue
			}
			valid.Set(id, !v.Null(row))
			if v.Null(row) {
				continue
			}
			switch ty.Layout() {
			case types.LayoutI64:
				*t.I64(c).At(id) = v.I64[row]
			case types.LayoutWide:
				*t.I64(c).At(id), *t.Hi(c).At(id) = v.I64[row], v.Hi[row]
			case types.LayoutF64:
				*t.F64(c).At(id) = v.F64[row]
			case types.LayoutBytes:
				t.SetBytes(c, id, v.Bytes(row))
			default:
				t.bytes[c][id] = batch.AppendValue(nil, ty, v, row)
			}
		}
	}
}

// Replace is Gather and Put of each row in turn.
func (t *table) Replace(ids []uint32, sel []int32, cols []int, from, to []batch.Vector) {
	n := len(ids)
	was, is, one := make([]batch.Vector, len(cols)), make([]batch.Vector, len(cols)), make([]int32, 1)
	for j, c := range cols {
		to[j].Prepare(t.rowTs[c], 0)
		is[j].Prepare(t.rowTs[c], 0)
	}
	for k := range ids {
		if one[0] = int32(k); sel != nil {
			one[0] = sel[k]
		}
		t.Gather(ids[k:k+1], cols, was)
		for j, c := range cols {
			to[j].Append(t.rowTs[c], k, &was[j], 0)
			is[j].Append(t.rowTs[c], k, &from[j], int(one[0]))
		}
		t.Put(ids[k:k+1], one, cols, from)
	}
	for j, c := range cols {
		for k := range n {
			to[j].Append(t.rowTs[c], n+k, &is[j], k)
		}
	}
}

func (t *table) List(i int) state.List         { return t.lists[i] }
func (t *table) Multiset(i int) state.Multiset { return t.sets[i] }
func (t *table) Sorted(i int) state.Sorted     { return t.sorted[i] }

func (t *table) Slice(ns int64) state.Table { return t.slice(ns) }

func (t *table) slice(ns int64) *table {
	s := t.slices[ns]
	if s == nil {
		spec := t.spec
		spec.Windowed = false
		s = newTable(spec, t.opts)
		t.slices[ns] = s
	}
	return s
}

func (t *table) Slices() []int64 {
	out := make([]int64, 0, len(t.slices))
	for ns := range t.slices {
		out = append(out, ns)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

func (t *table) Drop(ns int64) { delete(t.slices, ns) }
