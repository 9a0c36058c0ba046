package windowtvf

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// session holds rows, each with its kind, until their session has ended.
type session struct {
	operators.Stateless
	spec     *Spec
	env      *operators.Env
	sessions window.Sessions
	rows     state.Table // (partition, session) -> its rows
	keyTs    []types.Type
	inTs     []types.Type
	outTs    []types.Type
	all      []int
	keys     []batch.Vector // of the batch
	taken    []batch.Vector // of a run of it, with the sessions' names last
	probeKey []batch.Vector
	name     batch.Vector
	hashes   []uint64
	ids      []uint32
	fresh    []bool
	added    []state.Entry
	part     batch.Batch
	probe    []int32
	entries  []state.Entry
	spans    []window.Span
	out      batch.Batch
}

// Open opens the sessions and their rows.
func (o *session) Open(env *operators.Env, out operators.Output) error {
	o.env, o.Out = env, out
	s := o.spec
	o.inTs, o.outTs = s.In.Types(), s.Out.Types()
	var key, row []state.Column
	for _, c := range s.Partition {
		key = append(key, state.Column{Type: o.inTs[c], Meaning: s.In.Fields[c].Name})
	}
	for c, t := range o.inTs {
		o.all = append(o.all, c)
		row = append(row, state.Column{Type: t, Meaning: s.In.Fields[c].Name})
	}
	if err := o.sessions.Open(s.Window, key, s.In, env); err != nil {
		return err
	}
	key = append(key, state.Column{Type: types.BigIntType, Meaning: "session"})
	for _, c := range key {
		o.keyTs = append(o.keyTs, c.Type)
	}
	o.keys, o.taken = make([]batch.Vector, len(s.Partition)), make([]batch.Vector, len(key))
	o.name.Prepare(types.BigIntType, 1)
	o.part.Cols = make([]batch.Vector, len(o.inTs))
	o.probe, o.entries = make([]int32, batch.MaxRows), make([]state.Entry, batch.MaxRows)
	o.out.Cols = make([]batch.Vector, len(o.outTs))
	var err error
	o.rows, err = env.State.Table(state.Spec{Name: "rows", Key: key, Lists: []state.ListSpec{{Row: row, Cells: 1}}})
	return err
}

// Process files each row under its session.
func (o *session) Process(_ int, b *batch.Batch) error {
	k := len(o.spec.Partition)
	for i, c := range o.spec.Partition {
		o.keys[i] = b.Cols[c]
	}
	if cap(o.hashes) < b.Len {
		o.hashes = make([]uint64, b.Len)
	}
	o.hashes = o.hashes[:b.Len]
	batch.Hash(o.keyTs[:k], o.keys[:k], b.Len, o.hashes)
	return o.sessions.Assign(o.keys[:k], o.hashes, b,
		func(rows []int32) error { o.add(b, rows); return nil },
		func(i int, into, from int64) error { o.join(i, into, from); return nil })
}

// add keeps rows, whose sessions are known.
func (o *session) add(b *batch.Batch, rows []int32) {
	k, n := len(o.spec.Partition), len(rows)
	for i, c := range o.spec.Partition {
		o.taken[i].Take(o.keyTs[i], &b.Cols[c], rows)
	}
	o.taken[k].Take(types.BigIntType, &o.sessions.Names, rows)
	p := *b
	p.Sel = rows
	if cap(o.ids) < n {
		o.ids, o.fresh, o.added = make([]uint32, n), make([]bool, n), make([]state.Entry, n)
	}
	batch.HashUnder(o.keyTs, o.taken, max(k, 1), n, o.hashes[:n])
	o.rows.Upsert(o.taken, o.hashes[:n], o.ids[:n], o.fresh[:n])
	list := o.rows.List(0)
	list.Append(o.ids[:n], p.Compact(o.inTs, &o.part), o.added[:n])
	for i, e := range o.added[:n] {
		*list.Cell(e, 0) = int64(b.Kind(int(rows[i])))
	}
}

// join moves the rows of session from to those of into.
func (o *session) join(i int, into, from int64) {
	k, row := len(o.spec.Partition), []int32{int32(i)}
	for c := range k {
		o.taken[c].Take(o.keyTs[c], &o.keys[c], row)
	}
	if old := o.find(o.taken[:k], from); old != 0 {
		if id := o.find(o.taken[:k], into); id != 0 {
			o.rows.Move(id, old)
		}
	}
}

// find is the row of a session in state, 0 for none.
func (o *session) find(key []batch.Vector, name int64) uint32 {
	o.name.I64[0] = name
	o.probeKey = append(append(o.probeKey[:0], key...), o.name)
	hash, id := [1]uint64{}, [1]uint32{}
	batch.HashUnder(o.keyTs, o.probeKey, max(len(key), 1), 1, hash[:])
	o.rows.Find(o.probeKey, hash[:], id[:])
	return id[0]
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
	next, ok := o.sessions.Next()
	if !ok {
		return operators.MinWatermark, time.Time{}, err
	}
	return operators.MinWatermark, time.UnixMilli(next + 1), err
}

// End sends what processing time has pending.
func (o *session) End(int) error {
	if o.spec.Window.Proctime {
		return o.sessions.Fire(operators.MaxWatermark, o.send)
	}
	return nil
}

// send emits a session's rows in the order they came.
func (o *session) send(keys []batch.Vector, row int, name int64, at window.Span) error {
	one := []int32{int32(row)}
	for c := range keys {
		o.taken[c].Take(o.keyTs[c], &keys[c], one)
	}
	id := []uint32{o.find(o.taken[:len(keys)], name)}
	if id[0] == 0 {
		return nil
	}
	defer o.rows.Delete(id)
	var cursor state.Cursor
	for {
		n := o.rows.List(0).Match(id, &cursor, o.probe, o.entries)
		if n == 0 {
			return nil
		}
		o.rows.List(0).Gather(o.entries[:n], o.all, o.out.Cols[:len(o.all)])
		o.spans = o.spans[:0]
		for range n {
			o.spans = append(o.spans, at)
		}
		fill(&o.out, len(o.all), o.outTs, o.spans, o.spec.Window.Proctime, o.env.Now().UnixMicro(), o.env.Session)
		o.out.Len, o.out.Kinds = n, o.out.Kinds[:0]
		for _, e := range o.entries[:n] {
			o.out.Kinds = append(o.out.Kinds, batch.Kind(*o.rows.List(0).Cell(e, 0)))
		}
		if err := o.Out.Emit(&o.out); err != nil {
			return err
		}
	}
}
