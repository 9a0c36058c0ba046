package job

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/types"
)

// exchange sends a vertex's rows to the subtasks of a consumer in other tasks: it
// copies them into one open batch per target, which is sent when it is full,
// before the task parks, before a watermark, barrier or end, and after the buffer
// time-out.
type exchange struct {
	task    *task
	from    *vertex
	kind    physical.Exchange
	ts      []types.Type
	split   *batch.Partitioner // of Hash
	targets []target
	all     []int32 // 0, 1, 2...
	dense   batch.Batch
	since   time.Time // when the oldest open row was put in; zero: none
	slice   int64     // watermarks matter at its multiples; 0: at none
	sent    int64     // the last watermark that was sent
	later   bool      // a mark waits to be sent with the next flush
}

// target is the edge to one subtask.
type target struct {
	edge *edge
	open *batch.Batch
	done bool
}

// emit spreads the rows of b.
func (x *exchange) emit(b *batch.Batch) error {
	b = b.Compact(x.ts, &x.dense)
	if x.since.IsZero() {
		x.since = x.task.now
	}
	wanted := false
	if x.split != nil {
		for i, rows := range x.split.Split(b) {
			if err := x.put(&x.targets[i], b, rows); err != nil {
				return err
			}
			wanted = wanted || !x.targets[i].done
		}
	} else {
		for len(x.all) < b.Len {
			x.all = append(x.all, int32(len(x.all)))
		}
		for i := range x.targets {
			if err := x.put(&x.targets[i], b, x.all[:b.Len]); err != nil {
				return err
			}
			wanted = wanted || !x.targets[i].done
		}
	}
	if !wanted {
		return operators.Done
	}
	return nil
}

// put copies rows into the target's open batch, sending those that get full.
func (x *exchange) put(t *target, b *batch.Batch, rows []int32) error {
	for len(rows) > 0 && !t.done {
		if t.open == nil {
			if err := x.lend(t); err != nil {
				return err
			}
			continue
		}
		n := min(len(rows), batch.MaxRows-t.open.Len)
		t.open.AppendTake(x.ts, b, rows[:n])
		rows = rows[n:]
		if t.open.Len == batch.MaxRows {
			x.sendOpen(t)
		}
	}
	return nil
}

// lend waits for a free batch of the edge: back-pressure.
func (x *exchange) lend(t *target) error {
	for {
		b, done := t.edge.lend()
		if done {
			t.done = true
			return nil
		}
		if b != nil {
			b.Reset(x.ts)
			t.open = b
			return nil
		}
		if err := x.task.blocked(); err != nil {
			return err
		}
	}
}

func (x *exchange) sendOpen(t *target) {
	t.edge.send(message{kind: rowsMessage, rows: t.open})
	t.open = nil
}

// flush sends what is open, and a watermark that waited.
func (x *exchange) flush() {
	for i := range x.targets {
		if t := &x.targets[i]; t.open != nil && t.open.Len > 0 {
			x.sendOpen(t)
		}
	}
	x.since = time.Time{}
	if x.later {
		x.sendMark()
	}
}

// mark sends the vertex's watermark when an operator behind may act on it; else it
// goes with the next flush.
func (x *exchange) mark(v *vertex) error {
	x.later = true
	urgent := v.idle || v.passed == operators.MaxWatermark || x.slice > 0 && (x.sent == operators.MinWatermark || floorDiv(v.passed+1, x.slice) > floorDiv(x.sent+1, x.slice))
	if urgent {
		x.flush()
	}
	return nil
}

func (x *exchange) sendMark() {
	x.later, x.sent = false, x.from.passed
	for i := range x.targets {
		x.targets[i].edge.send(message{kind: markMessage, ms: x.from.passed, idle: x.from.idle})
	}
}

func (x *exchange) end() error {
	x.flush()
	for i := range x.targets {
		x.targets[i].edge.send(message{kind: endMessage, ms: operators.MaxWatermark})
	}
	return nil
}

func (x *exchange) barrier(n uint64) error {
	x.flush()
	for i := range x.targets {
		x.targets[i].edge.send(message{kind: barrierMessage, n: n})
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// refused says that no target wants more.
func (x *exchange) refused() bool {
	for i := range x.targets {
		if !x.targets[i].edge.done.Load() {
			return false
		}
	}
	return true
}
