package lookupjoin

import (
	"cmp"
	"slices"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// waiting is the rows that wait: those whose question is repeated after a while, and
// in the ordered mode those behind them, with their answers. It keeps them in the
// order in which they came. At Flush they are put into state; a restored job asks
// for all of them again.
type waiting struct {
	rows    batch.Batch // the left columns
	of      []wait      // per row
	sent    int         // of rows: how many are done with
	answers batch.Batch
	table   state.Table
	ts      []types.Type // in state: the left columns, the kind, the attempts left, the place
	saved   bool         // state has rows
	dirty   bool         // state isn't what is here
	next    uint64       // the number of the next row
	marks   []mark       // watermarks that came behind rows that wait
}

// wait is what a row waits for.
type wait struct {
	number   uint64 // in the order of coming
	ticket   uint64 // of the question that is out for it, and its key in that
	key      int32
	left     int   // repetitions
	due      int64 // ms, of the next question
	answered bool
	sent     bool
	from, to int // its answers
}

func (w *waiting) len() int { return len(w.of) - w.sent }

// openWaiting finds the rows that waited at the last checkpoint.
func (o *operator) openWaiting(env *operators.Env) (err error) {
	w, s := &o.wait, o.spec
	o.passed, o.latest = operators.MinWatermark, operators.MinWatermark
	if env.Restored > 0 {
		o.passed, o.latest = env.Heard, env.Heard
	}
	w.rows.Reset(o.leftTs)
	w.answers.Reset(o.rightTs)
	if s.Retry == nil {
		return nil // nothing waits at a barrier
	}
	spec := state.Spec{Name: "waiting"}
	var row []state.Column
	for _, k := range s.Keys[0] {
		spec.Key = append(spec.Key, state.Column{Type: s.Left.Fields[k].Type, Meaning: s.Left.Fields[k].Name})
	}
	for _, f := range s.Left.Fields {
		row = append(row, state.Column{Type: f.Type, Meaning: f.Name})
	}
	for _, name := range []string{"kind", "attempts left", "place"} {
		row = append(row, state.Column{Type: types.BigIntType, Meaning: name})
	}
	for _, c := range row {
		w.ts = append(w.ts, c.Type)
	}
	spec.Lists = []state.ListSpec{{Row: row}}
	if w.table, err = env.State.Table(spec); err != nil {
		return err
	}
	w.restore(s.Left.Types())
	return nil
}

// restore puts the rows of state back in their order.
func (w *waiting) restore(left []types.Type) {
	var ids []uint32
	w.table.Each(func(id uint32) bool { ids = append(ids, id); return true })
	if len(ids) == 0 {
		return
	}
	list, n := w.table.List(0), len(left)
	var all batch.Batch
	all.Reset(w.ts)
	cols, got := make([]int, len(w.ts)), make([]batch.Vector, len(w.ts))
	for c := range cols {
		cols[c] = c
	}
	var at state.Cursor
	probe, entries := make([]int32, batch.MaxRows), make([]state.Entry, batch.MaxRows)
	for {
		k := list.Match(ids, &at, probe, entries)
		if k == 0 {
			break
		}
		list.Gather(entries[:k], cols, got)
		for i := range k {
			all.AppendRow(w.ts, batch.Insert, &batch.Batch{Len: k, Cols: got}, i)
		}
	}
	order := make([]int, all.Len)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all.Cols[n+2].I64[a], all.Cols[n+2].I64[b]) })
	for _, i := range order {
		w.rows.AppendRow(left, batch.Kind(all.Cols[n].I64[i]), &batch.Batch{Len: all.Len, Cols: all.Cols[:n]}, i)
		w.of = append(w.of, wait{number: w.next, left: int(all.Cols[n+1].I64[i]) + 1})
		w.next++
	}
	w.saved, w.dirty = true, true
}

// hold adds row i of b: with its answers, or to be asked for again.
func (o *operator) hold(b *batch.Batch, i, from, to int, missing bool) {
	w := &o.wait
	x := wait{left: o.spec.Retry.Attempts, answered: !missing, from: w.answers.Len}
	if missing {
		x.due = o.env.Now().Add(o.spec.Retry.Delay).UnixMilli()
	}
	for r := from; r < to; r++ {
		w.answers.AppendRow(o.rightTs, batch.Insert, o.rows, r)
	}
	x.to = w.answers.Len
	w.hold(o.leftTs, b, i, x)
}

// hold adds row i of b.
func (w *waiting) hold(left []types.Type, b *batch.Batch, i int, x wait) {
	x.number = w.next
	w.rows.AppendRow(left, b.Kind(i), b, i)
	w.of, w.next, w.dirty = append(w.of, x), w.next+1, true
}

// Tick repeats the questions that are due and sends what no longer waits.
func (o *operator) Tick(now time.Time) (int64, time.Time, error) {
	w := &o.wait
	if !o.waits() {
		return operators.MinWatermark, time.Time{}, nil
	}
	if o.async != nil {
		if err := o.collect(); err != nil {
			return operators.MinWatermark, time.Time{}, err
		}
	}
	if w.len() == 0 {
		return o.pass(), time.Time{}, nil
	}
	ms := now.UnixMilli()
	var due []int32
	for i := range w.of {
		if x := &w.of[i]; !x.answered && x.ticket == 0 && x.due <= ms {
			due = append(due, int32(i))
		}
	}
	for len(due) > 0 {
		n := min(len(due), batch.MaxRows)
		if err := o.again(due[:n], now); err != nil {
			return operators.MinWatermark, time.Time{}, err
		}
		due = due[n:]
	}
	if err := o.release(); err != nil {
		return operators.MinWatermark, time.Time{}, err
	}
	if w.len() == 0 {
		return o.pass(), time.Time{}, nil
	}
	var next time.Time
	for i := range w.of {
		if x := &w.of[i]; !x.answered && x.ticket == 0 && (next.IsZero() || x.due < next.UnixMilli()) {
			next = time.UnixMilli(x.due)
		}
	}
	return o.pass(), next, nil
}

