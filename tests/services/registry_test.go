package services

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// registryTable is a Kafka table whose values' schemas lie in the registry.
func registryTable(t *testing.T, name, columns, topic, format, more string) string {
	t.Helper()
	return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',\n"+
		"  'value.format' = '%s', 'value.%s.url' = 'http://%s/apis/ccompat/v7'%s);\n", name, columns, topic, Need(t, "kafka"), format, format, Need(t, "registry"), more)
}

// answers runs a script and compares the last lines it prints.
func answers(t *testing.T, script string, want ...string) {
	t.Helper()
	s := run(t, script, "--format", "jsonl")
	err := <-s.done
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	if err != nil || len(lines) < len(want) || strings.Join(lines[len(lines)-len(want):], "\n") != strings.Join(want, "\n") {
		t.Fatalf("%v\n%s\nwant\n%s", err, s.out.String(), strings.Join(want, "\n"))
	}
}

func registryTopic(t *testing.T) string {
	topic := fmt.Sprintf("registry-%d", time.Now().UnixNano())
	newTopic(t, Need(t, "kafka"), topic, 1)
	return topic
}

// TestRealRegistry writes and reads keys and values, then with a schema that has got
// another column.
func TestRealRegistry(t *testing.T) {
	Need(t, "registry")
	topic := registryTopic(t)
	key := fmt.Sprintf(", 'key.format' = 'avro-confluent', 'key.avro-confluent.url' = 'http://%s/apis/ccompat/v7', 'key.fields' = 'id', 'value.fields-include' = 'EXCEPT_KEY'", Need(t, "registry"))
	columns := "id BIGINT, name STRING, price DECIMAL(10, 2), ts TIMESTAMP(3), tags ARRAY<STRING>, place ROW<x DOUBLE, y DOUBLE>"
	answers(t, registryTable(t, "o", columns, topic, "avro-confluent", key)+
		"INSERT INTO o VALUES (1, 'ann', 1.50, TIMESTAMP '2026-01-01 10:00:00.123', ARRAY['a', 'b'], ROW(1e0, 2e0));\nSELECT * FROM o;\n",
		`{"id":1,"name":"ann","price":1.50,"ts":"2026-01-01 10:00:00.123","tags":["a","b"],"place":{"x":1.0,"y":2.0}}`)
	more := columns + ", note STRING"
	answers(t, registryTable(t, "o", more, topic, "avro-confluent", key)+
		"INSERT INTO o SELECT 2, 'bob', CAST(NULL AS DECIMAL(10, 2)), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS ARRAY<STRING>), CAST(NULL AS ROW<x DOUBLE, y DOUBLE>), 'new';\n"+
		registryTable(t, "i", "note STRING, id BIGINT, name STRING", topic, "avro-confluent", key)+"SELECT * FROM i;\n",
		`{"note":null,"id":1,"name":"ann"}`, `{"note":"new","id":2,"name":"bob"}`)
}

// TestRealRegistryDebezium writes changes and reads them again.
func TestRealRegistryDebezium(t *testing.T) {
	Need(t, "registry")
	topic := registryTopic(t)
	answers(t, registryTable(t, "o", "k STRING, n BIGINT", topic, "debezium-avro-confluent", "")+
		"INSERT INTO o SELECT k, COUNT(*) FROM (VALUES ('a'), ('b'), ('a'), ('a')) AS v (k) GROUP BY k;\nSELECT SUM(n) AS s, COUNT(*) AS c FROM o;\n", `{"s":4,"c":2}`)
}

// TestRealRegistryFaults: what goes wrong is named.
func TestRealRegistryFaults(t *testing.T) {
	at := Need(t, "registry")
	topic := registryTopic(t)
	answers(t, registryTable(t, "o", "id BIGINT, name STRING", topic, "avro-confluent", "")+"INSERT INTO o VALUES (1, 'ann');\nSELECT * FROM o;\n", `{"id":1,"name":"ann"}`)

	// the registry refuses a schema that old readers couldn't use
	q, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://"+at+"/apis/ccompat/v7/config/"+topic+"-value", strings.NewReader(`{"compatibility":"FULL"}`))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("compatibility: %s", a.Status)
	}
	run(t, registryTable(t, "o", "id STRING, name BIGINT", topic, "avro-confluent", "")+"INSERT INTO o VALUES ('x', 2);\n").fails(t, `registering the schema of subject "`+topic+`-value": schema registry http://`+at+"/apis/ccompat/v7: 409")

	// columns that aren't the schema's
	run(t, registryTable(t, "i", "name DATE", topic, "avro-confluent", "")+"SELECT * FROM i;\n").fails(t, `field "name": string was written, DATE is wanted`)

	// a message with a schema that nobody knows, and one that isn't of the format
	for _, c := range []struct{ value, says string }{
		{"\x00\x7f\xff\xff\xff\x02", "schema 2147483647: the schema registry doesn't know it"},
		{`{"id":1}`, "the message doesn't begin with a zero byte and the number of its schema"},
	} {
		topic := registryTopic(t)
		w, err := kgo.NewClient(kgo.SeedBrokers(Need(t, "kafka")))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Value: []byte(c.value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		run(t, registryTable(t, "i", "id BIGINT", topic, "avro-confluent", "")+"SELECT * FROM i;\n").fails(t, topic+"-0 at offset 0 can't be decoded: "+c.says)
	}

	// no registry
	gone := strings.Replace(registryTable(t, "o", "id BIGINT", topic, "avro-confluent", ""), at, "127.0.0.1:1", 1)
	run(t, gone+"INSERT INTO o VALUES (1);\n").fails(t, "schema registry http://127.0.0.1:1/apis/ccompat/v7: ")
}
