// Package dedup keeps one row per key by time: Flink's Deduplicate.
//
// Keep-last by event time sends each row that is not older than the stored one;
// keep-first by processing time sends a key's first row; keep-first by event time
// holds the earliest row until the watermark passes it.
package dedup

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Spec keeps the first or last row of each key in the order of Time.
type Spec struct {
	In       *types.Schema
	Keys     []int
	Time     int
	Rowtime  bool // else processing time: order of arrival
	KeepLast bool
	TTL      time.Duration // how long a key is kept; 0: for ever

	before bool
}

// Name is Deduplicate.
func (s *Spec) Name() string { return "Deduplicate" }

// Args are Flink's.
func (s *Spec) Args() []operators.Arg {
	keep := map[bool]string{true: "LastRow", false: "FirstRow"}[s.KeepLast]
	order := map[bool]string{true: "ROWTIME", false: "PROCTIME"}[s.Rowtime]
	return []operators.Arg{{Name: "keep", Value: "[" + keep + "]"}, {Name: "key", Value: operators.Columns(s.In, s.Keys)}, {Name: "order", Value: "[" + order + "]"}}
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes takes inserts; keep-last updates.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	if err := operators.RefuseUpdates(s.Name(), in[0]); err != nil {
		return in[0], operators.Keys{}, err
	}
	kinds := batch.InsertOnly
	if s.KeepLast {
		kinds |= batch.UpdateBefore.Set() | batch.UpdateAfter.Set()
	}
	k := [][]int{s.Keys}
	return batch.Changes{Kinds: kinds}, operators.Keys{Unique: k, Upsert: k}, nil
}

// Needs nothing beyond the rows.
func (s *Spec) Needs(int, operators.Need) operators.Need { return operators.Need{} }

// Distribution is by the key.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Keys) }

// Placement is the input's: all columns pass.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// SetBefore says whether -U is needed.
func (s *Spec) SetBefore(emit bool) { s.before = emit }

// Slice: keep-first by event time acts at any time.
func (s *Spec) Slice() int64 {
	if s.Rowtime && !s.KeepLast {
		return 1
	}
	return 0
}

// What is known of a key that keeps its first row: nothing yet, a row that waits
// for the watermark, or that one was sent.
const (
	waiting = 1
	sent    = 2
)

// SetTTL sets how long a key is kept.
func (s *Spec) SetTTL(ttl time.Duration) { s.TTL = ttl }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec   *Spec
	env    *operators.Env
	table  state.Table
	timers state.Timers
	ts     []types.Type
	cols   []int // of the input, those stored
	stored []int // their numbers in the table
	keyTs  []types.Type
	keys   []batch.Vector
	hashes []uint64
	ids    []uint32
	fresh  []bool
	wm     int64
	out    batch.Batch
	old    []batch.Vector
	taken  int // the column that says a key's first row has been sent
	last   lastRows
	late   *operators.Late
}

func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	o.env, o.Out, o.wm = env, out, operators.MinWatermark
	o.ts, o.late = o.spec.In.Types(), env.Late(o.spec.In)
	spec := state.Spec{Name: "dedup", TTL: o.spec.TTL}
	for _, c := range o.spec.Keys {
		o.keyTs = append(o.keyTs, o.ts[c])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[c], Meaning: o.spec.In.Fields[c].Name})
	}
	if o.spec.Rowtime || o.spec.KeepLast {
		for c, t := range o.ts {
			if o.spec.KeepLast && o.keyed(c) {
				continue
			}
			o.cols = append(o.cols, c)
			spec.Row = append(spec.Row, state.Column{Type: t, Meaning: o.spec.In.Fields[c].Name})
		}
	}
	o.taken = len(spec.Row)
	spec.Row = append(spec.Row, state.Column{Type: types.BigIntType, Meaning: "sent"})
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if o.timers, err = env.State.Timers("first", o.keyTs); err != nil {
		return err
	}
	o.keys, o.old = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.cols))
	o.last.open(o)
	o.out.Reset(o.ts)
	return nil
}

func (o *operator) find(b *batch.Batch) {
	for i, c := range o.spec.Keys {
		o.keys[i] = b.Cols[c]
	}
	if cap(o.hashes) < b.Len {
		o.hashes, o.ids, o.fresh = make([]uint64, 2*b.Len), make([]uint32, 2*b.Len), make([]bool, 2*b.Len)
	}
	o.hashes, o.ids, o.fresh = o.hashes[:b.Len], o.ids[:b.Len], o.fresh[:b.Len]
	batch.Hash(o.keyTs, o.keys, b.Len, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
}

func (o *operator) Process(_ int, b *batch.Batch) error {
	o.find(b)
	switch {
	case o.spec.KeepLast:
		return o.last.process(b)
	case o.spec.Rowtime:
		for i := 0; i < b.Len; i++ {
			o.earliest(b, i)
		}
		return nil
	}
	return o.first(b)
}

// first sends the first row of each key.
func (o *operator) first(b *batch.Batch) error {
	sel := o.last.sel[:0]
	for i, fresh := range o.fresh {
		if fresh {
			sel = append(sel, int32(i))
		}
	}
	o.last.sel = sel
	if len(sel) == 0 {
		return nil
	}
	o.last.plain = batch.Batch{Len: b.Len, Cols: b.Cols, Sel: sel}
	if len(sel) == b.Len {
		o.last.plain.Sel = nil
	}
	return o.Out.Emit(o.last.plain.Compact(o.ts, &o.last.dense))
}

// earliest keeps row i if it is the earliest of its key so far and none was sent.
func (o *operator) earliest(b *batch.Batch, i int) {
	id, ms := o.ids[i], types.FloorMillis(b.Cols[o.spec.Time].I64[i])
	if ms < o.wm && o.wm != operators.MinWatermark {
		o.late.Drop(b, i, ms, ms, o.wm)
		return
	}
	switch *o.table.I64(o.taken).At(id) {
	case sent:
		return
	case waiting:
		had := types.FloorMillis(*o.table.I64(o.spec.Time).At(id))
		if ms >= had {
			return
		}
		o.timers.Delete(o.keys, i, 0, had)
	}
	o.table.Touch(o.ids[i : i+1])
	*o.table.I64(o.taken).At(id) = waiting
	o.table.Put(o.ids[i:i+1], []int32{int32(i)}, o.cols, b.Cols)
	o.timers.Add(o.keys, i, 0, ms)
}

// Watermark sends the rows it passes, in the order of time.
func (o *operator) Watermark(ms int64) (int64, error) {
	o.wm = ms
	hash, id := make([]uint64, 1), make([]uint32, 1)
	err := o.timers.Fire(ms, func(key []batch.Vector, _, _ int64) error {
		batch.Hash(o.keyTs, key, 1, hash)
		o.table.Find(key, hash, id)
		if id[0] == 0 {
			return nil
		}
		o.table.Gather(id, o.cols, o.old)
		o.table.Touch(id)
		*o.table.I64(o.taken).At(id[0]) = sent
		return o.emit(&batch.Batch{Len: 1, Cols: o.old}, 0, batch.Insert)
	})
	if err == nil {
		err = o.flush()
	}
	if err != nil {
		return ms, fmt.Errorf("keep first row: %w", err)
	}
	return ms, nil
}

func (o *operator) emit(b *batch.Batch, i int, kind batch.Kind) error {
	o.out.AppendRow(o.ts, kind, b, i)
	if o.out.Len >= batch.MaxRows {
		return o.flush()
	}
	return nil
}

func (o *operator) flush() error {
	if o.out.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.ts)
	return err
}
