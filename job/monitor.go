package job

import (
	"sync"
	"time"

	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/planner/physical"
	"github.com/millrace/millrace/sqlerr"
)

// Monitor answers what a job does, from any goroutine: before it has begun, while
// it runs (without waiting for its tasks, so a blocked one answers too), and after
// its end. One Monitor belongs to one job.
type Monitor struct {
	mu   sync.Mutex
	run  *run
	last Report
	late []LateReport // of a run that is over
}

// Report is a job at one moment.
type Report struct {
	Job       string
	At        time.Time // zero: the job hasn't begun
	Began     time.Time
	Operators []OperatorReport // as in the graph: inputs first
	Splits    []SplitReport
	Errors    []BadRowReport // the first rows of each scan that couldn't be decoded

	Checkpoints Checkpoints
}

// OperatorReport sums up the subtasks of one operator.
type OperatorReport struct {
	ID          int
	Node        *physical.Node
	Name        string      // "GroupAggregate"
	Text        string      // as EXPLAIN prints it
	At          sqlerr.Span // the SQL it comes from
	Inputs      []int       // IDs
	Parallelism int
	Ended       bool

	RowsIn, RowsOut      int64
	Read                 int64 // a scan's rows before its filter
	Late, LateByMs       int64
	Bad                  int64
	Dropped, NullKeys    int64
	Expired              int64
	Busy, Blocked        time.Duration // over all subtasks
	Stuck                time.Duration // how long the longest call that runs now has been in its own code
	Watermark            int64         // least over the subtasks; MinWatermark: none yet
	StateKeys, StateSize int64         // measured about once a second
	In                   []InputReport
}

// LateReport is an operator's newest rows that came too late to count.
type LateReport struct {
	Operator int // its ID
	operators.LateReport
}

// InputReport is one input of an operator.
type InputReport struct {
	Rows      int64
	Watermark int64
}

// SplitReport is one split of a source.
type SplitReport struct {
	Operator int // ID of the scan
	Table    string
	Subtask  int
	operators.SplitStatus
}

// BadRowReport is a row that couldn't be decoded.
type BadRowReport struct {
	Operator int
	Table    string
	operators.BadRow
}

// attach and detach are called by the run; a nil Monitor does nothing.
func (m *Monitor) attach(r *run) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.run = r
	if m.last.Began.IsZero() {
		m.last.Began = r.cfg.Session.Now()
	}
}

func (m *Monitor) detach(r *run) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run == r {
		m.last, m.late, m.run = r.report(m.last.Began), r.late(), nil
	}
}

// Report is the job now, or as it ended.
func (m *Monitor) Report() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run != nil {
		m.last = m.run.report(m.last.Began)
	}
	return m.last
}

// Late are the newest late rows of each operator: those that the job now keeps, or
// had kept at its end.
func (m *Monitor) Late() []LateReport {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run != nil {
		return m.run.late()
	}
	return m.late
}

func (r *run) late() (out []LateReport) {
	for i, n := range r.graph.Nodes {
		for _, v := range r.nodes[n] {
			for _, l := range v.metrics.LateRows() {
				out = append(out, LateReport{i + 1, l})
			}
		}
	}
	return out
}

// report sums up the metrics.
func (r *run) report(began time.Time) Report {
	out := Report{Job: r.graph.Job, At: r.cfg.Session.Now(), Began: began, Checkpoints: r.coord.stats.get()}
	stuck := map[*vertex]time.Duration{}
	for _, t := range r.tasks {
		if v, d := t.watch.current(); v != nil {
			stuck[v] = d
		}
	}
	ids := map[*physical.Node]int{}
	for i, n := range r.graph.Nodes {
		ids[n] = i + 1
		o := OperatorReport{ID: i + 1, Node: n, Name: n.Spec.Name(), Text: n.Describe(), At: n.At, Parallelism: n.Parallelism, Watermark: operators.MaxWatermark}
		for _, in := range n.Inputs {
			o.Inputs = append(o.Inputs, ids[in.From])
			o.In = append(o.In, InputReport{Watermark: operators.MaxWatermark})
		}
		o.Ended = true
		for _, v := range r.nodes[n] {
			o.add(v, stuck[v])
			if s, ok := n.Spec.(*scan.Spec); ok {
				for _, x := range v.metrics.Splits() {
					out.Splits = append(out.Splits, SplitReport{Operator: i + 1, Table: s.Table, Subtask: v.subtask, SplitStatus: x})
				}
				for _, b := range v.metrics.BadRows() {
					out.Errors = append(out.Errors, BadRowReport{Operator: i + 1, Table: s.Table, BadRow: b})
				}
			}
		}
		out.Operators = append(out.Operators, o)
	}
	return out
}

