package statetest

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// update hands an inline list a batch of changes.
func (d *driver) update(l state.List, n int, m map[string]*mrow, names []string, ids []uint32) {
	d.t.Helper()
	spec := d.spec.Lists[n]
	ts := typesOf(spec.Row)
	rows := randomRows(d.r, ts, len(ids), 3)
	if d.r.Intn(4) > 0 {
		rows.Kinds = make([]batch.Kind, len(ids))
		for i := range rows.Kinds {
			rows.Kinds[i] = batch.Kind(d.r.Intn(4))
		}
	}
	to := append([]uint32(nil), ids...)
	for i := range to {
		if d.r.Intn(3) == 0 {
			to[i] = 0
		}
	}
	cells := make([]int64, spec.Cells)
	for c := range cells {
		cells[c] = d.r.Int63n(100)
	}
	var given []int64
	if d.r.Intn(3) > 0 {
		given = cells
	} else {
		clear(cells)
	}
	replace := d.r.Intn(3) == 0
	l.Update(to, rows, replace, given)
	for i, id := range to {
		if id == 0 {
			continue
		}
		r := m[names[i]]
		e := mentry{enc: exact(ts, rows.Cols, i), cells: append([]int64(nil), cells...)}
		switch {
		case rows.Kind(i).Sign() > 0 && replace:
			r.lists[n] = []mentry{e}
		case rows.Kind(i).Sign() > 0:
			r.lists[n] = append(r.lists[n], e)
		case len(r.lists[n]) == 1:
			r.lists[n] = nil
		default:
			for at, x := range r.lists[n] {
				if x.enc == e.enc {
					r.lists[n] = append(append([]mentry(nil), r.lists[n][:at]...), r.lists[n][at+1:]...)
					break
				}
			}
		}
	}
}

// inlineAndNot: a list becomes an inline one by a restore and back.
func inlineAndNot(t *testing.T, open func(state.Options) state.Store) {
	ts := []types.Type{types.StringType, types.BigIntType}
	rows := randomRows(rand.New(rand.NewSource(1)), ts, 4, 1000)
	of := []int{0, 1, 1, 1} // whose they are
	store := open(state.Options{})
	spec := state.Spec{Name: "a", Key: cols(bigint), Lists: []state.ListSpec{{Row: cols(ts...), Cells: 1}}}
	for round := range 4 {
		table := openTable(t, store, spec)
		ids, _ := upsertInts(table, 1, 2, 3)
		l := table.List(0)
		if round == 0 {
			for i, k := range of {
				*l.Cell(l.Add(ids[k], rows, i), 0) = int64(i)
			}
		}
		e := matches(l, ids)
		if len(e) != len(of) {
			t.Fatalf("round %d: %d entries instead of %d", round, len(e), len(of))
		}
		got := make([]batch.Vector, len(ts))
		l.Gather(e, seq(len(ts)), got)
		for i := range e {
			if exact(ts, got, i) != exact(ts, rows.Cols, i) || *l.Cell(e[i], 0) != int64(i) {
				t.Fatalf("round %d: entry %d is another", round, i)
			}
		}
		snap, err := store.Freeze(1)
		if err != nil {
			t.Fatal(err)
		}
		var blocks []state.Block
		if err := snap.Save(false, func(b state.Block) error { blocks = append(blocks, own(b)); return nil }); err != nil {
			t.Fatal(err)
		}
		store = open(state.Options{})
		if err := store.Restore(yield(blocks)); err != nil {
			t.Fatal(err)
		}
		spec.Lists[0].Inline = round%2 == 0
	}
}
