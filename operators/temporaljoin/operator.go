package temporaljoin

import (
	"fmt"

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
	ready   []state.Entry
	found   [1]state.Entry
	lived   [1]int
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
	if cap(o.ids) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, 2*b.Len), make([]uint32, 2*b.Len), make([]bool, 2*b.Len)
	}
	if len(o.entries) < b.Len {
		o.entries, o.probe = make([]state.Entry, b.Len), make([]int32, b.Len)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len]
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
	times := b.Cols[o.spec.Time[input]].I64
	for i, id := range o.ids {
		if input == 0 || b.Kind(i) != batch.UpdateBefore {
			o.wake(id, i, types.FloorMillis(times[i]))
		}
	}
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

// wake makes the key's timer fire at ms, if it isn't due before.
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
	o.timers.Add(o.keys, row, 0, ms)
}

// Watermark sends the left rows that event time has passed.
func (o *operator) Watermark(ms int64) (int64, error) {
	o.wm = ms
	hash, id := make([]uint64, 1), make([]uint32, 1)
	err := o.timers.Fire(ms, func(key []batch.Vector, _, _ int64) error {
		batch.Hash(o.keyTs, key, 1, hash)
		o.table.Find(key, hash, id)
		if id[0] == 0 {
			return nil
		}
		return o.fire(key, id[0])
	})
	if err == nil {
		err = o.send()
	}
	if err != nil {
		return ms, fmt.Errorf("temporal join: %w", err)
	}
	return ms, nil
}

// fire takes a key's rows that are due and sets the timer for those that wait.
func (o *operator) fire(key []batch.Vector, id uint32) error {
	o.one[0] = id
	waits := int64(operators.MaxWatermark)
	null := o.nullKey(key)
	var at state.Cursor
	o.ready = o.ready[:0]
	for {
		n := o.left.Match(o.one[:], &at, o.probe, o.entries)
		if n == 0 {
			break
		}
		for _, e := range o.entries[:n] {
			micros := *o.left.Cell(e, timeCell)
			if ms := types.FloorMillis(micros); ms > o.wm {
				waits = min(waits, ms)
				continue
			}
			o.ready = append(o.ready, e)
			v := state.Entry(0)
			if !null {
				v = o.version(id, micros)
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
	}
	for _, e := range o.ready {
		o.left.Remove(id, e)
	}
	o.forget(id)
	o.table.Touch(o.one[:])
	*o.table.I64(0).At(id) = 0
	if waits < operators.MaxWatermark {
		*o.table.I64(0).At(id) = waits + 1
		o.timers.Add(key, 0, 0, waits)
	} else if o.versions.Count(id) == 0 {
		o.table.Delete(o.one[:])
	}
	return nil
}

func (o *operator) nullKey(key []batch.Vector) bool {
	for i := range key {
		if !o.spec.NullSafe[i] && key[i].Null(0) {
			return true
		}
	}
	return false
}

// version is the row of a key that was valid at a time, 0 for none.
func (o *operator) version(id uint32, micros int64) state.Entry {
	o.at.Cols[o.spec.Time[1]].I64[0] = micros
	r := o.versions.Seek(id, &o.at, 0, true) - 1
	if r < 0 {
		return 0
	}
	o.versions.Range(id, r, o.found[:])
	o.lived[0] = len(o.ts[1])
	o.versions.Gather(o.found[:], o.lived[:], o.lives)
	if o.lives[0].I64[0] == 0 {
		return 0
	}
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
