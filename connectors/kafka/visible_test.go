package kafka

import (
	"context"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/millrace/millrace/connectors"
)

// TestRealVisibleAtTheEnd: a broker answers a commit before readers see it, so the
// last commit of a job waits until they do. How often an earlier one is answered too
// soon is logged.
func TestRealVisibleAtTheEnd(t *testing.T) {
	addr := real(t)
	const partitions = 20
	topic := newTopic(t, addr, partitions)
	end := ends(t, addr, topic, partitions)
	table := tableOf(addr, topic, idText, map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": topic, "sink.partitioner": "round-robin"})
	s, err := Connector.Sink(table)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "job", Of: 1, Now: clock, Session: table.Session})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	soon := 0
	for n := uint64(1); n <= 20; n++ {
		for k := 0; k < partitions; k++ {
			if err := w.Write(row(int64(k), "a")); err != nil {
				t.Fatal(err)
			}
		}
		pending, err := w.Prepare(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		final := n%2 == 0
		if _, err := s.Commit(context.Background(), connectors.Commit{N: n, Final: final}, [][]byte{pending}); err != nil {
			t.Fatal(err)
		}
		committed, all := end(kafkago.ReadCommitted), end(kafkago.ReadUncommitted)
		switch {
		case committed >= all:
		case final:
			t.Fatalf("checkpoint %d: readers of committed records are at %d of %d", n, committed, all)
		default:
			soon++
		}
	}
	t.Logf("%d of 10 commits were answered before their records could be read", soon)
}
