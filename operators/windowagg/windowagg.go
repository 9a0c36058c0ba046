package windowagg

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/groupagg"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live aggregation. Times within it are ms of the windows' clock:
// local wall clock for TIMESTAMP_LTZ, else as they come.
type operator struct {
	operators.Stateless
	spec     *Spec
	env      *operators.Env
	table    state.Table
	layout   groupagg.Layout
	accs     []functions.Accumulator
	distinct []int
	width    int64
	wm       int64 // of the windows' clock
	fired    int64 // windows ending at or before this have been sent
	keyTs    []types.Type
	outTs    []types.Type
	out      batch.Batch

	part   batch.Batch // the rows of one slice
	inTs   []types.Type
	slices []int64
	idx    []int32
}

// Open opens the windowed table: per key and slice, the rows and each call's
// cells.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out, o.wm, o.fired = env, out, operators.MinWatermark, operators.MinWatermark
	s := o.spec
	o.width = s.slice()
	if o.accs, o.distinct, err = o.layout.Open(s.In, s.Calls, s.retract, env.Session); err != nil {
		return err
	}
	spec := state.Spec{Name: "windows", Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists, Windowed: true}
	for _, k := range s.Keys {
		o.keyTs = append(o.keyTs, s.In.Fields[k].Type)
		spec.Key = append(spec.Key, state.Column{Type: s.In.Fields[k].Type, Meaning: s.In.Fields[k].Name})
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.inTs, o.outTs = s.In.Types(), s.Out.Types()
	o.out.Reset(o.outTs)
	o.part.Cols = make([]batch.Vector, len(o.inTs))
	return nil
}

