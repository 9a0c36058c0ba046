package services

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRealKafkaToMySQLThroughput moves KAFKA_ROWS records (none: skipped) from a topic
// into a table with a key, beside a loop that only moves the bytes: its records are
// the SQL text of the same rows already, and it puts as many of them into a statement.
// Rounds are interleaved; of each the least counts.
func TestRealKafkaToMySQLThroughput(t *testing.T) {
	addr, rows := Need(t, "kafka"), number(t, "KAFKA_ROWS", 0)
	if rows == 0 {
		t.Skip("KAFKA_ROWS says how many records to move")
	}
	d := connect(t, "mysql", "kafka_throughput")
	c := d.open(t)
	defer c.Close()
	const columns = "id BIGINT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2), n INT"
	d.exec(t, c, "CREATE TABLE dst ("+columns+")")
	const partitions = 2
	name := fmt.Sprintf("mysql-throughput-%d", time.Now().UnixNano())
	fill := func(topic string, record func(i int) []byte) {
		newTopic(t, addr, topic, partitions)
		w, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for i := range rows {
			w.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: record(i)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	fill(name+"-json", func(i int) []byte {
		return fmt.Appendf(nil, `{"id":%d,"name":"the name of row %d","price":%d.25,"n":%d}`, i, i, i%1000, i*7%1000)
	})
	fill(name+"-sql", func(i int) []byte {
		return fmt.Appendf(nil, "(%d,'the name of row %d',%d.25,%d)", i, i, i%1000, i*7%1000)
	})
	script := fmt.Sprintf(`CREATE TABLE i (id BIGINT, name STRING, price DECIMAL(12,2), n INT) WITH ('connector' = 'kafka', 'topic' = '%s-json', 'properties.bootstrap.servers' = '%s', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id BIGINT, name STRING, price DECIMAL(12,2), n INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'jdbc', 'url' = 'jdbc:mysql://%s:%d/%s', 'table-name' = 'dst',
  'username' = '%s', 'password' = '');
INSERT INTO o SELECT * FROM i;
`, name, addr, d.at.Host, d.at.Port, d.name, d.at.User)
	const perStatement = 2000
	loop := func() {
		to := d.open(t)
		defer to.Close()
		at := map[int32]kgo.Offset{}
		for p := range partitions {
			at[int32(p)] = kgo.NewOffset().At(0)
		}
		from, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name + "-sql": at}))
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		upsert := d.Upsert([]string{"id", "name", "price", "n"}, []string{"id"})
		var b []byte
		k := 0
		flush := func() {
			if k > 0 {
				d.exec(t, to, string(b)+upsert)
				b, k = b[:0], 0
			}
		}
		for n := 0; n < rows; {
			from.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
				if n++; k == 0 {
					b = append(b, "INSERT INTO dst (id, name, price, n) VALUES "...)
				} else {
					b = append(b, ',')
				}
				b = append(b, r.Value...)
				if k++; k == perStatement {
					flush()
				}
			})
		}
		flush()
	}
	var jobCPU, jobWall, loopCPU, loopWall []time.Duration
	for range number(t, "KAFKA_ROUNDS", 3) {
		d.exec(t, c, "TRUNCATE TABLE dst")
		began, before := time.Now(), cpu(0)
		loop()
		loopCPU, loopWall = append(loopCPU, cpu(0)-before), append(loopWall, time.Since(began))
		d.exec(t, c, "TRUNCATE TABLE dst")
		began = time.Now()
		s := run(t, script)
		if err := <-s.done; err != nil {
			t.Fatalf("%v\n%s", err, s.out.String())
		}
		jobWall, jobCPU = append(jobWall, time.Since(began)), append(jobCPU, s.cmd.ProcessState.UserTime()+s.cmd.ProcessState.SystemTime())
		if got := d.rows(t, c, "(SELECT COUNT(*) AS c, SUM(n) AS s FROM dst) AS x", "c"); len(got) != 1 || got[0][:len(fmt.Sprint(rows))+1] != fmt.Sprint(rows)+"|" {
			t.Fatalf("%q, want %d rows", got, rows)
		}
	}
	for _, x := range []struct {
		name      string
		cpu, wall []time.Duration
	}{{"millrace, Kafka JSON to MySQL", jobCPU, jobWall}, {"loop that moves the bytes", loopCPU, loopWall}} {
		least, quickest := slices.Min(x.cpu), slices.Min(x.wall)
		t.Logf("%-30s %5d ns CPU a record, %7.0f records/s", x.name, int(least)/rows, float64(rows)/quickest.Seconds())
	}
}
