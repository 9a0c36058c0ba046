package statetest

import (
	"sort"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

// check compares all the store answers with the model.
func (d *driver) check() {
	d.t.Helper()
	if !d.spec.Windowed {
		d.checkTable(d.table, d.m.slice(0))
		return
	}
	var want []int64
	for ns := range d.m.slices {
		want = append(want, ns)
	}
	sort.Slice(want, func(i, j int) bool { return want[i] < want[j] })
	got := d.table.Slices()
	if len(got) != len(want) {
		d.t.Fatalf("slices %v instead of %v", got, want)
	}
	for i, ns := range want {
		if got[i] != ns {
			d.t.Fatalf("slices %v instead of %v", got, want)
		}
		d.checkTable(d.table.Slice(ns), d.m.slices[ns])
	}
}

func (d *driver) checkTable(t state.Table, m map[string]*mrow) {
	d.t.Helper()
	if d.spec.TTL == 0 && t.Len() != len(m) { // what has expired may still be counted
		d.t.Fatalf("%d rows instead of %d", t.Len(), len(m))
	}
	var ids []uint32
	t.Each(func(id uint32) bool { ids = append(ids, id); return true })
	if len(ids) != len(m) {
		d.t.Fatalf("Each gives %d rows instead of %d", len(ids), len(m))
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			d.t.Fatalf("Each gives id %d behind %d", ids[i], ids[i-1])
		}
	}
	keys := make([]batch.Vector, len(d.keyTs))
	t.Keys(ids, keys)
	cells := make([]batch.Vector, len(d.rowTs))
	t.Gather(ids, seq(len(d.rowTs)), cells)
	hashes, found := make([]uint64, len(ids)), make([]uint32, len(ids))
	batch.Hash(d.keyTs, keys, len(ids), hashes)
	t.Find(keys, hashes, found)
	for i, id := range ids {
		name := canonical(d.keyTs, keys, i)
		r := m[name]
		if r == nil {
			d.t.Fatalf("a row of key %q, which the model doesn't have", name)
		}
		if found[i] != id {
			d.t.Fatalf("key %q found at %d instead of %d", name, found[i], id)
		}
		for c := range d.rowTs {
			if got := exact(d.rowTs[c:c+1], cells[c:c+1], i); got != r.cells[c] {
				d.t.Fatalf("key %q column %d is %q instead of %q", name, c, got, r.cells[c])
			}
		}
		d.checkCollections(t, id, r)
	}
	d.checkMatch(t, ids)
}

func (d *driver) checkCollections(t state.Table, id uint32, r *mrow) {
	d.t.Helper()
	for i, spec := range d.spec.Lists {
		l := t.List(i)
		entries := matches(l, []uint32{id})
		d.equal("list", l.Count(id), len(r.lists[i]))
		d.checkEntries(spec.Row, entries, r.lists[i], l.Gather)
		for k, e := range entries {
			for c, want := range r.lists[i][k].cells {
				d.equal("cell of an entry", *l.Cell(e, c), want)
			}
		}
	}
	for i, cols := range d.spec.Multisets {
		d.checkMultiset(t.Multiset(i), typesOf(cols), id, r.sets[i])
	}
	for i, spec := range d.spec.Sorted {
		s := t.Sorted(i)
		d.equal("sorted", s.Count(id), len(r.sorted[i]))
		entries := make([]state.Entry, len(r.sorted[i])+2)
		n := s.Range(id, 0, entries)
		d.checkEntries(spec.Row, entries[:n], r.sorted[i], s.Gather)
		if from := d.r.Intn(n + 1); n > 0 {
			part := make([]state.Entry, 3)
			k := s.Range(id, from, part)
			d.checkEntries(spec.Row, part[:k], r.sorted[i][from:min(from+3, n)], s.Gather)
		}
	}
}

func (d *driver) equal(what string, got, want any) {
	d.t.Helper()
	if got != want {
		d.t.Fatalf("%s: %v instead of %v", what, got, want)
	}
}

// matches lists the entries of ids, three at a time.
func matches(l state.List, ids []uint32) []state.Entry {
	var all []state.Entry
	var at state.Cursor
	probe, entries := make([]int32, 3), make([]state.Entry, 3)
	for {
		n := l.Match(ids, &at, probe, entries)
		if n == 0 {
			return all
		}
		all = append(all, entries[:n]...)
	}
}

// checkMatch compares one Match over many ids with Matches of one each.
func (d *driver) checkMatch(t state.Table, ids []uint32) {
	d.t.Helper()
	for i := range d.spec.Lists {
		l := t.List(i)
		probes := append([]uint32{0}, ids...)
		var at state.Cursor
		probe, entries := make([]int32, 7), make([]state.Entry, 7)
		got := make([][]state.Entry, len(probes))
		last := int32(0)
		for {
			n := l.Match(probes, &at, probe, entries)
			if n == 0 {
				break
			}
			for k := range entries[:n] {
				if probe[k] < last {
					d.t.Fatalf("Match goes back from probe %d to %d", last, probe[k])
				}
				last = probe[k]
				got[last] = append(got[last], entries[k])
			}
		}
		for k, id := range probes {
			want := matches(l, []uint32{id})
			if len(want) != len(got[k]) {
				d.t.Fatalf("Match gives %d entries of id %d instead of %d", len(got[k]), id, len(want))
			}
			for j := range want {
				d.equal("entry", got[k][j], want[j])
			}
		}
	}
}

func (d *driver) checkEntries(cols []state.Column, entries []state.Entry, want []mentry, gather func([]state.Entry, []int, []batch.Vector)) {
	d.t.Helper()
	d.equal("entries", len(entries), len(want))
	ts := typesOf(cols)
	got := make([]batch.Vector, len(ts))
	gather(append([]state.Entry{0}, entries...), seq(len(ts)), got)
	for c := range ts {
		if !got[c].Null(0) {
			d.t.Fatal("entry 0 isn't NULL")
		}
	}
	for k := range entries {
		if x := exact(ts, got, k+1); x != want[k].enc {
			d.t.Fatalf("entry %d is %q instead of %q", k, x, want[k].enc)
		}
	}
}

func (d *driver) checkMultiset(s state.Multiset, ts []types.Type, id uint32, want map[string]int64) {
	d.t.Helper()
	d.equal("distinct", s.Distinct(id), len(want))
	by := make([]batch.Order, len(ts))
	for c := range by {
		by[c].Col = c
	}
	last, n := "", 0
	first, end := "", ""
	s.Each(id, func(v []batch.Vector, count int64) bool {
		name, order := canonical(ts, v, 0), sortKey(ts, by, v, 0)
		if n > 0 && order <= last {
			d.t.Fatalf("Each isn't ascending")
		}
		if c, ok := want[name]; !ok || c != count {
			d.t.Fatalf("value %q has count %d instead of %d", name, count, c)
		}
		if count > 0 && first == "" {
			first = name
		}
		if count > 0 {
			end = name
		}
		last = order
		n++
		return true
	})
	d.equal("values", n, len(want))
	for i, f := range []func(uint32, []batch.Vector, int) bool{s.First, s.Last} {
		to := make([]batch.Vector, len(ts))
		for c := range to {
			to[c].Prepare(ts[c], 0)
		}
		ok := f(id, to, 0)
		d.equal("First, Last", ok, first != "")
		if ok {
			d.equal("First, Last", canonical(ts, to, 0), []string{first, end}[i])
		}
	}
}
