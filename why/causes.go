package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/calc"
	"github.com/millrace/millrace/operators/join"
	"github.com/millrace/millrace/operators/scan"
	"github.com/millrace/millrace/operators/sink"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
)

// rules are tried in order: what makes the others' numbers meaningless comes first.
var rules = []func(*graph) *Finding{sinkBlocked, silentSource, wrongUnit, futureTime, allLate, filterAll, emptySide, nullKeys, expired, idleSplit, windowOpen, noMatch, flowing}

// stuckFor is how long a call of a sink may take before it is held against it.
const stuckFor = 2 * time.Second

// sinkBlocked: a sink's connector doesn't come back.
func sinkBlocked(x *graph) *Finding {
	for _, o := range x.sinks() {
		s, ok := o.Node.Spec.(*sink.Spec)
		if !ok || o.Stuck < stuckFor {
			continue
		}
		f := x.finding(SinkBlocked, o, "sink %s hasn't taken its last rows for %s: everything before it waits", table(s.Table), o.Stuck.Round(100*time.Millisecond))
		f.More = append(f.More, fmt.Sprintf("%d rows were given to it", o.RowsIn))
		f.Fix = "look at the system that table " + table(s.Table) + " writes to; the job goes on when it answers"
		return f
	}
	return nil
}

// silentSource: a source has delivered nothing at all.
func silentSource(x *graph) *Finding {
	var silent *job.OperatorReport
	for i := range x.Operators {
		o := &x.Operators[i]
		if len(o.Inputs) > 0 {
			continue
		}
		if o.Read > 0 || o.RowsOut > 0 {
			return nil // others tell more
		}
		if _, ok := o.Node.Spec.(*scan.Spec); ok && !o.Ended {
			silent = o
		}
	}
	if silent == nil {
		return nil
	}
	s := silent.Node.Spec.(*scan.Spec)
	n := len(x.splits(silent.ID))
	waited := span(x.At.Sub(x.Began).Milliseconds())
	if s.Startup == "latest-offset" || s.Startup == "latest" {
		f := x.finding(LatestOffset, silent, "table %s is read from its end on (scan.startup.mode = %s): connected, %s, 0 new rows in %s", table(s.Table), s.Startup, splitCount(n), waited)
		f.More = append(f.More, "rows that were written before the job began aren't read")
		f.Fix = fmt.Sprintf("to read older rows: %s /*+ OPTIONS('scan.startup.mode' = 'earliest-offset') */", table(s.Table))
		return f
	}
	f := x.finding(NoInput, silent, "table %s has delivered no row in %s (%s)", table(s.Table), waited, splitCount(n))
	f.Fix = "check that something is written to it, and its options: the name of the topic or path, and where reading starts"
	return f
}

func splitCount(n int) string {
	if n == 1 {
		return "1 split"
	}
	return fmt.Sprintf("%d splits", n)
}

