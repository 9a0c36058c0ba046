package optest

import (
	"math/rand"

	"github.com/millrace/millrace/state"
)

// still is a check that what a checkpoint has frozen stays as it was while rows flow on:
// an operator that changes a row before it tells the table so (Touch) changes the
// checkpoint too.
type still struct {
	on      bool
	rand    *rand.Rand
	n       uint64
	want    contents
	pending state.Snapshot
}

// contents is how often each byte occurs in the blocks of each table and key group: rows
// may be written in another order, but not with other values.
type contents map[block]*[256]int

type block struct {
	id    state.Identity
	name  string
	group int
}

// freeze writes what was frozen a turn before and compares it with what it was then, and
// freezes the state now and then.
func (d *Driver) freeze() {
	d.t.Helper()
	s := &d.still
	if !s.on || d.out.discard {
		return
	}
	if s.pending != nil {
		got := d.saved(s.pending)
		s.pending = nil
		d.store.Abort(s.n)
		for b, bytes := range s.want {
			if now := got[b]; now == nil || *now != *bytes {
				d.t.Fatalf("what a checkpoint had frozen has changed since: %s, key group %d", b.name, b.group)
			}
		}
		if len(got) != len(s.want) {
			d.t.Fatalf("a checkpoint of %d blocks has %d", len(s.want), len(got))
		}
	}
	if s.rand == nil {
		s.rand = rand.New(rand.NewSource(1))
	}
	if s.rand.Intn(4) > 0 {
		return
	}
	s.want = d.saved(d.snapshot())
	d.store.Abort(s.n)
	s.pending = d.snapshot()
}

func (d *Driver) snapshot() state.Snapshot {
	d.still.n++
	p, err := d.store.Freeze(d.still.n)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *Driver) saved(p state.Snapshot) contents {
	all := contents{}
	err := p.Save(false, func(b state.Block) error {
		at := block{b.Identity, b.Name, b.Group}
		if all[at] == nil {
			all[at] = new([256]int)
		}
		for _, x := range b.Data {
			if x == state.RowThere {
				x = state.RowNew // which of them is said doesn't matter where there's nothing before
			}
			all[at][x]++
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	p.Release()
	return all
}
