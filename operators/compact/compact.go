// Package compact lets one row of each primary key through to a sink: ON CONFLICT
// DO NOTHING keeps the first, DO ERROR fails at a second.
//
// What arrives between two watermarks is kept; when event time moves on, each key
// with something waiting is judged. A row and its removal cancel, whatever their
// order. What is left is held against the row that is visible: it may be removed,
// updated, or, when none is, replaced. Start with Spec, then judge.
package compact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Spec keeps one row per Key.
type Spec struct {
	In   *types.Schema
	Key  []int // the primary key
	From []int // the upsert key of the input; nil: unknown, whole rows are compared
	Fail bool  // a second row fails the job
	At   sqlerr.Span
}

// Name is SinkUpsertMaterializer, of the kind that waits for watermarks.
func (s *Spec) Name() string { return "SinkUpsertMaterializer" }

// Args are both keys and what happens at a conflict.
func (s *Spec) Args() []operators.Arg {
	on := "[NOTHING]"
	if s.Fail {
		on = "[ERROR]"
	}
	return []operators.Arg{{Name: "primaryKey", Value: operators.Columns(s.In, s.Key)}, {Name: "upsertKey", Value: operators.Columns(s.In, s.From)}, {Name: "conflictStrategy", Value: on}}
}

// Schema is the input's.
func (s *Spec) Schema() *types.Schema { return s.In }

// Changes: inserts of inserts, else those of an upsert stream.
func (s *Spec) Changes(in []batch.Changes, _ []operators.Keys) (batch.Changes, operators.Keys, error) {
	k := [][]int{s.Key}
	out := batch.Changes{Kinds: batch.Upsert}
	if in[0].InsertOnly() {
		out.Kinds = batch.InsertOnly
	}
	return out, operators.Keys{Unique: k, Upsert: k}, nil
}

// Needs whole changes: they are matched by value.
func (s *Spec) Needs(int, operators.Need) operators.Need {
	return operators.Need{Before: true, FullDeletes: true}
}

// Distribution is by the primary key.
func (s *Spec) Distribution(int) operators.Distribution { return operators.Keyed(s.Key) }

// Placement is the input's: all columns pass.
func (s *Spec) Placement(in []operators.Distribution) operators.Distribution { return in[0] }

// Slice: every watermark counts.
func (s *Spec) Slice() int64 { return 1 }

// New makes the operator.
func (s *Spec) New() operators.Operator { return &operator{spec: s} }

type operator struct {
	operators.Stateless
	spec    *Spec
	env     *operators.Env
	table   state.Table // the visible row of each key, and what waits
	waiting state.List  // rows with their sign in cell 0
	timers  state.Timers
	wm      int64
	ts      []types.Type
	cols    []int
	shown   int // the column that says a row is visible
	match   []int
	keyTs   []types.Type
	keys    []batch.Vector
	hashes  []uint64
	ids     []uint32
	fresh   []bool
	old     []batch.Vector // the visible row
	got     []batch.Vector // what waits
	out     batch.Batch
}

// Open opens the table and the timers that list the keys with something waiting.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	s := o.spec
	o.env, o.Out, o.ts, o.match, o.wm = env, out, s.In.Types(), s.From, operators.MinWatermark
	spec, rows := state.Spec{Name: "keys"}, state.ListSpec{Cells: 1}
	for _, k := range s.Key {
		o.keyTs = append(o.keyTs, o.ts[k])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[k], Meaning: s.In.Fields[k].Name})
	}
	for c, f := range s.In.Fields {
		o.cols = append(o.cols, c)
		rows.Row = append(rows.Row, state.Column{Type: f.Type, Meaning: f.Name})
	}
	if len(o.match) == 0 {
		o.match = o.cols
	}
	o.shown = len(o.cols)
	spec.Row = append(slices.Clone(rows.Row), state.Column{Type: types.BigIntType, Meaning: "shown"})
	spec.Lists = []state.ListSpec{rows}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if o.timers, err = env.State.Timers("waiting", o.keyTs); err != nil {
		return err
	}
	o.waiting = o.table.List(0)
	o.keys, o.old, o.got = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.cols)), make([]batch.Vector, len(o.cols))
	o.out.Reset(o.ts)
	return nil
}

// Process keeps the rows until the watermark moves.
func (o *operator) Process(_ int, b *batch.Batch) error {
	n := b.Len
	for i, c := range o.spec.Key {
		o.keys[i] = b.Cols[c]
	}
	o.hashes, o.ids, o.fresh = slices.Grow(o.hashes[:0], n)[:n], slices.Grow(o.ids[:0], n)[:n], slices.Grow(o.fresh[:0], n)[:n]
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	o.table.Touch(o.ids)
	entries := make([]state.Entry, n)
	o.waiting.Append(o.ids, b, entries)
	for i := range entries {
		if o.fresh[i] {
			*o.table.I64(o.shown).At(o.ids[i]) = 0
		}
		*o.waiting.Cell(entries[i], 0) = int64(b.Kind(i).Sign())
		o.timers.Add(o.keys, i, 0, o.wm+1)
	}
	return nil
}

