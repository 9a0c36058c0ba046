package overagg

import (
	"slices"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// timed computes windows ordered by time. Rows that must wait, for the watermark
// or for the end of their millisecond, are kept sorted by partition with a timer
// for each time; a timer lets the rows of its time through together. With a bounded
// frame a partition also keeps the rows inside it, oldest first: what a call reads
// of them, and the time.
type timed struct {
	calls
	table  state.Table
	timers state.Timers
	keyTs  []types.Type
	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
	waits  bool // rows wait
	frame  int  // index of the frame's list, -1: unbounded
	last   int  // with a frame: the cell of the last time that a timer rang; behind it, of when to forget the partition
	wm     int64

	dropped *operators.Late
	rings   rings
	dueIDs  []uint32 // partitions whose timers ring
	dueHash []uint64

	ready  []state.Entry // rows going through, no longer among those that wait
	pend   batch.Batch   // they themselves
	pids   []uint32
	ends   []int32     // of each group of equal rows in pend
	dues   []int64     // when each group was due
	ops    batch.Batch // what enters and leaves the frames
	oids   []uint32
	signs  []int8
	at     []int32 // of each row of pend: its place in ops
	reset  []bool
	fTs    []types.Type // columns of a frame: those that calls read, then the time
	fCols  []int
	fTime  int // with RANGE: the time among them
	all    []int
	got    []batch.Vector
	one    batch.Batch
	taken  []batch.Vector
	list   []state.Entry
	probe  []int32
	cols   []batch.Vector // ops' columns at their places in the input
	row    batch.Batch    // one row of a frame
	idx    [1]int32
	id     [1]uint32
	cursor state.Cursor
}

// seenCell is the layout's count of rows: here, that the partition was seen.
const seenCell = 0

// Open opens the partitions.
func (o *timed) Open(env *operators.Env, out operators.Output) (err error) {
	s := o.spec
	o.wm, o.frame = operators.MinWatermark, -1
	o.waits = s.Order == Rowtime || !s.Rows && !s.Lower.Unbounded
	bounded := !s.Lower.Unbounded && len(s.Calls) > 0 && s.Calls[0].Rank == ""
	if err := o.open(env, out, bounded); err != nil {
		return err
	}
	o.dropped = env.Late(s.In)
	o.openRanks()
	spec := state.Spec{Name: "partitions", Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists}
	if !bounded && !o.waits { // rows that wait or lie in a frame are cleared by time
		spec.TTL = s.TTL
	}
	if bounded {
		o.frame = len(spec.Lists)
		spec.Lists = append(spec.Lists, state.ListSpec{Row: o.openFrame()})
		o.last = len(spec.Row)
		spec.Row = append(spec.Row, state.Column{Type: types.BigIntType, Meaning: "last time"}, state.Column{Type: types.BigIntType, Meaning: "forget at"})
	}
	for _, c := range s.Partition {
		o.keyTs = append(o.keyTs, o.inTs[c])
		spec.Key = append(spec.Key, state.Column{Type: o.inTs[c], Meaning: s.In.Fields[c].Name})
	}
	var row []state.Column
	for c, t := range o.inTs {
		o.all = append(o.all, c)
		row = append(row, state.Column{Type: t, Meaning: s.In.Fields[c].Name})
	}
	if o.waits {
		spec.Sorted = []state.SortedSpec{{Row: row, By: []batch.Order{{Col: s.By[0].Col}}}}
		if o.timers, err = env.State.Timers("times", o.keyTs); err != nil {
			return err
		}
	}
	o.keys, o.got = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.inTs))
	o.list, o.probe = make([]state.Entry, batch.MaxRows), make([]int32, batch.MaxRows)
	o.taken = make([]batch.Vector, len(s.Calls))
	o.pend.Cols = make([]batch.Vector, len(o.inTs))
	o.one.Reset(o.inTs)
	o.one.Cols[s.By[0].Col].Prepare(o.inTs[s.By[0].Col], 1)
	o.one.Len = 1
	o.table, err = env.State.Table(spec)
	return err
}

