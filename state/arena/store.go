// Package arena is the state that jobs run on: pages of bytes without Go pointers,
// found through hash indexes cut into key groups. It implements state.Store.
//
// A table's rows are records of one width (records.go, layout.go) at base + id *
// stride; what has no fixed width lies in a blob (blob.go). An index (index.go)
// finds a row by the upper half of its key's hash. What hangs from rows is records
// too: the entries of lists (list.go), of multisets (multiset.go) and of sorted
// rows (sorted.go), which are kept in order by arrays of entries (ranked.go).
// Timers (timers.go) are a table and a queue.
//
// Ids, views and entries live until Release: whatever is dropped is recycled there.
//
// A checkpoint is logical (snapshot.go, cover.go): Freeze remembers which rows it
// covers, a writer on another goroutine encodes them without holding the task up, and
// a row that is about to change before its turn is encoded first. Start with table.go.
package arena

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/spill"
	"github.com/millrace/millrace/types"
)

// Store keeps the state of one task.
type Store struct {
	opts     state.Options
	openers  map[state.Identity]*opener
	units    []*table // all tables and timers, in the order they were opened
	restored map[unitKey][]waiting
	graves   []*table // dropped slices, whose memory goes at Release
	spills   *spill.Dir
	scanned  []uint32     // ids, lent to Scan
	spool    *spill.Spool // restored blocks that memory has no room for

	// mu is held by a snapshot's writer while it encodes some rows; the task takes it
	// to move or to give back the memory that rows lie in.
	mu     sync.Mutex
	idle   atomic.Pointer[saver] // what the last snapshot was written with
	passed atomic.Bool           // a snapshot's writer is done with a table, or a slice
	epochs bool                  // Freeze was called: changes are tracked
	based  bool                  // a checkpoint was confirmed
	closed bool
}

// unitKey names a table or a timer set.
type unitKey struct {
	id   state.Identity
	name string
}

// New makes an empty store.
func New(opts state.Options) *Store {
	return &Store{opts: opts, openers: map[state.Identity]*opener{}, restored: map[unitKey][]waiting{}}
}

type opener struct {
	store  *Store
	id     state.Identity
	tables map[string]*table
	timers map[string]*timers
}

// Open hands out the state of an operator.
func (s *Store) Open(id state.Identity) state.Opener {
	o := s.openers[id]
	if o == nil {
		o = &opener{store: s, id: id, tables: map[string]*table{}, timers: map[string]*timers{}}
		s.openers[id] = o
	}
	return o
}

func (o *opener) Table(spec state.Spec) (state.Table, error) {
	if t := o.tables[spec.Name]; t != nil {
		return t, nil
	}
	if o.timers[spec.Name] != nil {
		return nil, fmt.Errorf("state %q is a timer set already", spec.Name)
	}
	t, err := o.open(spec, false)
	if err != nil {
		return nil, err
	}
	o.tables[spec.Name] = t
	return t, nil
}

func (o *opener) Timers(name string, key []types.Type) (state.Timers, error) {
	if t := o.timers[name]; t != nil {
		return t, nil
	}
	if o.tables[name] != nil {
		return nil, fmt.Errorf("state %q is a table already", name)
	}
	t, err := o.open(state.TimerSpec(name, key), true)
	if err != nil {
		return nil, err
	}
	o.timers[name] = newTimers(t, key)
	return o.timers[name], nil
}

func (o *opener) open(spec state.Spec, timer bool) (*table, error) {
	t := newTable(o.store, o.id, spec, timer)
	k := unitKey{o.id, spec.Name}
	if err := t.load(o.store.restored[k]); err != nil {
		t.unmap()
		return nil, err
	}
	delete(o.store.restored, k)
	o.store.units = append(o.store.units, t)
	return t, nil
}

// lock is a snapshot writer's way in.
func (s *Store) lock() {
	if s.opts.Wait == nil {
		s.mu.Lock()
		return
	}
	for !s.mu.TryLock() {
		s.opts.Wait()
	}
}

// Release ends the life of ids, views and entries.
func (s *Store) Release() {
	if s.opts.Evict {
		s.mu.Lock()
		defer s.mu.Unlock() // also when an operator has left a table that can't be released
	}
	if s.passed.Swap(false) {
		s.uncover()
	}
	for _, t := range s.units {
		t.release()
	}
	if len(s.graves) > 0 {
		s.graves = slices.DeleteFunc(s.graves, func(t *table) bool {
			if t.read() {
				return false
			}
			t.bury()
			return true
		})
	}
	if s.opts.Spill != nil {
		s.makeRoom()
	}
}

// Usage is the memory of each table, its slices included.
func (s *Store) Usage() []state.Usage {
	var out []state.Usage
	for _, t := range s.units {
		u := state.Usage{Identity: t.id, Name: t.spec.Name, Keys: t.Len(), Bytes: t.bytes(), Expired: t.expired}
		for _, slice := range t.slices {
			u.Keys += slice.Len()
			u.Bytes += slice.bytes()
		}
		out = append(out, u)
	}
	return out
}

// Close gives the memory back. Nothing may be read afterwards.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range append(append([]*table(nil), s.units...), s.graves...) {
		t.unmap()
	}
	if s.spool != nil {
		s.spool.Close()
		s.spool = nil
	}
	s.units, s.graves, s.closed = nil, nil, true
	return nil
}
