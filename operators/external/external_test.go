package external_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/external"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

var ts = []types.Type{types.BigIntType, types.DoubleType, types.StringType, types.DecimalType(30, 2), types.ArrayOf(types.StringType), types.BooleanType}

// random appends n random rows to b: few different values, so that many are equal.
func random(r *rand.Rand, b *batch.Batch, n int) {
	text := func(v *batch.Vector, i int) {
		s := strings.Repeat("x", r.Intn(12)) + string(rune('a'+r.Intn(4)))
		if r.Intn(20) == 0 {
			s += "\x00"
		}
		at := len(v.Buf)
		v.Buf = append(v.Buf, s...)
		v.Str = append(v.Str[:i], batch.NewView(at, len(s)))
	}
	for ; n > 0; n-- {
		i := b.Len
		for c, t := range ts {
			v := &b.Cols[c]
			if r.Intn(6) == 0 {
				v.AppendNull(t, i)
				continue
			}
			switch c {
			case 0, 5:
				x := int64(r.Intn(2))
				if c == 0 {
					x = []int64{0, 1, -1, math.MaxInt64, math.MinInt64, r.Int63n(300), -r.Int63()}[r.Intn(7)]
				}
				v.I64 = append(v.I64[:i], x)
			case 1:
				v.F64 = append(v.F64[:i], []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), r.NormFloat64()}[r.Intn(6)])
			case 2:
				text(v, i)
			case 3:
				v.I64, v.Hi = append(v.I64[:i], r.Int63()), append(v.Hi[:i], int64(r.Intn(3)-1))
			case 4:
				if len(v.Kids) == 0 {
					v.Kids = make([]batch.Vector, 1)
				}
				first, k := v.Kids[0].Size(types.StringType), r.Intn(3)
				for e := range k {
					text(&v.Kids[0], first+e)
				}
				v.Str = append(v.Str[:i], batch.NewView(first, k))
			}
			v.SetValid(i)
		}
		b.AppendKind(batch.Insert)
	}
}

func order(r *rand.Rand) (by []batch.Order) {
	for _, c := range r.Perm(len(ts))[:r.Intn(4)] {
		by = append(by, batch.Order{Col: c, Desc: r.Intn(2) == 0, NullsLast: r.Intn(2) == 0})
	}
	return by
}

// TestSorter compares what is sorted, in memory and in any number of runs, with a
// stable sort of the rows.
func TestSorter(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		by := order(r)
		memory, often := &operators.Budget{}, r.Intn(4)
		s := external.NewSorter(external.Store{Types: ts, Memory: memory, Room: optest.Room(t, func() bool { return r.Intn(3) < often })}, by)
		var all batch.Batch
		all.Reset(ts)
		for left := r.Intn(2000); left > 0; {
			var b batch.Batch
			b.Reset(ts)
			n := min(left, 1+r.Intn(20))
			random(r, &b, n)
			left -= n
			for i := range n {
				all.AppendRow(ts, batch.Insert, &b, i)
			}
			if err := s.Append(&b); err != nil {
				t.Fatal(err)
			}
		}
		want := make([]int, all.Len)
		for i := range want {
			want[i] = i
		}
		sort.SliceStable(want, func(i, j int) bool {
			return batch.CompareRows(ts, by, all.Cols, want[i], all.Cols, want[j]) < 0
		})
		n := 0
		err := s.Each(func(row []byte) error {
			if n == len(want) {
				return fmt.Errorf("more rows than came")
			}
			if !bytes.Equal(row, batch.AppendRow(nil, ts, all.Cols, want[n])) {
				return fmt.Errorf("row %d of %d isn't row %d of the input, by %+v", n, len(want), want[n], by)
			}
			n++
			return nil
		})
		if err != nil || n != len(want) {
			t.Fatalf("%d rows of %d: %v", n, len(want), err)
		}
		s.Close()
		if u := memory.Used(); u != 0 {
			t.Fatalf("%d bytes aren't given back", u)
		}
	})
}

// TestRows: a list gives back what it was given, from memory and from disk, by block
// and by row.
func TestRows(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		memory, often := &operators.Budget{}, r.Intn(4)
		rows := external.NewRows(external.Store{Types: ts, Memory: memory, Room: optest.Room(t, func() bool { return r.Intn(3) < often })})
		var all batch.Batch
		all.Reset(ts)
		for range r.Intn(40) {
			var b batch.Batch
			b.Reset(ts)
			random(r, &b, 1+r.Intn(100))
			for i := range b.Len {
				all.AppendRow(ts, batch.Insert, &b, i)
			}
			if err := rows.Append(&b); err != nil {
				t.Fatal(err)
			}
		}
		var into batch.Batch
		n := 0
		for i := range rows.Blocks() {
			b, err := rows.Block(i, &into)
			if err != nil {
				t.Fatal(err)
			}
			for k := range b.Len {
				if !bytes.Equal(batch.AppendRow(nil, ts, b.Cols, k), batch.AppendRow(nil, ts, all.Cols, n)) {
					t.Fatalf("row %d differs", n)
				}
				if block, first := rows.Of(n); block != i || first != n-k {
					t.Fatalf("row %d is looked for in block %d, which begins at %d", n, block, first)
				}
				n++
			}
			if r.Intn(2) == 0 {
				rows.Drop(i)
			}
		}
		if n != all.Len || rows.Len() != n {
			t.Fatalf("%d rows of %d", n, all.Len)
		}
		rows.Close()
		if u := memory.Used(); u != 0 {
			t.Fatalf("%d bytes aren't given back", u)
		}
	})
}

// TestNoDisk: a directory that can't be written is said by name.
func TestNoDisk(t *testing.T) {
	room := &operators.Room{Dir: &spill.Dir{Path: "/dev/null/none"}, Over: func() (int64, int64) { return 1, 1 }}
	s := external.NewSorter(external.Store{Types: ts, Memory: &operators.Budget{}, Room: room}, nil)
	defer s.Close()
	var b batch.Batch
	b.Reset(ts)
	random(rand.New(rand.NewSource(1)), &b, 3)
	if err := s.Append(&b); err == nil || !strings.Contains(err.Error(), "spill: ") || !strings.Contains(err.Error(), "/dev/null") {
		t.Fatalf("got %v", err)
	}
}
