package statetest

import (
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/types"
)

type mtimer struct {
	key    string
	ns, ms int64
}

// timers runs random timers against a list in order of arrival.
func timers(t *testing.T, r *rand.Rand, open func(state.Options) state.Store) {
	ts := [][]types.Type{{}, {types.StringType}, {types.StringType, types.BigIntType}, {types.BigIntType}, {types.DoubleType, types.BigIntType}, {types.BigIntType, types.DateType, types.BigIntType},
		{types.DecimalType(30, 2)}}[r.Intn(7)]
	store := open(state.Options{})
	set := openTimers(t, store, ts)
	var model, saved []mtimer
	var blocks []state.Block
	now := int64(0)
	for turn := 0; turn < 80; turn++ {
		keys := randomRows(r, ts, 30, 5)
		before := make([]string, 30)
		for i := range before {
			before[i] = exact(ts, keys.Cols, i)
		}
		hashes := make([]uint64, 30)
		batch.Hash(ts, keys.Cols, 30, hashes)
		var rows []int32 // to be added together
		var ns, ms []int64
		together := func() {
			set.AddAll(keys.Cols, hashes, rows, ns, ms)
			rows, ns, ms = nil, nil, nil
		}
		many := r.Intn(2) == 0
		for i := 0; i < 30; i++ {
			x := mtimer{canonical(ts, keys.Cols, i), int64(r.Intn(2)), now + int64(r.Intn(20)) - 3}
			at := position(model, x)
			if r.Intn(4) == 0 {
				together()
				set.Delete(keys.Cols, i, x.ns, x.ms)
				if at >= 0 {
					model = append(append([]mtimer(nil), model[:at]...), model[at+1:]...)
				}
				continue
			}
			if many {
				rows, ns, ms = append(rows, int32(i)), append(ns, x.ns), append(ms, x.ms)
			} else {
				set.Add(keys.Cols, i, x.ns, x.ms)
			}
			if at < 0 {
				model = append(model, x)
			}
		}
		together()
		for i := range before {
			if exact(ts, keys.Cols, i) != before[i] {
				t.Fatal("the keys were written to")
			}
		}
		checkTimers(t, set, model)
		now += int64(r.Intn(5))
		model = fire(t, r, set, ts, model, now)
		checkTimers(t, set, model)
		store.Release()
		switch r.Intn(6) {
		case 0:
			snap, err := store.Freeze(uint64(turn + 1))
			if err != nil {
				t.Fatal(err)
			}
			saved = append([]mtimer(nil), model...)
			blocks = nil
			if err := snap.Save(false, func(b state.Block) error { blocks = append(blocks, own(b)); return nil }); err != nil {
				t.Fatal(err)
			}
			snap.Release()
			store.Confirm(uint64(turn + 1))
		case 1:
			store = open(state.Options{})
			if err := store.Restore(yield(blocks)); err != nil {
				t.Fatal(err)
			}
			set, model = openTimers(t, store, ts), append([]mtimer(nil), saved...)
			checkTimers(t, set, model)
		}
	}
}

func openTimers(t *testing.T, store state.Store, ts []types.Type) state.Timers {
	set, err := store.Open(identity).Timers("timers", ts)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func position(model []mtimer, x mtimer) int {
	for i, y := range model {
		if x == y {
			return i
		}
	}
	return -1
}

func checkTimers(t *testing.T, set state.Timers, model []mtimer) {
	t.Helper()
	if set.Len() != len(model) {
		t.Fatalf("%d timers instead of %d", set.Len(), len(model))
	}
	ms, ok := set.Next()
	want := int64(1 << 62)
	for _, x := range model {
		want = min(want, x.ms)
	}
	if ok != (len(model) > 0) || ok && ms != want {
		t.Fatalf("Next is %d %v instead of %d", ms, ok, want)
	}
}

// fire fires what is due, one by one or some together, and compares; f adds a timer now
// and then, and stops once.
func fire(t *testing.T, r *rand.Rand, set state.Timers, ts []types.Type, model []mtimer, now int64) []mtimer {
	t.Helper()
	stop := errors.New("stop")
	left := r.Intn(40)
	next := func() int {
		best := -1
		for i, x := range model {
			if x.ms <= now && (best < 0 || x.ms < model[best].ms) {
				best = i
			}
		}
		return best
	}
	take := func(keys []batch.Vector, i int, ns, ms int64) error {
		at := next()
		if at < 0 {
			return fmt.Errorf("a timer at %d that isn't there", ms)
		}
		if got := (mtimer{canonical(ts, keys, i), ns, ms}); got != model[at] {
			return fmt.Errorf("fired %v instead of %v", got, model[at])
		}
		model = append(append([]mtimer(nil), model[:at]...), model[at+1:]...)
		return nil
	}
	more := func(keys []batch.Vector, i int, ns, ms int64) error {
		if r.Intn(3) == 0 {
			x := mtimer{canonical(ts, keys, i), ns, ms + int64(r.Intn(4))}
			if position(model, x) < 0 {
				model = append(model, x)
			}
			set.Add(keys, i, x.ns, x.ms)
		}
		if left--; left == 0 {
			return stop
		}
		return nil
	}
	var err error
	if r.Intn(2) == 0 {
		err = set.FireAll(now, func(keys []batch.Vector, ns, ms []int64) (err error) {
			for i := 0; i < len(ns) && err == nil; i++ {
				err = take(keys, i, ns[i], ms[i])
			}
			for i := 0; i < len(ns) && err == nil; i++ {
				err = more(keys, i, ns[i], ms[i])
			}
			return err
		})
	} else {
		err = set.Fire(now, func(key []batch.Vector, ns, ms int64) error {
			if err := take(key, 0, ns, ms); err != nil {
				return err
			}
			return more(key, 0, ns, ms)
		})
	}
	if err != nil && !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err == nil && next() >= 0 {
		t.Fatalf("a timer at %d wasn't fired", model[next()].ms)
	}
	return model
}
