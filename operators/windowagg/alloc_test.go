package windowagg_test

import (
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
)

// TestAllocations: none per row; a window that is sent may make a few.
func TestAllocations(t *testing.T) {
	for _, w := range []window.Window{
		{Kind: window.Tumble, Size: 1_000},
		{Kind: window.Hop, Size: 1_000, Slide: 200},
		{Kind: window.Cumulate, Size: 1_000, Slide: 200},
		{Kind: window.Session, Size: 100},
	} {
		d := optest.New(t, load(w), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		if n := optest.Allocations(d, optest.Load(32, 1000, 20)); n > 0.02 {
			t.Errorf("%s: %.3f allocations a row", w.Kind, n)
		}
	}
}
