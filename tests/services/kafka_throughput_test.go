package services

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// event is a record of about 250 bytes, of 8 fields.
func event(i int) []byte {
	return fmt.Appendf(nil, `{"id":%d,"user_id":%d,"name":"customer %d","url":"https://www.example.com/shop/item/%d?ref=mail","price":%d.%02d,"quantity":%d,"country":"country-%d","ts":"2026-01-01 %02d:%02d:%02d.%03d"}`,
		i, i*7%100_003, i%5000, i%100_000, i%1000, i%100, i%9, i%200, i/3_600_000%24, i/60_000%60, i/1000%60, i%1000)
}

const eventColumns = "id BIGINT, user_id BIGINT, name STRING, url STRING, price DECIMAL(10, 2), quantity INT, country STRING, ts TIMESTAMP(3)"

// cpu is what this process or its children have used.
func cpu(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestRealKafkaThroughput moves KAFKA_ROWS records (none: skipped) from topic to
// topic: by us as JSON and as bytes, and by two clients in loops that do nothing
// else. Rounds are interleaved; the medians of CPU per record and wall time are
// logged.
func TestRealKafkaThroughput(t *testing.T) {
	addr, rows := Need(t, "kafka"), number(t, "KAFKA_ROWS", 0)
	if rows == 0 {
		t.Skip("KAFKA_ROWS says how many records to move")
	}
	const partitions = 2
	bin := millrace(t)
	run := fmt.Sprintf("throughput-%d", time.Now().UnixNano())
	in, out := run+"-in", run+"-out"
	newTopic(t, addr, in, partitions)
	newTopic(t, addr, out, partitions)
	w, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < rows; i++ {
		w.Produce(context.Background(), &kgo.Record{Topic: in, Partition: int32(i % partitions), Value: event(i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := w.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Close()

	job := func(columns, format, sink, query string) func() {
		script := filepath.Join(t.TempDir(), "job.sql")
		text := fmt.Sprintf(`CREATE TABLE i (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'format' = '%s', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (%s) WITH (%s, 'format' = '%s');
INSERT INTO o %s;
`, columns, in, addr, format, columns, sink, format, query)
		if strings.Contains(sink, "blackhole") {
			text = strings.Replace(text, ", 'format' = '"+format+"');\nINSERT", ");\nINSERT", 1)
		}
		if err := os.WriteFile(script, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return func() {
			if said, err := exec.Command(bin, "run", script).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
		}
	}
	kafkaSink := fmt.Sprintf("'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s'", out, addr)
	variants := []struct {
		name string
		who  int
		move func()
	}{
		{"millrace, JSON to JSON", syscall.RUSAGE_CHILDREN, job(eventColumns, "json", kafkaSink, "SELECT * FROM i")},
		{"millrace, bytes to bytes", syscall.RUSAGE_CHILDREN, job("b BYTES", "raw", kafkaSink, "SELECT * FROM i")},
		{"franz-go loop", syscall.RUSAGE_SELF, func() { franzLoop(t, addr, in, out, rows, partitions) }},
		{"kafka-go loop", syscall.RUSAGE_SELF, func() { kafkaGoLoop(t, addr, in, out, rows, partitions) }},
		{"millrace, JSON in", syscall.RUSAGE_CHILDREN, job(eventColumns, "json", "'connector' = 'blackhole'", "SELECT * FROM i")},
		{"millrace, bytes in", syscall.RUSAGE_CHILDREN, job("b BYTES", "raw", "'connector' = 'blackhole'", "SELECT * FROM i")},
		{"franz-go loop, in", syscall.RUSAGE_SELF, func() { franzLoop(t, addr, in, "", rows, partitions) }},
		{"kafka-go loop, in", syscall.RUSAGE_SELF, func() { kafkaGoLoop(t, addr, in, "", rows, partitions) }},
	}
	used, wall := make([][]time.Duration, len(variants)), make([][]time.Duration, len(variants))
	for round := 0; round < number(t, "KAFKA_ROUNDS", 3); round++ {
		for i, v := range variants {
			began, before := time.Now(), cpu(v.who)
			v.move()
			used[i], wall[i] = append(used[i], cpu(v.who)-before), append(wall[i], time.Since(began))
		}
	}
	for i, v := range variants {
		for _, d := range [][]time.Duration{used[i], wall[i]} {
			sort.Slice(d, func(a, b int) bool { return d[a] < d[b] })
		}
		m := len(used[i]) / 2
		t.Logf("%-26s %5d ns CPU a record (least %5d), %7.0f records/s", v.name, int(used[i][m])/rows, int(used[i][0])/rows, float64(rows)/wall[i][m].Seconds())
	}
}

// franzLoop moves records' bytes with franz-go.
func franzLoop(t *testing.T, addr, in, out string, rows, partitions int) {
	at := map[int32]kgo.Offset{}
	for p := 0; p < partitions; p++ {
		at[int32(p)] = kgo.NewOffset().At(0)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{in: at}), kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for n := 0; n < rows; {
		f := c.PollFetches(context.Background())
		f.EachRecord(func(r *kgo.Record) {
			if n++; out != "" {
				c.Produce(context.Background(), &kgo.Record{Topic: out, Value: r.Value}, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
	if err := c.Flush(context.Background()); err != nil {
		t.Error(err)
	}
}

// kafkaGoLoop moves records' bytes with kafka-go's Reader and Writer.
func kafkaGoLoop(t *testing.T, addr, in, out string, rows, partitions int) {
	var w *kafka.Writer
	if out != "" {
		w = &kafka.Writer{Addr: kafka.TCP(addr), Topic: out, BatchSize: 10_000, BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll, Async: true,
			Completion: func(_ []kafka.Message, err error) {
				if err != nil {
					t.Error(err)
				}
			}}
	}
	last := ends(t, addr, in, partitions, kafka.ReadUncommitted)
	done := make(chan error, partitions)
	for p := 0; p < partitions; p++ {
		go func() {
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: in, Partition: p, MaxWait: 200 * time.Millisecond, MinBytes: 1, MaxBytes: 10 << 20})
			defer r.Close()
			var block []kafka.Message
			for {
				m, err := r.ReadMessage(context.Background())
				if err != nil {
					done <- err
					return
				}
				end := m.Offset+1 >= last[p]
				if w != nil {
					if block = append(block, kafka.Message{Value: m.Value}); len(block) == 1000 || end {
						if err := w.WriteMessages(context.Background(), block...); err != nil {
							done <- err
							return
						}
						block = nil
					}
				}
				if end {
					done <- nil
					return
				}
			}
		}()
	}
	for p := 0; p < partitions; p++ {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if w != nil {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