// Watermark judges every key with something waiting, in order of arrival.
func (o *operator) Watermark(ms int64) (int64, error) {
	o.wm = min(ms, operators.MaxWatermark-1)
	hash, id := make([]uint64, 1), make([]uint32, 1)
	err := o.timers.Fire(ms, func(key []batch.Vector, _, _ int64) error {
		batch.Hash(o.keyTs, key, 1, hash)
		if o.table.Find(key, hash, id); id[0] == 0 {
			return nil
		}
		return o.judge(id[0])
	})
	if err == nil {
		err = o.flush()
	}
	return ms, err
}

// judge decides what becomes visible of a key.
func (o *operator) judge(id uint32) error {
	ids := []uint32{id}
	shown := *o.table.I64(o.shown).At(id) != 0
	o.table.Gather(ids, o.cols, o.old)
	added, removed := o.compacted(id)
	alive := shown
	for _, r := range removed {
		alive = alive && !o.equal(o.match, o.got, r, o.old, 0)
	}
	next := -1 // the row of got that becomes visible; -1: what is visible stays
	switch {
	case !alive && len(added) > 0:
		next = added[0]
	case alive && len(added) == 1 && len(o.spec.From) > 0 && o.equal(o.match, o.got, added[0], o.old, 0):
		next = added[0]
	}
	over := len(added)
	if alive && next < 0 {
		over++
	}
	if over > 1 && o.spec.Fail {
		return o.conflict(id)
	}
	return o.show(id, shown, alive, next)
}

// compacted takes what waits for a key and gives the rows of got that remain added
// and removed when equal ones have cancelled.
func (o *operator) compacted(id uint32) (added, removed []int) {
	n := o.waiting.Count(id)
	entries, probe := make([]state.Entry, n), make([]int32, n)
	var at state.Cursor
	o.waiting.Match([]uint32{id}, &at, probe, entries)
	o.waiting.Gather(entries, o.cols, o.got)
	net := map[string]int64{}
	row := make([]string, n)
	var enc []byte
	for i, e := range entries {
		enc = batch.AppendRow(enc[:0], o.ts, o.got, i)
		row[i] = string(enc)
		net[row[i]] += *o.waiting.Cell(e, 0)
	}
	for i, e := range entries {
		sign := *o.waiting.Cell(e, 0)
		if left := net[row[i]]; left*sign > 0 {
			net[row[i]] -= sign
			if sign > 0 {
				added = append(added, i)
			} else {
				removed = append(removed, i)
			}
		}
		o.waiting.Remove(id, e)
	}
	return added, removed
}

func (o *operator) equal(cols []int, a []batch.Vector, i int, b []batch.Vector, j int) bool {
	for _, c := range cols {
		if !batch.Equal(o.ts[c], &a[c], i, &b[c], j) {
			return false
		}
	}
	return true
}

// show sends the change from what was visible and keeps what is.
func (o *operator) show(id uint32, shown, alive bool, next int) error {
	ids := []uint32{id}
	switch {
	case next < 0 && alive:
		return nil
	case next < 0:
		o.table.Delete(ids)
		if !shown {
			return nil
		}
		return o.emit(o.old, 0, batch.Delete)
	case shown && o.equal(o.cols, o.got, next, o.old, 0):
		return nil
	}
	o.table.Put(ids, []int32{int32(next)}, o.cols, o.got)
	o.table.Touch(ids)
	*o.table.I64(o.shown).At(id) = 1
	kind := batch.Insert
	if shown {
		kind = batch.UpdateAfter
	}
	return o.emit(o.got, next, kind)
}

func (o *operator) emit(cols []batch.Vector, i int, kind batch.Kind) error {
	o.out.AppendRow(o.ts, kind, &batch.Batch{Cols: cols}, i)
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

// conflict is the error of a second row.
func (o *operator) conflict(id uint32) error {
	key := make([]batch.Vector, len(o.keyTs))
	o.table.Keys([]uint32{id}, key)
	var parts []string
	for i, c := range o.spec.Key {
		parts = append(parts, fmt.Sprintf("%s=%s", o.spec.In.Fields[c].Name, cast.AppendText(nil, o.keyTs[i], &key[i], 0, o.env.Session)))
	}
	return sqlerr.New(sqlerr.Runtime, o.spec.At, "Primary key constraint violation: multiple distinct records with the same primary key detected. Conflicting key: [%s]", strings.Join(parts, ", ")).
		WithHint("use ON CONFLICT DO NOTHING to keep the first record")
}
