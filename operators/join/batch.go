package join

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/external"
	"github.com/millrace/millrace/types"
)

// final is what joins of batch mode have in common: one side is stored, and once it has
// ended the other side's rows come out final as they come. Rows wait until then, on disk
// where memory has no room; those of the stored side too while it isn't known which
// that is. Without keys they lie there for good: nested.go.
type final struct {
	build int // the side that is stored, -1: not known yet
	ended [2]bool
	held  [2]*external.Rows // the stored side's too where rows without a partner come out at the end
	room  *operators.Room
}

// newFinal prepares the rows that wait.
func newFinal(s *Spec, env *operators.Env) *final {
	f := &final{build: s.Build - 1, room: env.Room}
	if s.Kind != Inner {
		f.build = 1
	}
	for i, schema := range []*types.Schema{s.Left, s.Right} {
		f.held[i] = external.NewRows(external.Store{Types: schema.Types(), Memory: env.Memory, Room: env.Room})
	}
	return f
}

// atOnce is the number of rows up to which a side of an inner join is stored when it
// ends before the other; a larger one waits to see whether the other is smaller.
const atOnce = 1 << 16

// once takes a batch in batch mode.
func (o *operator) once(input int, b *batch.Batch) error {
	f := o.final
	if f.build >= 0 && f.ended[f.build] {
		return o.probeFinal(b)
	}
	if input == f.build {
		o.find(input, b)
		o.store(input, b)
		if !o.sides[input].outer {
			return nil
		}
	}
	return f.held[input].Append(b)
}

// End stores a side when it is time, and sends what has met none when both are over.
func (o *operator) End(input int) error {
	f := o.final
	if f == nil {
		return nil
	}
	f.ended[input] = true
	chosen := f.build < 0 && f.choose(input)
	if chosen {
		if err := o.storeHeld(); err != nil {
			return err
		}
	}
	if chosen || input == f.build {
		if err := f.each(1-f.build, true, o.probeFinal); err != nil {
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

// choose decides which side of an inner join is stored, now that one has ended: the
// smaller, as far as that is known.
func (f *final) choose(input int) bool {
	switch {
	case f.ended[0] && f.ended[1]:
		f.build = 1
		if f.held[0].Len() < f.held[1].Len() {
			f.build = 0
		}
	case f.held[input].Len() <= max(atOnce, f.held[1-input].Len()):
		f.build = input
	}
	return f.build >= 0
}

// storeHeld stores the rows that were held of the side now chosen.
func (o *operator) storeHeld() error {
	return o.final.each(o.final.build, true, func(b *batch.Batch) error {
		o.find(o.final.build, b)
		o.store(o.final.build, b)
		return nil
	})
}

// each calls f with the rows held of a side, the last time or not. Between batches
// rows and state may go to disk.
func (f *final) each(side int, last bool, do func(b *batch.Batch) error) error {
	rows := f.held[side]
	var into batch.Batch
	for i := range rows.Blocks() {
		b, err := rows.Block(i, &into)
		if err != nil {
			return err
		}
		if err := do(b); err != nil {
			return err
		}
		if last {
			rows.Drop(i)
		}
		if err := f.room.Turn(); err != nil {
			return err
		}
	}
	if last {
		rows.Close()
	}
	return nil
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
	return o.final.each(1, true, func(b *batch.Batch) error {
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
		return nil
	})
}

// close forgets what a job that failed has kept.
func (f *final) close() {
	f.held[0].Close()
	f.held[1].Close()
}
