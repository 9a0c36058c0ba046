package statetest

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// longLists changes lists of hundreds of rows by content: rows that differ, rows
// that occur many times, NULLs; keys that move, are deleted and come back.
func longLists(t *testing.T, open func(state.Options) state.Store) {
	for seed := int64(1); seed <= 12; seed++ {
		r := rand.New(rand.NewSource(seed))
		rowTs := []types.Type{types.BigIntType, types.StringType, types.DoubleType}
		s := open(state.Options{Evict: seed%4 == 0})
		table := openTable(t, s, state.Spec{Name: "long", Key: cols(types.BigIntType), Lists: []state.ListSpec{{Row: cols(rowTs...), Cells: int(seed % 2)}}})
		list := table.List(0)
		few := []int{3, 40, 2000}[seed%3] // how many different rows
		want := [3][]string{}
		rows := func(n int) *batch.Batch {
			b := &batch.Batch{}
			b.Reset(rowTs)
			one := batch.Batch{Len: 1, Cols: make([]batch.Vector, 3)}
			for range n {
				v := int64(r.Intn(few))
				for c, t := range rowTs {
					one.Cols[c].Prepare(t, 1)
				}
				one.Cols[0].I64[0] = v
				one.Cols[1].SetString(0, fmt.Sprint("text ", v*v))
				one.Cols[2].F64[0] = float64(v) / 3
				if v%7 == 0 {
					one.Cols[v%3].SetNull(0)
				}
				b.AppendRow(rowTs, batch.Insert, &one, 0)
			}
			return b
		}
		keys := make([]batch.Vector, 1)
		keys[0].Prepare(types.BigIntType, 3)
		for k := range 3 {
			keys[0].I64[k] = int64(k)
		}
		hashes, ids, fresh := make([]uint64, 3), make([]uint32, 3), make([]bool, 3)
		batch.Hash([]types.Type{types.BigIntType}, keys, 3, hashes)
		for turn := 0; turn < 150; turn++ {
			table.Upsert(keys, hashes, ids, fresh)
			k := r.Intn(3)
			switch x := r.Intn(100); {
			case x < 45:
				b := rows(1 + r.Intn(30))
				to := make([]uint32, b.Len)
				for i := range to {
					if n := r.Intn(4); n < 3 {
						to[i] = ids[n]
						want[n] = append(want[n], canonical(rowTs, b.Cols, i))
					}
				}
				list.Append(to, b, make([]state.Entry, b.Len))
			case x < 50:
				b := rows(1)
				list.Add(ids[k], b, 0)
				want[k] = append(want[k], canonical(rowTs, b.Cols, 0))
			case x < 96:
				b := rows(20)
				for i := range b.Len {
					name, at := canonical(rowTs, b.Cols, i), -1
					for j, w := range want[k] {
						if w == name {
							at = j
							break
						}
					}
					if _, ok := list.RemoveEqual(ids[k], b, i); ok != (at >= 0) {
						t.Fatalf("seed %d turn %d: removed %v, want %v", seed, turn, ok, at >= 0)
					}
					if at >= 0 {
						want[k] = append(want[k][:at:at], want[k][at+1:]...)
					}
				}
			case x < 98:
				table.Delete(ids[k : k+1])
				want[k] = nil
			default:
				into := (k + 1) % 3
				table.Move(ids[into], ids[k])
				want[into], want[k] = append(want[into], want[k]...), nil
			}
			s.Release()
			table.Upsert(keys, hashes, ids, fresh)
			for k := range 3 {
				if n := list.Count(ids[k]); n != len(want[k]) {
					t.Fatalf("seed %d turn %d: %d rows, want %d", seed, turn, n, len(want[k]))
				}
				got := make([]batch.Vector, 3)
				var at state.Cursor
				probe, entries := make([]int32, 4096), make([]state.Entry, 4096)
				n := list.Match(ids[k:k+1], &at, probe, entries)
				list.Gather(entries[:n], []int{0, 1, 2}, got)
				for i := range n {
					if text := canonical(rowTs, got, i); text != want[k][i] {
						t.Fatalf("seed %d turn %d: row %d is %q, want %q", seed, turn, i, text, want[k][i])
					}
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