// openFrame lays out the rows of frames.
func (o *timed) openFrame() []state.Column {
	var row []state.Column
	have := map[int]bool{}
	add := func(c int) {
		if !have[c] {
			have[c] = true
			o.fCols, o.fTs = append(o.fCols, c), append(o.fTs, o.inTs[c])
			row = append(row, state.Column{Type: o.inTs[c], Meaning: o.spec.In.Fields[c].Name})
		}
	}
	for _, c := range o.spec.Calls {
		for _, a := range c.Args {
			add(a)
		}
	}
	if !o.spec.Rows {
		add(o.spec.By[0].Col)
		o.fTime = slices.Index(o.fCols, o.spec.By[0].Col)
	}
	if len(row) == 0 {
		add(o.spec.By[0].Col)
	}
	o.ops.Reset(o.fTs)
	o.cols, o.row.Cols = make([]batch.Vector, len(o.inTs)), make([]batch.Vector, len(o.fTs))
	return row
}

// Process lets rows through, or keeps them.
func (o *timed) Process(_ int, b *batch.Batch) error {
	n := b.Len
	if cap(o.hashes) < n {
		o.hashes, o.ids, o.fresh = make([]uint64, n), make([]uint32, n), make([]bool, n)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:n], o.ids[:n], o.fresh[:n]
	for i, c := range o.spec.Partition {
		o.keys[i] = b.Cols[c]
	}
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	if o.waits {
		o.keep(b)
		return nil
	}
	if o.frame < 0 {
		if err := o.step(o.table, b.Cols, n, o.ids, nil, o.resets(o.ids), nil); err != nil {
			return err
		}
		o.rankAll(o.table, b.Cols, n, o.ids, nil)
		return o.emit(b.Cols, o.after, n, nil)
	}
	for i := range n {
		o.enter(b.Cols, i, o.ids[i])
	}
	return o.through(b.Cols, n, o.ids)
}

// rings are timers to be set together.
type rings struct {
	rows   []int32
	ns, ms []int64
}

func (r *rings) add(row int, ns, ms int64) {
	r.rows, r.ns, r.ms = append(r.rows, int32(row)), append(r.ns, ns), append(r.ms, ms)
}

// keep sorts rows in and sets a timer for each one's time. A row is late when the
// watermark has passed its time; with a bounded frame only when a row of its
// partition as late as it has gone through.
func (o *timed) keep(b *batch.Batch) {
	col, rows := &b.Cols[o.spec.By[0].Col], o.table.Sorted(0)
	t := &o.rings
	t.rows, t.ns, t.ms = t.rows[:0], t.ns[:0], t.ms[:0]
	for i, id := range o.ids {
		if col.Null(i) {
			o.env.Metrics.Dropped.Add(1)
			continue
		}
		ms := millis(col.I64[i])
		if o.late(id, ms) {
			o.dropped.Drop(b, i, ms, ms, o.wm)
			continue
		}
		rows.Insert(id, b, i)
		t.add(i, 0, ms)
		if o.frame >= 0 && !o.spec.Rows {
			o.remember(i, id, ms)
		}
	}
	o.timers.AddAll(o.keys, o.hashes, t.rows, t.ns, t.ms)
}

func (o *timed) late(id uint32, ms int64) bool {
	if o.spec.Order != Rowtime || o.wm == operators.MinWatermark {
		return false
	}
	if o.frame < 0 {
		return ms <= o.wm
	}
	last := *o.table.I64(o.last).At(id)
	return last != 0 && ms <= last
}

// resets marks the first row of each partition that is new.
func (o *timed) resets(ids []uint32) []bool {
	if cap(o.reset) < len(ids) {
		o.reset = make([]bool, len(ids))
	}
	o.reset = o.reset[:len(ids)]
	o.table.Touch(ids)
	seen := o.table.I64(seenCell)
	for i, id := range ids {
		o.reset[i] = *seen.At(id) == 0
		*seen.At(id) = 1
	}
	return o.reset
}

// enter counts row i of cols in the frame of its partition. With ROWS it is put there,
// and rows that leave it go first.
func (o *timed) enter(cols []batch.Vector, i int, id uint32) {
	if o.spec.Rows {
		list := o.table.List(o.frame)
		for int64(list.Count(id)) > o.spec.Lower.N {
			o.leave(id, 0)
		}
		o.row.Len, o.idx[0], o.id[0] = 1, int32(i), id
		for k, c := range o.fCols {
			o.row.Cols[k].Take(o.fTs[k], &cols[c], o.idx[:])
		}
		list.Append(o.id[:], &o.row, o.list[:1])
	}
	for k, c := range o.fCols {
		o.ops.Cols[k].Append(o.fTs[k], o.ops.Len, &cols[c], i)
	}
	o.at = append(o.at, int32(o.ops.Len))
	o.ops.AppendKind(batch.Insert)
	o.oids, o.signs = append(o.oids, id), append(o.signs, 1)
}

