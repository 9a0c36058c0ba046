package statetest

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// driver makes random turns on one table and its model.
type driver struct {
	t     *testing.T
	r     *rand.Rand
	open  func(state.Options) state.Store
	spec  state.Spec
	opts  state.Options
	now   int64
	store state.Store
	table state.Table
	m     *model
	keyTs []types.Type
	rowTs []types.Type
	few   int // how many different keys, about

	checkpoint uint64
	saved      []state.Block // the last confirmed checkpoint: bases and deltas
	savedModel *model
	based      bool // this store has confirmed one
	pending    []*pending
}

var identity = state.Identity{Relation: "orders", Role: "test", Ordinal: 1}

func newDriver(t *testing.T, r *rand.Rand, open func(state.Options) state.Store, spec state.Spec, evict bool) *driver {
	d := &driver{t: t, r: r, open: open, spec: spec, m: newModel(spec), keyTs: typesOf(spec.Key), rowTs: typesOf(spec.Row), few: 3 + r.Intn(30)}
	if len(spec.Key) > 1 {
		d.few = 2 + r.Intn(5)
	}
	d.opts = state.Options{Evict: evict, Now: func() int64 { return d.now }}
	d.start(nil)
	d.savedModel = newModel(spec)
	return d
}

// start opens a store from blocks.
func (d *driver) start(blocks []state.Block) {
	d.t.Helper()
	d.store, d.based = d.open(d.opts), false
	if err := d.store.Restore(yield(blocks)); err != nil {
		d.t.Fatal(err)
	}
	var err error
	if d.table, err = d.store.Open(identity).Table(d.spec); err != nil {
		d.t.Fatal(err)
	}
}

