package overagg

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
)

// final is batch mode: it holds all rows and sorts them once, by partition and
// order.
type final struct {
	sequence
	rows batch.Batch
	part []batch.Vector
}

// Open prepares the rows.
func (o *final) Open(env *operators.Env, out operators.Output) error {
	if err := o.openSequence(env, out); err != nil {
		return err
	}
	o.rows.Reset(o.inTs)
	o.part = make([]batch.Vector, len(o.inTs))
	return nil
}

// Process keeps the rows.
func (o *final) Process(_ int, b *batch.Batch) error {
	for i := range b.Len {
		o.rows.AppendRow(o.inTs, batch.Insert, b, i)
	}
	return o.env.Memory.Grow(int64(b.Len) * int64(len(o.inTs)) * 16)
}

// End sends the partitions, one after the other.
func (o *final) End(int) error {
	by := make([]batch.Order, 0, len(o.spec.Partition)+len(o.spec.By))
	for _, c := range o.spec.Partition {
		by = append(by, batch.Order{Col: c})
	}
	keys := len(by)
	by = append(by, o.spec.By...)
	order := make([]int32, o.rows.Len)
	for i := range order {
		order[i] = int32(i)
	}
	sort.SliceStable(order, func(i, j int) bool {
		return batch.CompareRows(o.inTs, by, o.rows.Cols, int(order[i]), o.rows.Cols, int(order[j])) < 0
	})
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && batch.CompareRows(o.inTs, by[:keys], o.rows.Cols, int(order[from]), o.rows.Cols, int(order[to])) == 0 {
			to++
		}
		for c := range o.part {
			o.part[c].Take(o.inTs[c], &o.rows.Cols[c], order[from:to])
		}
		if err := o.evaluate(o.part, to-from); err != nil {
			return err
		}
		if err := o.emit(o.part, o.values, to-from, nil); err != nil {
			return err
		}
		from = to
	}
	return nil
}
