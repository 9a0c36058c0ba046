package normalize

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/expr"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Where the row of a key lies after a row of the batch: in the batch, or...
const (
	absent = -1 // nowhere
	stored = -2 // in state, as it was before the batch
)

type operator struct {
	operators.Stateless
	spec   *Spec
	table  state.Table
	cond   *expr.Program
	ts     []types.Type
	cols   []int // the columns kept: used and not of the key
	keep   []int // where they are in the table
	isKey  []bool
	keyTs  []types.Type
	keys   []batch.Vector
	kept   []batch.Vector // of the batch
	old    []batch.Vector // of state, per row of the batch
	hashes []uint64
	ids    []uint32
	fresh  []bool
	sel    []int32
	passed []int32
	pass   []bool
	lies   []int32          // per row: where its key's row lies after it
	last   map[uint32]int32 // the last row of each id
	out    batch.Batch
}

// Open opens the table of last rows.
func (o *operator) Open(env *operators.Env, out operators.Output) (err error) {
	s := o.spec
	o.Out, o.ts, o.last = out, s.In.Types(), map[uint32]int32{}
	o.isKey = make([]bool, len(o.ts))
	spec := state.Spec{Name: "rows", TTL: s.TTL}
	for _, k := range s.Key {
		o.isKey[k] = true
		o.keyTs = append(o.keyTs, o.ts[k])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[k], Meaning: s.In.Fields[k].Name})
	}
	for c, f := range s.In.Fields {
		if s.Used[c] && !o.isKey[c] {
			o.keep = append(o.keep, len(o.cols))
			o.cols = append(o.cols, c)
			spec.Row = append(spec.Row, state.Column{Type: f.Type, Meaning: f.Name})
		}
	}
	if o.table, err = env.State.Table(spec); err != nil {
		return err
	}
	if s.Cond != nil {
		if o.cond, err = expr.Compile([]expr.Expr{s.Cond}, env.Session); err != nil {
			return err
		}
	}
	o.keys, o.kept, o.old = make([]batch.Vector, len(o.keyTs)), make([]batch.Vector, len(o.cols)), make([]batch.Vector, len(o.cols))
	o.out.Reset(o.ts)
	return nil
}

// Process compares each row with its key's last one.
func (o *operator) Process(_ int, b *batch.Batch) error {
	o.find(b)
	if err := o.filter(b); err != nil {
		return err
	}
	clear(o.last)
	o.lies = slices.Grow(o.lies[:0], b.Len)[:b.Len]
	for i := 0; i < b.Len; i++ {
		at := int32(stored)
		if o.fresh[i] {
			at = absent
		}
		if prev, ok := o.last[o.ids[i]]; ok {
			at = o.lies[prev]
		}
		var err error
		if o.lies[i], err = o.step(b, i, at); err != nil {
			return err
		}
		o.last[o.ids[i]] = int32(i)
	}
	o.store(b)
	return o.flush()
}

// find makes or finds the rows of the batch's keys and reads what is stored.
func (o *operator) find(b *batch.Batch) {
	n := b.Len
	for i, c := range o.spec.Key {
		o.keys[i] = b.Cols[c]
	}
	for i, c := range o.cols {
		o.kept[i] = b.Cols[c]
	}
	o.hashes, o.ids, o.fresh = slices.Grow(o.hashes[:0], n)[:n], slices.Grow(o.ids[:0], n)[:n], slices.Grow(o.fresh[:0], n)[:n]
	batch.Hash(o.keyTs, o.keys, n, o.hashes)
	o.table.Upsert(o.keys, o.hashes, o.ids, o.fresh)
	o.table.Gather(o.ids, o.keep, o.old)
}

// filter says for each row that adds whether it passes the condition.
func (o *operator) filter(b *batch.Batch) (err error) {
	if o.cond == nil {
		return nil
	}
	o.sel, o.pass = o.sel[:0], slices.Grow(o.pass[:0], b.Len)[:b.Len]
	for i := range o.pass {
		if o.pass[i] = false; b.Kind(i).Sign() > 0 {
			o.sel = append(o.sel, int32(i))
		}
	}
	if o.passed, err = o.cond.Filter(b, o.sel, o.passed[:0]); err != nil {
		return err
	}
	for _, i := range o.passed {
		o.pass[i] = true
	}
	return nil
}

// step sends what row i changes, where its key's row lies at at, and says where it
// lies afterwards.
func (o *operator) step(b *batch.Batch, i int, at int32) (int32, error) {
	adds := b.Kind(i).Sign() > 0 && (o.cond == nil || o.pass[i])
	switch {
	case at == absent && adds:
		return int32(i), o.emit(b, i, int32(i), batch.Insert)
	case at == absent:
		return absent, nil
	case !adds:
		return absent, o.emit(b, i, at, batch.Delete)
	case o.spec.TTL == 0 && o.same(i, at):
		return at, nil
	}
	if o.spec.before {
		if err := o.emit(b, i, at, batch.UpdateBefore); err != nil {
			return at, err
		}
	}
	return int32(i), o.emit(b, i, int32(i), batch.UpdateAfter)
}

// row is column c (of those kept) of the row that lies at at, as row i sees it.
func (o *operator) row(c, i int, at int32) (*batch.Vector, int) {
	if at == stored {
		return &o.old[c], i
	}
	return &o.kept[c], int(at)
}

func (o *operator) same(i int, at int32) bool {
	for c, col := range o.cols {
		v, j := o.row(c, i, at)
		if !batch.Equal(o.ts[col], v, j, &o.kept[c], i) {
			return false
		}
	}
	return true
}

// emit sends the row that lies at at; its key is that of row i.
func (o *operator) emit(b *batch.Batch, i int, at int32, kind batch.Kind) error {
	n, kept := o.out.Len, 0
	for c, t := range o.ts {
		switch {
		case o.isKey[c]:
			o.out.Cols[c].Append(t, n, &b.Cols[c], i)
		case o.spec.Used[c]:
			v, j := o.row(kept, i, at)
			o.out.Cols[c].Append(t, n, v, j)
			kept++
		default:
			o.out.Cols[c].AppendNull(t, n)
		}
	}
	if o.out.AppendKind(kind); o.out.Len >= batch.MaxRows {
		return o.flush()
	}
	return nil
}

// store keeps what became of each key.
func (o *operator) store(b *batch.Batch) {
	ids, gone := o.ids[:0], []uint32(nil)
	o.sel = o.sel[:0]
	for i := 0; i < b.Len; i++ {
		id := o.ids[i]
		if o.last[id] != int32(i) {
			continue
		}
		switch at := o.lies[i]; at {
		case absent:
			gone = append(gone, id)
		case stored:
		default:
			ids, o.sel = append(ids, id), append(o.sel, at)
		}
	}
	o.table.Put(ids, o.sel, o.keep, o.kept)
	o.table.Delete(gone)
}

func (o *operator) flush() error {
	if o.out.Len == 0 {
		return nil
	}
	err := o.Out.Emit(&o.out)
	o.out.Reset(o.ts)
	return err
}

// Close ends the condition's program.
func (o *operator) Close() error {
	if o.cond == nil {
		return nil
	}
	return o.cond.Close()
}
