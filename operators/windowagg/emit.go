package windowagg

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Emit is when a group window sends beside its end: table.exec.emit.*.
type Emit struct {
	Early, Late           bool
	EarlyDelay, LateDelay time.Duration // 0: at every row
	Lateness              int64         // ms that a window is kept after its end
}

// On says that a window may send more than once.
func (e Emit) On() bool { return e.Early || e.Late }

// emitting aggregates by TUMBLE or HOP and sends a group's result early, again for
// late rows, and at the window's end, each time as an update of what it sent
// before; an equal result isn't sent.
//
// Each window is a slice of the table, a row of which has the calls' cells, then
// whether a result was sent, whether a timer is set, and the result that was sent.
type emitting struct {
	calls
	table  state.Table
	timers state.Timers
	sent   int // the cell that says a result was sent; the next, that a timer is set; then the result
	cols   []int
	wm     int64
	ended  int64 // windows ending at or before this have had their end
	spans  []window.Span
	row    [1]int32
	each   []uint32
	result []batch.Vector
	old    []batch.Vector
	resTs  []types.Type
	change batch.Batch
}

// Open opens the windows and the timers of delayed results.
func (o *emitting) Open(env *operators.Env, out operators.Output) (err error) {
	o.wm, o.ended = env.Heard, operators.MinWatermark
	if err := o.open(env, out); err != nil {
		return err
	}
	o.late = env.Late(o.spec.In)
	if env.Restored > 0 && o.wm != operators.MinWatermark {
		o.ended = o.wm + 1
	}
	o.sent = len(o.layout.Row)
	row := append(o.layout.Row[:o.sent:o.sent], state.Column{Type: types.BigIntType, Meaning: "sent"}, state.Column{Type: types.BigIntType, Meaning: "timer"})
	for i, c := range o.spec.Calls {
		o.cols = append(o.cols, len(row))
		o.resTs = append(o.resTs, o.outTs[len(o.keyTs)+i])
		row = append(row, state.Column{Type: o.resTs[i].Nullable(), Meaning: c.Describe(o.spec.In)})
	}
	o.keys = make([]batch.Vector, len(o.keyTs))
	o.result, o.old = make([]batch.Vector, len(o.cols)), make([]batch.Vector, len(o.cols))
	o.change.Reset(o.outTs)
	if o.timers, err = env.State.Timers("delays", o.keyTs); err != nil {
		return err
	}
	o.table, err = env.State.Table(state.Spec{Name: "windows", Key: o.key, Row: row, Multisets: o.layout.Sets, Lists: o.layout.Lists, Windowed: true})
	return err
}

// Process adds each row to its windows, one after the other.
func (o *emitting) Process(_ int, b *batch.Batch) error {
	w, zone := o.spec.Window, o.env.Session.Zone
	now := o.env.Now()
	for i := range b.Len {
		at := now.UnixMicro()
		if !w.Proctime {
			if b.Cols[w.Time].Null(i) {
				o.env.Metrics.Dropped.Add(1)
				continue
			}
			at = b.Cols[w.Time].I64[i]
		}
		o.spans = w.Each(w.Clock(at, zone), o.spans[:0])
		late := len(o.spans) > 0
		for _, s := range o.spans {
			past := o.past(s.End)
			if past && (!o.spec.Emit.Late || o.gone(s.End)) {
				continue
			}
			late = false
			if err := o.add(b, i, s, past, now); err != nil {
				return err
			}
		}
		if late {
			last := o.spans[0].End
			for _, s := range o.spans {
				last = max(last, s.End)
			}
			o.late.Drop(b, i, types.FloorMillis(at), w.Deadline(last, zone)+o.spec.Emit.Lateness, o.wm)
		}
	}
	return o.flush()
}

// past says whether a window's end has been reached, gone whether it isn't kept any
// longer.
func (o *emitting) past(end int64) bool {
	return o.wm != operators.MinWatermark && o.spec.Window.Deadline(end, o.env.Session.Zone) <= o.wm
}

func (o *emitting) gone(end int64) bool {
	if o.wm == operators.MaxWatermark {
		return o.past(end)
	}
	return o.wm != operators.MinWatermark && o.spec.Window.Deadline(end, o.env.Session.Zone)+o.spec.Emit.Lateness <= o.wm
}

// add folds one row into a window and sends the result, now or by a timer.
func (o *emitting) add(b *batch.Batch, i int, at window.Span, past bool, now time.Time) error {
	p := *b
	o.row[0] = int32(i)
	p.Sel = o.row[:]
	in := p.Compact(o.inTs, &o.part)
	t := o.table.Slice(at.End)
	for k, c := range o.spec.Keys {
		o.keys[k] = in.Cols[c]
	}
	o.grow(1)
	batch.Hash(o.keyTs, o.keys, 1, o.hashes)
	t.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	if err := o.fold(t, in); err != nil {
		return err
	}
	e := o.spec.Emit
	on, delay := e.Early, e.EarlyDelay
	if past {
		on, delay = e.Late, e.LateDelay
	}
	switch {
	case !on:
		return nil
	case delay == 0:
		return o.send(t, o.ids[0], at, true)
	}
	if set := t.I64(o.sent + 1).At(o.ids[0]); *set == 0 {
		*set = 1
		o.timers.Add(o.keys, 0, at.End, now.Add(delay).UnixMilli())
	}
	return nil
}

