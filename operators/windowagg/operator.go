package windowagg

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator aggregates by windows whose borders are known from the time alone, or
// that came with the rows.
type operator struct {
	calls
	table state.Table
	wm    int64 // ms reached
	fired int64 // windows ending at or before this have been sent

	ends []int64 // of the rows' slices
	live []int32
}

// Open opens the windowed table: per key and slice, the rows and each call's
// cells. The start of an attached window is a key: it may differ where the end is
// the same.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.wm, o.fired = operators.MinWatermark, operators.MinWatermark
	if err := o.open(env, out); err != nil {
		return err
	}
	o.late = env.Late(o.spec.In)
	key := o.key
	if w := o.spec.Window; w.Kind == window.Attached {
		key = append(key[:len(key):len(key)], state.Column{Type: types.TimestampType(3), Meaning: "window_start"})
	}
	for _, c := range key[len(o.keyTs):] {
		o.keyTs = append(o.keyTs, c.Type)
	}
	o.keys = make([]batch.Vector, len(key))
	o.table, err = env.State.Table(state.Spec{Name: "windows", Key: key, Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists, Windowed: true})
	if err == nil && env.Restored > 0 {
		o.resume()
	}
	return err
}

// resume finds out which windows were sent before the checkpoint.
func (o *operator) resume() {
	to := o.env.Heard
	if o.spec.Window.Proctime {
		to = o.env.Ticked.UnixMilli() - 1
	}
	for {
		end, ok := o.next(o.table.Slices())
		if !ok || end <= o.fired || o.spec.Window.Deadline(end, o.env.Session.Zone) > to {
			break
		}
		o.fired = end
	}
	o.wm = max(o.wm, to)
}

