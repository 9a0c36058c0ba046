package parallel_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/parallel"
	"github.com/millrace/millrace/types"
)

// gated is a table whose connections answer, each key with itself, when the gate lets
// them.
type gated struct {
	gate   chan struct{} // one question per value
	begun  chan struct{}
	mu     sync.Mutex
	opened int
	closed int
	fail   error
}

type connection struct {
	*gated
	ctx  context.Context
	rows batch.Batch
	of   []int32
	n    uint64
	done bool
}

var ints = []types.Type{types.BigIntType}

func (g *gated) OpenLookup(ctx context.Context, _ []int) (connectors.Lookup, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened++
	return &connection{gated: g, ctx: ctx}, nil
}

func (c *connection) Start(keys *batch.Batch, wake func()) (uint64, error) {
	c.begun <- struct{}{}
	select {
	case <-c.gate:
	case <-c.ctx.Done():
		return 0, c.ctx.Err()
	}
	if c.fail != nil {
		return 0, c.fail
	}
	c.rows.Reset(ints)
	c.of = c.of[:0]
	for i := range keys.Len {
		c.rows.AppendRow(ints, batch.Insert, keys, i)
		c.of = append(c.of, int32(i))
	}
	c.n++
	c.done = true
	wake()
	return c.n, nil
}

func (c *connection) Poll() (uint64, *batch.Batch, []int32, error) {
	if !c.done {
		return 0, nil, nil, connectors.ErrNotReady
	}
	c.done = false
	return c.n, &c.rows, c.of, nil
}

func (c *connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func keys(n int64) *batch.Batch {
	return &batch.Batch{Len: 1, Cols: []batch.Vector{{I64: []int64{n}}}}
}

// TestSideBySide: as many questions are asked at a time as there may be connections, and
// an idle connection is used before another is opened.
func TestSideBySide(t *testing.T) {
	g := &gated{gate: make(chan struct{}), begun: make(chan struct{}, 10)}
	l := parallel.Open(context.Background(), g, []int{0}, ints, 3, 0)
	woken := make(chan struct{}, 100)
	wake := func() { woken <- struct{}{} }
	want := map[uint64]int64{}
	ask := func(n int64) {
		t.Helper()
		ticket, err := l.Start(keys(n), wake)
		if err != nil {
			t.Fatal(err)
		}
		want[ticket] = n
	}
	take := func() {
		t.Helper()
		<-woken
		ticket, rows, of, err := l.Poll()
		if err != nil || len(of) != 1 || rows.Cols[0].I64[0] != want[ticket] || want[ticket] == 0 {
			t.Fatalf("answer to %d: %v", want[ticket], err)
		}
		delete(want, ticket)
		if _, _, _, err := l.Poll(); !errors.Is(err, connectors.ErrNotReady) {
			t.Fatalf("another answer: %v", err)
		}
	}
	ask(1)
	<-g.begun
	g.gate <- struct{}{}
	take()
	for n := range int64(3) {
		ask(n + 10)
	}
	for range 3 {
		<-g.begun // all three are being asked
	}
	if _, err := l.Start(keys(99), wake); !errors.Is(err, connectors.ErrBusy) {
		t.Fatalf("a fourth question: %v", err)
	}
	if g.opened != 3 {
		t.Fatalf("%d connections", g.opened)
	}
	for range 3 {
		g.gate <- struct{}{}
		take()
	}
	ask(50)
	<-g.begun
	if err := l.Close(); err != nil { // ends it
		t.Fatal(err)
	}
	if g.closed != 3 {
		t.Fatalf("%d connections were closed", g.closed)
	}
}

// TestErrors: what a connection says comes with the answer, and so does that it took too
// long.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		want    string
	}{{0, "no such table"}, {time.Millisecond, "no answer within 1ms"}} {
		g := &gated{gate: make(chan struct{}, 1), begun: make(chan struct{}, 1), fail: errors.New("no such table")}
		if c.timeout == 0 {
			g.gate <- struct{}{}
		}
		l := parallel.Open(context.Background(), g, []int{0}, ints, 1, c.timeout)
		woken := make(chan struct{}, 1)
		if _, err := l.Start(keys(1), func() { woken <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		<-woken
		if _, _, _, err := l.Poll(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v instead of %s", err, c.want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
