package join

import (
	"github.com/millrace/millrace/batch"
)

// final is a join in batch mode: one side is stored once it has ended, and the other
// side's rows come out final as they come. Rows wait in memory until then.
type final struct {
	build int // the side that is stored, -1: not known yet
	ended [2]bool
	rows  [2]int
	held  [2][]*batch.Batch // the stored side's too while rows without a partner come out at the end
	bytes [2]int64
}

// atOnce is the number of rows up to which a side of an inner join is stored when it
// ends before the other; a larger one waits to see whether the other is smaller.
const atOnce = 1 << 16

// once takes a batch in batch mode.
func (o *operator) once(input int, b *batch.Batch) error {
	f := o.final
	if f.build >= 0 {
		return o.probeFinal(b)
	}
	c := &batch.Batch{}
	c.Reset(o.sides[input].ts)
	for i := range b.Len {
		c.AppendRow(o.sides[input].ts, batch.Insert, b, i)
	}
	f.held[input] = append(f.held[input], c)
	f.rows[input] += b.Len
	n := int64(b.Len) * int64(len(o.sides[input].ts)) * 16
	f.bytes[input] += n
	return o.memory.Grow(n)
}

// End stores a side when it is time, and sends what has met none when both are over.
func (o *operator) End(input int) error {
	f := o.final
	if f == nil {
		return nil
	}
	f.ended[input] = true
	if f.build < 0 && o.choose(input) {
		if err := o.buildFinal(); err != nil {
			return err
		}
	}
	if !f.ended[0] || !f.ended[1] || !o.sides[1].outer {
		return nil
	}
	e := &o.send
	e.begin()
	if err := o.unmatched(e); err != nil {
		return err
	}
	return e.flush()
}

// choose decides which side is stored, now that one has ended: the right one, or of
// an inner join the smaller, as far as that is known.
func (o *operator) choose(input int) bool {
	f := o.final
	switch {
	case o.spec.Kind != Inner:
		if f.ended[1] {
			f.build = 1
		}
	case f.ended[0] && f.ended[1]:
		f.build = 1
		if f.rows[0] < f.rows[1] {
			f.build = 0
		}
	case f.rows[input] <= max(atOnce, f.rows[1-input]):
		f.build = input
	}
	return f.build >= 0
}

// buildFinal stores the one side and joins what the other has sent by now.
func (o *operator) buildFinal() error {
	f := o.final
	for _, b := range f.held[f.build] {
		o.find(f.build, b)
		o.store(f.build, b)
	}
	if !o.sides[1].outer {
		o.forget(f.build)
	}
	for _, b := range f.held[1-f.build] {
		if err := o.probeFinal(b); err != nil {
			return err
		}
	}
	o.forget(1 - f.build)
	return nil
}

// forget gives up the rows held of a side.
func (o *operator) forget(side int) {
	f := o.final
	_ = o.memory.Grow(-f.bytes[side]) // giving back can't fail
	f.held[side], f.bytes[side] = nil, 0
}

// probeFinal sends what a batch of the side that isn't stored meets.
func (o *operator) probeFinal(b *batch.Batch) error {
	probe := 1 - o.final.build
	o.find(probe, b)
	if o.spec.Kind == Inner {
		return o.meet(probe, b)
	}
	e := &o.send
	e.begin()
	built := o.sides[o.final.build].list
	ids := append([]uint32(nil), o.ids...)
	for i := 0; i < b.Len; i++ {
		copy(o.ids, ids)
		found, err := o.matches(probe, b, i)
		if err != nil {
			return err
		}
		switch o.spec.Kind {
		case Semi, Anti:
			if (len(found) > 0) == (o.spec.Kind == Semi) {
				err = e.left(b, i, batch.Insert)
			}
		default:
			for _, f := range found {
				*built.Cell(f, 0)++
				if err = e.row(probe, b, i, f, batch.Insert); err != nil {
					return err
				}
			}
			if len(found) == 0 && o.sides[probe].outer {
				err = e.row(probe, b, i, 0, batch.Insert)
			}
		}
		if err != nil {
			return err
		}
	}
	return e.flush()
}

// unmatched sends the right rows that no left row met.
func (o *operator) unmatched(e *emitter) error {
	for _, b := range o.final.held[1] {
		o.find(1, b)
		for i := 0; i < b.Len; i++ {
			met := false
			if o.ids[i] != 0 {
				f, ok := o.sides[1].list.RemoveEqual(o.ids[i], b, i)
				met = ok && *o.sides[1].list.Cell(f, 0) > 0
			}
			if !met {
				if err := e.row(1, b, i, 0, batch.Insert); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
