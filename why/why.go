// Package why finds out why a job sends nothing: it looks at a job's report, walks
// the graph from the sinks to the sources, and names the operator that holds things
// back, the split responsible, the numbers, and what to do.
//
// Of asks once; Now also watches whether rows that came still come; Watch asks when no row has come for a while. Each cause is a rule in
// causes.go; the order of the rules is the order of how much they explain. Start
// with Finding.
package why

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
)

// Cause is what holds a job back.
type Cause string

// The causes.
const (
	NoWatermark   Cause = "no-watermark"        // the time column has no watermark
	IdleSplit     Cause = "idle-split"          // a split without rows holds event time back
	AllLate       Cause = "all-late"            // rows come behind the watermark
	WrongUnit     Cause = "wrong-time-unit"     // ms read as s, or s as ms
	FutureTime    Cause = "future-timestamp"    // a row from the future has moved event time ahead of all others
	WindowOpen    Cause = "window-open"         // the window ends later than the data so far
	EmptyJoinSide Cause = "join-side-empty"     // one side of a join has had no row
	FilterAll     Cause = "filter-removes-all"  // no row passes a condition
	NullKeys      Cause = "null-join-keys"      // a join's keys are NULL
	Expired       Cause = "state-expired"       // rows were forgotten before their partners came
	SinkBlocked   Cause = "sink-blocked"        // the sink doesn't take rows
	LatestOffset  Cause = "reading-from-latest" // only rows that come from now on are read
	NoInput       Cause = "no-input"            // a source has delivered nothing
	NoMatch       Cause = "no-match"            // both sides of a join have rows, none match
	Flowing       Cause = "flowing"             // rows come out
	Unknown       Cause = "unknown"
)

// Finding is an answer. Text is one sentence with the numbers; More are further
// facts; Fix is what to do, "" when there is nothing to.
type Finding struct {
	Cause    Cause    `json:"cause"`
	Operator int      `json:"operator,omitempty"` // ID in the report
	Name     string   `json:"name,omitempty"`
	Split    string   `json:"split,omitempty"`
	Text     string   `json:"text"`
	More     []string `json:"more,omitempty"`
	Fix      string   `json:"fix,omitempty"`
	SQL      string   `json:"sql,omitempty"` // what the operator comes from
}

// String is the finding as people read it.
func (f *Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Text)
	for _, m := range f.More {
		b.WriteString("\n  " + m)
	}
	if f.Fix != "" {
		b.WriteString("\n  fix: " + f.Fix)
	}
	return b.String()
}

// Of explains a report.
func Of(r job.Report) *Finding {
	if r.At.IsZero() || len(r.Operators) == 0 {
		return &Finding{Cause: Unknown, Text: "the job hasn't begun"}
	}
	x := newGraph(r)
	for _, rule := range rules {
		if f := rule(x); f != nil {
			return f
		}
	}
	if f := x.waiting(); f != nil {
		return f
	}
	return &Finding{Cause: Unknown, Text: "no row has come out, and nothing here says why"}
}

// graph is a report to be walked.
type graph struct {
	job.Report
	readers map[int][]int // by ID: who reads it
}

func newGraph(r job.Report) *graph {
	x := &graph{Report: r, readers: map[int][]int{}}
	for _, o := range r.Operators {
		for _, in := range o.Inputs {
			x.readers[in] = append(x.readers[in], o.ID)
		}
	}
	return x
}

// ended says that every operator has reached the end of its input.
func ended(r job.Report) bool {
	for _, o := range r.Operators {
		if !o.Ended {
			return false
		}
	}
	return true
}

func (x *graph) op(id int) *job.OperatorReport { return &x.Operators[id-1] }

// sinks are the operators that nobody reads.
func (x *graph) sinks() (out []*job.OperatorReport) {
	for i := range x.Operators {
		if o := &x.Operators[i]; len(x.readers[o.ID]) == 0 {
			out = append(out, o)
		}
	}
	return out
}

// blocking are the operators that take rows and send none, sinks first: what lies
// behind them waits for them.
func (x *graph) blocking() (out []*job.OperatorReport) {
	for i := len(x.Operators) - 1; i >= 0; i-- {
		o := &x.Operators[i]
		if o.RowsOut > 0 || len(x.readers[o.ID]) == 0 {
			continue
		}
		fed := len(o.Inputs) == 0 && o.Read > 0
		for _, in := range o.In {
			fed = fed || in.Rows > 0
		}
		if fed {
			out = append(out, o)
		}
	}
	return out
}

// sources are the IDs of the scans above an operator.
func (x *graph) sources(id int) (out []int) {
	o := x.op(id)
	if len(o.Inputs) == 0 {
		return []int{id}
	}
	for _, in := range o.Inputs {
		out = append(out, x.sources(in)...)
	}
	return out
}

