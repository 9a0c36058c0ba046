package groupagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// list shows rows of state to an accumulator, one at a time.
type list struct {
	state   state.List
	ts      []types.Type
	cols    []int
	row     batch.Batch // the row being added or removed
	got     []batch.Vector
	id      [1]uint32
	entry   [1]state.Entry
	probe   [64]int32
	entries [64]state.Entry
}

func newList(of state.List, spec state.ListSpec) *list {
	l := &list{state: of, got: make([]batch.Vector, len(spec.Row))}
	for i, c := range spec.Row {
		l.ts, l.cols = append(l.ts, c.Type), append(l.cols, i)
	}
	return l
}

func (l *list) take(values []batch.Vector, row int) {
	l.row.Reset(l.ts)
	for c := range l.ts {
		l.row.Cols[c].Append(l.ts[c], 0, &values[c], row)
	}
	l.row.AppendKind(batch.Insert)
}

// Add appends a row.
func (l *list) Add(id uint32, values []batch.Vector, row int) {
	l.take(values, row)
	l.id[0] = id
	l.state.Append(l.id[:], &l.row, l.entry[:])
}

// Remove takes the oldest equal row away.
func (l *list) Remove(id uint32, values []batch.Vector, row int) bool {
	l.take(values, row)
	_, ok := l.state.RemoveEqual(id, &l.row, 0)
	return ok
}

// Each visits the rows in arrival order.
func (l *list) Each(id uint32, f func(values []batch.Vector, row int) bool) {
	var at state.Cursor
	l.id[0] = id
	for {
		n := l.state.Match(l.id[:], &at, l.probe[:], l.entries[:])
		if n == 0 {
			return
		}
		l.state.Gather(l.entries[:n], l.cols, l.got)
		for i := 0; i < n; i++ {
			if !f(l.got, i) {
				return
			}
		}
	}
}

// Len is the number of rows.
func (l *list) Len(id uint32) int { return l.state.Count(id) }

// Clear forgets the group's rows.
func (l *list) Clear(id uint32) {
	for l.state.Count(id) > 0 {
		var at state.Cursor
		l.id[0] = id
		n := l.state.Match(l.id[:], &at, l.probe[:], l.entries[:])
		for _, e := range l.entries[:n] {
			l.state.Remove(id, e)
		}
	}
}
