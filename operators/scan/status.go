package scan

import (
	"time"

	"github.com/millrace/millrace/operators"
)

// showEvery is how often the splits' progress is published.
const showEvery = 100 * time.Millisecond

// show publishes the splits' progress now and then.
func (o *Operator) show() {
	now := o.env.Now()
	if now.Sub(o.shown) < showEvery && !o.shown.IsZero() {
		return
	}
	o.shown = now
	o.publish()
}

// doneShown bounds the finished splits that are shown: a directory may have many
// files.
const doneShown = 100

func (o *Operator) publish() {
	done := o.finished[max(0, len(o.finished)-doneShown):]
	all := append(make([]operators.SplitStatus, 0, len(done)+len(o.open)+len(o.waiting)), done...)
	for _, s := range o.open {
		all = append(all, s.status(false))
	}
	for _, s := range o.waiting {
		all = append(all, s.status(false))
	}
	o.env.Metrics.SetSplits(all)
}

func (s *split) status(done bool) operators.SplitStatus {
	x := operators.SplitStatus{Name: s.ref.Name, Bounded: s.ref.Bounded, Done: done, Rows: s.rows, Watermark: s.max, MaxTime: s.maxTime,
		Idle: s.idle, Opened: s.opened.UnixMilli()}
	if s.rows > 0 {
		x.LastRow = s.last.UnixMilli()
	}
	return x
}
