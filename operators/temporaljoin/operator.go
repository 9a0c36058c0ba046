package temporaljoin

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/pair"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live join.
type operator struct {
	operators.Stateless
	spec     *Spec
	table    state.Table
	timers   state.Timers
	left     state.List
	versions state.Sorted // the right columns, then whether the row lives
	ts       [2][]types.Type
	cols     [2][]int
	keyTs    []types.Type
	keys     []batch.Vector
	pairs    pair.Builder
	due      due
	wm       int64

	hashes  []uint64
	ids     []uint32
	fresh   []bool
	entries []state.Entry
	probe   []int32
	right   batch.Batch // an input batch with the column that says it lives
	at      batch.Batch // a row to seek a time with
	lives   []batch.Vector
	one     [1]uint32
	found   [1]state.Entry
	lived   [1]int

	rows  []int32 // of a batch, whose timers are to be set
	ns    []int64
	times []int64
	waits []int64 // of keys whose timers ring: the time of the first row that isn't due
	ready []gone
	dueOf []int32       // places of rows that are due
	valid []state.Entry // and the versions that they meet
}

// gone is a left row that needn't wait any more.
type gone struct {
	id    uint32
	entry state.Entry
}

// Cells of a waiting left row.
const (
	kindCell = iota
	timeCell
	cells
)

// due are the pairs to be sent: left rows with their versions, 0 for none.
type due struct {
	left, right []state.Entry
	kinds       []batch.Kind
	sel         []int32
	updates     bool
}

