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
	opts      state.Options
	openers   map[state.Identity]*opener
	order     []*opener
	restored  map[unitKey][]state.Block // until their table is opened
	frozen    map[uint64]content        // by checkpoint, not yet confirmed
	confirmed content                   // nil: none
	last      uint64                    // the confirmed checkpoint
}

// New makes an empty store.
func New(opts state.Options) *Store {
	return &Store{opts: opts, openers: map[state.Identity]*opener{}, restored: map[unitKey][]state.Block{}, frozen: map[uint64]content{}}
}

type opener struct {
	store  *Store
	id     state.Identity
	tables map[string]*table
	timers map[string]*timers
	names  []string // of tables
	clocks []string // of timers
}

// Open hands out the state of an operator.
func (s *Store) Open(id state.Identity) state.Opener {
	if o := s.openers[id]; o != nil {
		return o
	}
	o := &opener{store: s, id: id, tables: map[string]*table{}, timers: map[string]*timers{}}
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
	t := newTable(spec, o.store.opts)
	if err := o.store.load(o.id, spec.Name, t.load); err != nil {
		return nil, err
	}
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
	t := newTimers(name, key)
	if err := o.store.load(o.id, name, t.load); err != nil {
		return nil, err
	}
	o.timers[name] = t
	o.clocks = append(o.clocks, name)
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
