package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/raw"
	"github.com/millrace/millrace/tests/services"
	"github.com/millrace/millrace/types"
)

// bytesTable is a table of one BYTES column, format raw: nothing is decoded.
func bytesTable(addr, topic string, options map[string]string) connectors.Table {
	t := tableOf(addr, topic, schemaOf(types.Field{Name: "b", Type: types.BytesType}), options)
	t.Format.Format, t.Format.Spec.Options = raw.Format, formats.Values{Declared: raw.Format.Options}
	return t
}

// BenchmarkRead reads records of 250 bytes; run it against Kafka with
// MILLRACE_TEST_SERVICES set, else the stand-in in this process counts too.
func BenchmarkRead(b *testing.B) {
	addr := benchBroker(b)
	topic := newTopic(b, addr, 1)
	const records = 200_000
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < records; i++ {
		c.Produce(context.Background(), &kgo.Record{Topic: topic, Value: []byte(strings.Repeat("x", 250))}, nil)
	}
	if err := c.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	c.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		s := open(b, Connector, bytesTable(addr, topic, map[string]string{"scan.bounded.mode": "latest-offset"}))
		split := list(b, s, nil)[0]
		wake := make(chan struct{}, 1)
		r, err := s.Read(context.Background(), split, nil, env(wake, func(x connectors.BadRow) error { return x.Reason }))
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			x, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if errors.Is(err, connectors.ErrNotReady) {
				<-wake
				continue
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += x.Len
		}
		r.Close()
		if rows != records {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

// BenchmarkWrite writes records of 250 bytes.
func BenchmarkWrite(b *testing.B) {
	addr := benchBroker(b)
	topic := newTopic(b, addr, 1)
	table := bytesTable(addr, topic, nil)
	s, err := Connector.Sink(table)
	if err != nil {
		b.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Of: 1, Now: time.Now, Session: table.Session})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	rows := row(1, strings.Repeat("x", 250))
	one := rows.Cols[1]
	rows.Cols, rows.Len = rows.Cols[:1], 1000
	rows.Cols[0].Take(types.BytesType, &one, make([]int32, 1000))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if err := w.Write(rows); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}

// BenchmarkUnpack takes a fetched set apart, without a broker.
func BenchmarkUnpack(b *testing.B) {
	for codec, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		b.Run(name, func(b *testing.B) {
			var w builder
			w.reset()
			for i := 0; i < 1000; i++ {
				w.add(nil, fmt.Appendf(nil, `{"id":%d,"name":"customer %d","price":%d.5}`, i*7919, i%77, i), nil, int64(i))
			}
			set, err := w.seal(int8(codec), anonymous, 0, false)
			if err != nil {
				b.Fatal(err)
			}
			var spans []span
			var buf, block []byte
			var rec record
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if spans, block, buf, _, err = unpack(set, 0, true, nil, spans, buf); err != nil {
					b.Fatal(err)
				}
				for k := range spans {
					for ; spans[k].count > 0; spans[k].count-- {
						if err := spans[k].readRecord(block, &rec); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
		})
	}
}

func benchBroker(b *testing.B) string {
	if addr := services.Address("kafka"); addr != "" {
		return addr
	}
	return standIn(b)
}
