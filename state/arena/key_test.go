package arena

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// TestKeyImages: keys that are packed into words are those that are encoded, for each
// length of texts at each place, with NULLs and beside other types.
func TestKeyImages(t *testing.T) {
	str, num, wide := types.StringType, types.BigIntType, types.DecimalType(30, 2)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, ts := range [][]types.Type{{str}, {str, str}, {num, str}, {str, num}, {num, num, str}, {str, types.DoubleType}, {wide, num}, {num, num, num}} {
		var k keys
		cols := make([]state.Column, len(ts))
		for c := range ts {
			cols[c].Type = ts[c]
		}
		k.init(cols, false)
		const n = 600
		vs := make([]batch.Vector, len(ts))
		for c := range ts {
			vs[c].Prepare(ts[c], n)
			for i := range n {
				switch null := rnd.IntN(5) == 0 && len(ts) > 1; {
				case null:
					vs[c].SetNull(i)
				case ts[c].Layout() == types.LayoutBytes:
					b := make([]byte, i%27)
					for j := range b {
						b[j] = byte(rnd.IntN(256))
					}
					vs[c].SetBytes(i, b)
				case ts[c].Layout() == types.LayoutF64:
					vs[c].F64[i] = float64(rnd.IntN(3)) - 1
				case ts[c].Layout() == types.LayoutWide:
					vs[c].SetWide(i, types.Int128{Hi: int64(rnd.IntN(3)) - 1, Lo: rnd.Uint64()})
				default:
					vs[c].I64[i] = int64(rnd.Uint64())
				}
			}
		}
		k.prepare(vs, n)
		for i := range n {
			var want []byte
			for c := range ts {
				want = batch.AppendKey(want, ts[c], &vs[c], i)
			}
			if got := k.images[i]; got != imageOf(want) {
				t.Fatalf("%v, key %d: %x for %x", ts, i, got, want)
			}
			if got := k.encoded(nil, i); string(got) != string(want) {
				t.Fatalf("%v, key %d: encoded %x, not %x", ts, i, got, want)
			}
		}
	}
}
