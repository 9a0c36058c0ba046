package windowagg_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
	"github.com/millrace/millrace/types"
)

// load is COUNT(*) and SUM(v) by key and window.
func load(w window.Window) *windowagg.Spec {
	calls, fields := optest.Calls()
	calls, fields = append(calls[:1:1], calls[2]), append(fields[:1:1], fields[2])
	out := append([]types.Field{{Name: "k", Type: types.BigIntType}}, fields...)
	return &windowagg.Spec{In: optest.LoadSchema, Window: w, Keys: []int{1}, Calls: calls, Out: types.NewSchema(out...)}
}

// Budgets: TUMBLE 25 ns a row, HOP over five slices 150, what they send included.
func BenchmarkWindows(b *testing.B) {
	for _, x := range []struct {
		name string
		w    window.Window
	}{
		{"tumble", window.Window{Kind: window.Tumble, Size: 10_000}},
		{"hop 5", window.Window{Kind: window.Hop, Size: 10_000, Slide: 2_000}},
		{"cumulate 5", window.Window{Kind: window.Cumulate, Size: 10_000, Slide: 2_000}},
		{"session", window.Window{Kind: window.Session, Size: 1_000}},
	} {
		for _, keys := range optest.Sizes {
			b.Run(fmt.Sprintf("%s/%dk", x.name, keys/1000), func(b *testing.B) {
				optest.Bench(b, optest.New(b, load(x.w), optest.Session(), batch.Changes{Kinds: batch.InsertOnly}), optest.LoadOf(keys, 20))
			})
		}
	}
}