// clock is a row's time on the windows' clock, in ms.
func (o *operator) clock(micros int64) int64 {
	if o.spec.LTZ {
		micros = types.ToLocal(micros, o.env.Session.Zone)
	}
	return floor(micros, 1000)
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Process finds each row's slice and adds runs of one slice together.
func (o *operator) Process(_ int, b *batch.Batch) error {
	if cap(o.slices) < b.Len {
		o.slices = make([]int64, b.Len)
	}
	o.slices = o.slices[:b.Len]
	now := int64(0)
	if o.spec.Proctime {
		now = o.clock(o.env.Now().UnixMicro())
	}
	live := o.idx[:0]
	for i := 0; i < b.Len; i++ {
		t := now
		if !o.spec.Proctime {
			t = o.clock(b.Cols[o.spec.Time].I64[i])
		}
		end := floor(t-o.spec.Offset, o.width)*o.width + o.spec.Offset + o.width
		o.slices[i] = end
		if o.last(end)-1 <= o.wm && o.wm != operators.MinWatermark {
			o.env.Metrics.Late.Add(1)
			continue
		}
		live = append(live, int32(i))
	}
	o.idx = live
	for from := 0; from < len(live); {
		to := from + 1
		for to < len(live) && o.slices[live[to]] == o.slices[live[from]] {
			to++
		}
		if err := o.add(b, live[from:to], o.slices[live[from]]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// last is the end of the last window that a slice belongs to.
func (o *operator) last(end int64) int64 {
	s := o.spec
	switch s.Kind {
	case Hop:
		start := floor(end-o.width-s.Offset, s.Slide)*s.Slide + s.Offset
		return start + s.Size
	case Cumulate:
		return floor(end-o.width-s.Offset, s.Size)*s.Size + s.Offset + s.Size
	}
	return end
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
	n := in.Len
	keys := make([]batch.Vector, len(o.spec.Keys))
	for i, k := range o.spec.Keys {
		keys[i] = in.Cols[k]
	}
	hashes, ids, fresh := make([]uint64, n), make([]uint32, n), make([]bool, n)
	batch.Hash(o.keyTs, keys, n, hashes)
	t.Upsert(keys, hashes, ids, fresh)
	t.Touch(ids)
	count := t.I64(0)
	signs := make([]int8, n)
	for i := range ids {
		signs[i] = in.Kind(i).Sign()
		*count.At(ids[i]) += int64(signs[i])
	}
	for c, call := range o.spec.Calls {
		r := functions.Rows{N: n, IDs: ids, Reset: fresh, Sel: o.counting(t, c, in, ids, signs)}
		if o.spec.retract {
			r.Signs = signs
		}
		var args []batch.Vector
		for _, a := range call.Args {
			args = append(args, in.Cols[a])
		}
		if err := o.accs[c].Fold(o.layout.Cells(t, c), r, args); err != nil {
			return err
		}
	}
	return nil
}

// counting are the rows that count for a call: FILTER, and for DISTINCT in a
// tumbling window the first of each value.
func (o *operator) counting(t state.Table, c int, b *batch.Batch, ids []uint32, signs []int8) []int32 {
	call := o.spec.Calls[c]
	if call.Filter < 0 && !call.Distinct {
		return nil
	}
	sel := []int32{}
	var values []batch.Vector
	for _, a := range call.Args {
		values = append(values, b.Cols[a])
	}
	for i := 0; i < b.Len; i++ {
		if f := call.Filter; f >= 0 && (b.Cols[f].Null(i) || b.Cols[f].I64[i] == 0) {
			continue
		}
		if call.Distinct {
			n := t.Multiset(o.distinct[c]).Add(ids[i], values, i, int64(signs[i]))
			if signs[i] > 0 && n != 1 || signs[i] < 0 && n != 0 {
				continue
			}
		}
		sel = append(sel, int32(i))
	}
	return sel
}

// Watermark sends the windows it passes.
func (o *operator) Watermark(ms int64) (int64, error) {
	if o.spec.Proctime {
		return ms, nil
	}
	to := ms
	if ms != operators.MaxWatermark && o.spec.LTZ {
		to = floor(types.ToLocal(ms*1000, o.env.Session.Zone), 1000)
	}
	return ms, o.advance(to)
}

// Tick sends the windows that the wall clock has passed.
func (o *operator) Tick(now time.Time) (int64, time.Time, error) {
	if !o.spec.Proctime {
		return operators.MinWatermark, time.Time{}, nil
	}
	return operators.MinWatermark, time.Time{}, o.advance(o.clock(now.UnixMicro()) - 1)
}

// End sends what processing time has pending.
func (o *operator) End(int) error {
	if o.spec.Proctime || o.env.Session.Batch {
		return o.advance(operators.MaxWatermark)
	}
	return nil
}

// advance fires, in order, every window with rows that ends at or before to.
func (o *operator) advance(to int64) error {
	for {
		slices := o.table.Slices()
		if len(slices) == 0 {
			break
		}
		end, ok := o.next(slices)
		if !ok || end-1 > to {
			break
		}
		if err := o.fire(slices, end); err != nil {
			return err
		}
		o.fired = end
		for _, s := range slices {
			if o.last(s) <= end {
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
	s := o.spec
	for _, end := range slices {
		e := end
		switch s.Kind {
		case Hop: // window ends are start + size, starts multiples of the slide
			e = ceil(end-s.Size-s.Offset, s.Slide)*s.Slide + s.Offset + s.Size
			if e <= o.fired {
				e = (floor(o.fired-s.Size-s.Offset, s.Slide)+1)*s.Slide + s.Offset + s.Size
			}
		case Cumulate:
			if e <= o.fired {
				e = (floor(o.fired-s.Offset, s.Slide)+1)*s.Slide + s.Offset
			}
		}
		if e > o.last(end) {
			continue
		}
		if !found || e < best {
			best, found = e, true
		}
	}
	return best, found
}

func ceil(a, b int64) int64 { return -floor(-a, b) }

func (o *operator) start(end int64) int64 {
	if o.spec.Kind == Cumulate {
		return floor(end-1-o.spec.Offset, o.spec.Size)*o.spec.Size + o.spec.Offset
	}
	return end - o.spec.Size
}

// fire merges the window's slices and sends a row per key, in order of arrival.
func (o *operator) fire(slices []int64, end int64) error {
	start := o.start(end)
	var in []int64
	for _, s := range slices {
		if s > start && s <= end {
			in = append(in, s)
		}
	}
	if len(in) == 0 {
		return nil
	}
	if len(in) == 1 {
		return o.send(o.table.Slice(in[0]), start, end)
	}
	const scratch = operators.MinWatermark
	m := o.table.Slice(scratch)
	defer o.table.Drop(scratch)
	for _, s := range in {
		if err := o.merge(m, o.table.Slice(s)); err != nil {
			return err
		}
	}
	return o.send(m, start, end)
}

func all(t state.Table) []uint32 {
	var ids []uint32
	t.Each(func(id uint32) bool { ids = append(ids, id); return true })
	return ids
}

func (o *operator) merge(into, from state.Table) error {
	src := all(from)
	n := len(src)
	keys := make([]batch.Vector, len(o.keyTs))
	from.Keys(src, keys)
	hashes, ids, fresh := make([]uint64, n), make([]uint32, n), make([]bool, n)
	batch.Hash(o.keyTs, keys, n, hashes)
	into.Upsert(keys, hashes, ids, fresh)
	rows, add := into.I64(0), from.I64(0)
	for i := range ids {
		*rows.At(ids[i]) += *add.At(src[i])
	}
	for c, call := range o.spec.Calls {
		if call.Distinct {
			if err := o.mergeDistinct(c, into, ids, fresh, from, src); err != nil {
				return err
			}
			continue
		}
		a, b := o.layout.Cells(into, c), o.layout.Cells(from, c)
		if err := o.accs[c].Merge(a, ids, fresh, b, src); err != nil {
			return err
		}
	}
	return nil
}

// mergeDistinct adds the values that the other slices don't have.
func (o *operator) mergeDistinct(c int, into state.Table, ids []uint32, fresh []bool, from state.Table, src []uint32) error {
	set, other := into.Multiset(o.distinct[c]), from.Multiset(o.distinct[c])
	cells := o.layout.Cells(into, c)
	for i, id := range ids {
		reset := []bool{fresh[i]}
		var err error
		other.Each(src[i], func(v []batch.Vector, n int64) bool {
			sel := []int32{}
			if set.Count(id, v, 0) == 0 {
				sel = append(sel, 0)
			}
			set.Add(id, v, 0, n)
			err = o.accs[c].Fold(cells, functions.Rows{N: 1, IDs: []uint32{id}, Reset: reset, Sel: sel}, v)
			reset = []bool{false}
			return err == nil
		})
		if err == nil && reset[0] {
			v := make([]batch.Vector, len(o.spec.Calls[c].Args))
			for k, a := range o.spec.Calls[c].Args {
				v[k].Prepare(o.inTs[a], 1)
			}
			err = o.accs[c].Fold(cells, functions.Rows{N: 1, IDs: []uint32{id}, Reset: reset, Sel: []int32{}}, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send emits the rows of a table as one window's.
func (o *operator) send(t state.Table, start, end int64) error {
	rows := t.I64(0)
	var ids []uint32
	t.Each(func(id uint32) bool {
		if *rows.At(id) > 0 {
			ids = append(ids, id)
		}
		return true
	})
	for at := 0; at < len(ids); at += batch.MaxRows {
		if err := o.rows(t, ids[at:min(at+batch.MaxRows, len(ids))], start, end); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) rows(t state.Table, ids []uint32, start, end int64) error {
	k := len(o.keyTs)
	if len(o.out.Cols) < len(o.outTs) {
		o.out.Cols = make([]batch.Vector, len(o.outTs))
	}
	t.Keys(ids, o.out.Cols[:k])
	for c := range o.accs {
		v := &o.out.Cols[k+c]
		v.Prepare(o.outTs[k+c], len(ids))
		if err := o.accs[c].Result(o.layout.Cells(t, c), ids, v); err != nil {
			return err
		}
	}
	for i, p := range o.spec.Props {
		at := k + len(o.accs) + i
		v := &o.out.Cols[at]
		v.Prepare(o.outTs[at], len(ids))
		ms := [...]int64{start, end, end - 1}[p] * 1000
		if o.outTs[at].Kind == types.TimestampLTZ {
			ms = types.FromLocal(ms, o.env.Session.Zone)
		}
		for r := range ids {
			v.I64[r] = ms
		}
	}
	o.out.Len, o.out.Kinds, o.out.Sel = len(ids), nil, nil
	return o.Out.Emit(&o.out)
}
