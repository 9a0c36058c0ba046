package operators

import (
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Late counts an operator's rows that came too late and keeps the newest ones,
// with the columns that reached the operator. Open it with Env.Late; the task's
// goroutine drops rows, any goroutine reads them.
type Late struct {
	m  *Metrics
	n  int // rows that are kept; 0: none
	ts []types.Type

	mu       sync.Mutex
	schema   *types.Schema
	now, old lateRows // rows go into now; when it's full it becomes old
}

// lateRows are rows with their time and the watermark they came behind, in ms.
type lateRows struct {
	rows        batch.Batch
	time, under []int64
}

// lateBytes bounds the texts of the rows that are kept.
const lateBytes = 1 << 20

// LateReport are the newest late rows of an operator, oldest first. Row k came
// at event time Time[k], in ms, when the watermark was at Watermark[k].
type LateReport struct {
	Schema          *types.Schema
	Rows            batch.Batch
	Time, Watermark []int64
}

// Late opens the record of an input with that schema. An operator has as many as
// it has inputs.
func (e *Env) Late(schema *types.Schema) *Late {
	l := &Late{m: e.Metrics, n: e.Metrics.LateKept, schema: schema, ts: schema.Types()}
	e.Metrics.mu.Lock()
	defer e.Metrics.mu.Unlock()
	e.Metrics.late = append(e.Metrics.late, l)
	return l
}

// Drop counts row i of b, of event time at, that had to come before the watermark
// reached due and is left out: the watermark is at wm. All in ms.
func (l *Late) Drop(b *batch.Batch, i int, at, due, wm int64) {
	l.m.Late.Add(1)
	if wm != MaxWatermark && wm-due > l.m.LateByMs.Load() { // one goroutine writes
		l.m.LateByMs.Store(wm - due)
	}
	if l.n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.rows.Cols == nil || l.now.full(l.n) {
		l.now, l.old = l.old, l.now
		l.now.rows.Reset(l.ts)
		l.now.time, l.now.under = l.now.time[:0], l.now.under[:0]
	}
	l.now.rows.AppendRow(l.ts, b.Kind(i), b, i)
	l.now.time, l.now.under = append(l.now.time, at), append(l.now.under, wm)
}

func (r *lateRows) full(n int) bool {
	size := 0
	for c := range r.rows.Cols {
		size += len(r.rows.Cols[c].Buf)
	}
	return r.rows.Len >= n || size > lateBytes
}

// report copies the newest rows.
func (l *Late) report() LateReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := LateReport{Schema: l.schema}
	r.Rows.Reset(l.ts)
	add := func(from *lateRows, first int) {
		for i := first; i < from.rows.Len; i++ {
			r.Rows.AppendRow(l.ts, from.rows.Kind(i), &from.rows, i)
			r.Time, r.Watermark = append(r.Time, from.time[i]), append(r.Watermark, from.under[i])
		}
	}
	add(&l.old, max(0, l.old.rows.Len-(l.n-l.now.rows.Len)))
	add(&l.now, 0)
	return r
}

// LateRows are the newest late rows of each input.
func (m *Metrics) LateRows() (out []LateReport) {
	m.mu.Lock()
	late := m.late
	m.mu.Unlock()
	for _, l := range late {
		if r := l.report(); r.Rows.Len > 0 {
			out = append(out, r)
		}
	}
	return out
}
