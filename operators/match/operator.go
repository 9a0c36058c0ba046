package match

import (
	"sort"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Cells of a partition.
const (
	cellRuns   = iota // the runs, encoded
	cellRows          // when its timer for waiting rows rings, unset for none
	cellExpiry        // likewise for WITHIN
	cellHeld          // the time of the earliest match that waits
)

// Rows of a partition.
const (
	keptRows    = iota // those of runs, by number
	waitingRows        // those that wait, in order
)

const unset = operators.MinWatermark

// operator finds the matches.
type operator struct {
	operators.Stateless
	spec      *Spec
	env       *operators.Env
	automaton automaton
	table     state.Table
	timers    state.Timers
	held      state.Timers // a watermark doesn't pass the time of a match that waits
	ts        []types.Type // of rows: the input's columns, then the time in ms
	msCol     int
	all       []int
	keyTs     []types.Type
	waits     bool // rows wait for their time
	late      *operators.Late
	wm        int64

	part  partition
	nav   navigator
	conds []condition
	next  queue
	ready queue // matches of the row at hand
	zero  []int32
	holds []uint64
	takes []int

	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	ids1   [1]uint32
	hash1  [1]uint64
	fresh  []bool
	list   []state.Entry
	sel    []int32
	one    [1]int32
	buf    []byte
	got    []batch.Vector
	in     batch.Batch // the batch with the time behind it
	order  []int32

	which         []int // navigations that measures read
	measures      *expr.Program
	found         batch.Batch // navigations of the matches to send
	keyRows       batch.Batch // and their partitions
	causes        []int32     // the row of the batch that each came with
	cause         int32
	pending       []found // of them, those of this visit
	pendingCounts []int32
	views         []view
	one1          batch.Batch // their aggregates
	cols          []batch.Vector
	out           batch.Batch
	sorted        batch.Batch
	outTs         []types.Type
}

// Open opens the partitions.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	o.late = env.Late(s.In)
	o.wm = operators.MinWatermark
	if env.Restored > 0 {
		o.wm = env.Heard
	}
	o.automaton.vars, o.next.vars, o.ready.vars = s.Vars, len(s.Vars), len(s.Vars)
	o.zero = make([]int32, len(s.Vars))
	o.waits = s.Order == Rowtime || len(s.By) > 1
	o.ts = append(append([]types.Type(nil), s.In.Types()...), types.BigIntType)
	o.msCol, o.outTs = s.In.Len(), s.Out.Types()
	spec := state.Spec{Name: "partitions", Row: []state.Column{{Type: types.BytesType, Meaning: "runs"}, {Type: types.BigIntType, Meaning: "timer of rows"},
		{Type: types.BigIntType, Meaning: "timer of expiry"}, {Type: types.BigIntType, Meaning: "earliest match"}}}
	for _, c := range s.Partition {
		o.keyTs = append(o.keyTs, o.ts[c])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[c], Meaning: s.In.Fields[c].Name})
	}
	var row []state.Column
	for c, t := range o.ts {
		o.all = append(o.all, c)
		name := "time"
		if c < o.msCol {
			name = s.In.Fields[c].Name
		}
		row = append(row, state.Column{Type: t, Meaning: name})
	}
	spec.Sorted = []state.SortedSpec{{Row: row, By: []batch.Order{{Col: o.msCol}}}}
	if o.waits {
		by := append([]batch.Order{{Col: o.msCol}}, s.By...)
		if s.Order == Proctime {
			by = append(by[:1], s.By[1:]...)
		}
		spec.Sorted = append(spec.Sorted, state.SortedSpec{Row: row, By: by})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if o.timers, err = env.State.Timers("times", o.keyTs); err != nil {
		return err
	}
	if s.Timed {
		if o.held, err = env.State.Timers("held", o.keyTs); err != nil {
			return err
		}
	}
	o.keys, o.got = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.ts))
	o.in.Cols = make([]batch.Vector, len(o.ts))
	o.list = make([]state.Entry, batch.MaxRows)
	if err := o.openNavigator(); err != nil {
		return err
	}
	if err := o.openConditions(); err != nil {
		return err
	}
	return o.openMeasures()
}

// Process keeps the rows, or lets them through.
func (o *operator) Process(_ int, b *batch.Batch) error {
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
	for i, id := range o.ids {
		if o.fresh[i] {
			o.ids1[0] = id
			o.table.Touch(o.ids1[:])
			for c := cellRows; c <= cellHeld; c++ {
				*o.table.I64(c).At(id) = unset
			}
		}
	}
	if o.waits {
		o.keep(b)
		return nil
	}
	return o.through(b)
}