func (o *OperatorReport) add(v *vertex, stuck time.Duration) {
	m := v.metrics
	o.RowsIn += m.RowsIn.Load()
	o.RowsOut += m.RowsOut.Load()
	o.Read += m.Read.Load()
	o.Late += m.Late.Load()
	o.LateByMs = max(o.LateByMs, m.LateByMs.Load())
	o.Bad += m.Bad.Load()
	o.Dropped += m.Dropped.Load()
	o.NullKeys += m.NullKeys.Load()
	o.Expired += m.Expired.Load() + m.StateExpired.Load()
	o.Busy += time.Duration(m.BusyNs.Load()) + stuck
	o.Blocked += time.Duration(m.BlockedNs.Load())
	o.Stuck = max(o.Stuck, stuck)
	o.Watermark = min(o.Watermark, m.Watermark.Load())
	o.Ended = o.Ended && m.Watermark.Load() == operators.MaxWatermark
	o.StateKeys += m.StateKeys.Load()
	o.StateSize += m.StateSz.Load()
	for i := range o.In {
		in := &m.Inputs[i]
		o.In[i].Rows += in.Rows.Load()
		o.In[i].Watermark = min(o.In[i].Watermark, in.Watermark.Load())
	}
}

// sizeEvery is how often a task measures its state: often enough that what comes in
// between doesn't matter to the memory limit.
const sizeEvery = 100 * time.Millisecond

// measure publishes what the state holds and charges it to the budgets.
func (t *task) measure() error {
	if t.now.Sub(t.sized) < sizeEvery {
		return nil
	}
	t.sized = t.now
	usage := t.store.Usage()
	if len(usage) == 0 {
		return nil
	}
	for _, v := range t.vertices {
		keys, size, expired := int64(0), int64(0), int64(0)
		for _, u := range usage {
			if u.Identity == v.identity {
				keys, size, expired = keys+int64(u.Keys), size+u.Bytes, expired+u.Expired
			}
		}
		v.metrics.StateKeys.Store(keys)
		v.metrics.StateSz.Store(size)
		v.metrics.StateExpired.Store(expired)
		more := size - v.charged
		v.charged = size
		if err := v.budget.Grow(more); err != nil {
			return v.fail(err)
		}
	}
	return nil
}

// Progress sums the report up.
func (r *Report) Progress() Progress {
	p := Progress{Watermark: operators.MaxWatermark}
	read := map[int]bool{}
	for _, o := range r.Operators {
		for _, in := range o.Inputs {
			read[in] = true
		}
	}
	for _, o := range r.Operators {
		p.Late += o.Late
		p.Bad += o.Bad
		if len(o.Inputs) == 0 {
			p.RowsIn += o.RowsOut
			p.Watermark = min(p.Watermark, o.Watermark)
		}
		if !read[o.ID] {
			p.RowsOut += o.RowsIn
		}
	}
	return p
}

// Share is the part of the job's life that d is, for each of the operator's
// subtasks: 0 to 1.
func (r *Report) Share(d time.Duration, o OperatorReport) float64 {
	life := r.At.Sub(r.Began) * time.Duration(max(o.Parallelism, 1))
	if life <= 0 {
		return 0
	}
	return min(float64(d)/float64(life), 1)
}
