package optest

import (
	"math/rand"

	"github.com/millrace/millrace/batch"
)

// RunSides drives an operator of two inputs through the steps of both, in a random
// order, to the end. kinds gives a step's changes; nil: inserts. The watermark is the
// lower one of the sides.
func (d *Driver) RunSides(r *rand.Rand, steps [2][]Step, kinds func(side int, rows []Row) []batch.Kind) {
	wm := int64(-1 << 63)
	marks := [2]int64{wm, wm}
	for at := [2]int{}; at[0] < len(steps[0]) || at[1] < len(steps[1]); {
		side := r.Intn(2)
		if at[side] == len(steps[side]) {
			side = 1 - side
		}
		step := steps[side][at[side]]
		at[side]++
		var k []batch.Kind
		if kinds != nil {
			k = kinds(side, step.Rows)
		}
		d.Process(side, Batch(step.Rows, k))
		if step.Advance {
			marks[side] = step.WM
		}
		if low := min(marks[0], marks[1]); low > wm {
			wm = low
			d.Watermark(wm)
		}
	}
	d.End(2)
}
