package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func newTopic(t *testing.T, addr, name string, partitions int) {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr), Timeout: 20 * time.Second}
	res, err := c.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err == nil {
		err = res.Errors[name]
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: []string{name}})
	})
}

// ends are the offsets behind the last record of each partition for readers of
// committed records, or of all.
func ends(t *testing.T, addr, topic string, partitions int, level kafka.IsolationLevel) map[int]int64 {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr), Timeout: 20 * time.Second}
	var asks []kafka.OffsetRequest
	for p := 0; p < partitions; p++ {
		asks = append(asks, kafka.LastOffsetOf(p))
	}
	res, err := c.ListOffsets(context.Background(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asks}, IsolationLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]int64{}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			t.Fatal(p.Error)
		}
		out[p.Partition] = p.LastOffset
	}
	return out
}

// counts says how often each value lies in a topic, for a reader of committed
// records that isn't ours.
func counts(t *testing.T, addr, topic string, partitions int) map[string]int {
	t.Helper()
	left, at, out := map[int32]int64{}, map[int32]kgo.Offset{}, map[string]int{}
	for p, end := range ends(t, addr, topic, partitions, kafka.ReadCommitted) {
		if end > 0 {
			left[int32(p)], at[int32(p)] = end, kgo.NewOffset().At(0)
		}
	}
	if len(left) == 0 {
		return out
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for len(left) > 0 {
		f := c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading %s: %v: %v", topic, ctx.Err(), f.Errors())
		}
		f.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out[string(r.Value)]++
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

// TestRealKafkaKilled kills a job from Kafka to Kafka at random points and starts it
// again until its input has ended; then every row must be in its output once, and no
// transaction open. CRASH_KILLS is how many kills, over as many jobs as that takes.
func TestRealKafkaKilled(t *testing.T) {
	addr := Need(t, "kafka")
	const rows, partitions = 300_000, 4
	k := newKiller(t)
	run := fmt.Sprintf("kill-%d", time.Now().UnixNano())
	in := run + "-in"
	newTopic(t, addr, in, partitions)
	w, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < rows; i++ {
		w.Produce(context.Background(), &kgo.Record{Topic: in, Partition: int32(i % partitions), Value: []byte(strconv.Itoa(i))}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := w.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Close()

	resumed, committed, aborted := 0, 0, 0
	for job := 0; k.killed < k.kills; job++ {
		dir, out := t.TempDir(), fmt.Sprintf("%s-out-%d", run, job)
		newTopic(t, addr, out, partitions)
		script := filepath.Join(dir, "job.sql")
		text := fmt.Sprintf(`
CREATE TABLE input (n STRING) WITH ('connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'format' = 'raw',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'properties.max.partition.fetch.bytes' = '20000');
CREATE TABLE output (n STRING) WITH ('connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'format' = 'raw',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '%s');
INSERT INTO output SELECT n FROM input;
`, in, addr, out, addr, out)
		if err := os.WriteFile(script, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, said := range k.run(t, dir, script) {
			if strings.Contains(said, "goes on from checkpoint") {
				resumed++
				committed += strings.Count(said, ": committed what checkpoint")
				aborted += strings.Count(said, ": aborted what a run before")
			}
		}
		seen := counts(t, addr, out, partitions)
		lost, twice := 0, 0
		for i := 0; i < rows; i++ {
			switch seen[strconv.Itoa(i)] {
			case 0:
				lost++
			case 1:
			default:
				twice++
			}
		}
		if lost > 0 || twice > 0 || len(seen) != rows {
			t.Fatalf("job %d, %d kills: %d of %d rows are missing, %d are there more than once, %d are there at all; the partitions end at %v, for readers of committed records at %v", job, k.killed, lost, rows, twice, len(seen),
				ends(t, addr, out, partitions, kafka.ReadUncommitted), ends(t, addr, out, partitions, kafka.ReadCommitted))
		}
		all, stable := ends(t, addr, out, partitions, kafka.ReadUncommitted), ends(t, addr, out, partitions, kafka.ReadCommitted)
		for p, end := range all {
			if stable[p] != end {
				t.Errorf("job %d: a transaction is open in %s-%d from offset %d of %d", job, out, p, stable[p], end)
			}
		}
		t.Logf("job %d: %d kills so far; of %d runs that went on from a checkpoint, %d committed what was prepared, %d aborted what was open", job, k.killed, resumed, committed, aborted)
	}
}
