package window

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Sessions keeps the live sessions of each key. A session has a name, the time of
// the row that began it, which is unique among its key's; what the user knows of a
// session it files under (key, name).
//
// A session's timer isn't moved when the session grows: one that rings too early
// is set again.
type Sessions struct {
	w       Window
	env     *operators.Env
	keyTs   []types.Type
	live    state.Table // key -> a list of sessions
	list    state.List
	timers  state.Timers
	ids     []uint32
	fresh   []bool
	probe   []int32
	entries []state.Entry
	merged  []int64
	row     batch.Batch
	run     []int32
	cursor  state.Cursor
	empty   []uint32 // keys without a session, by their late rows
	wm      int64
	began   ends // sessions whose timers are to be set
	due     ends // of those that may have ended
	hashes  []uint64
	late    *operators.Late

	Names batch.Vector // of the sessions of a batch's rows
}

// ends are sessions of some keys, by the rows of these, and when they end.
type ends struct {
	rows      []int32
	names, ms []int64
}

func (e *ends) reset() { e.rows, e.names, e.ms = e.rows[:0], e.names[:0], e.ms[:0] }

func (e *ends) add(row int32, name, ms int64) {
	e.rows, e.names, e.ms = append(e.rows, row), append(e.names, name), append(e.ms, ms)
}

func (e *ends) insert(at int, row int32, name, ms int64) {
	e.rows, e.names, e.ms = slices.Insert(e.rows, at, row), slices.Insert(e.names, at, name), slices.Insert(e.ms, at, ms)
}

// The cells beside a session's entry.
const (
	startCell = iota
	endCell
	nameCell
	sessionCells
)

// Open opens the state. key are the key's columns; in is the input's schema.
func (s *Sessions) Open(w Window, key []state.Column, in *types.Schema, env *operators.Env) (err error) {
	s.w, s.env, s.wm, s.late = w, env, operators.MinWatermark, env.Late(in)
	for _, c := range key {
		s.keyTs = append(s.keyTs, c.Type)
	}
	name := []state.Column{{Type: types.BigIntType, Meaning: "session"}}
	if s.live, err = env.State.Table(state.Spec{Name: "sessions", Key: key, Lists: []state.ListSpec{{Row: name, Cells: sessionCells}}}); err != nil {
		return err
	}
	s.list = s.live.List(0)
	s.timers, err = env.State.Timers("session ends", s.keyTs)
	s.probe, s.entries = make([]int32, 16), make([]state.Entry, 16)
	s.row.Reset([]types.Type{types.BigIntType})
	s.row.Cols[0].Prepare(types.BigIntType, 1)
	s.row.Len = 1
	return err
}

// Assign gives every row of a batch, whose keys have the hashes, its session. Rows
// go to add in order, in runs, with the sessions' names in Names; before a row that
// joins sessions into one, join is told, for row i's key, that what is known of
// session from belongs to session into. Rows too late, or without a time, are
// counted and left out.
func (s *Sessions) Assign(keys []batch.Vector, hashes []uint64, b *batch.Batch, add func(rows []int32) error, join func(i int, into, from int64) error) error {
	n := b.Len
	s.ids, s.fresh = slices.Grow(s.ids[:0], n)[:n], slices.Grow(s.fresh[:0], n)[:n]
	s.live.Upsert(keys, hashes, s.ids, s.fresh)
	s.hashes = append(s.hashes[:0], hashes[:n]...) // add may use hashes for others
	s.began.reset()
	s.Names.Prepare(types.BigIntType, n)
	run := s.run[:0]
	now := s.env.Now().UnixMicro()
	for i := 0; i < n; i++ {
		at := now
		if !s.w.Proctime {
			if b.Cols[s.w.Time].Null(i) {
				s.env.Metrics.Dropped.Add(1)
				continue
			}
			at = b.Cols[s.w.Time].I64[i]
		}
		name, merged, late := s.place(i, s.w.Clock(at, s.env.Session.Zone))
		if late {
			t := s.w.Clock(at, s.env.Session.Zone)
			s.late.Drop(b, i, types.FloorMillis(at), s.w.Deadline(t+s.w.Size, s.env.Session.Zone), s.wm)
			if s.list.Count(s.ids[i]) == 0 {
				s.empty = append(s.empty, s.ids[i])
			}
			continue
		}
		if len(merged) > 0 {
			if err := add(run); err != nil {
				return err
			}
			run = run[:0]
			for _, m := range merged {
				if err := join(i, name, m); err != nil {
					return err
				}
			}
		}
		s.Names.I64[i] = name
		run = append(run, int32(i))
	}
	s.run = run
	s.forget()
	s.timers.AddAll(keys, s.hashes, s.began.rows, s.began.names, s.began.ms)
	if len(run) == 0 {
		return nil
	}
	return add(run)
}