// leave takes rows out of a frame: those before a time, or with ROWS the oldest.
func (o *timed) leave(id uint32, before int64) {
	list, got, most := o.table.List(o.frame), o.got[:len(o.fCols)], 4
	if o.spec.Rows {
		most = 1
	}
	for gone := most; gone == most; {
		o.cursor, o.id[0] = state.Cursor{}, id
		n := list.Match(o.id[:], &o.cursor, o.probe[:most], o.list[:most])
		if n == 0 {
			return
		}
		list.Gather(o.list[:n], o.columns(), got)
		if gone = n; !o.spec.Rows {
			gone = 0
			for gone < n && millis(got[o.fTime].I64[gone]) < before {
				gone++
			}
		}
		for i, e := range o.list[:gone] {
			for k := range o.fCols {
				o.ops.Cols[k].Append(o.fTs[k], o.ops.Len, &got[k], i)
			}
			o.ops.AppendKind(batch.Insert)
			o.oids, o.signs = append(o.oids, id), append(o.signs, -1)
			list.Remove(id, e)
		}
		if o.spec.Rows {
			return
		}
	}
}

func (o *timed) columns() []int { return o.all[:len(o.fCols)] }

// through sends rows whose entering and leaving is in ops.
func (o *timed) through(cols []batch.Vector, n int, ids []uint32) error {
	if o.frame < 0 {
		if err := o.step(o.table, cols, n, ids, nil, o.resets(ids), nil); err != nil {
			return err
		}
		o.rankAll(o.table, cols, n, ids, cols[o.spec.By[0].Col].I64)
		return o.emitGroups(cols, o.after, n)
	}
	for k, c := range o.fCols {
		o.cols[c] = o.ops.Cols[k]
	}
	if err := o.step(o.table, o.cols, o.ops.Len, o.oids, o.signs, o.resets(o.oids), nil); err != nil {
		return err
	}
	for c := range o.taken {
		o.taken[c].Take(o.spec.Calls[c].Result, &o.after[c], o.at)
	}
	o.ops.Reset(o.fTs)
	o.oids, o.signs, o.at = o.oids[:0], o.signs[:0], o.at[:0]
	return o.emitGroups(cols, o.taken, n)
}

// emitGroups gives the rows of a group, equal in time, the last one's result.
func (o *timed) emitGroups(cols, results []batch.Vector, n int) error {
	if !o.spec.Rows && len(o.ends) > 0 && len(o.ends) < n {
		o.at = o.at[:0]
		for _, end := range o.ends {
			for len(o.at) < int(end) {
				o.at = append(o.at, end-1)
			}
		}
		for c := range results {
			if o.spec.Calls[c].Rank == "" {
				o.got[0].Take(o.spec.Calls[c].Result, &results[c], o.at)
				o.got[0], results[c] = results[c], o.got[0]
			}
		}
		o.at = o.at[:0]
	}
	return o.emit(cols, results, n, nil)
}

// Watermark lets the rows through that it passes.
func (o *timed) Watermark(ms int64) (int64, error) {
	if o.spec.Order != Rowtime {
		return ms, nil
	}
	err := o.fire(ms)
	o.wm = ms
	return ms, err
}

// Tick lets the rows of past milliseconds through.
func (o *timed) Tick(now time.Time) (int64, time.Time, error) {
	if o.spec.Order == Rowtime || !o.waits {
		return operators.MinWatermark, time.Time{}, nil
	}
	err := o.fire(now.UnixMilli() - 1)
	var at time.Time
	if next, ok := o.timers.Next(); ok {
		at = time.UnixMilli(next + 1)
	}
	return operators.MinWatermark, at, err
}

// End lets the rest through.
func (o *timed) End(int) error {
	if o.waits {
		return o.fire(operators.MaxWatermark)
	}
	return nil
}

