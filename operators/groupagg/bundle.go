package groupagg

import (
	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions"
)

// bundle is what a mini-batch holds back: the groups touched since the last Flush,
// in the order of their first row, and the results they had before it. A group's
// place in it, counted from 1, lies in a cell of its row.
type bundle struct {
	ids    []uint32
	had    []bool         // the group existed
	old    []int32        // where its results lie in before
	before []batch.Vector // per call
	n      int            // rows of before
	got    []batch.Vector
	some   []uint32
	after  []batch.Vector
	keys   []batch.Vector
}

// touch remembers the groups of a batch whose rows are new to the bundle, with
// their results before anything is folded.
func (o *operator) touch(n int) error {
	u, place := &o.bundle, o.table.I64(len(o.layout.Row)-1)
	u.some = u.some[:0]
	for i := 0; i < n; i++ {
		id := o.ids[i]
		if !o.fresh[i] && *place.At(id) != 0 {
			continue
		}
		had := o.counts[i][0] != 0
		u.ids, u.had, u.old = append(u.ids, id), append(u.had, had), append(u.old, int32(u.n+len(u.some)))
		*place.At(id) = int64(len(u.ids))
		if had {
			u.some = append(u.some, id)
		}
	}
	for c, call := range o.spec.Calls {
		u.got[c].Prepare(call.Result, len(u.some))
		if err := o.accs[c].Result(o.layout.Cells(o.table, c), u.some, &u.got[c]); err != nil {
			return err
		}
		for k := range u.some {
			u.before[c].Append(call.Result, u.n+k, &u.got[c], k)
		}
	}
	u.n += len(u.some)
	return nil
}

// fold adds the rows of a batch without a result for each.
func (o *operator) fold(c int, rows functions.Rows) error {
	return o.accs[c].Fold(o.layout.Cells(o.table, c), rows, o.args)
}

// Flush sends one change for each group of the bundle whose result has changed.
func (o *operator) Flush() error {
	u := &o.bundle
	for at := 0; at < len(u.ids); at += batch.MaxRows {
		if err := o.settle(at, min(at+batch.MaxRows, len(u.ids))); err != nil {
			return err
		}
	}
	u.ids, u.had, u.old, u.n = u.ids[:0], u.had[:0], u.old[:0], 0
	for c, call := range o.spec.Calls {
		u.before[c].Prepare(call.Result, 0)
	}
	return o.flush()
}

// settle sends the changes of groups from..to of the bundle.
func (o *operator) settle(from, to int) error {
	u, ids := &o.bundle, o.bundle.ids[from:to]
	o.table.Keys(ids, u.keys)
	for c, call := range o.spec.Calls {
		u.after[c].Prepare(call.Result, len(ids))
		if err := o.accs[c].Result(o.layout.Cells(o.table, c), ids, &u.after[c]); err != nil {
			return err
		}
	}
	o.table.Touch(ids)
	rows, place := o.table.I64(0), o.table.I64(len(o.layout.Row)-1)
	for k, id := range ids {
		*place.At(id) = 0
		if err := o.change(k, from+k, *rows.At(id)); err != nil {
			return err
		}
		if *rows.At(id) == 0 {
			o.table.Delete(ids[k : k+1])
		}
	}
	return nil
}

// change sends what became of group g of the bundle, row k of keys and after, which
// has rows rows now.
func (o *operator) change(k, g int, rows int64) error {
	u, old := &o.bundle, int(o.bundle.old[g])
	switch {
	case rows == 0 && !u.had[g]:
		return nil
	case rows == 0:
		return o.emit(u.keys, k, u.before, old, batch.Delete)
	case !u.had[g]:
		return o.emit(u.keys, k, u.after, k, batch.Insert)
	case o.spec.TTL == 0 && o.equal(u.before, old, u.after, k):
		return nil
	}
	if o.spec.before {
		if err := o.emit(u.keys, k, u.before, old, batch.UpdateBefore); err != nil {
			return err
		}
	}
	return o.emit(u.keys, k, u.after, k, batch.UpdateAfter)
}
