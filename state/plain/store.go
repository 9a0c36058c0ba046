// Package plain is state on Go maps and slices: simple, and the oracle that every
// operator test and the arenas are held against. It implements state.Store.
//
// A table is a map from encoded key to row id and one slot per id. Nothing here is
// fast or small; everything is obvious. Start with Store, then table in table.go.
package plain

import (
	"fmt"
	"sort"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Store keeps the state of one task.
type Store struct {
	openers map[state.Identity]*opener
	order   []*opener
}

// New makes an empty store.
func New() *Store { return &Store{openers: map[state.Identity]*opener{}} }

type opener struct {
	id     state.Identity
	tables map[string]*table
	timers map[string]*timers
	names  []string
}

// Open hands out the state of an operator.
func (s *Store) Open(id state.Identity) state.Opener {
	if o := s.openers[id]; o != nil {
		return o
	}
	o := &opener{id: id, tables: map[string]*table{}, timers: map[string]*timers{}}
	s.openers[id] = o
	s.order = append(s.order, o)
	return o
}

func (o *opener) Table(spec state.Spec) (state.Table, error) {
	if t := o.tables[spec.Name]; t != nil {
		return t, nil
	}
	if o.timers[spec.Name] != nil {
		return nil, fmt.Errorf("state %q is a timer set already", spec.Name)
	}
	t := newTable(spec)
	o.tables[spec.Name] = t
	o.names = append(o.names, spec.Name)
	return t, nil
}

func (o *opener) Timers(name string, key []types.Type) (state.Timers, error) {
	if t := o.timers[name]; t != nil {
		return t, nil
	}
	if o.tables[name] != nil {
		return nil, fmt.Errorf("state %q is a table already", name)
	}
	t := newTimers(key)
	o.timers[name] = t
	return t, nil
}

// Release recycles the rows deleted since the last one.
func (s *Store) Release() {
	for _, o := range s.order {
		for _, n := range o.names {
			o.tables[n].release()
		}
	}
}

// Freeze isn't offered: checkpoints run on the arenas.
func (s *Store) Freeze(uint64) (state.Snapshot, error) {
	return nil, fmt.Errorf("not supported yet: checkpoints of plain state")
}

// Confirm does nothing.
func (s *Store) Confirm(uint64) {}

// Abort does nothing.
func (s *Store) Abort(uint64) {}

// Restore isn't offered.
func (s *Store) Restore(func(func(state.Block) error) error) error {
	return fmt.Errorf("not supported yet: restoring plain state")
}

// Usage counts keys; the bytes are a guess from the row width.
func (s *Store) Usage() []state.Usage {
	var out []state.Usage
	for _, o := range s.order {
		names := append([]string(nil), o.names...)
		sort.Strings(names)
		for _, n := range names {
			t := o.tables[n]
			out = append(out, state.Usage{Identity: o.id, Name: n, Keys: t.Len(), Bytes: int64(len(t.cells)) * 8})
		}
	}
	return out
}

// Close does nothing.
func (s *Store) Close() error { return nil }
