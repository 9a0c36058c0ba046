package statetest

import (
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// manyKeys makes an index grow, shrink and grow again.
func manyKeys(t *testing.T, open func(state.Options) state.Store) {
	const n = 60_000
	for _, key := range []types.Type{bigint, types.StringType} {
		store := open(state.Options{})
		table := openTable(t, store, state.Spec{Name: "many", Key: cols(key), Row: cols(bigint)})
		var keys batch.Vector
		keys.Prepare(key, 0)
		for i := 0; i < n; i++ {
			var one batch.Vector
			one.Prepare(key, 1)
			if key.Layout() == types.LayoutI64 {
				one.I64[0] = int64(i) << 20
			} else {
				one.SetString(0, fmt.Sprint("key ", i))
			}
			keys.Append(key, i, &one, 0)
		}
		hashes, ids, fresh := make([]uint64, n), make([]uint32, n), make([]bool, n)
		batch.Hash([]types.Type{key}, []batch.Vector{keys}, n, hashes)
		for round := 0; round < 3; round++ {
			table.Upsert([]batch.Vector{keys}, hashes, ids, fresh)
			for i, id := range ids {
				if fresh[i] != (round == 0 || i%3 != 0) {
					t.Fatalf("round %d: fresh[%d] is %v", round, i, fresh[i])
				}
				*table.I64(0).At(id) = int64(i)
			}
			found := make([]uint32, n)
			table.Find([]batch.Vector{keys}, hashes, found)
			for i := range found {
				if found[i] != ids[i] || *table.I64(0).At(found[i]) != int64(i) {
					t.Fatalf("round %d: key %d found at %d instead of %d", round, i, found[i], ids[i])
				}
			}
			var gone []uint32
			for i, id := range ids {
				if i%3 != 0 {
					gone = append(gone, id)
				}
			}
			table.Delete(gone)
			if table.Len() != n/3 {
				t.Fatalf("%d rows are left instead of %d", table.Len(), n/3)
			}
			store.Release()
		}
	}
}

func openTable(t *testing.T, s state.Store, spec state.Spec) state.Table {
	t.Helper()
	table, err := s.Open(identity).Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// handles: a name opened twice is one thing, and a table isn't a timer set.
func handles(t *testing.T, open func(state.Options) state.Store) {
	s := open(state.Options{})
	spec := state.Spec{Name: "a", Key: cols(bigint), Row: cols(bigint)}
	one, two := openTable(t, s, spec), openTable(t, s, spec)
	ids, fresh := upsertInts(one, 7)
	*one.I64(0).At(ids[0]) = 5
	if again, f := upsertInts(two, 7); again[0] != ids[0] || f[0] || !fresh[0] {
		t.Fatal("the second handle has other rows")
	}
	other, err := s.Open(state.Identity{Relation: "other"}).Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	if other.Len() != 0 {
		t.Fatal("another identity shares rows")
	}
	if _, err := s.Open(identity).Timers("a", nil); err == nil {
		t.Fatal("a table was opened as timers")
	}
	usage := s.Usage()
	if len(usage) != 2 || usage[0].Name != "a" || usage[0].Keys != 1 {
		t.Fatalf("usage is %v", usage)
	}
}

func upsertInts(table state.Table, keys ...int64) ([]uint32, []bool) {
	v := []batch.Vector{{I64: keys}}
	hashes, ids, fresh := make([]uint64, len(keys)), make([]uint32, len(keys)), make([]bool, len(keys))
	batch.Hash([]types.Type{bigint}, v, len(keys), hashes)
	table.Upsert(v, hashes, ids, fresh)
	return ids, fresh
}

// ids: none is recycled before Release.
func ids(t *testing.T, open func(state.Options) state.Store) {
	s := open(state.Options{})
	table := openTable(t, s, state.Spec{Name: "a", Key: cols(bigint), Row: cols(bigint)})
	first, _ := upsertInts(table, 1, 2, 3, 1)
	if first[0] != first[3] {
		t.Fatal("one key has two ids")
	}
	table.Delete(first[:1])
	table.Delete([]uint32{0, first[0]})
	second, _ := upsertInts(table, 4)
	for _, id := range first {
		if id == second[0] {
			t.Fatal("an id was recycled before Release")
		}
	}
	if third, fresh := upsertInts(table, 1); third[0] != first[0] || !fresh[0] {
		t.Fatalf("a deleted key came back as %d, fresh %v", third[0], fresh[0])
	}
	if table.Len() != 4 {
		t.Fatalf("%d rows instead of 4", table.Len())
	}
}

// views: what Gather, Bytes and the collections gave out stays readable until
// Release, whatever is written meanwhile.
func views(t *testing.T, open func(state.Options) state.Store) {
	s := open(state.Options{})
	table := openTable(t, s, state.Spec{Name: "a", Key: cols(bigint), Row: cols(types.StringType), Lists: []state.ListSpec{{Row: cols(types.StringType)}},
		Sorted: []state.SortedSpec{{Row: cols(types.StringType), By: []batch.Order{{Col: 0}}}}})
	str := []types.Type{types.StringType}
	for round := 0; round < 20; round++ {
		ids, _ := upsertInts(table, 1)
		rows := func(text string) *batch.Batch {
			b := &batch.Batch{Len: 1, Cols: make([]batch.Vector, 1)}
			b.Cols[0].Prepare(str[0], 1)
			b.Cols[0].SetString(0, text)
			return b
		}
		old := rows(fmt.Sprint("old ", round))
		table.Put(ids, nil, []int{0}, old.Cols)
		e := make([]state.Entry, 1)
		table.List(0).Append(ids, old, e)
		table.Sorted(0).Insert(ids[0], old, 0)
		x := make([]state.Entry, 1)
		table.Sorted(0).Range(ids[0], 0, x)
		got, listed, sorted := make([]batch.Vector, 1), make([]batch.Vector, 1), make([]batch.Vector, 1)
		table.Gather(ids, []int{0}, got)
		table.List(0).Gather(e, []int{0}, listed)
		table.Sorted(0).Gather(x, []int{0}, sorted)
		view := table.Bytes(0, ids[0])
		table.List(0).Remove(ids[0], e[0])
		table.Sorted(0).RemoveRange(ids[0], 0, 1)
		for i := 0; i < 200; i++ {
			young := rows(fmt.Sprint("new ", i))
			table.Put(ids, nil, []int{0}, young.Cols)
			table.SetBytes(0, ids[0], []byte(fmt.Sprint("newer ", i)))
			table.List(0).Append(ids, young, make([]state.Entry, 1))
			table.Sorted(0).Insert(ids[0], young, 0)
		}
		table.Delete(ids)
		for _, v := range [][]byte{view, got[0].Bytes(0), listed[0].Bytes(0), sorted[0].Bytes(0)} {
			if want := fmt.Sprint("old ", round); string(v) != want {
				t.Fatalf("a view reads %q instead of %q", v, want)
			}
		}
		s.Release()
	}
}

// damaged: blocks that were cut, bent or written for another table are errors.
func damaged(t *testing.T, open func(state.Options) state.Store) {
	spec := state.Spec{Name: "a", Key: cols(types.StringType), Row: cols(bigint, types.StringType), Lists: []state.ListSpec{{Row: cols(types.StringType)}}}
	s := open(state.Options{})
	table := openTable(t, s, spec)
	var v batch.Vector
	v.Prepare(types.StringType, 1)
	v.SetString(0, "a key of some length")
	hashes, ids := make([]uint64, 1), make([]uint32, 1)
	batch.Hash(typesOf(spec.Key), []batch.Vector{v}, 1, hashes)
	table.Upsert([]batch.Vector{v}, hashes, ids, make([]bool, 1))
	table.List(0).Append(ids, &batch.Batch{Len: 1, Cols: []batch.Vector{v}}, make([]state.Entry, 1))
	snap, err := s.Freeze(1)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []state.Block
	if err := snap.Save(false, func(b state.Block) error { blocks = append(blocks, own(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 1 {
		t.Fatalf("%d blocks", len(blocks))
	}
	try := func(data []byte, spec state.Spec) error {
		s := open(state.Options{})
		b := blocks[0]
		b.Data = data
		if err := s.Restore(yield([]state.Block{b})); err != nil {
			return err
		}
		_, err := s.Open(identity).Table(spec)
		return err
	}
	whole := blocks[0].Data
	if err := try(whole, spec); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n++ {
		if n == 13 { // a block without sections is a whole one
			continue
		}
		if try(append([]byte(nil), whole[:n]...), spec) == nil {
			t.Errorf("a block of %d bytes was taken, cut to %d", len(whole), n)
		}
	}
	for n := range whole { // must not panic; some bytes are payload
		bent := append([]byte(nil), whole...)
		bent[n] ^= 0xff
		_ = try(bent, spec)
	}
	spec.Row = cols(bigint, bigint)
	if try(whole, spec) == nil {
		t.Error("a block was taken by a table with other columns")
	}
}

// manyRows hangs thousands of rows from one key: sorted state that no longer fits
// one piece, long lists, large multisets.
func manyRows(t *testing.T, open func(state.Options) state.Store, r *rand.Rand) {
	row := cols(types.BigIntType, types.StringType)
	ts := typesOf(row)
	by := []batch.Order{{Col: 0, Desc: r.Intn(2) == 0, NullsLast: r.Intn(2) == 0}, {Col: 1}}
	s := open(state.Options{})
	table := openTable(t, s, state.Spec{Name: "a", Key: cols(bigint), Sorted: []state.SortedSpec{{Row: row, By: by}}, Multisets: [][]state.Column{cols(types.BigIntType)}})
	var model []mentry
	counts := map[string]int64{}
	for turn := 0; turn < 40; turn++ {
		ids, _ := upsertInts(table, 1)
		rows := randomRows(r, ts, 100, 700)
		o, m := table.Sorted(0), table.Multiset(0)
		for i := 0; i < rows.Len; i++ {
			e := mentry{enc: exact(ts, rows.Cols, i), sort: sortKey(ts, by, rows.Cols, i)}
			var want int
			if i%8 == 7 {
				most := max(1, len(model)+1-r.Intn(4))
				all, want := insert(model, e)
				rank, in, out := o.Top(ids[0], rows, i, most)
				if rank != want || (in != 0) != (rank < most) || (out != 0) != (in != 0 && most < len(all)) {
					t.Fatalf("Top(%d) gives rank %d instead of %d, entries %d and %d", most, rank, want, in, out)
				}
				if in == 0 {
					continue
				}
				model = all[:min(most, len(all))]
				continue
			}
			model, want = insert(model, e)
			if got := o.Insert(ids[0], rows, i); got != want {
				t.Fatalf("Insert gives rank %d instead of %d", got, want)
			}
			v := canonical(ts[:1], rows.Cols[:1], i)
			if counts[v]++; m.Add(ids[0], rows.Cols[:1], i, 1) != counts[v] {
				t.Fatal("Add returns another count")
			}
			if turn == 3 && i == 0 { // from here on the values are kept in order
				to := make([]batch.Vector, 1)
				m.First(ids[0], to, 0)
			}
			if got, want := o.Seek(ids[0], rows, i, true), sort.Search(len(model), func(k int) bool { return model[k].sort > e.sort }); got != want {
				t.Fatalf("Seek gives %d instead of %d", got, want)
			}
		}
		if turn%3 == 2 {
			from := r.Intn(len(model))
			to := min(from+r.Intn(400), len(model))
			o.RemoveRange(ids[0], from, to)
			model = append(append([]mentry(nil), model[:from]...), model[to:]...)
		}
		d := &driver{t: t, r: r, spec: state.Spec{Sorted: []state.SortedSpec{{Row: row, By: by}}, Multisets: [][]state.Column{cols(types.BigIntType)}}}
		d.checkCollections(table, ids[0], &mrow{sorted: [][]mentry{model}, sets: []map[string]int64{counts}})
		s.Release()
	}
}
