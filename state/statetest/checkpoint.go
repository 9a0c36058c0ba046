package statetest

import (
	"bytes"
	"runtime"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
)

// pending is a checkpoint that is frozen and neither confirmed nor aborted.
type pending struct {
	n      uint64
	snap   state.Snapshot
	model  *model
	delta  bool
	based  bool // something was confirmed when it began
	blocks []state.Block
	done   chan error // Save runs on another goroutine; nil: not begun
}

// freeze begins a checkpoint; its blocks are written while turns go on.
func (d *driver) freeze() {
	d.checkpoint++
	p := &pending{n: d.checkpoint, model: d.m.clone(), delta: d.r.Intn(3) > 0, based: d.based}
	var err error
	if p.snap, err = d.store.Freeze(p.n); err != nil {
		d.t.Fatal(err)
	}
	d.pending = append(d.pending, p)
	if d.r.Intn(2) == 0 {
		p.begin()
	}
}

func (p *pending) begin() {
	p.done = make(chan error, 1)
	go func() {
		p.done <- p.snap.Save(p.delta, func(b state.Block) error {
			p.blocks = append(p.blocks, own(b))
			runtime.Gosched() // a turn of the task falls between blocks
			return nil
		})
	}()
}

// settle ends the oldest checkpoint: its blocks are written, and it's confirmed,
// or it never was.
func (d *driver) settle(confirm bool) {
	d.t.Helper()
	if len(d.pending) == 0 {
		return
	}
	p := d.pending[0]
	d.pending = d.pending[1:]
	if p.done == nil && (confirm || d.r.Intn(2) == 0) {
		p.begin()
	}
	if p.done != nil {
		if err := <-p.done; err != nil {
			d.t.Fatal(err)
		}
	}
	p.snap.Release()
	if !confirm {
		d.store.Abort(p.n)
		return
	}
	d.store.Confirm(p.n)
	seen := map[int]bool{}
	for _, b := range p.blocks {
		if seen[b.Group] != b.More {
			d.t.Fatalf("a block of key group %d says %v of being more", b.Group, b.More)
		}
		seen[b.Group] = true
		if b.Delta != (p.delta && p.based) {
			d.t.Fatalf("a block says delta %v; asked for %v with a base %v", b.Delta, p.delta, p.based)
		}
	}
	if !p.delta || !p.based {
		d.saved = nil
	}
	d.saved, d.savedModel, d.based = append(d.saved, p.blocks...), p.model, true
}

// crash forgets the store and starts another from the last confirmed checkpoint:
// all of it, or, rescaled, by halves of its key groups.
func (d *driver) crash() {
	d.t.Helper()
	for _, p := range d.pending {
		if p.done != nil {
			<-p.done
		}
		p.snap.Release()
	}
	d.pending = nil
	if err := d.store.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.start(d.saved)
	d.m = d.savedModel.clone()
	d.m.expire(d.now)
	d.check()
	if d.r.Intn(2) == 0 {
		d.rescale()
	}
}

// rescale restores each half of the key groups into a store of its own, looks at
// it, and puts a full checkpoint of the two together again.
func (d *driver) rescale() {
	d.t.Helper()
	whole, all := d.m, []state.Block(nil)
	for part := 0; part < 2; part++ {
		var blocks []state.Block
		for _, b := range d.saved {
			if batch.Subtask(b.Group, 2) == part {
				blocks = append(blocks, b)
			}
		}
		d.start(blocks)
		d.m = whole.clone()
		for ns, s := range d.m.slices {
			for k, r := range s {
				if batch.Subtask(batch.KeyGroup(r.hash), 2) != part {
					delete(s, k)
				}
			}
			if len(s) == 0 {
				delete(d.m.slices, ns)
			}
		}
		d.check()
		snap, err := d.store.Freeze(1)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := snap.Save(false, func(b state.Block) error { all = append(all, own(b)); return nil }); err != nil {
			d.t.Fatal(err)
		}
		snap.Release()
	}
	d.start(all)
	d.m, d.saved, d.savedModel, d.checkpoint = whole, all, whole.clone(), 1
	d.check()
}

// own is a block whose bytes are kept.
func own(b state.Block) state.Block {
	b.Data = bytes.Clone(b.Data)
	return b
}
