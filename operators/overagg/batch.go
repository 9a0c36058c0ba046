package overagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/external"
)

// final is batch mode: it sorts all rows once, by partition and order, and goes
// through the partitions. One that memory has no room for lies on disk (large.go).
type final struct {
	sequence
	in    *external.Sorter
	kept  external.Store
	part  batch.Batch    // the rows of the partition, or those behind big's
	head  batch.Batch    // its first row, if that is in big
	big   *external.Rows // nil: all are in memory
	spare batch.Batch
	held  int64 // bytes of part
	new   int   // rows since room was asked for
	large large
}

// evaluation is about what computing a row of a partition in memory takes.
const evaluation = 64

// Open prepares the rows.
func (o *final) Open(env *operators.Env, out operators.Output) error {
	if err := o.openSequence(env, out); err != nil {
		return err
	}
	by := make([]batch.Order, 0, len(o.spec.Partition)+len(o.spec.By))
	for _, c := range o.spec.Partition {
		by = append(by, batch.Order{Col: c})
	}
	o.kept = external.Store{Types: o.inTs, Memory: env.Memory, Room: env.Room}
	o.in = external.NewSorter(o.kept, append(by, o.spec.By...))
	return nil
}

// Process keeps the rows.
func (o *final) Process(_ int, b *batch.Batch) error { return o.in.Append(b) }

// End sends the partitions, one after the other.
func (o *final) End(int) error {
	defer o.in.Close()
	o.part.Reset(o.inTs)
	o.spare.Reset(o.inTs)
	o.env.Room.Enter(o)
	defer o.env.Room.Leave(o)
	if err := o.in.Each(o.row); err != nil {
		return err
	}
	return o.finish()
}

// row takes the next row in order.
func (o *final) row(row []byte) error {
	at := o.part.Len
	o.part.DecodeRow(row, o.inTs)
	if !o.same(at) {
		// The row behind the last one becomes the first of the next partition.
		o.spare.AppendRow(o.inTs, batch.Insert, &o.part, at)
		if err := o.finish(); err != nil {
			return err
		}
		o.part, o.spare = o.spare, o.part
		o.spare.Reset(o.inTs)
	} else {
		o.part.AppendKind(batch.Insert)
	}
	n := int64(len(row)) + evaluation
	o.held += n
	if err := o.env.Memory.Grow(n); err != nil {
		return err
	}
	if o.new++; o.env.Room == nil || o.new < o.env.Room.Every {
		return nil
	}
	o.new = 0
	return o.env.Room.Make()
}

// same says that row at of part belongs to the partition of the rows before.
func (o *final) same(at int) bool {
	first := &o.part
	switch {
	case o.big != nil:
		first = &o.head
	case at == 0:
		return true
	}
	for _, c := range o.spec.Partition {
		if !batch.Equal(o.inTs[c], &first.Cols[c], 0, &o.part.Cols[c], at) {
			return false
		}
	}
	return true
}

// finish sends the partition.
func (o *final) finish() error {
	if o.big == nil {
		n := o.part.Len
		if n == 0 {
			return nil
		}
		held := o.held
		o.held = 0 // it can't go to disk any more
		if err := o.evaluate(o.part.Cols, n); err != nil {
			return err
		}
		err := o.emit(o.part.Cols, o.values, n, nil)
		_ = o.env.Memory.Grow(-held) // giving back can't fail
		return err
	}
	if err := o.Unload(); err != nil {
		return err
	}
	rows := o.big
	o.big = nil
	defer rows.Close()
	return o.large.run(&o.sequence, rows)
}

// Held is the bytes of the partition in memory.
func (o *final) Held() int64 { return o.held }

// Unload writes the partition's rows to disk.
func (o *final) Unload() error {
	if o.big == nil {
		o.big = external.NewRows(o.kept)
		o.head.Reset(o.inTs)
		o.head.AppendRow(o.inTs, batch.Insert, &o.part, 0)
	}
	if err := o.big.Write(&o.part); err != nil {
		return err
	}
	o.part = batch.Batch{} // its memory goes
	o.part.Reset(o.inTs)
	_ = o.env.Memory.Grow(-o.held) // giving back can't fail
	o.held = 0
	return nil
}

// Close forgets the rows of a job that failed.
func (o *final) Close() error {
	if o.in != nil {
		o.in.Close()
	}
	if o.big != nil {
		o.big.Close()
		o.big = nil
	}
	return nil
}
