package arena

import (
	"slices"

	"github.com/millrace/millrace/state"
)

// spares is how many dropped slices a table keeps to use again: first touch of
// memory costs more than what is done with it.
const spares = 2

// Slice is the table of a namespace.
func (t *table) Slice(ns int64) state.Table { return t.slice(ns) }

func (t *table) slice(ns int64) *table {
	s := t.slices[ns]
	if s != nil {
		return s
	}
	if n := len(t.spare); n > 0 {
		s, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		spec := t.spec
		spec.Windowed = false
		s = newTable(t.store, t.id, spec, false)
		s.parent = t
	}
	s.track = tracker{on: t.track.on}
	t.slices[ns] = s
	return s
}

// Slices are the namespaces, ascending.
func (t *table) Slices() []int64 {
	all := make([]int64, 0, len(t.slices))
	for ns := range t.slices {
		all = append(all, ns)
	}
	slices.Sort(all)
	return all
}

// Drop forgets a slice; its memory goes, or is used again, at Release.
func (t *table) Drop(ns int64) {
	s := t.slices[ns]
	if s == nil {
		return
	}
	delete(t.slices, ns)
	if t.track.on {
		d := dropped{ns: ns}
		for g := range s.index.groups {
			if s.index.groups[g].made || s.cold.has(g) {
				d.groups[g/64] |= 1 << (g % 64)
			}
		}
		t.track.dropped = append(t.track.dropped, d)
	}
	t.store.graves = append(t.store.graves, s)
}

// bury ends a dropped slice.
func (t *table) bury() {
	if len(t.parent.spare) >= spares || t.store.opts.Evict {
		t.unmap()
		return
	}
	t.reset()
	t.parent.spare = append(t.parent.spare, t)
}

// reset forgets everything and keeps the memory.
func (t *table) reset() {
	t.cold.thaw()
	t.clear(false)
}

// clear empties a table, and gives its memory back or keeps it.
func (t *table) clear(give bool) {
	t.records.reset(give)
	t.index.reset(give)
	t.blob.reset(give)
	t.blob.memory.release()
	for _, l := range t.chains {
		l.records.reset(give)
		l.long.reset(give)
	}
	for _, m := range t.sets {
		m.records.reset(give)
		m.orders.reset(give)
		m.index.reset(give)
	}
	for _, o := range t.sorted {
		o.records.reset(give)
	}
	t.deleted, t.deadN, t.swept = t.deleted[:0], 0, 0
	t.track = tracker{}
}
