package optest

import (
	"math/rand"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators/join"
)

// RunSides drives an operator of two inputs through the steps of both, in a random
// order, to the end. kinds gives a step's changes, and may alter its rows, at the watermark
// reached; nil: inserts. The watermark is the lower one of the sides.
func (d *Driver) RunSides(r *rand.Rand, steps [2][]Step, kinds func(side int, wm int64, rows []Row) []batch.Kind) {
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
			k = kinds(side, wm, step.Rows)
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

// Joined is the join of two tables, by a loop over both: meet is the condition.
func Joined(left, right []Row, kind join.Kind, meet func(a, b Row) bool) []string {
	var out []string
	met := make([]bool, len(right))
	for _, l := range left {
		found := false
		for j, r := range right {
			if !meet(l, r) {
				continue
			}
			found, met[j] = true, true
			if kind != join.Semi && kind != join.Anti {
				out = append(out, l.String()+" "+r.String())
			}
		}
		switch {
		case kind == join.Semi && found, kind == join.Anti && !found:
			out = append(out, l.String())
		case !found && (kind == join.Left || kind == join.Full):
			out = append(out, l.String()+" - - -")
		}
	}
	for j, r := range right {
		if !met[j] && (kind == join.Right || kind == join.Full) {
			out = append(out, "- - - "+r.String())
		}
	}
	return out
}
