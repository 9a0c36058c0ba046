package topn

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// climbers is the Top-N of rows with a key that can only climb: no more rows than
// ranks are kept, and where each key stands is found through its sort columns.
type climbers struct {
	o      *operator
	key    []int
	table  state.Table // row key -> the sort columns, as stored
	by     []int
	cells  []int
	keyTs  []types.Type
	keys   []batch.Vector
	hash   []uint64
	id     []uint32
	fresh  []bool
	stored batch.Batch // the sort columns of a key, at their places
	got    []batch.Vector
	from   []batch.Vector // borrowed
	old    batch.Batch    // the key's row as it was
	was    state.Entry    // it is this entry
}

func openClimbers(o *operator) (*climbers, error) {
	s := o.spec
	c := &climbers{o: o, key: s.rowKey, hash: make([]uint64, 1), id: make([]uint32, 1), fresh: make([]bool, 1)}
	spec := state.Spec{Name: "topn keys", TTL: s.TTL}
	for _, k := range c.key {
		c.keyTs = append(c.keyTs, o.ts[k])
		spec.Key = append(spec.Key, state.Column{Type: o.ts[k], Meaning: s.In.Fields[k].Name})
	}
	for i, b := range s.By {
		c.by, c.cells = append(c.by, b.Col), append(c.cells, i)
		spec.Row = append(spec.Row, state.Column{Type: o.ts[b.Col], Meaning: s.In.Fields[b.Col].Name})
	}
	c.keys, c.got, c.from = make([]batch.Vector, len(c.key)), make([]batch.Vector, len(c.by)), make([]batch.Vector, len(c.by))
	c.stored.Cols, c.stored.Len = make([]batch.Vector, len(o.ts)), 1
	c.old.Cols = make([]batch.Vector, len(o.ts))
	var err error
	c.table, err = o.env.State.Table(spec)
	return c, err
}

// row takes the new version of a key's row.
func (c *climbers) row(b *batch.Batch, i int) error {
	o := c.o
	id := o.ids[i]
	if from := c.stand(b, i); from >= 0 {
		return c.move(id, b, i, from)
	}
	rank, in, out := c.insert(id, b, i)
	if in == 0 || o.hold {
		return nil
	}
	return o.entered(id, rank, in, out)
}

// find resolves the key of a row; 0 if it isn't among the first.
func (c *climbers) find(cols []batch.Vector, row int, upsert bool) uint32 {
	for k, col := range c.key {
		c.keys[k].Prepare(c.keyTs[k], 0)
		c.keys[k].Append(c.keyTs[k], 0, &cols[col], row)
	}
	batch.Hash(c.keyTs, c.keys, 1, c.hash)
	if upsert {
		c.table.Upsert(c.keys, c.hash, c.id, c.fresh)
	} else {
		c.table.Find(c.keys, c.hash, c.id)
	}
	return c.id[0]
}

// stand is the rank of the stored row with the key of row i, -1 for none; the row
// is left in c.old.
func (c *climbers) stand(b *batch.Batch, i int) int {
	if c.find(b.Cols, i, false) == 0 {
		return -1
	}
	o := c.o
	id := o.ids[i]
	c.table.Gather(c.id, c.cells, c.got)
	for k, col := range c.by {
		c.stored.Cols[col] = c.got[k]
	}
	end := o.rows.Seek(id, &c.stored, 0, true)
	var one [1]state.Entry
	for r := o.rows.Seek(id, &c.stored, 0, false); r < end; r++ {
		o.rows.Range(id, r, one[:])
		o.rows.Gather(one[:], o.cols, c.old.Cols)
		c.old.Len, c.was = 1, one[0]
		if c.same(b, i) {
			return r
		}
	}
	return -1
}

func (c *climbers) same(b *batch.Batch, i int) bool {
	for k, col := range c.key {
		if !batch.Equal(c.keyTs[k], &c.old.Cols[col], 0, &b.Cols[col], i) {
			return false
		}
	}
	return true
}

