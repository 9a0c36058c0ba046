package scan

import (
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// cut raises the split's watermark over rows o.from.. and returns where the part
// to emit ends, at most at limit.
//
// The rule is that of a watermark after every row that raises it. Such a watermark
// matters only to a row at or behind it, and only when it reaches a time at which
// something downstream may act. So the batch is cut before a row at or behind a
// watermark that is due and not sent, if due and sent lie in different slices of
// the width the planner found.
func (o *Operator) cut(limit int) (int, error) {
	s := o.cur
	wm, ts := &o.timeCols[0], &o.timeCols[1]
	width := o.spec.Cut
	due := s.max
	sent := o.sent
	others := o.others()
	if last, latest, ok := o.uncut(limit); ok {
		s.max, s.maxTime = max(due, last), max(s.maxTime, latest)
		return limit, nil
	}
	top := int64(operators.MinWatermark) // the greatest rowtime, in microseconds
	defer func() {
		if top != operators.MinWatermark {
			s.maxTime = max(s.maxTime, floorDiv(top, 1000))
		}
	}()
	for i := o.from; i < limit; i++ {
		if ts.Null(i) {
			return i, o.spec.errorf("the rowtime column is NULL in split %s: RowTime field should not be null, please convert it to a non-null long value", s.ref.Name)
		}
		if o.spec.Raises && i > o.from && min(due, others) > sent {
			s.max = due
			return i, nil
		}
		top = max(top, ts.I64[i])
		if w := min(due, others); width > 0 && w > sent && i > o.from && millis(o.spec.Rowtime.Type(), ts.I64[i]) <= w && slice(w, width) > slice(sent, width) {
			s.max = due
			return i, nil
		}
		if !wm.Null(i) {
			due = max(due, millis(o.spec.Watermark.Type(), wm.I64[i]))
		}
	}
	s.max = due
	return limit, nil
}

// uncut is the greatest watermark and rowtime of rows o.from.. when they need no
// cut, whatever their order: nothing acts before the time the watermark reaches.
func (o *Operator) uncut(limit int) (last, latest int64, ok bool) {
	wm, ts := &o.timeCols[0], &o.timeCols[1]
	if o.spec.Raises || len(wm.Valid) > 0 && wm.HasNulls(limit) || len(ts.Valid) > 0 && ts.HasNulls(limit) || o.from >= limit {
		return 0, 0, false
	}
	greatest, times := wm.I64[o.from], ts.I64[:limit]
	latest = times[o.from]
	for i := o.from; i < limit; i++ {
		greatest, latest = max(greatest, wm.I64[i]), max(latest, times[i])
	}
	last, latest = millis(o.spec.Watermark.Type(), greatest), floorDiv(latest, 1000)
	width := o.spec.Cut
	if w := min(max(last, o.cur.max), o.others()); width > 0 && w > o.sent && slice(w, width) > slice(o.sent, width) {
		return 0, 0, false
	}
	return last, latest, true
}

// others is the least watermark of the other open splits: what a watermark of
// this one is held back by.
func (o *Operator) others() int64 {
	low := int64(1<<63 - 1)
	for _, s := range o.open {
		if s != o.cur && !s.idle {
			low = min(low, s.max)
		}
	}
	return low
}

// slice numbers the times that a watermark has reached: an operator that fires at
// multiples of width less one acts when the number grows.
func slice(ms, width int64) int64 {
	if ms == -1<<63 {
		return ms
	}
	return floorDiv(ms+1, width)
}

// millis is a timestamp column's value in ms.
func millis(_ types.Type, micros int64) int64 { return floorDiv(micros, 1000) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
