package topn

import (
	"math"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// operator is the live Top-N.
type operator struct {
	operators.Stateless
	spec   *Spec
	table  state.Table
	rows   state.Sorted
	env    *operators.Env
	ts     []types.Type
	outTs  []types.Type
	cols   []int
	keyTs  []types.Type
	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
	sel    []int32 // the rows of a batch that may be among the first

	before, after ranks
	pending       pending
	out           batch.Batch
	got           [2]batch.Batch // scratch: decoded rows
	hold          bool           // batch mode: only the end counts
	to            int            // the last rank wanted of the partition at hand
	climb         *climbers      // of UpdateFast
}

// ranks are the rows at ranks From..To at some moment.
type ranks []state.Entry

// Open opens the sorted rows.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out = env, out
	s := o.spec
	o.ts, o.outTs = s.In.Types(), s.Out.Types()
	spec := state.Spec{Name: "topn", TTL: s.TTL, Sorted: []state.SortedSpec{{By: s.By}}}
	for c, t := range o.ts {
		o.cols = append(o.cols, c)
		spec.Sorted[0].Row = append(spec.Sorted[0].Row, state.Column{Type: t, Meaning: s.In.Fields[c].Name})
	}
	for _, c := range s.Partition {
		o.keyTs = append(o.keyTs, o.ts[c])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[c], Meaning: s.In.Fields[c].Name})
	}
	if s.ToCol >= 0 {
		spec.Row = []state.Column{{Type: types.BigIntType, Meaning: "rank end"}}
	}
	if s.strategy != Retract && s.ToCol < 0 {
		spec.Sorted[0].Most = int(s.To)
	}
	o.keys = make([]batch.Vector, len(s.Partition))
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	o.rows = o.table.Sorted(0)
	for i := range o.got {
		o.got[i].Cols = make([]batch.Vector, len(o.ts))
	}
	o.out.Cols = make([]batch.Vector, len(o.outTs))
	o.hold = env.Session.Batch
	if s.strategy == UpdateFast {
		o.climb, err = openClimbers(o)
	}
	return err
}

// Process applies the rows, one by one where they may be taken back.
func (o *operator) Process(_ int, b *batch.Batch) error {
	for i, c := range o.spec.Partition {
		o.keys[i] = b.Cols[c]
	}
	if cap(o.hashes) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, 2*b.Len), make([]uint32, 2*b.Len), make([]bool, 2*b.Len)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len]
	batch.Hash(o.keyTs, o.keys, b.Len, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	if s := o.spec; s.strategy == AppendFast && s.ToCol < 0 && (!o.hold || s.Fn == RowNumber) {
		if err := o.added(b); err != nil {
			return err
		}
		return o.flush()
	}
	o.rows.Fetch(o.ids)
	for i := 0; i < b.Len; i++ {
		o.to = o.end(b, i)
		row := o.row
		if o.climb != nil {
			row = o.climb.row
		}
		if err := row(b, i); err != nil {
			return err
		}
	}
	return o.flush()
}

// end is the last rank wanted in the partition of row i. A column's value counts as
// the partition's first row has it.
func (o *operator) end(b *batch.Batch, i int) int {
	if o.spec.ToCol < 0 {
		return int(o.spec.To)
	}
	at := o.table.I64(0).At(o.ids[i])
	if o.fresh[i] {
		o.table.Touch(o.ids[i : i+1])
		if *at = 0; !b.Cols[o.spec.ToCol].Null(i) {
			*at = b.Cols[o.spec.ToCol].I64[i]
		}
		if o.spec.ToLess {
			*at--
		}
		*at = min(max(*at, 0), 1<<30)
	}
	return int(*at)
}

// row puts row i in or takes it out.
func (o *operator) row(b *batch.Batch, i int) error {
	id := o.ids[i]
	if b.Kind(i).Sign() > 0 {
		if o.hold {
			o.keep(id, b, i)
			return nil
		}
		most := o.to
		if o.spec.strategy == Retract {
			most = math.MaxInt
		}
		rank, in, out := o.rows.Top(id, b, i, most)
		if in == 0 || rank >= o.to {
			return nil
		}
		if o.spec.strategy == Retract {
			out = o.at(id, o.to)
		}
		return o.entered(id, rank, in, out)
	}
	rank, out := o.rows.RemoveEqual(id, b, i)
	if out == 0 {
		o.env.Metrics.Dropped.Add(1)
		return nil
	}
	if rank >= o.to || o.hold {
		return nil
	}
	return o.left(id, rank, out)
}

// at is the entry at a rank, 0 when there is none.
func (o *operator) at(id uint32, rank int) state.Entry {
	var one [1]state.Entry
	o.rows.Range(id, rank, one[:])
	return one[0]
}

// take lists the rows at ranks from..To-1.
func (o *operator) take(r *ranks, id uint32, from int) {
	n := max(min(o.to-from, o.rows.Count(id)-from), 0)
	if cap(*r) < n {
		*r = make(ranks, n, 2*n)
	}
	*r = (*r)[:n]
	o.rows.Range(id, from, *r)
}

// decode reads rows into a scratch batch.
func (o *operator) decode(scratch int, entries []state.Entry) *batch.Batch {
	b := &o.got[scratch]
	o.rows.Gather(entries, o.cols, b.Cols)
	b.Len = len(entries)
	return b
}
