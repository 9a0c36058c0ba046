package scan

import (
	"errors"
	"io"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// Operator is the live scan: a Head.
type Operator struct {
	operators.Stateless
	spec *Spec
	env  *operators.Env

	waiting  []*split // bounded splits not opened yet
	open     []*split
	turn     int // whose turn it is among open
	complete bool
	done     []operators.SplitState
	finished []operators.SplitStatus // of done, for the metrics

	filter, project, time *expr.Program
	timeCols              []batch.Vector // watermark, rowtime
	rowtimes              []int          // the columns of Out that are the rowtime
	cols                  []batch.Vector
	out, dense            batch.Batch
	ts                    []types.Type
	sel                   []int32

	lost   batch.Batch // bad rows read with the batch in hand
	lostTo operators.Output

	cur     *split // whose batch is being cut
	curRows *batch.Batch
	from    int // next row of curRows

	sent  int64 // the last watermark Low answered
	shown time.Time
}

// split is a split being read.
type split struct {
	ref    operators.SplitRef
	start  []byte
	skip   int // rows of the first batch that were sent before a restore
	reader connectors.Reader
	timed  connectors.Timed // the reader, if it is one
	before []byte           // position of the batch being sent
	out    int              // rows of it that went out
	max    int64            // the greatest watermark candidate
	idle   bool
	last   time.Time // of the last row, or of the beginning

	opened  time.Time
	rows    int64 // read
	maxTime int64 // the greatest rowtime, MinWatermark for none
}

// Open compiles the expressions.
func (o *Operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out, o.sent = env, out, operators.MinWatermark
	s := o.spec
	if s.Filter != nil {
		if o.filter, err = expr.Compile([]expr.Expr{s.Filter}, env.Session); err != nil {
			return err
		}
	}
	if s.Watermark != nil {
		if o.time, err = expr.Compile([]expr.Expr{s.Watermark, s.Rowtime}, env.Session); err != nil {
			return err
		}
		o.timeCols = make([]batch.Vector, 2)
	}
	exprs := append([]expr.Expr(nil), s.Exprs...)
	if s.Watermark != nil && s.Delivered.Len() > 0 && expr.Class(s.Rowtime) == functions.Deterministic {
		for i, e := range exprs { // computed for the watermark already
			if e.String() == s.Rowtime.String() && e.Type().Same(s.Rowtime.Type()) {
				exprs[i] = &expr.Column{T: s.Delivered.Fields[0].Type}
				o.rowtimes = append(o.rowtimes, i)
			}
		}
	}
	if o.project, err = expr.Compile(exprs, env.Session); err != nil {
		return err
	}
	o.lostTo = env.Side(operators.BadRows)
	o.lost.Reset(badTypes)
	o.cols, o.ts = make([]batch.Vector, len(s.Exprs)), s.Out.Types()
	return nil
}

// Process is never called.
func (o *Operator) Process(int, *batch.Batch) error { return nil }

// Assign adds splits: unbounded ones are opened at once, bounded ones in order.
func (o *Operator) Assign(add []operators.Assigned) error {
	for _, a := range add {
		s := &split{ref: a.Split, start: a.From, skip: a.Skip, max: a.MaxTs, last: o.env.Now(), opened: o.env.Now(), maxTime: operators.MinWatermark}
		if a.Split.Bounded {
			o.waiting = append(o.waiting, s)
			continue
		}
		if err := o.openSplit(s); err != nil {
			return err
		}
	}
	return nil
}

func (o *Operator) openSplit(s *split) error {
	r, err := o.spec.Source.Read(o.env.Context, connectors.Split{Name: s.ref.Name, Data: s.ref.Data, Bounded: s.ref.Bounded}, s.start, connectors.ReadEnv{
		Wake: o.env.Wake, Bad: o.bad, Now: o.env.Now, Session: o.env.Session, Rows: batch.MaxRows, Subtask: o.env.Subtask, Of: o.env.Of,
	})
	if err != nil {
		return o.spec.splitError(s.ref.Name, err)
	}
	s.reader, s.before, s.out = r, s.start, s.skip
	s.timed, _ = r.(connectors.Timed)
	o.open = append(o.open, s)
	return nil
}

// NoMoreSplits lets the scan end.
func (o *Operator) NoMoreSplits() { o.complete = true }

// Positions are the splits' progress: a batch half sent is read again from its
// start, less the rows that went out.
func (o *Operator) Positions() []operators.SplitState {
	out := append([]operators.SplitState(nil), o.done...)
	for _, s := range o.open {
		from, skip := s.before, s.out
		if w, ok := s.reader.(connectors.Within); ok && skip > 0 && o.cur == s && o.curRows != nil {
			if at := w.Within(skip); at != nil {
				from, skip = at, 0
			}
		}
		out = append(out, operators.SplitState{Split: s.ref, From: from, Skip: skip, MaxTs: s.max})
	}
	for _, s := range o.waiting {
		out = append(out, operators.SplitState{Split: s.ref, From: s.start, Skip: s.skip, MaxTs: s.max})
	}
	return out
}

// Next emits the next part of the batch in hand, or takes a new one.
func (o *Operator) Next(rows int) (operators.Status, error) {
	o.show()
	if o.curRows == nil {
		st, err := o.take()
		if st != operators.Emitted || err != nil {
			return st, err
		}
	}
	return operators.Emitted, o.emit(rows)
}

// take gets a batch from the split whose turn it is.
func (o *Operator) take() (operators.Status, error) {
	for tries := 0; ; {
		if len(o.open) == 0 {
			if len(o.waiting) == 0 {
				if o.complete {
					return operators.Ended, nil
				}
				return operators.NotReady, nil
			}
			s := o.waiting[0]
			o.waiting = o.waiting[1:]
			if err := o.openSplit(s); err != nil {
				return operators.Ended, err
			}
		}
		if tries >= len(o.open) {
			return operators.NotReady, nil
		}
		o.turn %= len(o.open)
		s := o.open[o.turn]
		before := s.reader.Position()
		b, err := s.reader.Next()
		switch {
		case errors.Is(err, connectors.ErrNotReady):
			if s.timed != nil {
				s.max = max(s.max, s.timed.Watermark())
			}
			if err := o.sendLost(s); err != nil {
				return operators.Ended, err
			}
			s.idle = s.idle || o.spec.Idle > 0 && o.env.Now().Sub(s.last) >= o.spec.Idle
			o.turn++
			tries++
			continue
		case errors.Is(err, io.EOF):
			if err := o.sendLost(nil); err != nil {
				return operators.Ended, err
			}
			o.done = append(o.done, operators.SplitState{Split: s.ref, Done: true, Result: s.reader.Position(), MaxTs: s.max})
			o.finished = append(o.finished, s.status(true))
			if err := s.reader.Close(); err != nil {
				return operators.Ended, o.spec.splitError(s.ref.Name, err)
			}
			o.open = append(o.open[:o.turn], o.open[o.turn+1:]...)
			continue
		case err != nil:
			var placed *sqlerr.Error
			if errors.As(err, &placed) { // of a bad row
				return operators.Ended, err
			}
			return operators.Ended, o.spec.splitError(s.ref.Name, err)
		}
		s.last, s.idle = o.env.Now(), false
		if b.Rows() == 0 {
			if s.skip == 0 { // nothing to send, but the position may have moved
				s.before, s.out = s.reader.Position(), 0
			}
			if err := o.sendLost(s); err != nil {
				return operators.Ended, err
			}
			continue
		}
		s.rows += int64(b.Rows())
		o.env.Metrics.Read.Add(int64(b.Rows()))
		if s.skip >= b.Len { // all of it was sent before the restore
			s.skip -= b.Len
			s.before, s.out = s.reader.Position(), s.skip
			continue
		}
		s.before, s.out = before, s.skip
		o.cur, o.curRows, o.from = s, b, s.skip
		s.skip = 0
		o.turn++
		if o.time != nil {
			if err := o.time.Eval(b, nil, o.timeCols); err != nil {
				return operators.Ended, err
			}
		}
		return operators.Emitted, nil
	}
}

// emit sends rows from o.from up to a cut, at most rows of them.
func (o *Operator) emit(rows int) error {
	b := o.curRows
	to := min(b.Len, o.from+rows)
	if o.time != nil {
		var err error
		if to, err = o.cut(to); err != nil {
			return err
		}
	}
	from := o.from
	o.from = to
	o.cur.out = to
	if to < b.Len {
		return o.send(b, from, to)
	}
	o.curRows = nil
	o.cur.before, o.cur.out = o.cur.reader.Position(), 0
	if err := o.sendLost(nil); err != nil {
		return err
	}
	return o.send(b, from, to)
}

func (o *Operator) send(b *batch.Batch, from, to int) error {
	sel := b.Sel
	if from > 0 || to < b.Len {
		sel = between(o.sel[:0], b.Sel, from, to)
		o.sel = sel
	}
	if o.filter != nil {
		s, err := o.filter.Filter(b, sel, nil)
		if err != nil {
			return err
		}
		if sel = s; len(s) == b.Len {
			sel = nil
		}
	}
	if sel != nil && len(sel) == 0 {
		return nil
	}
	if err := o.project.Eval(b, sel, o.cols); err != nil {
		return err
	}
	for _, c := range o.rowtimes {
		o.cols[c] = o.timeCols[1]
	}
	o.out = batch.Batch{Len: b.Len, Cols: o.cols, Sel: sel, Kinds: b.Kinds}
	out := o.out.Compact(o.ts, &o.dense)
	o.env.Metrics.RowsIn.Add(int64(out.Len))
	return o.Out.Emit(out)
}

// between appends the rows from <= row < to, of sel when it isn't nil.
func between(out, sel []int32, from, to int) []int32 {
	if sel == nil {
		for i := from; i < to; i++ {
			out = append(out, int32(i))
		}
		return out
	}
	for _, i := range sel {
		if int(i) >= from && int(i) < to {
			out = append(out, i)
		}
	}
	return out
}

// Low is the least watermark over the splits that count; a scan without a
// watermark has none.
func (o *Operator) Low() (ms int64, idle bool) {
	if o.time == nil {
		return operators.MinWatermark, false
	}
	low, active := int64(operators.MaxWatermark), false
	for _, s := range o.open {
		if !s.idle {
			low, active = min(low, s.max), true
		}
	}
	if !active { // between bounded splits, or all idle, or without a split to read
		return o.sent, len(o.open) > 0 || len(o.waiting) == 0 && !o.complete
	}
	o.sent = max(o.sent, low)
	return o.sent, false
}

// Close closes the readers.
func (o *Operator) Close() error {
	if o.env != nil {
		o.publish()
	}
	var first error
	for _, s := range o.open {
		if err := s.reader.Close(); first == nil {
			first = err
		}
	}
	o.open = nil
	return first
}