func yield(blocks []state.Block) func(func(state.Block) error) error {
	return func(f func(state.Block) error) error {
		for _, b := range blocks {
			if err := f(b); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *driver) run(turns int) {
	for i := 0; i < turns && !d.t.Failed(); i++ {
		d.turn()
		d.store.Release()
		d.now += int64(d.r.Intn(4))
		d.m.expire(d.now)
		d.check()
		d.store.Release()
		switch d.r.Intn(8) {
		case 0:
			d.freeze()
		case 1:
			d.settle(d.r.Intn(3) > 0)
		case 2:
			d.crash()
		}
	}
	if err := d.store.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// scan goes through a table: every row is given once.
func (d *driver) scan(ns int64) {
	d.t.Helper()
	m := d.m.slice(ns)
	given := map[string]bool{}
	one := func(t state.Table, ids []uint32) error {
		keys, cells := make([]batch.Vector, len(d.keyTs)), make([]batch.Vector, len(d.rowTs))
		t.Keys(ids, keys)
		t.Gather(ids, seq(len(d.rowTs)), cells)
		for i := range ids {
			name := canonical(d.keyTs, keys, i)
			if m[name] == nil || given[name] {
				d.t.Fatalf("Scan gives %q, given before: %v", name, given[name])
			}
			given[name] = true
			for c := range d.rowTs {
				d.equal("a scanned cell", exact(d.rowTs[c:c+1], cells[c:c+1], i), m[name].cells[c])
			}
		}
		return nil
	}
	t, err := d.at(ns), error(nil)
	if d.r.Intn(2) == 0 {
		err = t.Scan(one)
	} else {
		for g := 0; g < batch.KeyGroups && err == nil; g++ {
			err = t.ScanGroup(g, one)
		}
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.equal("scanned rows", len(given), len(m))
}

// ns picks a slice, 0 when the table has none.
func (d *driver) ns() int64 {
	if !d.spec.Windowed {
		return 0
	}
	return int64(d.r.Intn(4)+1) * 1000
}

func (d *driver) at(ns int64) state.Table {
	if !d.spec.Windowed {
		return d.table
	}
	return d.table.Slice(ns)
}

// turn does a few things between two Releases.
func (d *driver) turn() {
	for n := 1 + d.r.Intn(4); n > 0; n-- {
		ns := d.ns()
		t, m := d.at(ns), d.m.slice(ns)
		keys, hashes, names := d.keys(1 + d.r.Intn(90))
		ids := make([]uint32, len(hashes))
		if d.r.Intn(60) == 0 {
			d.scan(ns)
			continue
		}
		switch d.r.Intn(10) {
		case 0:
			d.delete(t, m, keys, hashes, names)
		case 1:
			d.move(t, m, keys, hashes, names)
		case 2:
			if d.spec.Windowed && d.r.Intn(3) == 0 {
				d.table.Drop(ns)
				delete(d.m.slices, ns)
			}
		default:
			d.upsert(t, m, keys, hashes, names, ids)
			d.write(t, m, names, ids)
			d.collect(t, m, names, ids)
		}
	}
}

// keys makes random keys with their hashes and canonical names.
func (d *driver) keys(n int) ([]batch.Vector, []uint64, []string) {
	b := randomRows(d.r, d.keyTs, n, d.few)
	hashes, names := make([]uint64, n), make([]string, n)
	batch.Hash(d.keyTs, b.Cols, n, hashes)
	for i := range names {
		names[i] = canonical(d.keyTs, b.Cols, i)
	}
	return b.Cols, hashes, names
}

func (d *driver) upsert(t state.Table, m map[string]*mrow, keys []batch.Vector, hashes []uint64, names []string, ids []uint32) {
	d.t.Helper()
	fresh := make([]bool, len(ids))
	t.Upsert(keys, hashes, ids, fresh)
	of := map[string]uint32{}
	for i, name := range names {
		r := m[name]
		if fresh[i] != (r == nil) {
			d.t.Fatalf("key %d %q: fresh is %v", i, name, fresh[i])
		}
		if r == nil {
			r = d.m.newRow()
			m[name] = r
		}
		r.hash, r.written = hashes[i], d.now
		if id, ok := of[name]; ok && id != ids[i] || ids[i] == 0 {
			d.t.Fatalf("key %d %q: ids %d and %d", i, name, id, ids[i])
		}
		of[name] = ids[i]
	}
}

func (d *driver) find(t state.Table, m map[string]*mrow, keys []batch.Vector, hashes []uint64, names []string) []uint32 {
	d.t.Helper()
	ids := make([]uint32, len(names))
	t.Find(keys, hashes, ids)
	for i, name := range names {
		if (ids[i] == 0) != (m[name] == nil) {
			d.t.Fatalf("find %q: id %d, in the model %v", name, ids[i], m[name] != nil)
		}
	}
	return ids
}

func (d *driver) delete(t state.Table, m map[string]*mrow, keys []batch.Vector, hashes []uint64, names []string) {
	ids := d.find(t, m, keys, hashes, names)
	n := d.r.Intn(len(ids) + 1)
	t.Delete(ids[:n])
	for _, name := range names[:n] {
		delete(m, name)
	}
	d.find(t, m, keys, hashes, names)
	if d.r.Intn(2) == 0 { // a deleted key comes back within the turn, under its id
		again := make([]uint32, len(ids))
		d.upsert(t, m, keys, hashes, names, again)
		for i, id := range ids {
			if id != 0 && again[i] != id {
				d.t.Fatalf("key %q had id %d and now %d", names[i], id, again[i])
			}
		}
		d.checkTable(t, m)
	}
}

func (d *driver) move(t state.Table, m map[string]*mrow, keys []batch.Vector, hashes []uint64, names []string) {
	ids := d.find(t, m, keys, hashes, names)
	for i := 1; i < len(ids); i++ {
		if ids[0] == 0 || ids[i] == 0 || ids[0] == ids[i] {
			continue
		}
		t.Move(ids[0], ids[i])
		m[names[0]].move(m[names[i]])
		m[names[0]].written = d.now
		delete(m, names[i])
		return
	}
}

// write changes cells of the rows.
func (d *driver) write(t state.Table, m map[string]*mrow, names []string, ids []uint32) {
	if len(d.rowTs) == 0 {
		return
	}
	b := randomRows(d.r, d.rowTs, len(ids), 12)
	var cs []int
	var vs []batch.Vector
	for c := range d.rowTs {
		if d.r.Intn(3) > 0 {
			cs, vs = append(cs, c), append(vs, b.Cols[c])
		}
	}
	var sel []int32
	to := ids
	if d.r.Intn(2) == 0 {
		sel = []int32{}
		to = nil
		for i := range ids {
			if d.r.Intn(2) == 0 {
				sel, to = append(sel, int32(i)), append(to, ids[i])
			}
		}
	}
	var both []batch.Vector
	if d.r.Intn(2) == 0 {
		t.Put(to, sel, cs, vs)
	} else {
		both = make([]batch.Vector, len(cs))
		t.Replace(to, sel, cs, vs, both)
	}
	for k := range to {
		row := k
		if sel != nil {
			row = int(sel[k])
		}
		r := m[names[row]]
		for n, c := range cs {
			is := exact(d.rowTs[c:c+1], b.Cols[c:c+1], row)
			if both != nil {
				d.equal("Replace: was", exact(d.rowTs[c:c+1], both[n:n+1], k), r.cells[c])
				d.equal("Replace: is", exact(d.rowTs[c:c+1], both[n:n+1], len(to)+k), is)
			}
			r.cells[c] = is
		}
	}
	d.writeInPlace(t, m, names, ids, b)
}

// writeInPlace writes a column through its address.
func (d *driver) writeInPlace(t state.Table, m map[string]*mrow, names []string, ids []uint32, b *batch.Batch) {
	c := d.r.Intn(len(d.rowTs))
	ty, v := d.rowTs[c], &b.Cols[c]
	t.Touch(ids)
	valid := t.Valid(c)
	for i, id := range ids {
		layout := ty.Layout()
		if layout == types.LayoutList || layout == types.LayoutStruct {
			return
		}
		valid.Set(id, !v.Null(i))
		m[names[i]].cells[c] = exact([]types.Type{ty}, []batch.Vector{*v}, i)
		if v.Null(i) {
			continue
		}
		switch layout {
		case types.LayoutI64:
			*t.I64(c).At(id) = v.I64[i]
		case types.LayoutF64:
			*t.F64(c).At(id) = v.F64[i]
		case types.LayoutWide:
			*t.I64(c).At(id), *t.Hi(c).At(id) = v.I64[i], v.Hi[i]
		default:
			t.SetBytes(c, id, v.Bytes(i))
		}
	}
}

// collect changes what hangs from the rows.
func (d *driver) collect(t state.Table, m map[string]*mrow, names []string, ids []uint32) {
	for l := range d.spec.Lists {
		d.list(t.List(l), l, m, names, ids)
	}
	for s := range d.spec.Multisets {
		d.multiset(t.Multiset(s), s, m, names, ids)
	}
	for s := range d.spec.Sorted {
		d.sorted(t.Sorted(s), s, m, names, ids)
	}
}

func (d *driver) list(l state.List, n int, m map[string]*mrow, names []string, ids []uint32) {
	spec := d.spec.Lists[n]
	if spec.Inline && d.r.Intn(3) > 0 {
		d.update(l, n, m, names, ids)
		return
	}
	ts := typesOf(spec.Row)
	rows := randomRows(d.r, ts, len(ids), 6)
	to, entries := append([]uint32(nil), ids...), make([]state.Entry, len(ids))
	for i := range to {
		if d.r.Intn(3) == 0 {
			to[i] = 0
		}
	}
	if d.r.Intn(2) == 0 {
		l.Append(to, rows, entries)
	} else {
		for i, id := range to {
			if id != 0 {
				entries[i] = l.Add(id, rows, i)
			}
		}
	}
	for i, id := range to {
		if id == 0 {
			continue
		}
		cells := make([]int64, spec.Cells)
		for c := range cells {
			cells[c] = d.r.Int63n(100)
			if x := *l.Cell(entries[i], c); x != 0 {
				d.t.Fatalf("a new entry's cell is %d", x)
			}
			*l.Cell(entries[i], c) = cells[c]
		}
		m[names[i]].lists[n] = append(m[names[i]].lists[n], mentry{enc: exact(ts, rows.Cols, i), cells: cells})
	}
	for k := d.r.Intn(len(ids) + 1); k > 0; k-- {
		i := d.r.Intn(len(ids))
		want, r := exact(ts, rows.Cols, i), m[names[i]]
		at := -1
		for j, e := range r.lists[n] {
			if e.enc == want {
				at = j
				break
			}
		}
		e, ok := l.RemoveEqual(ids[i], rows, i)
		if ok != (at >= 0) {
			d.t.Fatalf("RemoveEqual: %v, in the model at %d", ok, at)
		}
		if !ok {
			continue
		}
		if spec.Inline {
			r.lists[n] = append(append([]mentry(nil), r.lists[n][:at]...), r.lists[n][at+1:]...)
			continue
		}
		got := make([]batch.Vector, len(ts))
		l.Gather([]state.Entry{e}, seq(len(ts)), got)
		if x := exact(ts, got, 0); x != want {
			d.t.Fatalf("a removed entry reads %q instead of %q", x, want)
		}
		for c, x := range r.lists[n][at].cells {
			if y := *l.Cell(e, c); y != x {
				d.t.Fatalf("a removed entry's cell is %d instead of %d", y, x)
			}
		}
		r.lists[n] = append(append([]mentry(nil), r.lists[n][:at]...), r.lists[n][at+1:]...)
	}
	i := d.r.Intn(len(ids))
	if r := m[names[i]]; d.r.Intn(3) == 0 && len(r.lists[n]) > 0 {
		at := d.r.Intn(len(r.lists[n]))
		l.Remove(ids[i], matches(l, ids[i:i+1])[at])
		r.lists[n] = append(append([]mentry(nil), r.lists[n][:at]...), r.lists[n][at+1:]...)
	}
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (d *driver) multiset(s state.Multiset, n int, m map[string]*mrow, names []string, ids []uint32) {
	ts := typesOf(d.spec.Multisets[n])
	values := randomRows(d.r, ts, len(ids), 6)
	if d.r.Intn(3) == 0 {
		d.mark(s, n, m, names, ids, values)
		return
	}
	for i, id := range ids {
		set, v := m[names[i]].sets[n], canonical(ts, values.Cols, i)
		delta := int64(d.r.Intn(5) - 2)
		if c := s.Count(id, values.Cols, i); c != set[v] {
			d.t.Fatalf("count %d instead of %d", c, set[v])
		}
		if delta == 0 {
			continue
		}
		set[v] += delta
		if c := s.Add(id, values.Cols, i, delta); c != set[v] {
			d.t.Fatalf("Add returns %d instead of %d", c, set[v])
		}
		if set[v] == 0 {
			delete(set, v)
		}
		if d.r.Intn(40) == 0 {
			s.Clear(id)
			clear(set)
		}
	}
}

// mark takes the counts, whatever they are, for bits.
func (d *driver) mark(s state.Multiset, n int, m map[string]*mrow, names []string, ids []uint32, values *batch.Batch) {
	ts := typesOf(d.spec.Multisets[n])
	bits, fresh := make([]uint64, len(ids)), make([]uint64, len(ids))
	for i := range bits {
		bits[i] = uint64(d.r.Intn(4))
	}
	s.Mark(ids, values.Cols, bits, fresh)
	for i := range ids {
		set, v := m[names[i]].sets[n], canonical(ts, values.Cols, i)
		if want := bits[i] &^ uint64(set[v]); fresh[i] != want {
			d.t.Fatalf("Mark of %b in %b: %b are fresh instead of %b", bits[i], set[v], fresh[i], want)
		}
		if set[v] |= int64(bits[i]); set[v] == 0 {
			delete(set, v)
		}
	}
}

func (d *driver) sorted(s state.Sorted, n int, m map[string]*mrow, names []string, ids []uint32) {
	spec := d.spec.Sorted[n]
	ts := typesOf(spec.Row)
	rows := randomRows(d.r, ts, len(ids), 9)
	for i, id := range ids {
		r := m[names[i]]
		e := mentry{enc: exact(ts, rows.Cols, i), sort: sortKey(ts, spec.By, rows.Cols, i)}
		for _, after := range []bool{false, true} {
			want := 0
			for _, x := range r.sorted[n] {
				if x.sort < e.sort || after && x.sort == e.sort {
					want++
				}
			}
			if got := s.Seek(id, rows, i, after); got != want {
				d.t.Fatalf("Seek(after %v) is %d instead of %d", after, got, want)
			}
			if !after {
				continue
			}
			// All rows are asked about with the key of row i, as the others' change.
			same := make([]uint32, len(ids))
			for k := range same {
				same[k] = id
			}
			for _, most := range []int{want, want + 1} {
				got := s.Among(same, rows, most, []int32{-1})
				if got[0] != -1 || most > want && !slices.Contains(got, int32(i)) {
					d.t.Fatalf("Among(%d) leaves out a row of rank %d: %d", most, want, got)
				}
			}
		}
		switch d.r.Intn(6) {
		case 5:
			most := 1 + d.r.Intn(len(r.sorted[n])+3)
			all, want := insert(r.sorted[n], e)
			rank, in, out := s.Top(id, rows, i, most)
			if rank != want || (in != 0) != (want < most) || (out != 0) != (want < most && len(all) > most) {
				d.t.Fatalf("Top(%d) of rank %d is %d, entries %d and %d, of %d", most, want, rank, in, out, len(all)-1)
			}
			if in != 0 {
				d.checkEntries(spec.Row, []state.Entry{in}, []mentry{e}, s.Gather)
				if out != 0 {
					d.checkEntries(spec.Row, []state.Entry{out}, all[most:most+1], s.Gather)
				}
				r.sorted[n] = append([]mentry(nil), all[:min(most, len(all))]...)
			}
		case 0:
			want := -1
			for k, x := range r.sorted[n] {
				if x.enc == e.enc {
					want = k
					break
				}
			}
			rank, out := s.RemoveEqual(id, rows, i)
			ok := out != 0
			if ok != (want >= 0) || ok && rank != want {
				d.t.Fatalf("RemoveEqual is %d %v instead of %d", rank, ok, want)
			}
			if ok {
				d.checkEntries(spec.Row, []state.Entry{out}, []mentry{e}, s.Gather)
				r.sorted[n] = append(append([]mentry(nil), r.sorted[n][:rank]...), r.sorted[n][rank+1:]...)
			}
		case 1:
			count := len(r.sorted[n])
			from := d.r.Intn(count + 1)
			to := min(from+d.r.Intn(3), count)
			s.RemoveRange(id, from, to)
			r.sorted[n] = append(append([]mentry(nil), r.sorted[n][:from]...), r.sorted[n][to:]...)
		default:
			var want int
			r.sorted[n], want = insert(r.sorted[n], e)
			if got := s.Insert(id, rows, i); got != want {
				d.t.Fatalf("Insert gives rank %d instead of %d", got, want)
			}
		}
	}
}
