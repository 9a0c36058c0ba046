package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/connectors"
)

// together reads splits at the same time, each until it has given n rows.
func together(t *testing.T, s connectors.Source, splits []connectors.Split, n int) []string {
	t.Helper()
	type result struct {
		rows []string
		err  error
	}
	results := make(chan result)
	for _, split := range splits {
		go func() {
			rows, _, err := values(t, s, split, n, nil)
			results <- result{rows, err}
		}()
	}
	var all []string
	for range splits {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		all = append(all, r.rows...)
	}
	slices.Sort(all)
	return all
}

func TestManyPartitions(t *testing.T)     { testManyPartitions(t, standIn(t)) }
func TestRealManyPartitions(t *testing.T) { testManyPartitions(t, real(t)) }

// testManyPartitions reads more partitions than there are routes. Records come to one
// of them while the others are waited for.
func testManyPartitions(t *testing.T, addr string) {
	const partitions, each = 3*routesPerBroker + 1, 4
	topic := newTopic(t, addr, partitions)
	var records []*kgo.Record
	var want []string
	for n := range int64(partitions * each) {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(n % partitions), Value: fmt.Appendf(nil, "%d,row %d", n, n)})
		want = append(want, show(idText, row(n, fmt.Sprintf("row %d", n)), 0))
	}
	write(t, addr, nil, records[:len(records)/2]...)
	s := open(t, Connector, tableOf(addr, topic, idText, nil)).(*source)
	splits := list(t, s, nil)
	done := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err == nil {
			defer c.Close()
			for _, r := range records[len(records)/2:] {
				err = errors.Join(err, c.ProduceSync(context.Background(), r).FirstErr())
			}
		}
		done <- err
	}()
	got := together(t, s, splits, each)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%d rows, want %d: %q", len(got), len(want), got)
	}
	for broker, routes := range s.hub.routes {
		if len(routes) != routesPerBroker {
			t.Errorf("%d routes to broker %d, want %d", len(routes), broker, routesPerBroker)
		}
		for _, r := range routes {
			if n := r.count(); n != 0 {
				t.Errorf("%d partitions are still members of a route", n)
			}
		}
	}
}

// TestRouteIsShared counts what a request asks for.
func TestRouteIsShared(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var most atomic.Int32
	c.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n := int32(0)
		for _, topic := range r.(*kmsg.FetchRequest).Topics {
			n += int32(len(topic.Partitions))
		}
		most.Store(max(most.Load(), n))
		return nil, nil, false
	})
	testManyPartitions(t, c.ListenAddrs()[0])
	if n := most.Load(); n < 2 || n > 4 {
		t.Errorf("at most %d partitions in one request; 25 over 8 routes are 3 or 4", n)
	}
}

// TestLeaderMoves moves partitions between brokers under a reader and a writer, and
// ends a broker: both go on.
func TestLeaderMoves(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	topic := newTopic(t, addr, 1)
	table := tableOf(addr, topic, idText, map[string]string{"properties.fetch.max.wait.ms": "50"})
	s := open(t, Connector, table)
	splits := list(t, s, nil)
	w := openWriter(t, table)
	defer w.Close()
	const rounds = 4
	got := make(chan []string, 1)
	go func() { got <- together(t, s, splits, rounds) }()
	var want []string
	for n := range int64(rounds) {
		switch leader := c.LeaderFor(topic, 0); n {
		case 1:
			err = c.MoveTopicPartition(topic, 0, (leader+1)%3)
		case 2:
			err = c.RemoveNode(leader)
		}
		if err == nil {
			err = w.Write(row(n, "x"))
		}
		if err == nil {
			err = w.Flush(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, show(idText, row(n, "x"), 0))
	}
	if rows := <-got; !slices.Equal(rows, want) {
		t.Fatalf("%q, want %q", rows, want)
	}
}

// TestBrokenConnections ends connections in the middle of requests: nothing is read
// or written twice, or lost.
func TestBrokenConnections(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	topic := newTopic(t, addr, 1)
	var requests atomic.Int32
	for _, key := range []int16{int16(kmsg.Fetch), int16(kmsg.Produce)} {
		c.ControlKey(key, func(kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			if requests.Add(1)%3 == 0 {
				return nil, errors.New("the connection ends here"), true
			}
			return nil, nil, false
		})
	}
	table := tableOf(addr, topic, idText, map[string]string{"properties.fetch.max.wait.ms": "10"})
	w := openWriter(t, table)
	defer w.Close()
	var want []string
	for n := range int64(9) {
		if err := w.Write(row(n, "x")); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		want = append(want, show(idText, row(n, "x"), 0))
	}
	s := open(t, Connector, table)
	if rows := together(t, s, list(t, s, nil), 9); !slices.Equal(rows, want) {
		t.Fatalf("%q, want %q", rows, want)
	}
}
