package job

import (
	"errors"

	"github.com/millrace/millrace/operators"
)

// settle brings what the lanes say to the operators, inputs first, so that each
// hears of a new time once whatever the paths to it: it tells those whose least
// lane has grown the watermark and flushes them, tells them which inputs have
// ended, and ends those that have none left or want none.
func (t *task) settle() error {
	for t.stale {
		t.stale = false
		for _, v := range t.vertices {
			if !v.stale {
				continue
			}
			v.stale = false
			if v.ended || v.head != nil {
				continue
			}
			if err := v.settle(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *vertex) settle() error {
	if v.done {
		return v.end()
	}
	low, idle := v.low()
	passed := v.passed
	if low > v.heard {
		v.heard = low
		v.metrics.Watermark.Store(low)
		from := v.task.watch.enter(v)
		pass, err := v.op.Watermark(low)
		if err == nil {
			err = v.op.Flush()
		}
		v.task.watch.leave(from)
		if err := v.ignoreDone(err); err != nil {
			return err
		}
		passed = max(passed, pass)
	}
	if passed > v.passed || idle != v.idle {
		v.passed, v.idle = passed, idle
		if err := v.mark(); err != nil {
			return err
		}
	}
	return v.endInputs()
}

// endInputs tells the operator which inputs have ended, and ends it with the last.
func (v *vertex) endInputs() error {
	all := true
	for i := range v.inputs {
		in := &v.inputs[i]
		if in.ended {
			continue
		}
		ended := true
		for _, l := range in.lanes {
			ended = ended && l.ended
		}
		if !ended {
			all = false
			continue
		}
		in.ended = true
		from := v.task.watch.enter(v)
		err := v.op.End(i)
		v.task.watch.leave(from)
		if err := v.ignoreDone(err); err != nil {
			return err
		}
	}
	if !all || v.waiting {
		return nil
	}
	from := v.task.watch.enter(v)
	err := v.op.Flush()
	v.task.watch.leave(from)
	if err := v.ignoreDone(err); err != nil {
		return err
	}
	if l, ok := v.op.(operators.Lingerer); ok && l.Waiting() {
		v.waiting = true
		return nil
	}
	return v.end()
}

// mark passes on what v has passed.
func (v *vertex) mark() error {
	for _, o := range v.outs {
		if err := o.mark(v); err != nil {
			return err
		}
	}
	return nil
}

// end is the last thing an operator's consumers hear.
func (v *vertex) end() error {
	v.ended, v.waiting, v.passed = true, false, operators.MaxWatermark
	v.metrics.Watermark.Store(operators.MaxWatermark)
	for i := range v.inputs {
		v.inputs[i].done = true
	}
	if v.done {
		v.task.mail.refused.Store(true) // its senders learn of it
	}
	for _, o := range v.outs {
		if err := o.end(); err != nil {
			return err
		}
	}
	if len(v.outs) == 0 {
		v.task.coord.sinkEnded(v)
	}
	return nil
}

// endHead ends a head.
func (t *task) endHead(v *vertex) error {
	if err := v.end(); err != nil {
		return err
	}
	return t.settle()
}

// refusals finds the vertices whose consumers in other tasks have all had enough.
func (t *task) refusals() error {
	for i := len(t.vertices) - 1; i >= 0; i-- {
		v := t.vertices[i]
		if !v.done && !v.ended && len(v.outs) > 0 {
			refused := true
			for _, o := range v.outs {
				if _, ok := o.(aside); !ok {
					refused = refused && o.refused()
				}
			}
			v.done = refused
		}
		if !v.done {
			continue
		}
		v.stale, t.stale = !v.ended, t.stale || !v.ended
		for k := range v.inputs {
			v.inputs[k].done = true
		}
		for _, e := range t.in {
			if e.vertex == v {
				e.refuse()
			}
		}
	}
	return t.settle()
}

// tick tells the operators with timers of processing time the time.
func (t *task) tick() error {
	if !t.now.After(t.ticked) {
		return nil
	}
	t.ticked = t.now
	for _, v := range t.vertices {
		if v.ticker == nil || v.ended {
			continue
		}
		from := t.watch.enter(v)
		pass, _, err := v.ticker.Tick(t.now)
		t.watch.leave(from)
		if err := v.ignoreDone(err); err != nil {
			return err
		}
		if pass > v.passed {
			v.passed = pass
			if err := v.mark(); err != nil {
				return err
			}
		}
		if v.waiting && !v.op.(operators.Lingerer).Waiting() {
			if err := v.end(); err != nil {
				return err
			}
		}
	}
	return t.settle()
}

// over says that every vertex has ended.
func (t *task) over() bool {
	for _, v := range t.vertices {
		if !v.ended {
			return false
		}
	}
	return true
}

// ignoreDone: who answers Done outside Process is finished.
func (v *vertex) ignoreDone(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, operators.Done) {
		v.done, v.stale, v.task.stale = true, true, true
		return nil
	}
	return v.fail(err)
}
