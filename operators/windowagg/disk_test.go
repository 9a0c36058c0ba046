package windowagg_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
)

// TestFiresFromDisk: windows whose rows are on disk are sent without bringing them back,
// and are what they are in memory.
func TestFiresFromDisk(t *testing.T) {
	const keep = 256 << 10
	emit := load(window.Window{Kind: window.Tumble, Size: 2_000})
	emit.Emit = windowagg.Emit{Late: true}
	for name, spec := range map[string]*windowagg.Spec{
		"tumble":    load(window.Window{Kind: window.Tumble, Size: 2_000}),
		"hop":       load(window.Window{Kind: window.Hop, Size: 2_000, Slide: 1_000}),
		"cumulate":  load(window.Window{Kind: window.Cumulate, Size: 2_000, Slide: 1_000}),
		"with emit": emit,
	} {
		t.Run(name, func(t *testing.T) {
			inserts := batch.Changes{Kinds: batch.InsertOnly}
			memory := optest.New(t, spec, optest.Session(), inserts)
			disk, most := optest.NewOnDisk(t, spec, optest.Session(), keep, inserts)
			for _, b := range optest.Load(40, 20_000, 20) { // two seconds
				memory.Process(0, b)
				disk.Process(0, b)
			}
			if n := memory.Bytes(); n < 4*keep {
				t.Fatalf("%d bytes are too few to be tested", n)
			}
			*most = 0
			memory.End(1)
			disk.End(1)
			if *most > 2*keep {
				t.Errorf("%d bytes are in memory while windows are sent, where %d may be kept", *most, keep)
			}
			want, got := sorted(memory.Taken()), sorted(disk.Taken())
			if !slices.Equal(want, got) {
				t.Errorf("%d rows, in memory %d, and they differ", len(got), len(want))
			}
		})
	}
}

// sorted is changes as text; those of different keys may come in any order.
func sorted(all []optest.Change) (out []string) {
	for _, c := range all {
		out = append(out, fmt.Sprint(c.Kind, c.Row))
	}
	slices.Sort(out)
	return out
}
