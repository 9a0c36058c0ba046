package windowagg

import (
	"slices"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// session aggregates by session and key.
type session struct {
	calls
	sessions window.Sessions
	table    state.Table // (keys, session) -> the calls' cells
	nameTs   []types.Type
	named    []batch.Vector // the table's key: keys, then the session's name
	joined   []batch.Vector // the key of sessions that join
	name     batch.Vector
	probe    []batch.Vector
	one      [1]uint32
	hash     [1]uint64
	ended    []batch.Vector // keys of the sessions that are due
	names    []int64
	gone     []uint32 // their rows in the table
	goneAt   []uint64
	kept     []int32 // those of them that are sent
	spans    []window.Span
}

// Open opens the sessions and their cells.
func (o *session) Open(env *operators.Env, out operators.Output) error {
	if err := o.open(env, out); err != nil {
		return err
	}
	if err := o.sessions.Open(o.spec.Window, o.key, o.spec.In, env); err != nil {
		return err
	}
	key := append(o.key[:len(o.key):len(o.key)], state.Column{Type: types.BigIntType, Meaning: "session"})
	o.nameTs = append(o.keyTs[:len(o.keyTs):len(o.keyTs)], types.BigIntType)
	o.ended = make([]batch.Vector, len(o.keyTs))
	o.keys, o.joined, o.named = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(key))
	o.name.Prepare(types.BigIntType, 1)
	var err error
	o.table, err = env.State.Table(state.Spec{Name: "windows", Key: key, Row: o.layout.Row, Multisets: o.layout.Sets, Lists: o.layout.Lists})
	return err
}

// Process finds each row's session and adds the rows.
func (o *session) Process(_ int, b *batch.Batch) error {
	for i, k := range o.spec.Keys {
		o.keys[i] = b.Cols[k]
	}
	o.grow(b.Len)
	batch.Hash(o.keyTs, o.keys, b.Len, o.hashes)
	return o.sessions.Assign(o.keys, o.hashes, b, func(rows []int32) error { return o.add(b, rows) }, o.join)
}

// add folds rows whose sessions are known.
func (o *session) add(b *batch.Batch, rows []int32) error {
	if len(rows) == 0 {
		return nil
	}
	k, in := len(o.spec.Keys), b
	if len(rows) < b.Len {
		p := *b
		p.Sel = rows
		in = p.Compact(o.inTs, &o.part)
	}
	for i, c := range o.spec.Keys {
		o.named[i] = in.Cols[c]
	}
	o.named[k].Take(types.BigIntType, &o.sessions.Names, rows)
	o.grow(in.Len)
	batch.HashUnder(o.nameTs, o.named, max(k, 1), in.Len, o.hashes)
	o.table.Upsert(o.named, o.hashes, o.ids, o.fresh)
	return o.fold(o.table, in)
}

// join adds what is known of session from, of row i's key, to session into.
func (o *session) join(i int, into, from int64) error {
	row := []int32{int32(i)}
	for c := range o.keys { // not into named, whose columns may be an input's
		o.joined[c].Take(o.keyTs[c], &o.keys[c], row)
	}
	src := o.find(o.joined, from)
	if src == 0 {
		return nil
	}
	id := o.find(o.joined, into)
	if err := o.merge(o.table, []uint32{id}, []bool{false}, o.table, []uint32{src}); err != nil {
		return err
	}
	o.table.Delete([]uint32{src})
	return nil
}

// find is the row of a session in state, 0 for none.
func (o *session) find(key []batch.Vector, name int64) uint32 {
	o.name.I64[0] = name
	o.probe = append(append(o.probe[:0], key...), o.name)
	batch.HashUnder(o.nameTs, o.probe, max(len(key), 1), 1, o.hash[:])
	o.table.Find(o.probe, o.hash[:], o.one[:])
	return o.one[0]
}

// Watermark sends the sessions that have ended.
func (o *session) Watermark(ms int64) (int64, error) {
	if o.spec.Window.Proctime {
		return ms, nil
	}
	return ms, o.fire(ms)
}

// Tick sends the sessions that the wall clock has passed.
func (o *session) Tick(now time.Time) (int64, time.Time, error) {
	if !o.spec.Window.Proctime {
		return operators.MinWatermark, time.Time{}, nil
	}
	err := o.fire(now.UnixMilli() - 1)
	var at time.Time
	if next, ok := o.sessions.Next(); ok {
		at = time.UnixMilli(next + 1)
	}
	return operators.MinWatermark, at, err
}

// End sends what processing time has pending.
func (o *session) End(int) error {
	if o.spec.Window.Proctime || o.env.Session.Batch {
		return o.fire(operators.MaxWatermark)
	}
	return nil
}

func (o *session) fire(ms int64) error {
	if err := o.sessions.Fire(ms, o.due); err != nil {
		return err
	}
	return o.send()
}

// due adds a session to those to send.
func (o *session) due(keys []batch.Vector, row int, name int64, at window.Span) error {
	n := len(o.spans)
	for c, t := range o.keyTs {
		if n == 0 {
			o.ended[c].Prepare(t, 0)
		}
		o.ended[c].Append(t, n, &keys[c], row)
	}
	o.names, o.spans = append(o.names, name), append(o.spans, at)
	if n+1 < batch.MaxRows {
		return nil
	}
	return o.send()
}

// send emits the sessions that are due, in order, and forgets them; those all of whose
// rows were taken back are only forgotten.
func (o *session) send() error {
	n := len(o.spans)
	if n == 0 {
		return nil
	}
	o.gone, o.goneAt = slices.Grow(o.gone[:0], n)[:n], slices.Grow(o.goneAt[:0], n)[:n]
	o.probe = append(append(o.probe[:0], o.ended...), batch.Vector{I64: o.names})
	batch.HashUnder(o.nameTs, o.probe, max(len(o.keyTs), 1), n, o.goneAt)
	o.table.Find(o.probe, o.goneAt, o.gone)
	o.kept = o.kept[:0]
	for i, id := range o.gone {
		if id != 0 && *o.table.I64(0).At(id) > 0 {
			o.kept = append(o.kept, int32(i))
		}
	}
	err := o.emit(n)
	o.table.Delete(o.gone)
	o.names, o.spans = o.names[:0], o.spans[:0]
	return err
}

// emit emits those of n sessions that are kept.
func (o *session) emit(n int) error {
	ids := o.gone
	if len(o.kept) < n {
		if n = len(o.kept); n == 0 {
			return nil
		}
		ids = make([]uint32, n)
		for k, i := range o.kept {
			ids[k], o.spans[k] = o.gone[i], o.spans[i]
		}
		for c, t := range o.keyTs {
			var v batch.Vector // out's shares ended's
			v.Take(t, &o.ended[c], o.kept)
			o.out.Cols[c] = v
		}
	} else {
		copy(o.out.Cols, o.ended)
	}
	if err := o.results(o.table, ids); err != nil {
		return err
	}
	first := len(o.keyTs) + len(o.accs)
	for i, p := range o.spec.Props {
		v := &o.out.Cols[first+i]
		v.Prepare(o.outTs[first+i], n)
		for r, at := range o.spans[:n] {
			v.I64[r] = o.border(p, at, o.outTs[first+i])
		}
	}
	o.out.Len, o.out.Kinds, o.out.Sel = n, nil, nil
	return o.Out.Emit(&o.out)
}
