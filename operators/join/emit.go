package join

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// emitter builds the output of joins that go row by row: it copies, since rows
// come from the input and from state.
type emitter struct {
	o   *operator
	out batch.Batch
	e1  [1]state.Entry
}

func (e *emitter) begin() { e.out.Reset(e.o.outTs) }

func (e *emitter) flush() error {
	if e.out.Len == 0 {
		return nil
	}
	err := e.o.Out.Emit(&e.out)
	e.begin()
	return err
}

func (e *emitter) count(kind batch.Kind) error {
	e.out.AppendKind(kind)
	if e.out.Len >= batch.MaxRows {
		return e.flush()
	}
	return nil
}

// row sends row i of b, an input's batch, beside entry f of the other side (0:
// NULLs).
func (e *emitter) row(input int, b *batch.Batch, i int, f state.Entry, kind batch.Kind) error {
	me, you := &e.o.sides[input], &e.o.sides[1-input]
	for c := range me.ts {
		e.out.Cols[me.first+c].Append(e.o.outTs[me.first+c], e.out.Len, &b.Cols[c], i)
	}
	e.entry(you, f)
	return e.count(kind)
}

// entry appends the columns of a stored row, or NULLs.
func (e *emitter) entry(s *side, f state.Entry) {
	if f == 0 {
		for c := range s.ts {
			e.out.Cols[s.first+c].AppendNull(e.o.outTs[s.first+c], e.out.Len)
		}
		return
	}
	e.e1[0] = f
	s.list.Gather(e.e1[:], s.cols, s.got)
	for c := range s.ts {
		e.out.Cols[s.first+c].Append(e.o.outTs[s.first+c], e.out.Len, &s.got[c], 0)
	}
}

// padded sends a stored row of a side beside NULLs.
func (e *emitter) padded(input int, f state.Entry, kind batch.Kind) error {
	e.entry(&e.o.sides[1-input], 0)
	e.entry(&e.o.sides[input], f)
	return e.count(kind)
}

// left sends a left row of the input.
func (e *emitter) left(b *batch.Batch, i int, kind batch.Kind) error {
	for c := range e.o.sides[0].ts {
		e.out.Cols[c].Append(e.o.outTs[c], e.out.Len, &b.Cols[c], i)
	}
	return e.count(kind)
}

// stored sends a left row from state.
func (e *emitter) stored(f state.Entry, kind batch.Kind) error {
	e.entry(&e.o.sides[0], f)
	return e.count(kind)
}
