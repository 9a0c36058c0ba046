package kafka

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/csv"
	"github.com/millrace/millrace/formats/raw"
	"github.com/millrace/millrace/tests/services"
	"github.com/millrace/millrace/types"
)

// standIn is a broker in this process.
func standIn(t testing.TB) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

func clock() time.Time { return time.UnixMilli(1_700_000_000_000) }

var topics int

// newTopic makes a topic of its own for a test and gives its name.
func newTopic(t testing.TB, addr string, partitions int, config ...kafkago.ConfigEntry) string {
	t.Helper()
	topics++
	name := fmt.Sprintf("t%d-%d-%s", os.Getpid(), topics, strings.ToLower(strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())))
	c := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	res, err := c.CreateTopics(context.Background(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: config}}})
	if err == nil {
		err = res.Errors[name]
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.DeleteTopics(context.Background(), &kafkago.DeleteTopicsRequest{Topics: []string{name}})
	})
	return name
}

// schemaOf makes a schema of "name TYPE" pairs.
func schemaOf(fields ...types.Field) *types.Schema { return &types.Schema{Fields: fields} }

var idText = schemaOf(types.Field{Name: "id", Type: types.BigIntType}, types.Field{Name: "text", Type: types.StringType})

// tableOf is a table over a topic in format csv.
func tableOf(addr, topic string, s *types.Schema, options map[string]string, meta ...connectors.Metadata) connectors.Table {
	set := map[string]string{"properties.bootstrap.servers": addr, "topic": topic, "scan.startup.mode": "earliest-offset"}
	for k, v := range options {
		if set[k] = v; v == "" {
			delete(set, k)
		}
	}
	session := types.NewSession(clock)
	full := &types.Schema{Fields: s.Fields[:s.Len()-len(meta)]}
	return connectors.Table{Path: "cat.db.t", Schema: s, Full: full, Meta: meta, Session: session, Options: formats.Values{Set: set, Declared: Connector.Options},
		Format: formats.Table{Format: csv.Format, Spec: formats.Spec{Schema: s, Full: full, Session: session, Options: formats.Values{Set: map[string]string{}, Declared: csv.Format.Options}}}}
}

// keyed gives a table a key in format raw.
func keyed(t connectors.Table) connectors.Table {
	t.Format.KeyFormat = raw.Format
	t.Format.KeySpec = formats.Spec{Session: t.Session, Options: formats.Values{Set: map[string]string{}, Declared: raw.Format.Options}}
	return t
}

func write(t testing.TB, addr string, opts []kgo.Opt, records ...*kgo.Record) {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads a topic from its beginning to its end as another client sees it.
func readAll(t testing.TB, addr, topic string, partitions int, committed bool) (out []*kgo.Record) {
	t.Helper()
	level := kgo.ReadUncommitted()
	if committed {
		level = kgo.ReadCommitted()
	}
	api := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	var asks []kafkago.OffsetRequest
	for p := 0; p < partitions; p++ {
		asks = append(asks, kafkago.LastOffsetOf(p))
	}
	iso := kafkago.ReadUncommitted
	if committed {
		iso = kafkago.ReadCommitted
	}
	ends, err := api.ListOffsets(context.Background(), &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: asks}, IsolationLevel: iso})
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	at := map[int32]kgo.Offset{}
	for _, p := range ends.Topics[topic] {
		if p.LastOffset > 0 {
			left[int32(p.Partition)] = p.LastOffset
			at[int32(p.Partition)] = kgo.NewOffset().At(0)
		}
	}
	if len(left) == 0 {
		return nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.FetchIsolationLevel(level), kgo.FetchMaxWait(100*time.Millisecond), kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for len(left) > 0 && ctx.Err() == nil {
		for _, r := range c.PollFetches(ctx).Records() {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if end, ok := left[r.Partition]; ok && r.Offset >= end-1 {
				delete(left, r.Partition)
			}
		}
	}
	return out
}

func texts(ts []types.Type, b *batch.Batch) (out []string) {
	conntest.Live(b, func(i int) { out = append(out, conntest.Text(ts, b, i)) })
	return out
}

func row(id int64, text string) *batch.Batch {
	var b batch.Batch
	ts := idText.Types()
	b.Reset(ts)
	b.Cols[0].I64 = append(b.Cols[0].I64, id)
	b.Cols[1].Str = append(b.Cols[1].Str, 0)
	b.Cols[1].SetString(0, text)
	b.Len = 1
	return &b
}

// brokers runs a test against the stand-in; its TestReal twin against Kafka.
func real(t testing.TB) string { return services.Need(t, "kafka") }

