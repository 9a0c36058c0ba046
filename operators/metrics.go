package operators

import (
	"sync"
	"sync/atomic"
)

// Metrics are one operator's counters. The task counts rows, time and state; the
// operator counts what only it knows. Readers may load them at any time: package
// job's Monitor sums them up.
type Metrics struct {
	RowsIn, RowsOut    atomic.Int64
	BusyNs             atomic.Int64 // in the operator's own code
	BlockedNs          atomic.Int64 // in Emit: consumers at work, or without room
	Late               atomic.Int64 // rows dropped because they came too late; Env.Late counts them
	LateByMs           atomic.Int64 // the most that one was behind the watermark
	Bad                atomic.Int64 // rows that couldn't be decoded
	Dropped            atomic.Int64 // retractions of rows that aren't there
	NullKeys           atomic.Int64 // rows of a join that can't match: a key is NULL
	Expired            atomic.Int64 // rows that were forgotten: their time to live was over
	Read               atomic.Int64 // rows a scan read, before its filter
	Watermark          atomic.Int64
	StateKeys, StateSz atomic.Int64
	StateExpired       atomic.Int64 // rows of state that were asked for after their time to live

	Inputs []InputMetrics // by input

	splits atomic.Pointer[[]SplitStatus]

	LateKept int // how many late rows are kept; set before the operator is opened

	mu   sync.Mutex
	bad  []BadRow // the first ones
	late []*Late  // by input
}

// BadRow is a row that couldn't be decoded.
type BadRow struct {
	Split  string
	Offset int64
	Raw    []byte
	Reason string
}

// badKept bounds how many bad rows an operator keeps.
const badKept = 100

// KeepBad counts a bad row and keeps it if it is among the first.
func (m *Metrics) KeepBad(b BadRow) {
	m.Bad.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bad) < badKept {
		b.Raw = append([]byte(nil), b.Raw[:min(len(b.Raw), 1000)]...)
		m.bad = append(m.bad, b)
	}
}

// BadRows are those that were kept.
func (m *Metrics) BadRows() []BadRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]BadRow(nil), m.bad...)
}

// InputMetrics are those of one input.
type InputMetrics struct {
	Rows      atomic.Int64
	Watermark atomic.Int64
}

// SplitStatus is how far a scan is with a split.
type SplitStatus struct {
	Name      string
	Bounded   bool
	Done      bool
	Rows      int64 // read so far by this run
	Watermark int64 // MinWatermark: none yet
	MaxTime   int64 // the greatest rowtime read, in ms; MinWatermark: none
	Idle      bool  // left out of the watermark
	LastRow   int64 // when its last row came, Unix ms; 0: none yet
	Opened    int64 // when it was opened, Unix ms
}

// SetSplits publishes the splits; the caller makes a new slice each time.
func (m *Metrics) SetSplits(s []SplitStatus) { m.splits.Store(&s) }

// Splits are those published last. They must not be changed.
func (m *Metrics) Splits() []SplitStatus {
	if s := m.splits.Load(); s != nil {
		return *s
	}
	return nil
}
