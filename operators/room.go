package operators

import "github.com/millrace/millrace/state/spill"

// Keeper is rows that an operator keeps beside its state and that may go to disk:
// package external has them.
type Keeper interface {
	// Held is the bytes that Unload would give back now.
	Held() int64
	// Unload writes them to disk.
	Unload() error
}

// Room is what a task's operators ask for room when they keep more rows. nil has no
// disk: what is kept stays in memory, up to the Budget.
type Room struct {
	Dir *spill.Dir
	// Over says how many bytes the task should give up, and how few aren't worth
	// writing.
	Over func() (bytes, least int64)
	// Every is how many rows whoever keeps them one by one may take between two Makes.
	Every int
	// Settle ends the life of ids and views of state, which may then go to disk: Turn
	// calls it, from End alone.
	Settle func()

	keepers []Keeper
}

// Enter adds a keeper; Leave takes it out.
func (r *Room) Enter(k Keeper) {
	if r != nil {
		r.keepers = append(r.keepers, k)
	}
}

// Leave takes a keeper out.
func (r *Room) Leave(k Keeper) {
	if r == nil {
		return
	}
	for i, x := range r.keepers {
		if x == k {
			r.keepers = append(r.keepers[:i], r.keepers[i+1:]...)
			return
		}
	}
}

// Make has keepers write to disk, the biggest first, until the task is no longer
// over what it may hold. Whoever keeps more rows calls it; each keeper of the task
// must expect its Unload then.
func (r *Room) Make() error {
	if r == nil {
		return nil
	}
	for {
		over, least := r.Over()
		if over <= 0 {
			return nil
		}
		var most Keeper
		held := int64(0)
		for _, k := range r.keepers {
			if h := k.Held(); h > held {
				most, held = k, h
			}
		}
		if most == nil || held < least {
			return nil
		}
		if err := most.Unload(); err != nil {
			return err
		}
	}
}

// Turn lets rows and state go to disk between two parts of an End that goes through
// many rows: ids and views of state end there.
func (r *Room) Turn() error {
	if r == nil {
		return nil
	}
	if err := r.Make(); err != nil {
		return err
	}
	r.Settle()
	return nil
}