// ends gives the sum of a topic's ends as readers of a level see them.
func ends(t testing.TB, addr, topic string, partitions int) func(kafkago.IsolationLevel) int64 {
	api := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	return func(level kafkago.IsolationLevel) (sum int64) {
		t.Helper()
		var asks []kafkago.OffsetRequest
		for p := range partitions {
			asks = append(asks, kafkago.LastOffsetOf(p))
		}
		res, err := api.ListOffsets(context.Background(), &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: asks}, IsolationLevel: level})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range res.Topics[topic] {
			sum += p.LastOffset
		}
		return sum
	}
}

// visible waits until readers of committed records see all of a topic: a broker answers
// the end of a transaction a little earlier.
func visible(t testing.TB, addr, topic string, partitions int) {
	t.Helper()
	end := ends(t, addr, topic, partitions)
	for deadline := time.Now().Add(30 * time.Second); end(kafkago.ReadCommitted) < end(kafkago.ReadUncommitted); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a transaction that has ended stays invisible")
		}
	}
}

func TestSource(t *testing.T)     { testSource(t, standIn(t)) }
func TestRealSource(t *testing.T) { testSource(t, real(t)) }

// testSource reads partitions of plain, compressed, committed and aborted records.
func testSource(t *testing.T, addr string) {
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, partitions := range []int{1, 2} {
			t.Run(fmt.Sprint(codec, partitions), func(t *testing.T) {
				topic := newTopic(t, addr, partitions)
				c := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}[codec]
				var want []string
				add := func(n int64, p int32, wanted bool) *kgo.Record {
					if wanted {
						want = append(want, texts(idText.Types(), row(n, fmt.Sprintf("row %d", n)))...)
					}
					return &kgo.Record{Topic: topic, Partition: p, Value: []byte(fmt.Sprintf("%d,row %d", n, n))}
				}
				var list []*kgo.Record
				for n := int64(0); n < 20; n++ {
					list = append(list, add(n, int32(n)%int32(partitions), true))
				}
				for ; len(list) > 0; list = list[5:] { // several batches
					write(t, addr, []kgo.Opt{kgo.ProducerBatchCompression(c)}, list[:5]...)
				}
				tx, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.TransactionalID(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(c))
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Close()
				n := int64(100)
				for round := 0; round < 4; round++ {
					if err := tx.BeginTransaction(); err != nil {
						t.Fatal(err)
					}
					good := round%2 == 1
					var list []*kgo.Record
					for k := 0; k < 3; k++ {
						list = append(list, add(n, 0, good))
						n++
					}
					if err := tx.ProduceSync(context.Background(), list...).FirstErr(); err != nil {
						t.Fatal(err)
					}
					if err := tx.EndTransaction(context.Background(), kgo.TransactionEndTry(good)); err != nil {
						t.Fatal(err)
					}
				}
				visible(t, addr, topic, partitions)
				for _, bounded := range []string{"latest-offset", "unbounded"}[:3-partitions] { // without an end, conntest knows one split's rows only
					conntest.Source(t, conntest.SourceHarness{Types: idText.Types(), Rows: want, Now: time.Now, Open: func() connectors.Source {
						s, err := Connector.Source(tableOf(addr, topic, idText, map[string]string{"properties.isolation.level": "read_committed", "scan.bounded.mode": bounded, "properties.fetch.max.wait.ms": "50"}))
						if err != nil {
							t.Fatal(err)
						}
						return s
					}})
				}
			})
		}
	}
}

func TestSink(t *testing.T)     { testSink(t, standIn(t)) }
func TestRealSink(t *testing.T) { testSink(t, real(t)) }

func testSink(t *testing.T, addr string) {
	for _, guarantee := range []string{"at-least-once", "exactly-once"} {
		for _, codec := range []string{"none", "zstd"} {
			t.Run(guarantee+"-"+codec, func(t *testing.T) {
				topic := newTopic(t, addr, 3)
				conntest.Sink(t, conntest.SinkHarness{Types: idText.Types(), AtOnce: guarantee != "exactly-once",
					Open: func() connectors.Sink {
						s, err := Connector.Sink(tableOf(addr, topic, idText, map[string]string{"sink.delivery-guarantee": guarantee, "sink.transactional-id-prefix": topic, "properties.compression.type": codec}))
						if err != nil {
							t.Fatal(err)
						}
						return s
					},
					Batch: func(n int) *batch.Batch { return row(int64(n), fmt.Sprintf("row %d", n)) },
					Visible: func(t *testing.T) (out []string) {
						for _, r := range readAll(t, addr, topic, 3, true) {
							var id int64
							var text string
							if _, err := fmt.Sscanf(strings.Replace(string(r.Value), ",", " ", 1), "%d %q", &id, &text); err != nil {
								t.Fatalf("%q: %v", r.Value, err)
							}
							out = append(out, texts(idText.Types(), row(id, text))...)
						}
						sort.Strings(out)
						return out
					},
				})
			})
		}
	}
}
