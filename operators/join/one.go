package join

import (
	"slices"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/state"
)

// Where a side's rows have a unique key within the join key, a key has one row of that
// side, which lies with the key instead of in a list (state.ListSpec.Inline). One that is
// taken away is then that one, whatever its columns are, as in Flink's
// JoinKeyContainsUniqueKey. Rows that break a PRIMARY KEY, which nobody enforces, are
// kept side by side as ever. Rows of a join key must come in order, which they do
// where the key is one that changes come in order by, or nothing changes.

// SetKeys decides which sides have one row a key. In batch mode rows are stored once
// and lists are as good.
func (s *Spec) SetKeys(in []operators.Keys, changes []batch.Changes) {
	for i := range in {
		keys := in[i].Upsert
		if s.fixed[i] = changes[i].InsertOnly(); s.fixed[i] {
			keys = append(slices.Clip(keys), in[i].Unique...)
		}
		s.One[i] = !s.Session.Batch && operators.HasKey(keys, s.Keys[i])
		s.whole[i] = s.One[i] && slices.ContainsFunc(keys, func(k []int) bool {
			return operators.HasKey([][]int{k}, s.Keys[i]) && operators.HasKey([][]int{s.Keys[i]}, k)
		})
	}
}

// keepsKey says that an update needn't take the row before back: the row that takes its
// place has the same join key, and so the same partners.
func (s *Spec) keepsKey() bool {
	return s.Kind == Inner && s.Rest == nil && (s.fixed[0] || s.whole[0]) && (s.fixed[1] || s.whole[1])
}

// SetBefore says whether rows that are replaced are sent on; if not they mayn't come.
func (s *Spec) SetBefore(emit bool) { s.upserts = !emit && s.keepsKey() }

// replaces says that a row that adds takes the place of the one a side has.
func (s *Spec) replaces(side int) bool { return s.upserts && !s.fixed[side] }

// remove takes row i out of a side's rows.
func (o *operator) remove(input int, b *batch.Batch, i int) {
	id, list := o.ids[i], o.sides[input].list
	if id == 0 {
		return
	}
	if o.sides[input].one && list.Count(id) == 1 {
		o.cursor = state.Cursor{}
		list.Match(o.ids[i:i+1], &o.cursor, o.probe[:1], o.one[:])
		list.Remove(id, o.one[0])
		return
	}
	list.RemoveEqual(id, b, i)
}

// forgetKeys deletes the keys for which the batch has taken the last row of either side.
func (o *operator) forgetKeys(b *batch.Batch) {
	if b.Kinds == nil {
		return
	}
	o.empty = o.empty[:0]
	for i, id := range o.ids {
		if id != 0 && b.Kinds[i].Sign() < 0 && o.sides[0].list.Count(id)+o.sides[1].list.Count(id) == 0 {
			o.empty = append(o.empty, id)
		}
	}
	if len(o.empty) > 0 {
		o.table.Delete(o.empty)
	}
}
