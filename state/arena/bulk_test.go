package arena_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/arena"
	"github.com/millrace/millrace/state/plain"
	"github.com/millrace/millrace/types"
)

// TestBulk restores large bases, of one task and of two whose rows have the same
// orders of arrival, with a delta over them: the rows are those that the other
// implementation reads, and each is found by its key.
func TestBulk(t *testing.T) {
	size, rows := arena.SetBlockBytes(300), arena.SetBulkRows(1000) // so that each core has some to do
	t.Cleanup(func() { arena.SetBlockBytes(size); arena.SetBulkRows(rows) })
	long, text := types.BigIntType, types.StringType
	columns := func(ts ...types.Type) (out []state.Column) {
		for _, x := range ts {
			out = append(out, state.Column{Type: x})
		}
		return out
	}
	for name, spec := range map[string]state.Spec{
		"words": {Name: "t", Key: columns(long), Row: columns(long, long)},
		"texts": {Name: "t", Key: columns(text), Row: columns(text, long, text), TTL: time.Hour},
		"pairs": {Name: "t", Key: columns(long, text), Row: columns(long, types.DecimalType(30, 2))},
	} {
		for _, writers := range []int{1, 2} {
			t.Run(fmt.Sprint(name, writers), func(t *testing.T) {
				var blocks []state.Block
				for w := 0; w < writers; w++ {
					for _, b := range written(t, spec, int64(w)) {
						if b.Group%writers == w {
							blocks = append(blocks, b)
						}
					}
				}
				got, want := restored(t, arena.New(state.Options{}), spec, blocks), restored(t, plain.New(state.Options{}), spec, blocks)
				if len(got) < 3000 {
					t.Fatalf("%d rows", len(got))
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows, not those that were written: %d", len(got), len(want))
				}
			})
		}
	}
}

// written is a base of 6,000 keys of which some went, and a delta.
func written(t *testing.T, spec state.Spec, seed int64) (blocks []state.Block) {
	s := arena.New(state.Options{})
	defer s.Close()
	table, err := s.Open(state.Identity{}).Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(seed))
	for n := uint64(1); n <= 2; n++ {
		for from := 0; from < 6000/int(n*n); from += 1000 {
			keys, hashes := keysOf(spec, from*int(n), 1000)
			ids, fresh := make([]uint32, 1000), make([]bool, 1000)
			table.Upsert(keys, hashes, ids, fresh)
			rows := make([]batch.Vector, len(spec.Row))
			for c := range rows {
				fillVector(&rows[c], spec.Row[c].Type, 1000, func(int) int { return r.Intn(5000) - 10 })
			}
			cols := make([]int, len(rows))
			for c := range cols {
				cols[c] = c
			}
			table.Put(ids, nil, cols, rows)
			table.Delete(ids[:r.Intn(100)])
			s.Release()
		}
		p, err := s.Freeze(n)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Save(n > 1, func(b state.Block) error {
			b.Data = bytes.Clone(b.Data)
			blocks = append(blocks, b)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Release()
		s.Confirm(n)
	}
	return blocks
}

// keysOf are n keys from a number on.
func keysOf(spec state.Spec, from, n int) ([]batch.Vector, []uint64) {
	keys, ts := make([]batch.Vector, len(spec.Key)), []types.Type(nil)
	for c := range keys {
		ts = append(ts, spec.Key[c].Type)
		fillVector(&keys[c], ts[c], n, func(k int) int { return from + k })
	}
	hashes := make([]uint64, n)
	batch.Hash(ts, keys, n, hashes)
	return keys, hashes
}

// fillVector makes n values of numbers; those below 0 are NULL.
func fillVector(v *batch.Vector, t types.Type, n int, of func(k int) int) {
	v.Prepare(t, 0)
	for k := 0; k < n; k++ {
		x := of(k)
		var b []byte
		switch {
		case x < 0:
			b = []byte{0}
		case t.Layout() == types.LayoutBytes:
			s := bytes.Repeat([]byte{byte('a' + x%26)}, x%700)
			s = append(s, fmt.Sprint(x)...)
			b = append(append([]byte{1}, byte(len(s)&127|128), byte(len(s)>>7)), s...)
		default:
			b = append([]byte{1}, make([]byte, 16)...)
			b[1], b[2], b[3] = byte(x), byte(x>>8), byte(x>>16)
		}
		batch.DecodeValue(b, t, v, k)
	}
}

// restored is the rows of a store that begins with blocks, as texts in order.
func restored(t *testing.T, s state.Store, spec state.Spec, blocks []state.Block) []string {
	defer s.Close()
	err := s.Restore(func(yield func(state.Block) error) error {
		for _, b := range blocks {
			if err := yield(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.Open(state.Identity{}).Table(spec)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for from := 0; from < 6000; from += 1000 {
		keys, hashes := keysOf(spec, from, 1000)
		ids := make([]uint32, 1000)
		table.Find(keys, hashes, ids)
		for _, id := range ids {
			if id != 0 {
				found++
			}
		}
	}
	if found != table.Len() {
		t.Fatalf("%d of %d rows are found", found, table.Len())
	}
	var again []state.Block
	p, err := s.Freeze(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	if err := p.Save(false, func(b state.Block) error { b.Data = bytes.Clone(b.Data); again = append(again, b); return nil }); err != nil {
		t.Fatal(err)
	}
	rows, err := state.Rows(spec, again)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%q", r))
	}
	slices.Sort(out)
	return out
}