// Event times before the first and after the last of these aren't meant.
var (
	tooEarly = time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	tooLate  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// wrongUnit: event times that only a mistaken unit makes.
func wrongUnit(x *graph) *Finding {
	for _, s := range x.Splits {
		if s.MaxTime == operators.MinWatermark || s.MaxTime == operators.MaxWatermark || s.MaxTime < tooLate && s.MaxTime > tooEarly || s.MaxTime <= 86_400_000 && s.MaxTime >= 0 && s.Rows < 2 {
			continue
		}
		o := x.op(s.Operator)
		read, meant, fix := "milliseconds were read as seconds", s.MaxTime/1000, "TO_TIMESTAMP_LTZ(column, 3)"
		if s.MaxTime < tooEarly {
			read, meant, fix = "seconds were read as milliseconds", s.MaxTime*1000, "TO_TIMESTAMP_LTZ(column, 0)"
		}
		if meant < tooEarly || meant > tooLate {
			continue
		}
		f := x.finding(WrongUnit, o, "event time of table %s is at %s: %s", table(s.Table), at(s.MaxTime), read)
		f.Split = s.Name
		f.More = append(f.More, "in the other unit it would be "+at(meant))
		f.Fix = "compute the time column with " + fix
		return f
	}
	return nil
}

// ahead is how far event time may lie before the clock.
const ahead = time.Hour

// futureTime: a row from the future has carried the watermark past all others.
func futureTime(x *graph) *Finding {
	late, lateAt := int64(0), (*job.OperatorReport)(nil)
	for i := range x.Operators {
		if o := &x.Operators[i]; o.Late > 0 {
			late, lateAt = late+o.Late, o
		}
	}
	if late == 0 {
		return nil
	}
	for _, s := range x.splits(lateAt.ID) {
		if s.MaxTime == operators.MinWatermark || s.MaxTime < x.At.Add(ahead).UnixMilli() {
			continue
		}
		f := x.finding(FutureTime, lateAt, "a row of table %s says %s, %s in the future: the watermark followed it, and %d rows since were too late", table(s.Table), at(s.MaxTime), span(s.MaxTime-x.At.UnixMilli()), late)
		f.Split = s.Name
		f.More = append(f.More, "watermark of split "+s.Name+": "+at(s.Watermark))
		f.Fix = "leave such rows out where the watermark is computed: WATERMARK FOR ts AS LEAST(ts, CURRENT_TIMESTAMP) - ..., or mend the clock that writes them"
		return f
	}
	return nil
}

// allLate: an operator drops what comes, for it comes behind the watermark.
func allLate(x *graph) *Finding {
	for i := len(x.Operators) - 1; i >= 0; i-- {
		o := &x.Operators[i]
		if o.Late == 0 || o.Late*10 < o.RowsIn*9 {
			continue
		}
		f := x.finding(AllLate, o, "%d of the %d rows that reached %s were too late: up to %s behind the watermark, which is at %s", o.Late, o.RowsIn, o.Name, span(o.LateByMs), at(o.Watermark))
		f.Fix = fmt.Sprintf("let the table's watermark wait %d s longer: WATERMARK FOR ts AS ts - INTERVAL ...", o.LateByMs/1000+1)
		for _, s := range x.splits(o.ID) {
			f.More = append(f.More, fmt.Sprintf("split %s of table %s: watermark %s, greatest time %s", s.Name, table(s.Table), at(s.Watermark), at(s.MaxTime)))
		}
		return f
	}
	return nil
}

// filterAll: a condition that no row has passed.
func filterAll(x *graph) *Finding {
	for i := range x.Operators { // the first one: it starves the others
		o := &x.Operators[i]
		if o.RowsOut > 0 {
			continue
		}
		cond, n := "", int64(0)
		switch s := o.Node.Spec.(type) {
		case *scan.Spec:
			if s.Filter != nil && o.Read > 0 {
				cond, n = calc.Show(s.Filter, s.Delivered), o.Read
			}
		case *calc.Spec:
			if s.Filter != nil && o.RowsIn > 0 {
				cond, n = calc.Show(s.Filter, s.In), o.RowsIn
			}
		}
		if n == 0 {
			continue
		}
		f := x.finding(FilterAll, o, "none of %d rows has passed the condition %s", n, cond)
		f.Fix = "look at the values: SELECT without the condition and with LIMIT 10; texts are compared with their case, and NULL passes no comparison"
		return f
	}
	return nil
}

// joins are the blocked operators with two inputs or more.
func (x *graph) joins() (out []*job.OperatorReport) {
	for _, o := range x.blocking() {
		if len(o.Inputs) >= 2 {
			out = append(out, o)
		}
	}
	return out
}

// side is what an input of a join is called, and what the others are.
func side(o *job.OperatorReport, i int) (name, others string) {
	if len(o.Inputs) == 2 {
		return [...]string{"left side", "right side"}[i], "the other side has"
	}
	return fmt.Sprintf("input %d", i+1), "the others have"
}

// perInput are the rows that an operator has had, input by input.
func perInput(o *job.OperatorReport) []int64 {
	out := make([]int64, len(o.In))
	for i, in := range o.In {
		out[i] = in.Rows
	}
	return out
}

// emptySide: a join one of whose sides has had no row.
func emptySide(x *graph) *Finding {
	for _, o := range x.joins() {
		for i, in := range o.In {
			if in.Rows > 0 {
				continue
			}
			name, others := side(o, i)
			f := x.finding(EmptyJoinSide, o, "the %s of %s has had no row; %s had %d", name, o.Name, others, o.RowsIn)
			for _, id := range x.sources(o.Inputs[i]) {
				if s, ok := x.op(id).Node.Spec.(*scan.Spec); ok {
					f.More = append(f.More, fmt.Sprintf("it reads table %s: %d rows read, %d sent on", table(s.Table), x.op(id).Read, x.op(id).RowsOut))
					f.Fix = "see that table " + table(s.Table) + " has rows that pass its conditions, or make the join a LEFT or RIGHT JOIN that doesn't need them"
				}
			}
			return f
		}
	}
	return nil
}

// nullKeys: a join whose keys are NULL.
func nullKeys(x *graph) *Finding {
	for _, o := range x.joins() {
		if o.NullKeys == 0 || o.NullKeys*10 < slices.Min(perInput(o))*9 {
			continue
		}
		f := x.finding(NullKeys, o, "%d of %d rows of %s have a NULL key, which matches nothing", o.NullKeys, o.RowsIn, o.Name)
		if s, ok := o.Node.Spec.(*join.Spec); ok {
			for side, schema := range []interface{ Names() []string }{s.Left, s.Right} {
				for _, k := range s.Keys[side] {
					f.More = append(f.More, fmt.Sprintf("%s key: %s", [...]string{"left", "right"}[side], schema.Names()[k]))
				}
			}
		}
		f.Fix = "a column that is always NULL often has another name in the data than in the table: compare them; or join with IS NOT DISTINCT FROM"
		return f
	}
	return nil
}

// expired: rows whose partner came when they were forgotten.
func expired(x *graph) *Finding {
	for _, o := range x.joins() {
		s, ok := o.Node.Spec.(*join.Spec)
		if !ok || o.Expired == 0 {
			continue
		}
		f := x.finding(Expired, o, "%d rows that %s kept were forgotten before a partner came (table.exec.state.ttl %s)", o.Expired, o.Name, max(s.TTL[0], s.TTL[1]))
		f.Fix = "make table.exec.state.ttl longer than the time between partners, or set it for this join alone: /*+ STATE_TTL('a' = '1d', 'b' = '1d') */"
		return f
	}
	return nil
}

// waitsForTime says that an operator acts on event time.
func waitsForTime(o *job.OperatorReport) bool {
	t, ok := o.Node.Spec.(operators.EventTimed)
	return ok && t.Slice() > 0
}

// quietFor is how long a split may be without a row before it is held against it.
const quietFor = 3 * time.Second

// idleSplit: the split with the least watermark has no rows, others have.
func idleSplit(x *graph) *Finding {
	for _, o := range x.blocking() {
		if !waitsForTime(o) {
			continue
		}
		splits := x.splits(o.ID)
		var low *job.SplitReport
		high := int64(operators.MinWatermark)
		for i := range splits {
			s := &splits[i]
			if s.Idle {
				continue
			}
			if low == nil || s.Watermark < low.Watermark {
				low = s
			}
			high = max(high, s.Watermark)
		}
		if low == nil || len(splits) < 2 || high <= low.Watermark {
			continue
		}
		since, quiet := low.LastRow, ""
		if since == 0 {
			since = low.Opened
			quiet = "has had no row"
		} else {
			quiet = "has had no row since " + at(since)
		}
		if x.At.UnixMilli()-since < quietFor.Milliseconds() {
			continue
		}
		f := x.finding(IdleSplit, o, "split %s of table %s %s and holds event time at %s; the others are at %s", low.Name, table(low.Table), quiet, at(low.Watermark), at(high))
		f.Split = low.Name
		if end, ok := nextEnd(o); ok {
			f.More = append(f.More, fmt.Sprintf("%s next sends at %s", o.Name, at(end)))
		}
		f.Fix = "SET 'table.exec.source.idle-timeout' = '5 s' leaves such splits out after a while; or write to every split"
		return f
	}
	return nil
}

// nextEnd is the event time at which a window next ends.
func nextEnd(o *job.OperatorReport) (int64, bool) {
	s, ok := o.Node.Spec.(*windowagg.Spec)
	if !ok || s.Window.Kind == window.Attached || s.Window.Proctime || o.Watermark == operators.MinWatermark {
		return 0, false
	}
	w := s.Window
	if w.Kind == window.Session {
		return 0, false
	}
	return w.Last(w.Slice(o.Watermark + 1)), true
}

// windowOpen: event time hasn't reached the end of the first window.
func windowOpen(x *graph) *Finding {
	for _, o := range x.blocking() {
		if !waitsForTime(o) {
			continue
		}
		if o.Watermark == operators.MinWatermark {
			for _, id := range x.sources(o.ID) {
				if s, ok := x.op(id).Node.Spec.(*scan.Spec); ok && s.Watermark == nil {
					f := x.finding(NoWatermark, x.op(id), "table %s has no watermark, and %s waits for one", table(s.Table), o.Name)
					f.Fix = "declare it: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"
					return f
				}
			}
		}
		top := int64(operators.MinWatermark)
		for _, s := range x.splits(o.ID) {
			top = max(top, s.MaxTime)
		}
		if s, ok := o.Node.Spec.(*windowagg.Spec); ok && s.Window.Kind == window.Session {
			f := x.finding(WindowOpen, o, "no session has ended: its gap is %s, the watermark is at %s, the last row at %s", span(s.Window.Size), at(o.Watermark), at(top))
			f.Fix = "wait for rows that are later, or make the gap shorter"
			return f
		}
		end, ok := nextEnd(o)
		if !ok {
			f := x.finding(WindowOpen, o, "%s waits for event time: its watermark is at %s, the greatest time read is %s", o.Name, at(o.Watermark), at(top))
			f.Fix = "it goes on when later rows move the watermark"
			return f
		}
		w := o.Node.Spec.(*windowagg.Spec).Window
		f := x.finding(WindowOpen, o, "the window ends at %s, the watermark is at %s: %s of event time to go", at(end), at(o.Watermark), span(end-o.Watermark))
		f.More = append(f.More, fmt.Sprintf("the window is %s long; the greatest time read is %s", span(w.Size), at(top)))
		f.Fix = "wait for later rows, or see the window's rows early: SET 'table.exec.emit.early-fire.enabled' = 'true' with GROUP BY TUMBLE(...), or a shorter window"
		return f
	}
	return nil
}

// noMatch: a join both of whose sides have rows.
func noMatch(x *graph) *Finding {
	for _, o := range x.joins() {
		had := strings.Trim(strings.ReplaceAll(fmt.Sprint(perInput(o)), " ", " and "), "[]")
		f := x.finding(NoMatch, o, "%s has had %s rows, and none of them match", o.Name, had)
		f.More = append(f.More, o.Text)
		f.Fix = "compare the keys of all sides: their types, case, blanks"
		return f
	}
	return nil
}

// flowing: rows reach the sinks.
func flowing(x *graph) *Finding {
	n := int64(0)
	for _, o := range x.sinks() {
		n += o.RowsIn
	}
	if n == 0 {
		return nil
	}
	return &Finding{Cause: Flowing, Text: fmt.Sprintf("rows come out: %d so far", n)}
}

// waiting names the first operator that takes rows and sends none.
func (x *graph) waiting() *Finding {
	for _, o := range x.blocking() {
		f := x.finding(Unknown, o, "%s has had %d rows and has sent none", o.Name, o.RowsIn)
		f.More = append(f.More, o.Text)
		return f
	}
	return nil
}
