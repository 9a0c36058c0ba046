package plain

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// Restore keeps the blocks until their tables are opened.
func (s *Store) Restore(blocks func(yield func(state.Block) error) error) error {
	return blocks(func(b state.Block) error {
		b, err := b.Whole(nil)
		if err != nil {
			return err
		}
		u := unitKey{b.Identity, b.Name}
		s.restored[u] = append(s.restored[u], b)
		return nil
	})
}

// load reads the blocks of a table that is being opened. Rows of all groups are
// made in the order of their arrival.
func (s *Store) load(id state.Identity, name string, f func([]state.Block) error) error {
	u := unitKey{id, name}
	blocks := s.restored[u]
	delete(s.restored, u)
	if len(blocks) == 0 {
		return nil
	}
	return f(blocks)
}

// stored is a row read from a block.
type stored struct {
	slice sliceKey
	hash  uint64
	key   []byte
	order uint64
	rest  []byte
}

// reader decodes rows of one spec.
type reader struct {
	keyTs, rowTs []types.Type
	spec         state.Spec
	scratch      batch.Vector
}

// value skips a value and returns the bytes behind it.
func (r *reader) value(b []byte, t types.Type) []byte {
	r.scratch = batch.Vector{}
	r.scratch.Prepare(t, 0)
	return batch.DecodeValue(b, t, &r.scratch, 0)
}

func (r *reader) values(b []byte, cols []state.Column) []byte {
	for _, c := range cols {
		b = r.value(b, c.Type)
	}
	return b
}

func uvarint(b []byte) (uint64, []byte) {
	n, w := binary.Uvarint(b)
	return n, b[w:]
}

// skip returns the bytes behind a row's rest.
func (r *reader) skip(b []byte) []byte {
	var n uint64
	if r.spec.TTL > 0 {
		b = b[8:]
	}
	b = r.values(b, r.spec.Row)
	for _, l := range r.spec.Lists {
		for n, b = uvarint(b); n > 0; n-- {
			b = r.values(b[8*l.Cells:], l.Row)
		}
	}
	for _, m := range r.spec.Multisets {
		for n, b = uvarint(b); n > 0; n-- {
			b = r.values(b, m)
			_, w := binary.Varint(b)
			b = b[w:]
		}
	}
	for _, s := range r.spec.Sorted {
		for n, b = uvarint(b); n > 0; n-- {
			b = r.values(b, s.Row)
		}
	}
	return b
}

// rows lays deltas over bases and returns what is left, by arrival.
func (r *reader) rows(blocks []state.Block) ([]stored, error) {
	type rowKey struct {
		slice sliceKey
		key   string
	}
	all := map[rowKey]stored{}
	for _, blk := range blocks {
		err := blk.Sections(r.spec.Signature(), func(kind state.Section, ns int64, b []byte) error {
			if (kind != state.TableRows) != r.spec.Windowed {
				return fmt.Errorf("slices don't fit this table")
			}
			s := sliceKey{kind != state.TableRows, ns}
			if kind == state.SliceDropped {
				for k := range all {
					if k.slice == s && batch.KeyGroup(all[k].hash) == blk.Group {
						delete(all, k)
					}
				}
				return nil
			}
			for len(b) > 0 {
				live, hash := b[0] != state.RowGone, binary.LittleEndian.Uint64(b[1:])
				b = b[9:]
				end := r.values(b, r.spec.Key)
				key := b[:len(b)-len(end)]
				b = end
				if batch.KeyGroup(hash) != blk.Group {
					return fmt.Errorf("a row of key group %d", batch.KeyGroup(hash))
				}
				if !live {
					delete(all, rowKey{s, string(key)})
					continue
				}
				var order uint64
				order, b = uvarint(b)
				end = r.skip(b)
				all[rowKey{s, string(key)}] = stored{slice: s, hash: hash, key: key, order: order, rest: b[:len(b)-len(end)]}
				b = end
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]stored, 0, len(all))
	for _, x := range all {
		out = append(out, x)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].order != out[j].order {
			return out[i].order < out[j].order
		}
		return string(out[i].key) < string(out[j].key)
	})
	return out, nil
}

// load fills a new table.
func (t *table) load(blocks []state.Block) error {
	r := &reader{spec: t.spec, keyTs: t.keyTs, rowTs: t.rowTs}
	rows, err := r.rows(blocks)
	if err != nil {
		return err
	}
	for _, x := range rows {
		to := t
		if x.slice.slice {
			to = t.slice(x.slice.ns)
		}
		to.loadRow(r, x)
	}
	return nil
}

func (t *table) loadRow(r *reader, x stored) {
	id, b := t.make(x.key, x.hash), x.rest
	if t.spec.TTL > 0 {
		t.written[id], b = int64(binary.LittleEndian.Uint64(b)), b[8:]
	}
	var v batch.Batch
	v.Reset(t.rowTs)
	b = v.DecodeRow(b, t.rowTs)
	for c := range t.rowTs {
		t.Put([]uint32{id}, nil, []int{c}, v.Cols[c:c+1])
	}
	var n uint64
	for _, l := range t.lists {
		for n, b = uvarint(b); n > 0; n-- {
			cells := make([]int64, l.cells)
			for i := range cells {
				cells[i], b = int64(binary.LittleEndian.Uint64(b)), b[8:]
			}
			end := b
			for _, ty := range l.ts {
				end = r.value(end, ty)
			}
			e := l.add(append([]byte(nil), b[:len(b)-len(end)]...))
			for len(l.cell) <= int(e) {
				l.cell = append(l.cell, nil)
			}
			l.cell[e], b = cells, end
			l.of[id] = append(l.of[id], e)
		}
	}
	for _, m := range t.sets {
		for n, b = uvarint(b); n > 0; n-- {
			var v batch.Batch
			v.Reset(m.ts)
			b = v.DecodeRow(b, m.ts)
			delta, w := binary.Varint(b)
			b = b[w:]
			m.Add(id, v.Cols, 0, delta)
		}
	}
	for _, s := range t.sorted {
		for n, b = uvarint(b); n > 0; n-- {
			var v batch.Batch
			v.Reset(s.ts)
			b = v.DecodeRow(b, s.ts)
			s.Insert(id, &v, 0)
		}
	}
}

func (t *timers) load(blocks []state.Block) error {
	r := &reader{spec: t.spec}
	rows, err := r.rows(blocks)
	if err != nil {
		return err
	}
	for _, x := range rows {
		v := make([]batch.Vector, len(t.spec.Key))
		b := x.key
		for c := range v {
			v[c].Prepare(t.spec.Key[c].Type, 0)
			b = batch.DecodeValue(b, t.spec.Key[c].Type, &v[c], 0)
		}
		k := len(t.ts)
		t.Add(v[:k], 0, v[k].I64[0], v[k+1].I64[0])
	}
	return nil
}
