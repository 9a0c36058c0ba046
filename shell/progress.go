package shell

import (
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
)

// rate turns counters into rows per second.
type rate struct {
	rows int64
	at   time.Time
	per  float64
}

// line is a job's progress in a line.
func (r *rate) line(p job.Progress, began, now time.Time) string {
	if d := now.Sub(r.at).Seconds(); d > 0 && !r.at.IsZero() {
		r.per = float64(p.RowsIn-r.rows) / d
	}
	r.rows, r.at = p.RowsIn, now
	s := fmt.Sprintf("%s  %s rows in, %s out, %s rows/s, watermark %s", now.Sub(began).Round(100*time.Millisecond), grouped(p.RowsIn), grouped(p.RowsOut), grouped(int64(r.per)), watermark(p.Watermark))
	if p.Late > 0 {
		s += ", " + grouped(p.Late) + " late"
	}
	return s
}

// watermark is event time as people read it.
func watermark(ms int64) string {
	switch ms {
	case operators.MinWatermark:
		return "none"
	case operators.MaxWatermark:
		return "end"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
