package windowagg

import (
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
	name     batch.Vector
	probe    []batch.Vector
	one      [1]uint32
}

// Open opens the sessions and their cells.
func (o *session) Open(env *operators.Env, out operators.Output) error {
	if err := o.open(env, out); err != nil {
		return err
	}
	if err := o.sessions.Open(o.spec.Window, o.key, env); err != nil {
		return err
	}
	key := append(o.key[:len(o.key):len(o.key)], state.Column{Type: types.BigIntType, Meaning: "session"})
	o.nameTs = append(o.keyTs[:len(o.keyTs):len(o.keyTs)], types.BigIntType)
	o.keys, o.named = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(key))
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
	batch.Hash(o.nameTs, o.named, in.Len, o.hashes)
	o.table.Upsert(o.named, o.hashes, o.ids, o.fresh)
	return o.fold(o.table, in)
}

// join adds what is known of session from, of row i's key, to session into.
func (o *session) join(i int, into, from int64) error {
	row := []int32{int32(i)}
	for c := range o.keys {
		o.named[c].Take(o.keyTs[c], &o.keys[c], row)
	}
	src := o.find(o.named[:len(o.keys)], from)
	if src == 0 {
		return nil
	}
	id := o.find(o.named[:len(o.keys)], into)
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
	var hash [1]uint64
	batch.Hash(o.nameTs, o.probe, 1, hash[:])
	o.table.Find(o.probe, hash[:], o.one[:])
	return o.one[0]
}

// Watermark sends the sessions that have ended.
func (o *session) Watermark(ms int64) (int64, error) {
	if o.spec.Window.Proctime {
		return ms, nil
	}
	return ms, o.sessions.Fire(ms, o.send)
}

// Tick sends the sessions that the wall clock has passed.
func (o *session) Tick(now time.Time) (int64, time.Time, error) {
	if !o.spec.Window.Proctime {
		return operators.MinWatermark, time.Time{}, nil
	}
	err := o.sessions.Fire(now.UnixMilli()-1, o.send)
	var at time.Time
	if next, ok := o.sessions.Next(); ok {
		at = time.UnixMilli(next + 1)
	}
	return operators.MinWatermark, at, err
}

// End sends what processing time has pending.
func (o *session) End(int) error {
	if o.spec.Window.Proctime || o.env.Session.Batch {
		return o.sessions.Fire(operators.MaxWatermark, o.send)
	}
	return nil
}

// send emits one session's row, unless all of its rows were taken back.
func (o *session) send(key []batch.Vector, name int64, at window.Span) error {
	if o.find(key, name) == 0 {
		return nil
	}
	var err error
	if *o.table.I64(0).At(o.one[0]) > 0 {
		for c := range o.keyTs {
			o.out.Cols[c].Take(o.keyTs[c], &key[c], firstRow)
		}
		err = o.emit(o.table, o.one[:], at)
	}
	o.table.Delete(o.one[:])
	return err
}

// firstRow takes the first row of a batch.
var firstRow = []int32{0}