// keep sorts rows in and sets a timer where a partition's first waiting row is new.
func (o *operator) keep(b *batch.Batch) {
	n := b.Len
	copy(o.in.Cols, b.Cols)
	o.in.Len = n
	ms := &o.in.Cols[o.msCol]
	ms.Prepare(types.BigIntType, n)
	col, rows := &b.Cols[o.spec.By[0].Col], o.table.Sorted(waitingRows)
	now := o.env.Now().UnixMilli()
	for i, id := range o.ids {
		at := now
		if o.spec.Order == Rowtime {
			if col.Null(i) {
				o.env.Metrics.Dropped.Add(1)
				continue
			}
			if at = millis(col.I64[i]); at <= o.wm {
				o.late.Drop(b, i, at, at, o.wm)
				continue
			}
		}
		ms.I64[i] = at
		rows.Insert(id, &o.in, i)
		if cell := o.table.I64(cellRows).At(id); *cell == unset || at < *cell {
			o.set(id, o.keys, i, cellRows, at)
		}
	}
}

// set changes a cell with a timer; a timer that rings for nothing does no harm.
func (o *operator) set(id uint32, keys []batch.Vector, row, cell int, ms int64) {
	o.ids1[0] = id
	o.table.Touch(o.ids1[:])
	at := o.table.I64(cell).At(id)
	old := *at
	if *at = ms; old == ms {
		return
	}
	switch cell {
	case cellRows, cellExpiry:
		if ms != unset {
			o.timers.Add(keys, row, int64(cell-cellRows), o.rings(cell, ms))
		}
	case cellHeld:
		if old != unset {
			o.held.Delete(keys, row, 0, old)
		}
		if ms != unset {
			o.held.Add(keys, row, 0, ms)
		}
	}
}

// rings is when the timer of a cell rings: rows of processing time wait for the end
// of their millisecond.
func (o *operator) rings(cell int, ms int64) int64 {
	if cell == cellRows && o.spec.Order == Proctime {
		return ms + 1
	}
	return ms
}

// through lets the rows of a batch through, partition by partition; the matches go
// out in the order of the rows they came with.
func (o *operator) through(b *batch.Batch) error {
	now := o.env.Now().UnixMilli()
	o.order = o.order[:0]
	for i := range b.Len {
		o.order = append(o.order, int32(i))
	}
	sort.SliceStable(o.order, func(i, j int) bool { return o.ids[o.order[i]] < o.ids[o.order[j]] })
	keys := append([]batch.Vector(nil), o.keys...)
	for from := 0; from < len(o.order); {
		to := from
		id := o.ids[o.order[from]]
		o.begin(id)
		for ; to < len(o.order) && o.ids[o.order[to]] == id; to++ {
			o.take(b.Cols, int(o.order[to]), now)
		}
		if err := o.visit(keys, int(o.order[from]), now, o.order[from:to]); err != nil {
			return err
		}
		from = to
	}
	return o.send()
}

// Watermark lets the rows through that it passes.
func (o *operator) Watermark(ms int64) (int64, error) {
	if o.spec.Order != Rowtime {
		return ms, nil
	}
	err := o.fire(ms)
	o.wm = ms
	if o.held != nil && ms != operators.MaxWatermark {
		if first, ok := o.held.Next(); ok && first-1 < ms {
			return first - 1, err
		}
	}
	return ms, err
}

// Tick lets the rows of past milliseconds through, and ends what took too long.
func (o *operator) Tick(now time.Time) (int64, time.Time, error) {
	if o.spec.Order == Rowtime {
		return operators.MinWatermark, time.Time{}, nil
	}
	err := o.fire(now.UnixMilli())
	var at time.Time
	if next, ok := o.timers.Next(); ok {
		at = time.UnixMilli(next)
	}
	return operators.MinWatermark, at, err
}

// End lets the rest through. What took too long by processing time isn't over yet.
func (o *operator) End(int) error {
	switch {
	case o.spec.Order == Rowtime:
		return o.fire(operators.MaxWatermark)
	case o.waits:
		return o.fire(o.env.Now().UnixMilli() + 1)
	}
	return nil
}