// Watermark sends the windows it passes and forgets those too old for late rows.
func (o *emitting) Watermark(ms int64) (int64, error) {
	if o.spec.Window.Proctime {
		return ms, nil
	}
	return ms, o.advance(ms)
}

// Tick sends what was put off, and by processing time the windows that have ended.
func (o *emitting) Tick(now time.Time) (int64, time.Time, error) {
	var hash [1]uint64
	var id [1]uint32
	err := o.timers.Fire(now.UnixMilli(), func(key []batch.Vector, end, _ int64) error {
		if o.gone(end) {
			return nil
		}
		t := o.table.Slice(end)
		batch.Hash(o.keyTs, key, 1, hash[:])
		if t.Find(key, hash[:], id[:]); id[0] == 0 {
			return nil
		}
		t.Touch(id[:])
		*t.I64(o.sent + 1).At(id[0]) = 0
		for c := range o.keys {
			o.keys[c] = key[c]
		}
		return o.send(t, id[0], window.Span{Start: o.spec.Window.StartOf(end), End: end}, true)
	})
	if err == nil && o.spec.Window.Proctime {
		err = o.advance(now.UnixMilli() - 1)
	}
	if err == nil {
		err = o.flush()
	}
	next, ok := o.timers.Next()
	if !ok {
		return operators.MinWatermark, time.Time{}, err
	}
	return operators.MinWatermark, time.UnixMilli(next), err
}

// End sends what processing time has pending.
func (o *emitting) End(int) error {
	if o.spec.Window.Proctime {
		return o.advance(operators.MaxWatermark)
	}
	return nil
}

// advance sends the windows whose end has come, and drops those that are gone.
func (o *emitting) advance(ms int64) error {
	o.wm = max(o.wm, ms)
	for _, end := range o.table.Slices() {
		if !o.past(end) {
			break
		}
		if end > o.ended {
			if err := o.whole(o.table.Slice(end), window.Span{Start: o.spec.Window.StartOf(end), End: end}); err != nil {
				return err
			}
			o.ended = end
		}
		if o.gone(end) {
			o.table.Drop(end)
		}
	}
	return o.flush()
}

// whole sends every group of a window.
func (o *emitting) whole(t state.Table, at window.Span) error {
	if o.gone(at.End) { // what is sent needn't be noted: rows on disk can stay there
		return t.Scan(func(t state.Table, ids []uint32) error { return o.groups(t, ids, at, false) })
	}
	o.each = o.each[:0]
	t.Each(func(id uint32) bool { o.each = append(o.each, id); return true })
	return o.groups(t, o.each, at, true)
}

func (o *emitting) groups(t state.Table, ids []uint32, at window.Span, note bool) error {
	for i := range ids {
		o.read(t, ids[i:i+1])
		if err := o.send(t, ids[i], at, note); err != nil {
			return err
		}
	}
	return nil
}

// send sends a group's result, whose key is row 0 of keys, as a change of what was
// sent before, and notes that it is sent.
func (o *emitting) send(t state.Table, id uint32, at window.Span, note bool) error {
	ids := []uint32{id}
	for c := range o.accs {
		o.result[c].Prepare(o.resTs[c], 1)
		if err := o.accs[c].Result(o.layout.Cells(t, c), ids, &o.result[c]); err != nil {
			return err
		}
	}
	had, has := *t.I64(o.sent).At(id) != 0, *t.I64(0).At(id) > 0
	if had {
		t.Gather(ids, o.cols, o.old)
	}
	switch {
	case !had && !has:
		return nil
	case !had:
		o.append(batch.Insert, o.result, at)
	case !has:
		o.append(batch.Delete, o.old, at)
	case batch.EqualRows(o.resTs, o.old, 0, o.result, 0):
		return nil
	default:
		if o.spec.before {
			o.append(batch.UpdateBefore, o.old, at)
		}
		o.append(batch.UpdateAfter, o.result, at)
	}
	if note {
		t.Touch(ids)
		*t.I64(o.sent).At(id) = 0
		if has {
			*t.I64(o.sent).At(id) = 1
			t.Put(ids, nil, o.cols, o.result)
		}
	}
	if o.change.Len >= batch.MaxRows {
		return o.flush()
	}
	return nil
}

// append adds a change to those to send.
func (o *emitting) append(kind batch.Kind, results []batch.Vector, at window.Span) {
	n, k := o.change.Len, len(o.keyTs)
	for c, t := range o.keyTs {
		o.change.Cols[c].Append(t, n, &o.keys[c], 0)
	}
	for c, t := range o.resTs {
		o.change.Cols[k+c].Append(t, n, &results[c], 0)
	}
	for i, p := range o.spec.Props {
		c := k + len(o.resTs) + i
		o.change.Cols[c].AppendNull(o.outTs[c], n)
		o.change.Cols[c].SetValid(n)
		o.change.Cols[c].I64[n] = o.border(p, at, o.outTs[c])
	}
	o.change.AppendKind(kind)
}

func (o *emitting) flush() error {
	if o.change.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.change)
	o.change.Reset(o.outTs)
	return err
}
