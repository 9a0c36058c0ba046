package job

import (
	"context"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
)

// listing is a source that is only listed.
type listing struct {
	bounded bool
	every   time.Duration
	asked   int
}

func (l *listing) Changes() batch.Changes  { return batch.Changes{Kinds: batch.InsertOnly} }
func (l *listing) Bounded() bool           { return l.bounded }
func (l *listing) Interval() time.Duration { return l.every }
func (l *listing) Splits(context.Context, []connectors.Split, int) ([]connectors.Split, error) {
	l.asked++
	return nil, nil
}
func (l *listing) Read(context.Context, connectors.Split, []byte, connectors.ReadEnv) (connectors.Reader, error) {
	return nil, nil
}

// TestDiscover: each source is asked for new splits as often as it says, one that says
// nothing every ten seconds, one that ends never.
func TestDiscover(t *testing.T) {
	sources := []*listing{{every: time.Second}, {every: time.Microsecond}, {}, {bounded: true, every: time.Second}}
	r := &run{ctx: context.Background()}
	for _, l := range sources {
		r.sources = append(r.sources, source{splits: &splits{source: l}})
	}
	c := newCoordinator(r)
	begin := time.Unix(0, 0)
	c.listed = make([]time.Time, len(sources))
	for i := range c.listed {
		c.listed[i] = begin
	}
	for at := time.Duration(0); at <= 20*time.Second; at += 5 * time.Millisecond {
		if err := c.discover(begin.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{20, 2000, 2, 0} {
		if got := sources[i].asked; got != want {
			t.Errorf("source %d is asked %d times, want %d", i, got, want)
		}
	}
}