// fire visits the partitions whose timers are due: all of their rows up to then, as
// Flink does, one partition after the other.
func (o *operator) fire(ms int64) error {
	err := o.timers.Fire(ms, func(key []batch.Vector, ns, due int64) error {
		batch.Hash(o.keyTs, key, 1, o.hash1[:])
		o.table.Find(key, o.hash1[:], o.ids1[:])
		id := o.ids1[0]
		cell := cellRows + int(ns)
		if id == 0 {
			return nil
		}
		if at := *o.table.I64(cell).At(id); at == unset || o.rings(cell, at) != due {
			return nil
		}
		o.table.Touch(o.ids1[:])
		*o.table.I64(cell).At(id) = unset
		o.begin(id)
		o.gather(id, ms)
		if err := o.visit(key, 0, ms, nil); err != nil {
			return err
		}
		if o.found.Len >= batch.MaxRows {
			return o.send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.send()
}

// gather takes the waiting rows whose time has come.
func (o *operator) gather(id uint32, ms int64) {
	if !o.waits {
		return
	}
	rows := o.table.Sorted(waitingRows)
	left := rows.Count(id)
	if o.spec.Order == Proctime {
		ms--
	}
	n := 0
	for n < left {
		k := rows.Range(id, n, o.list[:min(len(o.list), left-n)])
		rows.Gather(o.list[:k], o.all, o.got)
		i := 0
		for ; i < k && o.got[o.msCol].I64[i] <= ms; i++ {
			o.take(o.got, i, o.got[o.msCol].I64[i])
		}
		if n += i; i < k {
			break
		}
	}
	if n > 0 {
		rows.RemoveRange(id, 0, n)
	}
}

// visit takes the rows of the visit through the partition's runs; now is the time
// reached. causes are the rows of the batch at hand that they are.
func (o *operator) visit(keys []batch.Vector, row int, now int64, causes []int32) error {
	p := &o.part
	o.prepare()
	for i, ms := range p.times {
		o.cause = 0
		if causes != nil {
			o.cause = causes[i]
		}
		if i == 0 || ms != p.times[i-1] {
			if err := o.expire(keys, row, ms); err != nil {
				return err
			}
		}
		if err := o.step(keys, row, i, ms); err != nil {
			return err
		}
	}
	if err := o.expire(keys, row, now); err != nil {
		return err
	}
	if err := o.measure(); err != nil {
		return err
	}
	first := o.earliest()
	if !o.save() {
		return nil
	}
	return o.remind(keys, row, first)
}

// remind sets the timers of a partition behind a visit.
func (o *operator) remind(keys []batch.Vector, row int, first int64) error {
	p := &o.part
	if o.waits {
		at := int64(unset)
		if rows := o.table.Sorted(waitingRows); rows.Count(p.id) > 0 {
			rows.Range(p.id, 0, o.list[:1])
			rows.Gather(o.list[:1], o.all[o.msCol:], o.got[:1])
			at = o.got[0].I64[0]
		}
		o.set(p.id, keys, row, cellRows, at)
	}
	if o.spec.Within > 0 {
		at := int64(unset)
		if p.partial.first() != none {
			at = p.partial.runs[0].time + o.spec.Within
		}
		o.set(p.id, keys, row, cellExpiry, at)
	}
	if o.held != nil {
		o.set(p.id, keys, row, cellHeld, first)
	}
	return nil
}

// earliest is the least time of a last row among the matches that wait.
func (o *operator) earliest() int64 {
	at := int64(unset)
	if o.held == nil {
		return at
	}
	q := &o.part.complete
	for _, r := range q.runs {
		end := r.start
		for _, c := range q.of(r) {
			end += int64(c)
		}
		cols, i := o.row(end - 1)
		if ms := cols[o.msCol].I64[i]; at == unset || ms < at {
			at = ms
		}
	}
	return at
}

// expire ends the partial matches that began too long before now.
func (o *operator) expire(keys []batch.Vector, row int, now int64) error {
	if o.spec.Within == 0 || !o.part.partial.expire(now-o.spec.Within) {
		return nil
	}
	return o.settle(keys, row)
}

// step takes row i of the visit through the runs.
func (o *operator) step(keys []batch.Vector, row, i int, ms int64) error {
	p := &o.part
	if err := o.judge(i); err != nil {
		return err
	}
	o.next.reset()
	o.ready.reset()
	for at, r := range p.partial.runs {
		counts := p.partial.of(r)
		begins := r.start == none
		if begins {
			r.start, r.time = p.fresh+int64(i), ms
		}
		v, c := o.automaton.place(counts)
		o.takes = o.automaton.takes(v, c, o.holds[at], o.takes[:0])
		for _, u := range o.takes {
			whole, partial := o.automaton.after(u, int(counts[u])+1, o.holds[at])
			counts[u]++
			if partial {
				o.next.add(r, counts)
			}
			if whole {
				o.ready.add(r, counts)
			}
			counts[u]--
		}
		if begins {
			o.next.add(run{start: none}, o.zero)
		}
	}
	p.partial, o.next = o.next, p.partial
	for _, r := range o.ready.runs {
		p.complete.add(r, o.ready.of(r))
	}
	if len(p.complete.runs) == 0 {
		return nil
	}
	return o.settle(keys, row)
}

// settle sends the matches that no partial match with an earlier start holds back.
func (o *operator) settle(keys []batch.Vector, row int) error {
	p := &o.part
	for len(p.complete.runs) > 0 {
		r := p.complete.runs[0]
		if p.partial.first() < r.start {
			return nil
		}
		counts := p.complete.of(r)
		p.complete.poll()
		to, err := o.spec.resume(r.start, counts)
		if err != nil {
			return err
		}
		p.partial.prune(to)
		p.complete.prune(to)
		o.find(keys, row, view{start: r.start, counts: counts, plus: -1})
	}
	return nil
}

// Close ends the programs.
func (o *operator) Close() error {
	for _, c := range o.conds {
		for _, p := range []*expr.Program{c.local, c.rest} {
			if p != nil {
				_ = p.Close()
			}
		}
	}
	if o.measures != nil {
		return o.measures.Close()
	}
	return nil
}

func millis(micros int64) int64 {
	q := micros / 1000
	if micros%1000 < 0 {
		q--
	}
	return q
}