// insert stores a row that is among the first, as Top does, and forgets the key of
// the one it pushes out.
func (c *climbers) insert(id uint32, b *batch.Batch, i int) (rank int, in, out state.Entry) {
	o := c.o
	if rank, in, out = o.rows.Top(id, b, i, o.to); in == 0 {
		return rank, in, out
	}
	c.put(b, i)
	if out != 0 {
		var one = [1]state.Entry{out}
		if c.find(o.decode(0, one[:]).Cols, 0, false) != 0 {
			c.table.Delete(c.id)
		}
	}
	return rank, in, out
}

func (c *climbers) put(b *batch.Batch, i int) {
	c.find(b.Cols, i, true)
	for k, col := range c.by {
		c.from[k] = b.Cols[col]
	}
	c.table.Put(c.id, []int32{int32(i)}, c.cells, c.from)
}

// move replaces the row at rank from by row i, which stands there or higher.
func (c *climbers) move(id uint32, b *batch.Batch, i, from int) error {
	o := c.o
	still := true
	for _, col := range c.by {
		still = still && batch.Equal(o.ts[col], &c.old.Cols[col], 0, &b.Cols[col], i)
	}
	if still { // it keeps its place among equals
		return c.replace(id, b, i, from)
	}
	ranked := o.spec.WithRank || o.spec.From > 1
	o.rows.RemoveRange(id, from, from+1)
	rank := o.rows.Seek(id, b, i, true)
	if o.hold || !ranked || rank >= from {
		rank = o.rows.Insert(id, b, i)
		c.put(b, i)
		if o.hold {
			return nil
		}
		return c.change(o.at(id, rank), from)
	}
	to := o.to
	o.to = from
	o.take(&o.before, id, rank) // the rows it passes
	o.to = to
	rank = o.rows.Insert(id, b, i)
	c.put(b, i)
	return c.climbed(rank, from, o.at(id, rank))
}

// replace swaps the content of the row at a rank. Its equals keep their order.
func (c *climbers) replace(id uint32, b *batch.Batch, i, rank int) error {
	o := c.o
	end := o.rows.Seek(id, b, i, true)
	to := o.to
	o.to = end
	o.take(&o.before, id, rank+1)
	o.to = to
	equals := o.decode(0, o.before)
	o.rows.RemoveRange(id, rank, end)
	o.rows.Insert(id, b, i)
	for k := 0; k < equals.Len; k++ {
		o.rows.Insert(id, equals, k)
	}
	if o.hold {
		return nil
	}
	return c.change(o.at(id, rank), rank)
}

// change is -U and +U of a row at its rank.
func (c *climbers) change(is state.Entry, rank int) error {
	if c.o.spec.From > int64(rank)+1 {
		return nil
	}
	return c.o.update(c.was, is, rank)
}

// climbed sends the ranks from rank to from: the row that stood first and the old
// row are taken back before the new one comes, then each takes the next one's place.
func (c *climbers) climbed(rank, from int, is state.Entry) error {
	o, passed := c.o, c.o.before
	emit := func(e state.Entry, at int, kind batch.Kind) error {
		if int64(at)+1 < o.spec.From || kind == batch.UpdateBefore && !o.spec.before {
			return nil
		}
		return o.emit(e, at, kind)
	}
	if err := emit(passed[0], rank, batch.UpdateBefore); err != nil {
		return err
	}
	if err := emit(c.was, from, batch.UpdateBefore); err != nil {
		return err
	}
	if err := emit(is, rank, batch.UpdateAfter); err != nil {
		return err
	}
	for k := 1; k < len(passed); k++ {
		if err := emit(passed[k], rank+k, batch.UpdateBefore); err != nil {
			return err
		}
		if err := emit(passed[k-1], rank+k, batch.UpdateAfter); err != nil {
			return err
		}
	}
	return emit(passed[len(passed)-1], from, batch.UpdateAfter)
}
