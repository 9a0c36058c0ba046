package nexmark

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

func reading(t testing.TB, extra string, num int64) connectors.Reader {
	s := &source{types: []types.Type{types.IntType}, num: num, splits: 1, base: 1436918400000, delay: 100, drawn: extra == "drawn"}
	for e, name := range entities {
		s.col[e] = e + 1
		s.types = append(s.types, types.RowOf(rows[name]...))
		for k := range rows[name] {
			s.kid[e] = append(s.kid[e], k)
		}
	}
	sp, _ := s.Splits(context.Background(), nil, 1)
	r, err := s.Read(context.Background(), sp[0], nil, connectors.ReadEnv{Rows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	r := reading(t, "drawn", 2000)
	n := 0
	for {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		for i := 0; i < b.Len; i++ {
			if !lines.Scan() {
				t.Fatal("golden file too short")
			}
			var want map[string]json.RawMessage
			if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
				t.Fatal(err)
			}
			kind := int(b.Cols[0].I64[i])
			if got := fmt.Sprintf("%q", entities[kind]); got != string(want["type"]) {
				t.Fatalf("event %d: type %s, want %s", n, got, want["type"])
			}
			for e := range entities {
				if b.Cols[e+1].Null(i) != (e != kind) {
					t.Fatalf("event %d: %s NULL is wrong", n, entities[e])
				}
			}
			for k, w := range rows[entities[kind]] {
				v := &b.Cols[kind+1].Kids[k]
				if w.Name == "url" {
					continue // random in the golden file
				}
				var got any
				if w.Type.Kind == types.VarChar {
					var s string
					if err := json.Unmarshal(want[w.Name], &s); err != nil {
						t.Fatal(err)
					}
					if got = string(v.Bytes(i)); got != s {
						t.Errorf("event %d %s: %q, want %q", n, w.Name, got, s)
					}
					continue
				}
				x := v.I64[i]
				if w.Type.Kind == types.Timestamp {
					x /= 1000
				}
				if fmt.Sprint(x) != string(want[w.Name]) {
					t.Errorf("event %d %s: %d, want %s", n, w.Name, x, want[w.Name])
				}
			}
			n++
		}
	}
	if n != 2000 {
		t.Errorf("%d events", n)
	}
}

// TestBids compares the bids made without branches with those made one by one.
func TestBids(t *testing.T) {
	r, one := reading(t, "slice", 0).(*reader), reading(t, "slice", 0).(*reader)
	for _, start := range []int64{0, 1_900, 49_000, 1_000_000, 1 << 33} {
		r.next = start
		for n := 0; n < 300_000; n += 1000 {
			first := r.next
			b, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			one.prepare(1000)
			one.next = first
			one.kinds(1000)
			for i := 0; i < b.Len; i++ {
				if b.Cols[0].I64[i] != 2 {
					continue
				}
				one.bid(one.field[2], i, first+int64(i))
				for k, f := range rows["bid"] {
					if !batch.Equal(f.Type, &b.Cols[3].Kids[k], i, one.field[2][k], i) {
						t.Fatalf("event %d: %s differs", first+int64(i), f.Name)
					}
				}
			}
		}
	}
}

// TestHarmless checks that fields at rows of another kind are NULL and zero.
func TestHarmless(t *testing.T) {
	r := reading(t, "slice", 7000)
	for {
		b, err := r.Next()
		if err == io.EOF {
			return
		}
		for i := 0; i < b.Len; i++ {
			for e, name := range entities {
				if int64(e) == b.Cols[0].I64[i] {
					continue
				}
				for k, f := range rows[name] {
					v := &b.Cols[e+1].Kids[k]
					if !v.Null(i) || len(v.I64) > 0 && v.I64[i] != 0 || len(v.Str) > 0 && v.Str[i] != 0 {
						t.Fatalf("row %d: %s.%s isn't an empty NULL", i, name, f.Name)
					}
				}
			}
		}
	}
}

func BenchmarkSlice(b *testing.B) {
	r := reading(b, "slice", 0)
	b.ReportAllocs()
	b.ReportMetric(60, "budget")
	for n := 0; n < b.N; n += 1000 {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
