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
		for i := 0; i < 30; i++ {
			x := mtimer{canonical(ts, keys.Cols, i), int64(r.Intn(2)), now + int64(r.Intn(20)) - 3}
			at := position(model, x)
			if r.Intn(4) == 0 {
				set.Delete(keys.Cols, i, x.ns, x.ms)
				if at >= 0 {
					model = append(append([]mtimer(nil), model[:at]...), model[at+1:]...)
				}
				continue
			}
			set.Add(keys.Cols, i, x.ns, x.ms)
			if at < 0 {
				model = append(model, x)
			}
		}
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

// fire fires what is due and compares; f adds a timer now and then, and stops once.
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
	err := set.Fire(now, func(key []batch.Vector, ns, ms int64) error {
		at := next()
		if at < 0 {
			return fmt.Errorf("a timer at %d that isn't there", ms)
		}
		if got := (mtimer{canonical(ts, key, 0), ns, ms}); got != model[at] {
			return fmt.Errorf("fired %v instead of %v", got, model[at])
		}
		model = append(append([]mtimer(nil), model[:at]...), model[at+1:]...)
		if r.Intn(3) == 0 {
			x := mtimer{canonical(ts, key, 0), ns, ms + int64(r.Intn(4))}
			if position(model, x) < 0 {
				model = append(model, x)
			}
			set.Add(key, 0, x.ns, x.ms)
		}
		if left--; left == 0 {
			return stop
		}
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err == nil && next() >= 0 {
		t.Fatalf("a timer at %d wasn't fired", model[next()].ms)
	}
	return model
}