// splits are those that an operator's rows come from and that count.
func (x *graph) splits(id int) (out []job.SplitReport) {
	for _, s := range x.sources(id) {
		for _, p := range x.Splits {
			if p.Operator == s && !p.Done {
				out = append(out, p)
			}
		}
	}
	return out
}

func (x *graph) finding(c Cause, o *job.OperatorReport, format string, args ...any) *Finding {
	return &Finding{Cause: c, Operator: o.ID, Name: o.Name, SQL: strings.Join(strings.Fields(o.At.Text()), " "), Text: fmt.Sprintf(format, args...)}
}

// at is event time as people read it.
func at(ms int64) string {
	if ms == operators.MinWatermark {
		return "none"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
}

// span is a length of time as people read it.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int64(d.Hours()/24))
	case d >= time.Second:
		return d.Round(time.Second).String()
	}
	return d.String()
}

func table(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// Refused explains why a statement didn't become a job, nil when that isn't about
// silence.
func Refused(err error) *Finding {
	for _, e := range sqlerr.All(err) {
		if strings.Contains(e.Msg, "time attribute") || strings.Contains(e.Msg, "time column") {
			fix := e.Hint
			if fix == "" {
				fix = "declare the watermark: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"
			}
			return &Finding{Cause: NoWatermark, Text: "the time column has no watermark, so that no window could ever end: " + e.Msg, Fix: fix, SQL: e.At.Text()}
		}
	}
	return nil
}

// Since explains what holds a job back that has sent rows before: what happened
// between two reports.
func Since(before, now job.Report) *Finding {
	if len(before.Operators) == len(now.Operators) {
		now.Operators = append([]job.OperatorReport(nil), now.Operators...)
		now.Began = before.At
		for i := range now.Operators {
			o, b := &now.Operators[i], &before.Operators[i]
			o.RowsIn, o.RowsOut, o.Read = o.RowsIn-b.RowsIn, o.RowsOut-b.RowsOut, o.Read-b.Read
			o.Late, o.NullKeys, o.Expired = o.Late-b.Late, o.NullKeys-b.NullKeys, o.Expired-b.Expired
			o.In = append([]job.InputReport(nil), o.In...)
			for k := range o.In {
				o.In[k].Rows -= b.In[k].Rows
			}
		}
	}
	return Of(now)
}

// lookEvery is how often Now looks for a row.
const lookEvery = 100 * time.Millisecond

// Now explains a job as it is now: one that has sent rows is watched for a while, to
// say whether it still does.
func Now(ctx context.Context, report func() job.Report, watch time.Duration) *Finding {
	before := report()
	f := Of(before)
	if f.Cause != Flowing {
		return f
	}
	sent := before.Progress().RowsOut
	now := before
	for now.At.Sub(before.At) < watch && now.Progress().RowsOut == sent {
		if ended(now) {
			return &Finding{Cause: Flowing, Text: fmt.Sprintf("the job has ended; %d rows have come out", sent)}
		}
		select {
		case <-ctx.Done():
			return f
		case <-time.After(lookEvery):
		}
		now = report()
	}
	if now.Progress().RowsOut > sent {
		return &Finding{Cause: Flowing, Text: fmt.Sprintf("rows come out: %d so far", now.Progress().RowsOut)}
	}
	quiet := fmt.Sprintf("%d rows have come out, none in the last %s", sent, span(now.At.Sub(before.At).Milliseconds()))
	f = Since(before, now)
	if f.Cause == Unknown || f.Cause == Flowing {
		return &Finding{Cause: Unknown, Text: quiet}
	}
	f.Text = quiet + ": " + f.Text
	return f
}

// patience is how long a job may send nothing before its user is told why.
const patience = 10 * time.Second

// Watch tells once, through say, why a job sends nothing, when that has gone on for
// a while. It returns when done is closed or it has spoken; every is how often it
// looks.
func Watch(done <-chan struct{}, every time.Duration, report func() job.Report, say func(*Finding)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last job.Report // when a row came last, or the job began
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		r := report()
		if r.At.IsZero() || len(r.Operators) == 0 {
			continue
		}
		if last.At.IsZero() || r.Progress().RowsOut > last.Progress().RowsOut {
			if last.At.IsZero() && r.Progress().RowsOut == 0 {
				last = r
				last.At = r.Began
				for i := range last.Operators { // as it was at the beginning
					last.Operators = append([]job.OperatorReport(nil), last.Operators...)
					o := &last.Operators[i]
					*o = job.OperatorReport{ID: o.ID, Inputs: o.Inputs, In: make([]job.InputReport, len(o.In))}
				}
				continue
			}
			last = r
			continue
		}
		if r.At.Sub(last.At) < patience {
			continue
		}
		if f := Since(last, r); f.Cause != Flowing && f.Cause != Unknown {
			say(f)
			return
		}
		last = r
	}
}
