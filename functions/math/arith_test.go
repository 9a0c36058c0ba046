package math

import (
	"math"
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// TestDivideByConstant compares division through the reciprocal with the
// processor's.
func TestDivideByConstant(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	xs := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 62, -1 << 62}
	for len(xs) < 1000 {
		xs = append(xs, r.Int63()>>r.Intn(63), -(r.Int63() >> r.Intn(63)))
	}
	few := []int64{0, 1, -1, math.MaxInt32, -math.MaxInt32 - 1, math.MinInt32 + 1}
	for len(few) < 1000 {
		few = append(few, int64(int32(r.Uint32())))
	}
	ds := []int64{math.MaxUint32, math.MaxUint32 - 1, math.MaxInt32, 1 << 31, 2, 3, 5, 7, 10, 1000, 86_400_000, 1 << 32, 1<<62 + 1, math.MaxInt64}
	for len(ds) < 200 {
		ds = append(ds, r.Int63()>>r.Intn(61)+2)
	}
	for k, d := range append(ds, ds...) {
		xs := xs
		if k >= len(ds) {
			xs = few
		}
		in := []batch.Vector{{I64: xs}}
		for _, op := range []byte{'/', '%'} {
			out := batch.Vector{I64: make([]int64, len(xs))}
			if _, err := divideBy(op, d, types.BigInt).Eval(len(xs), nil, in, &out); err != nil {
				t.Fatal(err)
			}
			for i, x := range xs {
				want := x / d
				if op == '%' {
					want = x % d
				}
				if out.I64[i] != want {
					t.Fatalf("%d %c %d = %d, want %d", x, op, d, out.I64[i], want)
				}
			}
		}
	}
}

// TestJavaRandom checks the first numbers of two seeds.
func TestJavaRandom(t *testing.T) {
	g := seeded(5)
	if x := g.double(); x != 0.730519863614471 {
		t.Errorf("the first double of seed 5 is %v", x)
	}
	g = seeded(5)
	if x := g.below(10); x != 7 {
		t.Errorf("the first of ten of seed 5 is %v", x)
	}
}
