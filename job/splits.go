package job

import (
	"context"
	"sort"
	"sync"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
)

// splits are one source's splits, shared by its subtasks: unbounded ones are
// assigned at once, sorted, round robin; bounded ones are handed out on demand, in
// the order listed.
type splits struct {
	source connectors.Source
	table  string

	mu       sync.Mutex
	known    []connectors.Split
	assigned [][]operators.Assigned // unbounded ones, per subtask, not yet fetched
	next     int                    // subtask of the next unbounded one
	rest     []operators.Assigned   // bounded ones nobody has taken
	complete bool                   // no more will be listed
	begun    []operators.SplitState // as listed or restored, in that order
}

func newSplits(s *scan.Spec, subtasks int) *splits {
	return &splits{source: s.Source, table: s.Table, assigned: make([][]operators.Assigned, subtasks)}
}

// list asks the source for splits it hasn't named yet.
func (s *splits) list(ctx context.Context) (added bool, err error) {
	s.mu.Lock()
	known := append([]connectors.Split(nil), s.known...)
	s.mu.Unlock()
	all, err := s.source.Splits(ctx, known, len(s.assigned))
	if err != nil {
		return false, err
	}
	names := map[string]bool{}
	for _, k := range known {
		names[k.Name] = true
	}
	var add []operators.Assigned
	for _, x := range all {
		if !names[x.Name] {
			add = append(add, operators.Assigned{Split: operators.SplitRef{Name: x.Name, Data: x.Data, Bounded: x.Bounded}, MaxTs: operators.MinWatermark})
		}
	}
	s.add(add)
	s.mu.Lock()
	s.complete = s.source.Bounded()
	s.mu.Unlock()
	return len(add) > 0, nil
}

// add takes splits up: new ones, or those of a checkpoint with their positions.
func (s *splits) add(add []operators.Assigned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []operators.Assigned
	for _, a := range add {
		s.known = append(s.known, connectors.Split{Name: a.Split.Name, Data: a.Split.Data, Bounded: a.Split.Bounded})
		s.begun = append(s.begun, operators.SplitState{Split: a.Split, From: a.From, Skip: a.Skip, MaxTs: a.MaxTs})
		if a.Split.Bounded {
			s.rest = append(s.rest, a)
		} else {
			open = append(open, a)
		}
	}
	sort.SliceStable(open, func(i, j int) bool { return open[i].Split.Name < open[j].Split.Name })
	for _, a := range open {
		i := s.next % len(s.assigned)
		s.assigned[i] = append(s.assigned[i], a)
		s.next++
	}
}

// finished takes up a split that an earlier run has read to its end.
func (s *splits) finished(x operators.SplitState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, connectors.Split{Name: x.Split.Name, Data: x.Split.Data, Bounded: x.Split.Bounded})
	s.begun = append(s.begun, x)
}

// restored says that splits were taken from a checkpoint.
func (s *splits) restored() bool { return len(s.known) > 0 }

// all are the splits as they were when they were listed or restored.
func (s *splits) all() []operators.SplitState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]operators.SplitState(nil), s.begun...)
}

// deal gives each subtask one split in order when there aren't more splits than
// subtasks, and tells which subtasks never get any: so few splits are read the same
// way in each run.
func (s *splits) deal() (none []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.complete || len(s.rest)+s.next > len(s.assigned) {
		return nil
	}
	for _, a := range s.rest {
		s.assigned[s.next] = append(s.assigned[s.next], a)
		s.next++
	}
	s.rest = nil
	for i := s.next; i < len(s.assigned); i++ {
		none = append(none, i)
	}
	return none
}

// take gives a subtask what it is to read now: its unbounded splits, or one
// bounded one. last says that nothing will follow.
func (s *splits) take(subtask int) (add []operators.Assigned, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add, s.assigned[subtask] = s.assigned[subtask], nil
	if len(add) == 0 && len(s.rest) > 0 {
		add, s.rest = s.rest[:1:1], s.rest[1:]
	}
	return add, s.complete && len(s.rest) == 0
}

// nextSplit gives a head that has nothing ready more to read.
func (v *vertex) nextSplit() (progress bool, err error) {
	if v.splits == nil {
		return false, nil
	}
	add, last := v.splits.take(v.subtask)
	if len(add) > 0 {
		if err := v.head.Assign(add); err != nil {
			return false, err
		}
	}
	if last && !v.complete {
		v.complete = true
		v.head.NoMoreSplits()
		return true, nil
	}
	return len(add) > 0, nil
}