// Process finds each row's slice and adds runs of one slice together.
func (o *operator) Process(_ int, b *batch.Batch) error {
	if cap(o.ends) < b.Len {
		o.ends = make([]int64, b.Len)
	}
	o.ends = o.ends[:b.Len]
	o.slices(b)
	for from := 0; from < len(o.live); {
		to := from + 1
		for to < len(o.live) && o.ends[o.live[to]] == o.ends[o.live[from]] {
			to++
		}
		if err := o.add(b, o.live[from:to], o.ends[o.live[from]]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// slices finds the end of each row's slice and which rows are in time.
func (o *operator) slices(b *batch.Batch) {
	w, zone := o.spec.Window, o.env.Session.Zone
	column := w.Time
	if w.Kind == window.Attached {
		column = w.End
	}
	now := int64(0)
	if w.Proctime {
		now = w.Clock(o.env.Now().UnixMicro(), zone)
	}
	o.live = o.live[:0]
	known, late, none := int64(operators.MinWatermark), false, false
	exact := !w.Proctime && w.Kind != window.Attached && (!w.LTZ || zone == time.UTC)
	lo, hi := int64(0), int64(0) // of the last row's slice, in microseconds: rows of one slice come together
	for i := 0; i < b.Len; i++ {
		t := now
		if !w.Proctime || w.Kind == window.Attached {
			if b.Cols[column].Null(i) {
				o.env.Metrics.Dropped.Add(1)
				continue
			}
			t = b.Cols[column].I64[i]
		}
		switch {
		case exact && t >= lo && t < hi:
			t = known
		case w.Kind == window.Attached:
			t = window.Floor(t, 1000)
		case w.Proctime:
			t = w.Slice(t)
		default:
			t = w.Slice(w.Clock(t, zone))
			lo, hi = (t-w.Width())*1000, t*1000
		}
		if o.ends[i] = t; t != known {
			last := w.Last(t)
			known, late, none = t, o.wm != operators.MinWatermark && w.Deadline(last, zone) <= o.wm, last < t
		}
		switch {
		case none: // between the windows of a HOP that leaps
		case late:
			o.late.Drop(b, i, types.FloorMillis(b.Cols[column].I64[i]), w.Deadline(w.Last(t), zone), o.wm)
		default:
			o.live = append(o.live, int32(i))
		}
	}
}

// add folds rows of one slice into its table.
func (o *operator) add(b *batch.Batch, rows []int32, end int64) error {
	in := b
	if len(rows) < b.Len {
		p := *b
		p.Sel = rows
		in = p.Compact(o.inTs, &o.part)
	}
	t := o.table.Slice(end)
	for i, k := range o.spec.Keys {
		o.keys[i] = in.Cols[k]
	}
	if o.spec.Window.Kind == window.Attached {
		o.keys[len(o.spec.Keys)] = in.Cols[o.spec.Window.Start]
	}
	o.grow(in.Len)
	o.hash(in.Len)
	t.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	return o.fold(t, in)
}

// hash hashes the keys; the start of an attached window has no say in where they
// lie.
func (o *operator) hash(n int) {
	if k := len(o.spec.Keys); k > 0 && k < len(o.keys) {
		batch.HashUnder(o.keyTs, o.keys, k, n, o.hashes)
		return
	}
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
}

// Watermark sends the windows it passes.
func (o *operator) Watermark(ms int64) (int64, error) {
	if o.spec.Window.Proctime {
		return ms, nil
	}
	return ms, o.advance(ms)
}

// Tick sends the windows that the wall clock has passed.
func (o *operator) Tick(now time.Time) (int64, time.Time, error) {
	if !o.spec.Window.Proctime {
		return operators.MinWatermark, time.Time{}, nil
	}
	err := o.advance(now.UnixMilli() - 1)
	var at time.Time
	if end, ok := o.next(o.table.Slices()); ok {
		at = time.UnixMilli(o.spec.Window.Deadline(end, o.env.Session.Zone) + 1)
	}
	return operators.MinWatermark, at, err
}

// End sends what processing time has pending.
func (o *operator) End(int) error {
	if o.spec.Window.Proctime || o.env.Session.Batch {
		return o.advance(operators.MaxWatermark)
	}
	return nil
}

// advance fires, in order, every window with rows that ends at or before to.
func (o *operator) advance(to int64) error {
	w, zone := o.spec.Window, o.env.Session.Zone
	for {
		slices := o.table.Slices()
		end, ok := o.next(slices)
		if !ok || w.Deadline(end, zone) > to {
			break
		}
		if err := o.fire(slices, end); err != nil {
			return err
		}
		o.fired = end
		for _, s := range slices {
			if w.Last(s) <= end {
				o.table.Drop(s)
			}
		}
	}
	o.wm = max(o.wm, to)
	return nil
}

// next is the earliest end of an unsent window that holds one of the slices.
func (o *operator) next(slices []int64) (int64, bool) {
	best, found := int64(0), false
	w := o.spec.Window
	for _, end := range slices {
		e := end
		switch w.Kind {
		case window.Hop: // window ends are start + size, starts multiples of the slide
			e = ceil(end-w.Size-w.Offset, w.Slide)*w.Slide + w.Offset + w.Size
			if e <= o.fired {
				e = (window.Floor(o.fired-w.Size-w.Offset, w.Slide)+1)*w.Slide + w.Offset + w.Size
			}
		case window.Cumulate:
			if e <= o.fired {
				e = (window.Floor(o.fired-w.Offset, w.Slide)+1)*w.Slide + w.Offset
			}
		}
		last := w.Last(end)
		for step := max(w.Slide, 1); o.wm != operators.MinWatermark && e <= last && w.Deadline(e, o.env.Session.Zone) <= o.wm; {
			e += step // it passed without rows; one that came since doesn't count in it
		}
		if e > last {
			continue
		}
		if !found || e < best {
			best, found = e, true
		}
	}
	return best, found
}

func ceil(a, b int64) int64 { return -window.Floor(-a, b) }

// fire merges the window's slices and sends a row per key, in order of arrival.
func (o *operator) fire(slices []int64, end int64) error {
	if o.spec.Window.Kind == window.Attached {
		return o.send(o.table.Slice(end), window.Span{End: end})
	}
	at := window.Span{Start: o.spec.Window.StartOf(end), End: end}
	var in []int64
	for _, s := range slices {
		if s > at.Start && s <= end {
			in = append(in, s)
		}
	}
	switch len(in) {
	case 0:
		return nil
	case 1:
		return o.send(o.table.Slice(in[0]), at)
	}
	for _, s := range in {
		if o.table.Slice(s).OnDisk() > 0 {
			return o.fireGroups(in, at)
		}
	}
	const scratch = operators.MinWatermark
	m := o.table.Slice(scratch)
	defer o.table.Drop(scratch)
	for _, s := range in {
		if err := o.combine(m, o.table.Slice(s)); err != nil {
			return err
		}
	}
	return o.send(m, at)
}

// fireGroups is fire where rows are on disk: the merged rows of all keys may be more than
// memory has room for, so it goes a key group at a time.
func (o *operator) fireGroups(in []int64, at window.Span) error {
	defer o.table.EndAside()
	for g := range batch.KeyGroups {
		m := o.table.Aside()
		for _, s := range in {
			err := o.table.Slice(s).ScanGroup(g, func(from state.Table, src []uint32) error { return o.combineRows(m, from, src) })
			if err != nil {
				return err
			}
		}
		if m.Len() == 0 {
			continue
		}
		if err := o.send(m, at); err != nil {
			return err
		}
	}
	return nil
}

// read makes keys those of rows in state. Never by writing into keys, which may
// still be columns of an input batch: that one is somebody else's by now.
func (o *calls) read(t state.Table, ids []uint32) {
	if o.own == nil {
		o.own = make([]batch.Vector, len(o.keys))
	}
	t.Keys(ids, o.own)
	copy(o.keys, o.own)
}

// combine adds a slice to the merged ones.
func (o *operator) combine(into, from state.Table) error {
	return from.Scan(func(from state.Table, src []uint32) error { return o.combineRows(into, from, src) })
}

func (o *operator) combineRows(into, from state.Table, src []uint32) error {
	n := len(src)
	o.read(from, src)
	o.grow(n)
	o.hash(n)
	into.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	return o.merge(into, o.ids, o.fresh, from, src)
}

// send emits the rows of a table as one window's.
func (o *operator) send(t state.Table, at window.Span) error {
	return t.Scan(func(t state.Table, all []uint32) error {
		rows, ids := t.I64(0), all[:0]
		for _, id := range all {
			if *rows.At(id) > 0 {
				ids = append(ids, id)
			}
		}
		switch {
		case len(ids) == 0:
			return nil
		case o.spec.Window.Kind == window.Attached:
			return o.sendAttached(t, ids, at.End)
		}
		t.Keys(ids, o.out.Cols[:len(o.keyTs)])
		return o.emit(t, ids, at)
	})
}

// sendAttached emits rows of attached windows, in runs of one start.
func (o *operator) sendAttached(t state.Table, ids []uint32, end int64) error {
	k := len(o.spec.Keys)
	o.read(t, ids)
	starts := o.keys[k].I64
	for from := 0; from < len(ids); {
		o.live = append(o.live[:0], int32(from))
		to := from + 1
		for ; to < len(ids) && starts[to] == starts[from]; to++ {
			o.live = append(o.live, int32(to))
		}
		for c := range k {
			o.out.Cols[c].Take(o.keyTs[c], &o.keys[c], o.live)
		}
		if err := o.emit(t, ids[from:to], window.Span{Start: window.Floor(starts[from], 1000), End: end}); err != nil {
			return err
		}
		from = to
	}
	return nil
}
