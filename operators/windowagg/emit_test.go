package windowagg_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/operators/window"
	"github.com/millrace/millrace/operators/windowagg"
	"github.com/millrace/millrace/types"
)

// TestDelay: with a delay a group is sent that long after its first row, then at
// the window's end if it changed.
func TestDelay(t *testing.T) {
	session := optest.Session()
	now := session.Now()
	session.Now = func() time.Time { return now }
	calls, fields := optest.Calls()
	out := append([]types.Field{{Name: "k", Type: types.StringType}}, fields[0])
	s := &windowagg.Spec{In: optest.Schema, Window: window.Window{Kind: window.Tumble, Size: 1000}, Legacy: true, Keys: []int{1}, Calls: calls[:1], Out: types.NewSchema(out...),
		Emit: windowagg.Emit{Early: true, EarlyDelay: 5 * time.Second}}
	d := optest.New(t, s, session, batch.Changes{Kinds: batch.InsertOnly})
	a, b := "a", "b"
	expect := func(want string) {
		t.Helper()
		if got := fmt.Sprint(d.Taken()); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	tick := func(after time.Duration) time.Time {
		now = now.Add(after)
		_, next, err := d.Op.(operators.Ticker).Tick(now)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	d.Process(0, optest.Batch([]optest.Row{{Ms: 1, K: &a}, {Ms: 2, K: &a}}, nil))
	if next := tick(time.Second); !next.Equal(now.Add(4 * time.Second)) {
		t.Fatalf("asks for %v at %v", next, now)
	}
	expect("[]")
	d.Process(0, optest.Batch([]optest.Row{{Ms: 3, K: &b}}, nil))
	tick(4 * time.Second)
	expect("[{+I a 2}]")
	d.Process(0, optest.Batch([]optest.Row{{Ms: 4, K: &a}}, nil))
	d.Watermark(999)
	expect("[{-U a 2} {+U a 3} {+I b 1}]")
	tick(time.Minute)
	expect("[]")
}
