package lookupjoin

import (
	"errors"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
)

// Async has questions go out while others wait for their answers: the LOOKUP hint's
// async, or the options table.exec.async-lookup.*. A question is the keys of a batch.
// Rows are held until they're answered (waiting.go), in order unless Spec.Unordered, and
// watermarks behind the rows that came before them. A barrier waits for the questions
// that are out, so none is in a checkpoint.
type Async struct {
	Capacity int           // questions at a time
	Timeout  time.Duration // of one
}

// Questions is an Asker that needn't be waited for.
type Questions interface {
	Asker
	// Start asks; keys are copied. connectors.ErrBusy: no more for now.
	Start(keys *batch.Batch) (ticket uint64, err error)
	// Poll is an answer as Ask gives it, or connectors.ErrNotReady. It's borrowed until
	// the next Poll.
	Poll() (ticket uint64, rows *batch.Batch, origin []int32, err error)
	// Wait returns when Poll may have something new.
	Wait() error
}

// processAsync asks for the keys of a batch and holds its rows.
func (o *operator) processAsync(b *batch.Batch) error {
	if err := o.collect(); err != nil {
		return err
	}
	if err := o.choose(b); err != nil {
		return err
	}
	var ticket uint64
	if len(o.asked) > 0 {
		var err error
		if ticket, err = o.start(b.Cols, o.asked); err != nil {
			return err
		}
	}
	w, next := &o.wait, 0
	for i := range b.Len {
		x := wait{answered: true}
		if next < len(o.asked) && int(o.asked[next]) == i {
			x = wait{ticket: ticket, key: int32(next)}
			if o.spec.Retry != nil {
				x.left = o.spec.Retry.Attempts
			}
			next++
		}
		w.hold(o.leftTs, b, i, x)
	}
	return o.collect()
}

// start asks for the keys of rows, and waits only while as many questions are out as may be.
func (o *operator) start(cols []batch.Vector, rows []int32) (uint64, error) {
	keys := &o.keys
	keys.Len = len(rows)
	for i, k := range o.spec.Keys[0] {
		keys.Cols[i].Take(o.keyTs[i], &cols[k], rows)
	}
	for {
		if o.flying < o.spec.Async.Capacity {
			ticket, err := o.async.Start(keys)
			if err == nil {
				o.flying++
			}
			if !errors.Is(err, connectors.ErrBusy) {
				return ticket, err
			}
		}
		took, err := o.answers()
		if err == nil && !took && o.flying > 0 {
			err = o.async.Wait()
		}
		if err != nil {
			return 0, err
		}
	}
}

// collect takes the answers that are there and sends the rows that they let go.
func (o *operator) collect() error {
	if _, err := o.answers(); err != nil {
		return err
	}
	return o.release()
}

// answers takes the answers that are there; took says that there was one.
func (o *operator) answers() (took bool, err error) {
	for {
		ticket, rows, origin, err := o.async.Poll()
		if errors.Is(err, connectors.ErrNotReady) {
			return took, nil
		}
		if err != nil {
			return took, err
		}
		took = true
		o.flying--
		o.answer(ticket, rows, origin)
	}
}

// answer gives the rows of a question their answers. One without is asked for again
// later, if that is wanted.
func (o *operator) answer(ticket uint64, rows *batch.Batch, origin []int32) {
	w, at := &o.wait, 0
	for i := range w.of {
		x := &w.of[i]
		if x.ticket != ticket || x.answered || x.sent {
			continue
		}
		x.ticket, x.from = 0, w.answers.Len
		for ; at < len(origin) && origin[at] <= x.key; at++ {
			w.answers.AppendRow(o.rightTs, batch.Insert, rows, at)
		}
		x.to = w.answers.Len
		if x.answered = x.to > x.from || x.left <= 0; !x.answered {
			x.due = o.env.Now().Add(o.spec.Retry.Delay).UnixMilli()
		}
	}
	w.dirty = true
}

// repeat asks again for rows of which the answer was that there is none.
func (o *operator) repeat(rows []int32) error {
	ticket, err := o.start(o.wait.rows.Cols, rows)
	if err != nil {
		return err
	}
	for k, i := range rows {
		x := &o.wait.of[i]
		x.left--
		x.ticket, x.key = ticket, int32(k)
	}
	return nil
}

// land waits for the questions that are out.
func (o *operator) land() error {
	if o.async == nil {
		return nil
	}
	for {
		if err := o.collect(); err != nil || o.flying == 0 {
			return err
		}
		if err := o.async.Wait(); err != nil {
			return err
		}
	}
}

// End waits for the questions that are out: nothing else comes.
func (o *operator) End(int) error { return o.land() }

// mark is a watermark that waits for the rows before it.
type mark struct {
	ms   int64
	rows uint64 // their number so far
}

// pass is the watermark that may be passed on: that before the first row that waits.
func (o *operator) pass() int64 {
	w := &o.wait
	if w.len() == 0 {
		o.passed, w.marks = o.latest, w.marks[:0]
		return o.passed
	}
	first := w.next
	for i := range w.of {
		if !w.of[i].sent {
			first = w.of[i].number
			break
		}
	}
	n := 0
	for n < len(w.marks) && w.marks[n].rows <= first {
		o.passed = w.marks[n].ms
		n++
	}
	w.marks = append(w.marks[:0], w.marks[n:]...)
	return o.passed
}

var _ operators.Lingerer = (*operator)(nil)