// Open opens the one table and the timers.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.Out, o.wm = out, operators.MinWatermark
	s := o.spec
	var rows [2][]state.Column
	for i, schema := range []*types.Schema{s.Left, s.Right} {
		o.ts[i] = schema.Types()
		for c, t := range o.ts[i] {
			o.cols[i] = append(o.cols[i], c)
			rows[i] = append(rows[i], state.Column{Type: t, Meaning: schema.Fields[c].Name})
		}
	}
	lives := len(rows[1])
	spec := state.Spec{Name: "temporal join", Row: []state.Column{{Type: types.BigIntType, Meaning: "timer"}},
		Lists:  []state.ListSpec{{Row: rows[0], Cells: cells}},
		Sorted: []state.SortedSpec{{Row: append(rows[1], state.Column{Type: types.BigIntType, Meaning: "lives"}), By: []batch.Order{{Col: s.Time[1]}}}}}
	for _, k := range s.Keys[0] {
		t := o.ts[0][k].Nullable()
		o.keyTs = append(o.keyTs, t)
		spec.Key = append(spec.Key, state.Column{Type: t, Meaning: s.Left.Fields[k].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if o.timers, err = env.State.Timers("temporal join times", o.keyTs); err != nil {
		return err
	}
	o.left, o.versions = o.table.List(0), o.table.Sorted(0)
	o.keys = make([]batch.Vector, len(o.keyTs))
	o.entries, o.probe = make([]state.Entry, pair.Rows), make([]int32, pair.Rows)
	o.at.Cols, o.at.Len = make([]batch.Vector, lives+1), 1
	o.at.Cols[s.Time[1]].Prepare(o.ts[1][s.Time[1]], 1)
	o.lives = make([]batch.Vector, 1)
	return o.pairs.Open(s.Left, s.Right, s.Rest, env.Session, out)
}

// Process stores a batch and sets the keys' timers.
func (o *operator) Process(input int, b *batch.Batch) error {
	for i, k := range o.spec.Keys[input] {
		o.keys[i] = b.Cols[k]
	}
	if len(o.entries) < b.Len {
		o.entries, o.probe = make([]state.Entry, b.Len), make([]int32, b.Len)
	}
	o.hashes, o.ids, o.fresh = slices.Grow(o.hashes[:0], b.Len)[:b.Len], slices.Grow(o.ids[:0], b.Len)[:b.Len], slices.Grow(o.fresh[:0], b.Len)[:b.Len]
	batch.Hash(o.keyTs, o.keys, b.Len, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	if input == 1 {
		o.remember(b)
	} else {
		o.left.Append(o.ids, b, o.entries[:b.Len])
		for i, e := range o.entries[:b.Len] {
			*o.left.Cell(e, kindCell), *o.left.Cell(e, timeCell) = int64(b.Kind(i)), b.Cols[o.spec.Time[0]].I64[i]
		}
	}
	o.rows, o.times = o.rows[:0], o.times[:0]
	times := b.Cols[o.spec.Time[input]].I64
	for i, id := range o.ids {
		if input == 0 || b.Kind(i) != batch.UpdateBefore {
			o.wake(id, i, types.FloorMillis(times[i]))
		}
	}
	o.set()
	return nil
}

// remember stores versions. A row before an update says nothing: the row after it
// is the next version.
func (o *operator) remember(b *batch.Batch) {
	n := len(o.ts[1])
	o.right.Len, o.right.Kinds = b.Len, nil
	o.right.Cols = append(append(o.right.Cols[:0], b.Cols[:n]...), o.lives[0])
	lives := &o.right.Cols[n]
	lives.Prepare(types.BigIntType, b.Len)
	for i := range b.Len {
		if lives.I64[i] = 0; b.Kind(i).Sign() > 0 {
			lives.I64[i] = 1
		}
	}
	o.lives[0] = *lives
	for i, id := range o.ids {
		if b.Kind(i) != batch.UpdateBefore {
			o.versions.Insert(id, &o.right, i)
		}
	}
}

// wake makes the key's timer fire at ms, if it isn't due before. The timer is still to be
// set.
func (o *operator) wake(id uint32, row int, ms int64) {
	timer := o.table.I64(0).At(id)
	had := *timer - 1 // 0 means none: the time is kept plus one
	if *timer != 0 && had <= ms {
		return
	}
	if *timer != 0 {
		o.timers.Delete(o.keys, row, 0, had)
	}
	o.one[0] = id
	o.table.Touch(o.one[:])
	*timer = ms + 1
	o.rows, o.times = append(o.rows, int32(row)), append(o.times, ms)
}

// set sets the timers of the rows that wake their keys, but for those that a later row
// of the key has made earlier.
func (o *operator) set() {
	timer, n := o.table.I64(0), 0
	for i, row := range o.rows {
		if *timer.At(o.ids[row]) == o.times[i]+1 {
			o.rows[n], o.times[n] = row, o.times[i]
			n++
		}
	}
	for len(o.ns) < n {
		o.ns = append(o.ns, 0)
	}
	o.timers.AddAll(o.keys, o.hashes, o.rows[:n], o.ns[:n], o.times[:n])
}

// Watermark sends the left rows that event time has passed.
func (o *operator) Watermark(ms int64) (int64, error) {
	o.wm = ms
	err := o.timers.FireAll(ms, func(keys []batch.Vector, due, _ []int64) error {
		n := len(due)
		o.hashes, o.ids = slices.Grow(o.hashes[:0], n)[:n], slices.Grow(o.ids[:0], n)[:n]
		batch.Hash(o.keyTs, keys, n, o.hashes)
		o.table.Find(keys, o.hashes, o.ids)
		return o.fire(keys, o.ids)
	})
	if err == nil {
		err = o.send()
	}
	if err != nil {
		return ms, fmt.Errorf("temporal join: %w", err)
	}
	return ms, nil
}

// firing is the time of a key's timer while it's fired.
const firing = operators.MinWatermark

// fire takes the rows of keys that are due and sets the timers for those that wait. These
// are due later than this watermark.
func (o *operator) fire(keys []batch.Vector, ids []uint32) error {
	o.waits, o.ready = o.waits[:0], o.ready[:0]
	o.table.Touch(ids)
	timer := o.table.I64(0)
	for i, id := range ids {
		o.waits = append(o.waits, operators.MaxWatermark)
		switch {
		case id == 0:
		case *timer.At(id) == firing: // a key with two timers: the last time before 1970 looks like none
			ids[i] = 0
		default:
			*timer.At(id) = firing
		}
	}
	var at state.Cursor
	for {
		n := o.left.Match(ids, &at, o.probe, o.entries)
		if n == 0 {
			break
		}
		if err := o.meet(keys, ids, n); err != nil {
			return err
		}
	}
	for _, g := range o.ready {
		o.left.Remove(g.id, g.entry)
	}
	for i, id := range ids {
		if id == 0 {
			continue
		}
		o.forget(id)
		*timer.At(id) = 0
		if o.waits[i] < operators.MaxWatermark {
			*timer.At(id) = o.waits[i] + 1
			o.timers.Add(keys, i, 0, o.waits[i])
		} else if o.versions.Count(id) == 0 {
			o.one[0] = id
			o.table.Delete(o.one[:])
		}
	}
	return nil
}

// meet finds the versions for the left rows in entries that are due.
func (o *operator) meet(keys []batch.Vector, ids []uint32, n int) error {
	o.dueOf, o.valid = o.dueOf[:0], o.valid[:0]
	for k, e := range o.entries[:n] {
		p := o.probe[k]
		micros := *o.left.Cell(e, timeCell)
		if ms := types.FloorMillis(micros); ms > o.wm {
			o.waits[p] = min(o.waits[p], ms)
			continue
		}
		o.ready = append(o.ready, gone{ids[p], e})
		v := state.Entry(0)
		if !o.nullKey(keys, int(p)) {
			v = o.version(ids[p], micros)
		}
		o.dueOf, o.valid = append(o.dueOf, int32(k)), append(o.valid, v)
	}
	o.lived[0] = len(o.ts[1])
	o.versions.Gather(o.valid, o.lived[:], o.lives)
	for i, k := range o.dueOf {
		v, e := o.valid[i], o.entries[k]
		if v != 0 && o.lives[0].I64[i] == 0 {
			v = 0
		}
		if v == 0 && !o.spec.Outer {
			continue
		}
		kind := batch.Kind(*o.left.Cell(e, kindCell))
		o.due.left, o.due.right, o.due.kinds = append(o.due.left, e), append(o.due.right, v), append(o.due.kinds, kind)
		o.due.updates = o.due.updates || kind != batch.Insert
		if len(o.due.left) >= pair.Rows {
			if err := o.send(); err != nil {
				return err
			}
		}
	}
	return nil
}

// nullKey says that a key equals none.
func (o *operator) nullKey(keys []batch.Vector, row int) bool {
	for i := range keys {
		if !o.spec.NullSafe[i] && len(keys[i].Valid) > 0 && keys[i].Null(row) {
			return true
		}
	}
	return false
}

// version is the row of a key that was the latest at a time, 0 for none. It may say that
// there is none.
func (o *operator) version(id uint32, micros int64) state.Entry {
	o.at.Cols[o.spec.Time[1]].I64[0] = micros
	r := o.versions.Seek(id, &o.at, 0, true) - 1
	if r < 0 {
		return 0
	}
	o.versions.Range(id, r, o.found[:])
	return o.found[0]
}

// forget drops the versions before the one that is valid now.
func (o *operator) forget(id uint32) {
	if o.wm == operators.MaxWatermark {
		o.versions.RemoveRange(id, 0, o.versions.Count(id))
		return
	}
	o.at.Cols[o.spec.Time[1]].I64[0] = o.wm*1000 + 999
	if r := o.versions.Seek(id, &o.at, 0, true) - 1; r > 0 {
		o.versions.RemoveRange(id, 0, r)
	}
}

// send sends the pairs that are due. A pair that the condition refuses is no match.
func (o *operator) send() error {
	d := &o.due
	n := len(d.left)
	if n == 0 {
		return nil
	}
	o.left.Gather(d.left, o.cols[0], o.pairs.Side(0))
	o.versions.Gather(d.right, o.cols[1], o.pairs.Side(1))
	d.sel = d.sel[:0]
	for i, v := range d.right {
		if v != 0 {
			d.sel = append(d.sel, int32(i))
		}
	}
	pass, err := o.pairs.Passing(n, d.sel)
	if err != nil {
		return err
	}
	if o.spec.Outer {
		if len(pass) < len(d.sel) {
			k := 0
			for i := range d.right {
				if k < len(pass) && int(pass[k]) == i {
					k++
					continue
				}
				d.right[i] = 0
			}
			o.versions.Gather(d.right, o.cols[1], o.pairs.Side(1))
		}
		pass = d.sel[:0]
		for i := range n {
			pass = append(pass, int32(i))
		}
	}
	var kinds []batch.Kind
	if d.updates {
		kinds = d.kinds
	}
	err = o.pairs.Send(pass, kinds)
	d.left, d.right, d.kinds, d.updates = d.left[:0], d.right[:0], d.kinds[:0], false
	return err
}

// Close frees the condition.
func (o *operator) Close() error { return o.pairs.Close() }