// again asks for rows once more. One that was asked for the last time is answered,
// if with nothing.
func (o *operator) again(rows []int32, now time.Time) error {
	if o.async != nil {
		return o.repeat(rows)
	}
	w := &o.wait
	o.keys.Len = len(rows)
	for i, k := range o.spec.Keys[0] {
		o.keys.Cols[i].Take(o.keyTs[i], &w.rows.Cols[k], rows)
	}
	got, origin, err := o.ask.Ask(&o.keys)
	if err != nil {
		return err
	}
	at := 0
	for k, i := range rows {
		x := &w.of[i]
		x.left--
		x.from = w.answers.Len
		for at < len(origin) && int(origin[at]) == k {
			w.answers.AppendRow(o.rightTs, batch.Insert, got, at)
			at++
		}
		x.to = w.answers.Len
		x.answered = x.to > x.from || x.left <= 0
		x.due = now.Add(o.spec.Retry.Delay).UnixMilli()
	}
	w.dirty = true
	return nil
}

// release sends the rows that nothing holds any longer: in the ordered mode those
// before the first that waits, else all that are answered.
func (o *operator) release() error {
	w := &o.wait
	o.rows = &w.answers
	before := w.sent
	for i := range w.of {
		x := &w.of[i]
		if x.sent {
			continue
		}
		if !x.answered {
			if o.spec.Unordered {
				continue
			}
			break
		}
		x.sent = true
		w.sent++
		o.join(&w.rows, i, x.from, x.to)
		if len(o.left) >= batch.MaxRows {
			if err := o.send(&w.rows); err != nil {
				return err
			}
		}
	}
	if err := o.send(&w.rows); err != nil {
		return err
	}
	w.dirty = w.dirty || w.sent > before
	w.compact(o.leftTs, o.rightTs)
	return nil
}

// compact forgets rows that were sent once they are the larger part.
func (w *waiting) compact(left, right []types.Type) {
	if 2*w.sent < len(w.of) || w.sent == 0 {
		return
	}
	var rows, answers batch.Batch
	if w.len() == 0 { // the usual case keeps its memory
		rows, answers = w.rows, w.answers
	}
	old, oldAnswers, of := w.rows, w.answers, w.of
	rows.Reset(left)
	answers.Reset(right)
	kept := of[:0:0]
	for i, x := range of {
		if x.sent {
			continue
		}
		rows.AppendRow(left, old.Kind(i), &old, i)
		from := answers.Len
		for r := x.from; r < x.to; r++ {
			answers.AppendRow(right, batch.Insert, &oldAnswers, r)
		}
		x.from, x.to = from, answers.Len
		kept = append(kept, x)
	}
	w.rows, w.answers, w.of, w.sent = rows, answers, kept, 0
}

// Flush waits for the answers to questions that are out, and writes the rows that wait
// for another to state.
func (o *operator) Flush() error {
	if err := o.land(); err != nil {
		return err
	}
	w := &o.wait
	if o.spec.Retry == nil || !w.dirty || w.len() == 0 && !w.saved {
		return nil
	}
	var ids []uint32
	w.table.Each(func(id uint32) bool { ids = append(ids, id); return true })
	w.table.Delete(ids)
	n := len(o.leftTs)
	out := batch.Batch{}
	out.Reset(w.ts)
	for i, x := range w.of {
		if x.sent {
			continue
		}
		for c, t := range o.leftTs {
			out.Cols[c].Append(t, out.Len, &w.rows.Cols[c], i)
		}
		for c, v := range []int64{int64(w.rows.Kind(i)), int64(max(x.left, 0)), int64(out.Len)} {
			out.Cols[n+c].AppendNull(types.BigIntType, out.Len)
			out.Cols[n+c].SetValid(out.Len)
			out.Cols[n+c].I64[out.Len] = v
		}
		out.Len++
	}
	w.dirty, w.saved = false, out.Len > 0
	if out.Len == 0 {
		return nil
	}
	keys, ts := make([]batch.Vector, len(o.keyTs)), make([]types.Type, len(o.keyTs))
	for i, k := range o.spec.Keys[0] {
		keys[i], ts[i] = out.Cols[k], o.leftTs[k]
	}
	hashes, ids2, fresh, entries := make([]uint64, out.Len), make([]uint32, out.Len), make([]bool, out.Len), make([]state.Entry, out.Len)
	batch.Hash(ts, keys, out.Len, hashes)
	w.table.Upsert(keys, hashes, ids2, fresh)
	w.table.List(0).Append(ids2, &out, entries)
	return nil
}

// Watermark waits while rows do that came before it.
func (o *operator) Watermark(ms int64) (int64, error) {
	if !o.waits() {
		return ms, nil
	}
	if o.async != nil {
		if err := o.collect(); err != nil {
			return o.passed, err
		}
	}
	if o.latest = ms; o.wait.len() > 0 {
		o.wait.marks = append(o.wait.marks, mark{ms, o.wait.next})
	}
	return o.pass(), nil
}

// Waiting says that rows are still to come.
func (o *operator) Waiting() bool { return o.wait.len() > 0 }
