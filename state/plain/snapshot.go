package plain

import (
	"encoding/binary"
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// unitKey names a table or a timer set.
type unitKey struct {
	id   state.Identity
	name string
}

// blockKey names a block's content.
type blockKey struct {
	unitKey
	group int
}

// sliceKey names a section: the table itself, or a slice.
type sliceKey struct {
	slice bool
	ns    int64
}

// content is everything a store holds, encoded: rows by hash and key.
type content map[blockKey]*groupContent

type groupContent struct {
	signature uint64
	sections  map[sliceKey]map[string]row
}

// row is what follows the key in a block.
type row struct {
	order uint64
	rest  string
}

func (c content) add(k blockKey, signature uint64, s sliceKey, key string, r row) {
	g := c[k]
	if g == nil {
		g = &groupContent{signature: signature, sections: map[sliceKey]map[string]row{}}
		c[k] = g
	}
	if g.sections[s] == nil {
		g.sections[s] = map[string]row{}
	}
	g.sections[s][key] = r
}

// Freeze encodes everything at once: the oracle is simple rather than quick.
func (s *Store) Freeze(n uint64) (state.Snapshot, error) {
	c := content{}
	for _, o := range s.order {
		for _, name := range o.names {
			o.tables[name].freeze(c, unitKey{o.id, name}, o.tables[name].spec.Signature(), sliceKey{})
		}
		for _, name := range o.clocks {
			o.timers[name].freeze(c, unitKey{o.id, name})
		}
	}
	p := &snapshot{now: c}
	if s.confirmed != nil {
		p.bases = append(p.bases, s.confirmed)
		for _, f := range s.frozen {
			p.bases = append(p.bases, f)
		}
	}
	s.frozen[n] = c
	return p, nil
}

// Confirm makes checkpoint n the one that deltas count from.
func (s *Store) Confirm(n uint64) {
	if c, ok := s.frozen[n]; ok && (s.confirmed == nil || n > s.last) {
		s.confirmed, s.last = c, n
	}
	for m := range s.frozen {
		if m <= n {
			delete(s.frozen, m)
		}
	}
}

// Abort forgets checkpoint n.
func (s *Store) Abort(n uint64) { delete(s.frozen, n) }

// snapshot is what the store held, and what it may be laid over: the checkpoint
// that was confirmed and those that may have been since.
type snapshot struct {
	now   content
	bases []content
}

// Release forgets.
func (p *snapshot) Release() { p.now, p.bases = nil, nil }

// Save hands over the blocks in the order of their names.
func (p *snapshot) Save(delta bool, f func(state.Block) error) error {
	bases := p.bases
	if !delta {
		bases = nil
	}
	keys := map[blockKey]bool{}
	for _, c := range append([]content{p.now}, bases...) {
		for k := range c {
			keys[k] = true
		}
	}
	sorted := make([]blockKey, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].less(sorted[j]) })
	for _, k := range sorted {
		var under []*groupContent
		for _, c := range bases {
			if c[k] != nil {
				under = append(under, c[k])
			} else {
				under = append(under, &groupContent{})
			}
		}
		b := state.Block{Identity: k.id, Name: k.name, Group: k.group, Delta: len(bases) > 0, Data: encodeGroup(p.now[k], under)}
		if b.Empty() {
			continue
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

func (k blockKey) less(o blockKey) bool {
	switch {
	case k.id.Relation != o.id.Relation:
		return k.id.Relation < o.id.Relation
	case k.id.Role != o.id.Role:
		return k.id.Role < o.id.Role
	case k.id.Ordinal != o.id.Ordinal:
		return k.id.Ordinal < o.id.Ordinal
	case k.name != o.name:
		return k.name < o.name
	}
	return k.group < o.group
}

// encodeGroup writes what differs between now and any of the bases.
func encodeGroup(now *groupContent, bases []*groupContent) []byte {
	if now == nil {
		now = &groupContent{}
	}
	signature, all := now.signature, map[sliceKey]bool{}
	for _, g := range append([]*groupContent{now}, bases...) {
		signature = max(signature, g.signature) // all that have rows have one
		for s := range g.sections {
			all[s] = true
		}
	}
	order := make([]sliceKey, 0, len(all))
	for s := range all {
		order = append(order, s)
	}
	sort.Slice(order, func(i, j int) bool { return order[i].ns < order[j].ns })
	b := state.AppendBlock(nil, signature)
	for _, s := range order {
		kind, at := state.TableRows, 0
		if s.slice {
			kind = state.SliceRows
			if now.sections[s] == nil {
				b, at = state.BeginSection(b, state.SliceDropped, s.ns)
				b = state.EndSection(b, at)
				continue
			}
		}
		var under []map[string]row
		for _, g := range bases {
			under = append(under, g.sections[s])
		}
		b, at = state.BeginSection(b, kind, s.ns)
		b = state.EndSection(encodeRows(b, now.sections[s], under), at)
	}
	return b
}

func encodeRows(b []byte, now map[string]row, bases []map[string]row) []byte {
	changed, gone := []string{}, map[string]bool{}
	for k, r := range now {
		same := len(bases) > 0
		for _, base := range bases {
			old, ok := base[k]
			same = same && ok && old == r
		}
		if !same {
			changed = append(changed, k)
		}
	}
	for _, base := range bases {
		for k := range base {
			if _, ok := now[k]; !ok {
				gone[k] = true
			}
		}
	}
	lost := make([]string, 0, len(gone))
	for k := range gone {
		lost = append(lost, k)
	}
	sort.Strings(lost)
	for _, k := range lost {
		b = append(append(b, 0), k...)
	}
	sort.Slice(changed, func(i, j int) bool { return now[changed[i]].order < now[changed[j]].order })
	for _, k := range changed {
		b = append(append(b, 1), k...)
		b = binary.AppendUvarint(b, now[k].order)
		b = append(b, now[k].rest...)
	}
	return b
}

// freeze encodes the rows of a table and its slices.
func (t *table) freeze(c content, u unitKey, signature uint64, s sliceKey) {
	t.Each(func(id uint32) bool {
		hash := t.hash[id]
		key := string(binary.LittleEndian.AppendUint64(nil, hash)) + string(t.keys[id])
		c.add(blockKey{u, batch.KeyGroup(hash)}, signature, s, key, row{uint64(id), string(t.encode(id))})
		return true
	})
	for ns, slice := range t.slices {
		slice.freeze(c, u, signature, sliceKey{true, ns})
	}
}

// encode writes what follows a row's order in a block.
func (t *table) encode(id uint32) []byte {
	var b []byte
	if t.spec.TTL > 0 {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.written[id]))
	}
	cols, at := make([]batch.Vector, len(t.rowTs)), make([]int, len(t.rowTs))
	for c := range at {
		at[c] = c
	}
	t.Gather([]uint32{id}, at, cols)
	b = batch.AppendRow(b, t.rowTs, cols, 0)
	for _, l := range t.lists {
		b = binary.AppendUvarint(b, uint64(len(l.of[id])))
		for _, e := range l.of[id] {
			for _, x := range l.cell[e] {
				b = binary.LittleEndian.AppendUint64(b, uint64(x))
			}
			b = append(b, l.enc[e]...)
		}
	}
	for _, m := range t.sets {
		all := m.sorted(id)
		b = binary.AppendUvarint(b, uint64(len(all)))
		for _, v := range all {
			b = binary.AppendVarint(append(b, v.enc...), v.n)
		}
	}
	for _, s := range t.sorted {
		b = binary.AppendUvarint(b, uint64(len(s.of[id])))
		for _, e := range s.of[id] {
			b = append(b, s.enc[e]...)
		}
	}
	return b
}

func (t *timers) freeze(c content, u unitKey) {
	for _, x := range t.heap {
		if x.gone {
			continue
		}
		c.add(blockKey{u, batch.KeyGroup(x.hash)}, t.spec.Signature(), sliceKey{}, string(binary.LittleEndian.AppendUint64(nil, x.hash))+x.encodedKey(), row{order: x.seq})
	}
}