// forget drops the keys that only had late rows.
func (s *Sessions) forget() {
	n := 0
	for _, id := range s.empty {
		if s.list.Count(id) == 0 {
			s.empty[n] = id
			n++
		}
	}
	if n > 0 {
		slices.Sort(s.empty[:n])
		s.live.Delete(slices.Compact(s.empty[:n]))
	}
	s.empty = s.empty[:0]
}

// place puts row i of the batch, of time t, into a session and returns its name.
// merged names the sessions the row joined to it: they are gone, and what is known
// of them belongs to this one now. late: the row's session has passed.
func (s *Sessions) place(i int, t int64) (name int64, merged []int64, late bool) {
	id := s.ids[i : i+1]
	start, end := t, t+s.w.Size
	s.merged = s.merged[:0]
	var into state.Entry
	for _, e := range s.of(id) {
		from, to := s.list.Cell(e, startCell), s.list.Cell(e, endCell)
		if *from > end || *to < start {
			continue
		}
		if *from <= start && *to >= end { // the usual case of a row in the middle
			return *s.list.Cell(e, nameCell), nil, false
		}
		start, end = min(start, *from), max(end, *to)
		switch {
		case into == 0:
			into = e
		case *s.list.Cell(e, startCell) < *s.list.Cell(into, startCell):
			s.drop(id[0], into)
			into = e
		default:
			s.drop(id[0], e)
		}
	}
	if s.wm != operators.MinWatermark && s.w.Deadline(end, s.env.Session.Zone) <= s.wm {
		return 0, nil, true
	}
	if into == 0 {
		s.row.Cols[0].I64[0] = t
		s.list.Append(id, &s.row, s.entries[:1])
		into = s.entries[0]
		*s.list.Cell(into, nameCell) = t
		s.began.add(int32(i), t, s.w.Deadline(end, s.env.Session.Zone))
	}
	*s.list.Cell(into, startCell), *s.list.Cell(into, endCell) = start, end
	return *s.list.Cell(into, nameCell), s.merged, false
}

func (s *Sessions) drop(id uint32, e state.Entry) {
	s.merged = append(s.merged, *s.list.Cell(e, nameCell))
	s.list.Remove(id, e)
}

// of are the sessions of a key.
func (s *Sessions) of(id []uint32) []state.Entry {
	n := s.list.Count(id[0])
	if n > len(s.entries) {
		s.probe, s.entries = make([]int32, 2*n), make([]state.Entry, 2*n)
	}
	if n == 0 {
		return nil
	}
	s.cursor = state.Cursor{}
	return s.entries[:s.list.Match(id, &s.cursor, s.probe, s.entries)]
}

// Fire calls f for each session that the time has passed, in order, and forgets it. It is
// of the key in that row of keys.
func (s *Sessions) Fire(ms int64, f func(keys []batch.Vector, row int, name int64, at Span) error) error {
	s.wm = max(s.wm, ms)
	return s.timers.FireAll(ms, func(keys []batch.Vector, names, due []int64) error {
		n := len(due)
		s.hashes, s.ids = slices.Grow(s.hashes[:0], n)[:n], slices.Grow(s.ids[:0], n)[:n]
		batch.Hash(s.keyTs, keys, n, s.hashes)
		s.live.Find(keys, s.hashes, s.ids)
		d := &s.due
		d.reset()
		s.began.reset()
		for i := range n {
			d.rows = append(d.rows, int32(i))
		}
		d.names, d.ms = append(d.names, names...), append(d.ms, due...)
		for k := 0; k < len(d.rows); k++ {
			if err := s.fire(keys, k, f); err != nil {
				return err
			}
		}
		s.timers.AddAll(keys, s.hashes, s.began.rows, s.began.names, s.began.ms)
		return nil
	})
}

// fire ends session k of those that are due, or puts it off: it has its place among them
// again if it ends before the last of them.
func (s *Sessions) fire(keys []batch.Vector, k int, f func(keys []batch.Vector, row int, name int64, at Span) error) error {
	d := &s.due
	row, name, due := d.rows[k], d.names[k], d.ms[k]
	id := s.ids[row : row+1]
	if id[0] == 0 {
		return nil
	}
	for _, e := range s.of(id) {
		if *s.list.Cell(e, nameCell) != name {
			continue
		}
		at := Span{*s.list.Cell(e, startCell), *s.list.Cell(e, endCell)}
		if end := s.w.Deadline(at.End, s.env.Session.Zone); end > due {
			if end >= d.ms[len(d.ms)-1] {
				s.began.add(row, name, end)
				return nil
			}
			for k++; d.ms[k] <= end; k++ {
			}
			d.insert(k, row, name, end)
			return nil
		}
		s.list.Remove(id[0], e)
		if s.list.Count(id[0]) == 0 {
			s.live.Delete(id)
		}
		return f(keys, int(row), name, at)
	}
	return nil // it was merged into another
}

// Next is when the next session may end.
func (s *Sessions) Next() (ms int64, ok bool) { return s.timers.Next() }
