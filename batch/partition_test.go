package batch_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

var partitionTypes = []types.Type{types.BigIntType, types.StringType, types.DoubleType}

func partitionRows(n int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(partitionTypes)
	for i := 0; i < n; i++ {
		b.Cols[0].I64 = append(b.Cols[0].I64, int64(i%97))
		b.Cols[1].Str = append(b.Cols[1].Str, 0)
		b.Cols[1].SetString(i, fmt.Sprintf("row %d", i))
		b.Cols[2].F64 = append(b.Cols[2].F64, float64(i))
		if i%5 == 0 {
			b.Cols[1].SetNull(i)
		}
		if i%11 == 0 {
			b.Cols[0].SetNull(i)
		}
		b.AppendKind(batch.Kind(i % 4))
	}
	return b
}

// Every row arrives once, unchanged and in order, at the owner of its key.
func TestPartition(t *testing.T) {
	for _, n := range []int{1, 2, 3, 16, 128} {
		b := partitionRows(1000)
		p := batch.NewPartitioner(partitionTypes, []int{0}, n)
		parts := make([]*batch.Batch, n)
		for i := range parts {
			parts[i] = &batch.Batch{}
			parts[i].Reset(partitionTypes)
		}
		seen, owner := 0, map[string]int{}
		for round := 0; round < 2; round++ { // the second appends behind the first
			for s, idx := range p.Split(b) {
				at := parts[s].Len
				parts[s].AppendTake(partitionTypes, b, idx)
				seen += len(idx)
				for k, i := range idx {
					if k > 0 && idx[k-1] >= i {
						t.Fatal("rows out of order")
					}
					if !batch.EqualRows(partitionTypes, parts[s].Cols, at+k, b.Cols, int(i)) || parts[s].Kind(at+k) != b.Kind(int(i)) {
						t.Fatalf("n=%d: row %d differs after the exchange", n, i)
					}
					key := string(batch.AppendKey(nil, partitionTypes[0], &b.Cols[0], int(i)))
					if was, ok := owner[key]; ok && was != s {
						t.Fatalf("a key went to subtasks %d and %d", was, s)
					}
					owner[key] = s
				}
			}
		}
		if seen != 2*b.Len {
			t.Fatalf("n=%d: %d rows of %d arrived", n, seen, 2*b.Len)
		}
	}
}

// A range of rows, also with wide numbers, ROW and ARRAY, is copied whole, behind what
// is there, and doesn't hang on where it came from.
func TestAppendRange(t *testing.T) {
	ts := append(append([]types.Type(nil), partitionTypes...), types.DecimalType(30, 2),
		types.RowOf(types.Field{Name: "a", Type: types.BigIntType}), types.ArrayOf(types.StringType))
	b := &batch.Batch{}
	b.Reset(ts)
	for i, n := 0, partitionRows(300); i < n.Len; i++ {
		for c := range partitionTypes {
			b.Cols[c].Append(ts[c], i, &n.Cols[c], i)
		}
		b.Cols[3].I64, b.Cols[3].Hi = append(b.Cols[3].I64, int64(i)), append(b.Cols[3].Hi, -1)
		b.Cols[4].Kids[0].Append(types.BigIntType, i, &n.Cols[0], i)
		b.Cols[5].Str = append(b.Cols[5].Str, batch.NewView(i, 1))
		b.Cols[5].Kids[0].Append(types.StringType, i, &n.Cols[1], i)
		for c := 3; c < len(ts); c++ {
			if i%7 == c {
				b.Cols[c].SetNull(i)
			}
		}
		b.AppendKind(n.Kind(i))
	}
	got := &batch.Batch{}
	got.Reset(ts)
	var from []int
	for _, r := range [][2]int{{0, 0}, {0, 1}, {5, 70}, {64, 128}, {299, 300}, {0, 300}} {
		got.AppendRange(ts, b, r[0], r[1])
		for i := r[0]; i < r[1]; i++ {
			from = append(from, i)
		}
	}
	if got.Len != len(from) {
		t.Fatalf("%d rows; want %d", got.Len, len(from))
	}
	for k, i := range from {
		if !batch.EqualRows(ts, got.Cols, k, b.Cols, i) || got.Kind(k) != b.Kind(i) {
			t.Fatalf("row %d isn't row %d", k, i)
		}
	}
	b.Reset(ts)
	for i := range 300 {
		b.Cols[1].Str = append(b.Cols[1].Str, 0)
		b.Cols[1].SetString(i, "other")
	}
	for k, i := range from {
		if want := fmt.Sprintf("row %d", i); i%5 != 0 && string(got.Cols[1].Bytes(k)) != want {
			t.Fatalf("row %d changed with what it was copied from", k)
		}
	}
}

// Exchange of three BIGINT columns: budget 10 ns per row.
func BenchmarkExchange3(b *testing.B) {
	ts := []types.Type{types.BigIntType, types.BigIntType, types.BigIntType}
	for _, n := range []int{2, 4, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := &batch.Batch{Len: batch.MaxRows, Cols: make([]batch.Vector, 3)}
			for c := range ts {
				in.Cols[c].Prepare(ts[c], in.Len)
				for i := range in.Cols[c].I64 {
					in.Cols[c].I64[i] = int64(i * (c + 7919))
				}
			}
			p := batch.NewPartitioner(ts, []int{0}, n)
			open := make([]batch.Batch, n)
			for i := range open {
				open[i].Reset(ts)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for k := 0; k < b.N; k += in.Len {
				for t, idx := range p.Split(in) {
					if open[t].Len+len(idx) > batch.MaxRows {
						open[t].Reset(ts)
					}
					open[t].AppendTake(ts, in, idx)
				}
			}
		})
	}
}