// fire gathers the rows that are due, by time and then by the arrival of their
// partition at that time, and lets them through.
func (o *timed) fire(ms int64) error {
	err := o.timers.FireAll(ms, func(keys []batch.Vector, ns, due []int64) error {
		n := len(due)
		if cap(o.dueIDs) < n {
			o.dueHash, o.dueIDs = make([]uint64, n), make([]uint32, n)
		}
		hashes, ids := o.dueHash[:n], o.dueIDs[:n]
		batch.Hash(o.keyTs, keys, n, hashes)
		o.table.Find(keys, hashes, ids)
		for i, id := range ids {
			if id == 0 {
				continue
			}
			if ns[i] == idle {
				gone, err := o.forget(id, due[i])
				if err != nil {
					return err
				}
				for k := i; gone && k < n; k++ {
					if ids[k] == id {
						ids[k] = 0
					}
				}
				continue
			}
			o.gather(id, due[i])
			if len(o.ready) >= batch.MaxRows {
				if err := o.flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.flush()
}

// idle is the namespace of the timers that forget a partition without new rows.
const idle = 1

// remember puts off forgetting the partition of row i, of time ms. It is forgotten
// half as long again after its last row as its frame is, and a timer that was put
// off still counts as the last time: both decide what is late, so both are Flink's.
func (o *timed) remember(i int, id uint32, ms int64) {
	n := o.spec.Lower.N
	if at := o.table.I64(o.last + 1).At(id); *at == 0 || *at < ms+n+1 {
		o.id[0] = id
		o.table.Touch(o.id[:])
		*o.table.I64(o.last + 1).At(id) = ms + n + n/2 + 1
		o.rings.add(i, idle, ms+n+n/2+1)
	}
}

// forget drops a partition if it is time.
func (o *timed) forget(id uint32, due int64) (gone bool, err error) {
	o.id[0] = id
	if *o.table.I64(o.last + 1).At(id) > due {
		o.table.Touch(o.id[:])
		*o.table.I64(o.last).At(id) = due
		return false, nil
	}
	if err := o.flush(); err != nil { // its rows may be on their way
		return false, err
	}
	o.id[0] = id
	o.table.Delete(o.id[:])
	return true, nil
}

// gather takes the rows of one partition and time out of those that wait.
func (o *timed) gather(id uint32, due int64) {
	rows := o.table.Sorted(0)
	o.one.Cols[o.spec.By[0].Col].I64[0] = due*1000 + 999
	left := rows.Seek(id, &o.one, 0, true)
	if left == 0 {
		return
	}
	first := len(o.ready)
	o.ready = slices.Grow(o.ready, left)[:first+left]
	rows.Range(id, 0, o.ready[first:])
	rows.RemoveRange(id, 0, left)
	for range left {
		o.pids = append(o.pids, id)
	}
	o.ends, o.dues = append(o.ends, int32(len(o.ready))), append(o.dues, due)
	if o.frame >= 0 {
		o.id[0] = id
		o.table.Touch(o.id[:])
		*o.table.I64(o.last).At(id) = due
	}
}

// flush lets what is gathered through.
func (o *timed) flush() error {
	n := len(o.ready)
	if n == 0 {
		return nil
	}
	o.table.Sorted(0).Gather(o.ready, o.all, o.pend.Cols)
	if o.frame >= 0 {
		o.move(n)
	}
	err := o.through(o.pend.Cols, n, o.pids)
	o.ready, o.pids, o.ends, o.dues = o.ready[:0], o.pids[:0], o.ends[:0], o.dues[:0]
	return err
}

// move has the gathered rows enter the frames, a group after the other, and others leave.
// With RANGE all go into the frames first: none leaves before its time.
func (o *timed) move(n int) {
	if !o.spec.Rows {
		o.list = slices.Grow(o.list[:0], max(n, batch.MaxRows))[:max(n, batch.MaxRows)]
		for k, c := range o.fCols {
			o.row.Cols[k] = o.pend.Cols[c]
		}
		o.row.Len = n
		o.table.List(o.frame).Append(o.pids, &o.row, o.list[:n])
	}
	from := 0
	for g, end := range o.ends {
		id := o.pids[from]
		if !o.spec.Rows {
			o.leave(id, o.dues[g]-o.spec.Lower.N)
		}
		for ; from < int(end); from++ {
			o.enter(o.pend.Cols, from, id)
		}
	}
}

func millis(micros int64) int64 {
	q := micros / 1000
	if micros%1000 < 0 {
		q--
	}
	return q
}
