package intervaljoin

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/pair"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live join.
type operator struct {
	operators.Stateless
	spec   *Spec
	env    *operators.Env
	table  state.Table
	timers state.Timers
	pairs  pair.Builder
	sides  [2]side
	now    int64 // event time both inputs have reached, or the clock
	hold   int64 // how long a row may wait at most
	ended  int
	void   bool // no two times can satisfy the bounds

	hashes  []uint64
	ids     []uint32
	probes  []uint32
	fresh   []bool
	probe   []int32
	entries []state.Entry
	sel     []int32
	stay    []state.Entry
	gone    []gone
	times   []int64
	one     [1]uint32
	keyTs   []types.Type

	rows     []int32 // of a batch, whose keys' timers are to be set
	ns, ends []int64
	visited  []uint32 // keys whose timers ring
}

// side is one input. Its rows' cells: whether a partner came, and their time.
type side struct {
	ts          []types.Type
	cols        []int
	list        state.List
	keys        []batch.Vector
	got         []batch.Vector
	back, ahead int64
	expired     int64 // rows up to this time have no partners to come
	timer       int   // the table's column with the time of the key's timer
}

// gone is an entry whose time is over.
type gone struct {
	id    uint32
	entry state.Entry
}

// Open opens the one table and the timers.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out, o.now = env, out, operators.MinWatermark
	s := o.spec
	o.void = s.Upper < s.Lower
	spec := state.Spec{Name: "interval join", Row: []state.Column{{Type: types.BigIntType, Meaning: "left timer"}, {Type: types.BigIntType, Meaning: "right timer"}}}
	for i, schema := range []*types.Schema{s.Left, s.Right} {
		sd := &o.sides[i]
		sd.ts, sd.timer, sd.expired = schema.Types(), i, operators.MinWatermark
		sd.back, sd.ahead = s.reach(i)
		o.hold = max(o.hold, sd.back, sd.ahead)
		var row []state.Column
		for c, t := range sd.ts {
			sd.cols = append(sd.cols, c)
			row = append(row, state.Column{Type: t, Meaning: schema.Fields[c].Name})
		}
		sd.keys, sd.got = make([]batch.Vector, len(s.Keys[i])), make([]batch.Vector, len(sd.ts))
		spec.Lists = append(spec.Lists, state.ListSpec{Row: row, Cells: 2})
	}
	for _, k := range s.Keys[0] {
		t := o.sides[0].ts[k].Nullable()
		o.keyTs = append(o.keyTs, t)
		spec.Key = append(spec.Key, state.Column{Type: t, Meaning: s.Left.Fields[k].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if o.timers, err = env.State.Timers("interval join ends", o.keyTs); err != nil {
		return err
	}
	o.sides[0].list, o.sides[1].list = o.table.List(0), o.table.List(1)
	o.entries, o.probe = make([]state.Entry, pair.Rows), make([]int32, pair.Rows)
	return o.pairs.Open(s.Left, s.Right, s.Rest, env.Session, out)
}

// Process joins a batch of one side with what waits of the other, then lets it
// wait itself.
func (o *operator) Process(input int, b *batch.Batch) error {
	if o.spec.Proctime {
		o.now = o.env.Now().UnixMilli()
	}
	o.find(input, b)
	if err := o.meet(input, b); err != nil {
		return err
	}
	if err := o.wait(input, b); err != nil {
		return err
	}
	if err := o.drop(1 - input); err != nil {
		return err
	}
	return o.pairs.Flush()
}

// find resolves the keys, reads the times, and says which rows may have partners.
func (o *operator) find(input int, b *batch.Batch) {
	me, you := &o.sides[input], &o.sides[1-input]
	for i, k := range o.spec.Keys[input] {
		me.keys[i] = b.Cols[k]
	}
	o.hashes = slices.Grow(o.hashes[:0], b.Len)
	if cap(o.ids) < b.Len {
		o.ids, o.probes, o.fresh = make([]uint32, 2*b.Len), make([]uint32, 2*b.Len), make([]bool, 2*b.Len)
		o.times, o.stay = make([]int64, 2*b.Len), make([]state.Entry, 2*b.Len)
	}
	o.hashes, o.ids, o.probes, o.fresh, o.times, o.stay = o.hashes[:b.Len], o.ids[:b.Len], o.probes[:b.Len], o.fresh[:b.Len], o.times[:b.Len], o.stay[:b.Len]
	batch.Hash(o.keyTs, me.keys, b.Len, o.hashes)
	o.table.Upsert(me.keys, o.hashes, o.ids, o.fresh)
	copy(o.probes, o.ids)
	for i := range o.times {
		if o.times[i] = o.now; !o.spec.Proctime {
			o.times[i] = types.FloorMillis(b.Cols[o.spec.Time[input]].I64[i])
		}
		if o.void || you.expired >= o.times[i]+me.ahead {
			o.probes[i] = 0
			continue
		}
		you.expired = o.over(1 - input)
	}
	for k := range me.keys {
		if o.spec.NullSafe[k] || len(me.keys[k].Valid) == 0 {
			continue
		}
		for i := range o.probes {
			if me.keys[k].Null(i) {
				o.probes[i] = 0
			}
		}
	}
}

// over is the time up to which a side's rows have no partners to come.
func (o *operator) over(side int) int64 {
	if o.now == operators.MaxWatermark || o.now == operators.MinWatermark {
		return o.now
	}
	return o.now - o.sides[side].ahead - 1
}

// met marks rows of the batch that have had a partner.
const met = state.Entry(1)

// meet sends the pairs. o.stay remembers which rows had one.
func (o *operator) meet(input int, b *batch.Batch) error {
	me, you := &o.sides[input], &o.sides[1-input]
	clear(o.stay)
	o.gone = o.gone[:0]
	var at state.Cursor
	for {
		n := you.list.Match(o.probes, &at, o.probe, o.entries)
		if n == 0 {
			return nil
		}
		o.sel = o.sel[:0]
		for k, p := range o.probe[:n] {
			t := *you.list.Cell(o.entries[k], 1)
			if t >= o.times[p]-me.back && t <= o.times[p]+me.ahead {
				o.sel = append(o.sel, int32(k))
			}
			if t <= you.expired {
				o.gone = append(o.gone, gone{o.ids[p], o.entries[k]})
			}
		}
		if len(o.sel) == 0 {
			continue
		}
		o.pairs.Take(input, b.Cols, o.probe[:n])
		you.list.Gather(o.entries[:n], you.cols, o.pairs.Side(1-input))
		sel, err := o.pairs.Passing(n, o.sel)
		if err != nil {
			return err
		}
		for _, k := range sel {
			o.stay[o.probe[k]] = met
			*you.list.Cell(o.entries[k], 0) = 1
		}
		if err := o.pairs.Send(sel, nil); err != nil {
			return err
		}
	}
}

// wait stores the rows that partners may still come for; an outer side's others
// come out padded.
func (o *operator) wait(input int, b *batch.Batch) error {
	me := &o.sides[input]
	for i := range o.ids {
		if !o.void && o.now < o.times[i]+me.ahead {
			continue
		}
		if o.stay[i] != met && o.spec.Outer[input] {
			if err := o.pairs.Pad(input, b.Cols, i, batch.Insert); err != nil {
				return err
			}
		}
		o.ids[i] = 0
	}
	had := o.probes // reused: who had a partner
	for i := range had {
		had[i] = uint32(o.stay[i])
	}
	me.list.Append(o.ids, b, o.stay)
	timer := o.table.I64(me.timer)
	o.rows, o.ns, o.ends = o.rows[:0], o.ns[:0], o.ends[:0]
	for i, e := range o.stay {
		if e == 0 {
			continue
		}
		*me.list.Cell(e, 0), *me.list.Cell(e, 1) = int64(had[i]), o.times[i]
		if at := timer.At(o.ids[i]); *at == 0 {
			o.table.Touch(o.ids[i : i+1])
			*at = o.due(input, o.times[i])
			o.rows, o.ns, o.ends = append(o.rows, int32(i)), append(o.ns, int64(input)), append(o.ends, *at)
		}
	}
	o.timers.AddAll(me.keys, o.hashes, o.rows, o.ns, o.ends)
	return nil
}

// due is when a timer looks after a side's rows of a time: somewhat late, so that
// one timer finds many.
func (o *operator) due(side int, ms int64) int64 {
	return ms + o.sides[side].ahead + max((o.sides[0].ahead+o.sides[0].back)/2, 0) + 1
}

// drop takes out the rows whose time was found to be over.
func (o *operator) drop(side int) error {
	sd := &o.sides[side]
	last := state.Entry(0)
	for _, g := range o.gone {
		if g.entry == last {
			continue
		}
		last = g.entry
		if *sd.list.Cell(g.entry, 1) == removed {
			continue
		}
		if err := o.leave(side, g.id, g.entry); err != nil {
			return err
		}
	}
	return nil
}

// removed is the time of an entry that has been taken out.
const removed = operators.MinWatermark

// leave takes an entry out, padded if nobody met it.
func (o *operator) leave(side int, id uint32, e state.Entry) error {
	sd := &o.sides[side]
	if o.spec.Outer[side] && *sd.list.Cell(e, 0) == 0 {
		sd.list.Gather([]state.Entry{e}, sd.cols, sd.got)
		if err := o.pairs.Pad(side, sd.got, 0, batch.Insert); err != nil {
			return err
		}
	}
	*sd.list.Cell(e, 1) = removed
	sd.list.Remove(id, e)
	return nil
}

// Watermark lets rows go and passes on what is sure.
func (o *operator) Watermark(ms int64) (int64, error) {
	if o.spec.Proctime {
		return ms, nil
	}
	o.now = ms
	if err := o.fire(); err != nil {
		return ms, err
	}
	if ms == operators.MaxWatermark || ms == operators.MinWatermark {
		return ms, nil
	}
	return ms - o.hold, nil
}

// Tick does the same by the clock.
func (o *operator) Tick(now time.Time) (int64, time.Time, error) {
	if !o.spec.Proctime {
		return operators.MinWatermark, time.Time{}, nil
	}
	o.now = now.UnixMilli()
	if err := o.fire(); err != nil {
		return operators.MinWatermark, time.Time{}, err
	}
	next := time.Time{}
	if ms, ok := o.timers.Next(); ok {
		next = time.UnixMilli(ms)
	}
	return operators.MinWatermark, next, nil
}

// End lets all rows of processing time go: no partner can come.
func (o *operator) End(int) error {
	if o.ended++; o.ended < 2 || !o.spec.Proctime {
		return nil
	}
	o.now = operators.MaxWatermark
	return o.fire()
}

// fire runs the timers that are due. Those that clean sets are due later.
func (o *operator) fire() error {
	err := o.timers.FireAll(o.now, func(keys []batch.Vector, sides, _ []int64) error {
		n := len(sides)
		o.hashes, o.visited = slices.Grow(o.hashes[:0], n)[:n], slices.Grow(o.visited[:0], n)[:n]
		batch.Hash(o.keyTs, keys, n, o.hashes)
		o.table.Find(keys, o.hashes, o.visited)
		for i, id := range o.visited {
			if id == 0 {
				continue
			}
			if err := o.clean(int(sides[i]), keys, i, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = o.pairs.Flush()
	}
	if err != nil {
		return fmt.Errorf("interval join: %w", err)
	}
	return nil
}

// clean lets those rows of a side and a key, that of a row of keys, go whose time is over,
// and sets the timer for the rest.
func (o *operator) clean(side int, keys []batch.Vector, row int, id uint32) error {
	sd := &o.sides[side]
	sd.expired = o.over(side)
	o.one[0] = id
	o.gone = o.gone[:0]
	earliest := int64(operators.MaxWatermark)
	var at state.Cursor
	for {
		n := sd.list.Match(o.one[:], &at, o.probe, o.entries)
		if n == 0 {
			break
		}
		for _, e := range o.entries[:n] {
			if t := *sd.list.Cell(e, 1); t <= sd.expired {
				o.gone = append(o.gone, gone{id, e})
			} else {
				earliest = min(earliest, t)
			}
		}
	}
	if err := o.drop(side); err != nil {
		return err
	}
	o.table.Touch(o.one[:])
	timer := o.table.I64(sd.timer).At(id)
	if *timer = 0; earliest < operators.MaxWatermark {
		*timer = o.due(side, earliest)
		o.timers.Add(keys, row, int64(side), *timer)
		return nil
	}
	if o.sides[1-side].list.Count(id) == 0 {
		o.table.Delete(o.one[:])
	}
	return nil
}

// Close frees the condition.
func (o *operator) Close() error { return o.pairs.Close() }
