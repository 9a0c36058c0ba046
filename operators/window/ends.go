package window

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/types"
)

// Ends tells which windows that rows carry have passed: for operators that keep
// rows by window until its end.
type Ends struct {
	w    Window
	env  *operators.Env
	wm   int64
	late *operators.Late
	rows []int32
}

// Open starts before all windows. in is the input's schema.
func (e *Ends) Open(w Window, in *types.Schema, env *operators.Env) {
	e.w, e.env, e.wm, e.late = w, env, operators.MinWatermark, env.Late(in)
}

// Runs calls f for each run of rows of one window that hasn't passed, with the
// window's end. Rows too late, or without a window, are counted and left out.
func (e *Ends) Runs(b *batch.Batch, f func(end int64, rows []int32) error) error {
	ends := &b.Cols[e.w.End]
	e.rows = e.rows[:0]
	run, known, late := int64(0), int64(operators.MinWatermark), false
	for i := range b.Len {
		if ends.Null(i) {
			e.env.Metrics.Dropped.Add(1)
			continue
		}
		end := Floor(ends.I64[i], 1000)
		if end != known {
			known, late = end, e.wm != operators.MinWatermark && e.w.Deadline(end, e.env.Session.Zone) <= e.wm
		}
		if late {
			due := e.w.Deadline(end, e.env.Session.Zone)
			e.late.Drop(b, i, due-1, due, e.wm)
			continue
		}
		if len(e.rows) > 0 && end != run {
			if err := f(run, e.rows); err != nil {
				return err
			}
			e.rows = e.rows[:0]
		}
		run = end
		e.rows = append(e.rows, int32(i))
	}
	if len(e.rows) == 0 {
		return nil
	}
	return f(run, e.rows)
}

// Passed calls f for each of the windows, given by their ends in order, that the
// watermark has passed.
func (e *Ends) Passed(ms int64, ends []int64, f func(end int64) error) error {
	for _, end := range ends {
		if e.w.Deadline(end, e.env.Session.Zone) > ms {
			break
		}
		if err := f(end); err != nil {
			return err
		}
	}
	e.wm = max(e.wm, ms)
	return nil
}
