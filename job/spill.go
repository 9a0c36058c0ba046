package job

import "math"

// Spill is where state goes that memory has no room for.
type Spill struct {
	Dir    string // for files without names; empty: nowhere
	Always bool   // a test mode: nothing stays in memory from turn to turn
}

// spillAt is the part of the process's memory, in tenths, that state and kept rows
// may take before they are spilled: the rest is for batches, buffers and what the
// collector hasn't found yet.
const spillAt = 6

// keep says how many bytes the task's state may hold: as many as it wants while the
// process has room. Then a task with more than its share, an equal part, gives up
// what it has.
func (t *task) keep(held int64) int64 {
	if t.cfg.Spill.Always {
		return 0
	}
	used, limit := t.cfg.Memory.Process()
	if limit == 0 {
		return math.MaxInt64
	}
	rows := int64(0) // that operators keep beside state
	for _, v := range t.vertices {
		if v.budget == nil {
			continue // while a job goes on from a checkpoint, before its operators are open
		}
		used -= v.charged
		rows += v.budget.Used() - v.charged
	}
	room := limit / 10 * spillAt
	share := room / int64(len(t.run.tasks))
	switch {
	case used+held <= room:
	case held > share:
		return share / 2
	case held+rows > share && held > share/2:
		return share / 4
	}
	return math.MaxInt64
}

// excess says how many bytes of kept rows the task should write to disk, by the rule of
// keep, and how few aren't worth a file.
func (t *task) excess() (bytes, least int64) {
	if t.cfg.Spill.Always {
		return math.MaxInt64, 1
	}
	used, limit := t.cfg.Memory.Process()
	if limit == 0 {
		return 0, 0
	}
	held := int64(0)
	for _, v := range t.vertices {
		held += v.budget.Used()
	}
	room := limit / 10 * spillAt
	share := room / int64(len(t.run.tasks))
	return min(used-room, held-share), share / 16
}
