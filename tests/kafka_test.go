package tests

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestKafkaScripts runs scripts against a broker in this process. WITH_KAFKA(topic)
// stands for a table's first options.
func TestKafkaScripts(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(2), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []struct{ name, sql, want string }{
		{"rowtime is the record's time", `
CREATE TABLE made (id INT, ts AS TIMESTAMPADD(SECOND, id, TIMESTAMP '2020-01-01 00:00:00.000'), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '2', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '2');
CREATE TABLE o (id INT, ts TIMESTAMP(3)) WITH (KAFKA(rowtime), 'format' = 'json');
INSERT INTO o SELECT id, ts FROM made;
CREATE TABLE i (id INT, t TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', topic STRING METADATA VIRTUAL) WITH (KAFKA(rowtime), 'format' = 'json', BOUNDED);
SELECT id, t, topic FROM i ORDER BY id LIMIT 10;`,
			`{"id":1,"t":"2020-01-01 00:00:01.000Z","topic":"rowtime"}
{"id":2,"t":"2020-01-01 00:00:02.000Z","topic":"rowtime"}`},

		{"upsert: the last state of each key", `
CREATE TABLE o (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'upsert', SERVERS, 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO o SELECT name, COUNT(*) FROM (SELECT CAST(x AS STRING) AS name FROM (VALUES ('a'), ('b'), ('a'), ('a')) AS v (x)) GROUP BY name;
CREATE TABLE i (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'upsert', SERVERS, 'key.format' = 'raw', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT SUM(n) AS s, COUNT(*) AS c FROM i;`, `{"s":4,"c":2}`},

		{"partitions with an end share event time", `
CREATE TABLE made (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000', 'rows-per-second' = '1000000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '999');
CREATE TABLE o (k STRING, ts TIMESTAMP(3)) WITH (KAFKA(eventtime), 'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'json');
INSERT INTO o SELECT CAST(id AS STRING), TIMESTAMPADD(SECOND, id, TIMESTAMP '2020-01-01 00:00:00') FROM made;
CREATE TABLE i (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (KAFKA(eventtime), 'value.format' = 'json', BOUNDED);
SELECT SUM(c) AS s FROM (SELECT window_start, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE i, DESCRIPTOR(ts), INTERVAL '100' SECOND(3))) GROUP BY window_start, window_end);`, `{"s":1000}`},

		{"exactly once, with a key's prefix", `
CREATE TABLE o (k_id INT, v INT) WITH (KAFKA(once), 'key.format' = 'json', 'key.fields' = 'k_id', 'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'once');
INSERT INTO o VALUES (1, 10), (2, 20);
CREATE TABLE i (k_id INT, v INT) WITH (KAFKA(once), 'key.format' = 'json', 'key.fields' = 'k_id', 'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'json',
  'properties.isolation.level' = 'read_committed', BOUNDED);
SELECT k_id, v FROM i ORDER BY k_id LIMIT 10;
CREATE TABLE plain (k STRING, v STRING) WITH (KAFKA(once), 'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'raw', BOUNDED);
SELECT k, v FROM plain ORDER BY k LIMIT 10;`, `{"k_id":1,"v":10}
{"k_id":2,"v":20}
{"k":"{\"id\":1}","v":"{\"v\":10}"}
{"k":"{\"id\":2}","v":"{\"v\":20}"}`},

		{"protobuf", `
CREATE TABLE o (k BIGINT, id BIGINT, customer STRING, state STRING, lines ARRAY<ROW<sku STRING, pieces INT>>) WITH (KAFKA(proto), 'key.format' = 'protobuf', 'key.fields' = 'k',
  'key.protobuf.message-class-name' = 'shop.Key', 'key.protobuf.descriptor-file' = 'data/order.proto', 'value.format' = 'protobuf', 'value.fields-include' = 'EXCEPT_KEY',
  'value.protobuf.message-class-name' = 'com.example.shop.OrderOuterClass$Order', 'value.protobuf.descriptor-file' = 'data/order.proto');
INSERT INTO o VALUES (1, 1, 'ann', 'PAID', ARRAY[ROW('a', 2), ROW('b', 1)]), (2, 2, '', CAST(NULL AS STRING), CAST(NULL AS ARRAY<ROW<sku STRING, pieces INT>>));
CREATE TABLE i (state STRING, k BIGINT, lines ARRAY<ROW<sku STRING, pieces INT>>, id BIGINT) WITH (KAFKA(proto), 'key.format' = 'protobuf', 'key.fields' = 'k',
  'key.protobuf.message-class-name' = 'shop.Key', 'key.protobuf.descriptor-file' = 'data/order.proto', 'value.format' = 'protobuf', 'value.fields-include' = 'EXCEPT_KEY',
  'value.protobuf.message-class-name' = 'shop.Order', 'value.protobuf.descriptor-file' = 'data/order.proto', BOUNDED);
SELECT k, id, state, lines FROM i ORDER BY id LIMIT 10;`,
			`{"k":1,"id":1,"state":"PAID","lines":[{"sku":"a","pieces":2},{"sku":"b","pieces":1}]}
{"k":2,"id":2,"state":"NEW","lines":null}`},

		{"a message of another type", `
CREATE TABLE o (v STRING) WITH (KAFKA(other), 'format' = 'raw');
INSERT INTO o VALUES ('{"id": 1}');
CREATE TABLE i (id BIGINT) WITH (KAFKA(other), 'format' = 'protobuf', 'protobuf.message-class-name' = 'shop.Order', 'protobuf.descriptor-file' = 'data/order.proto', BOUNDED);
SELECT * FROM i;`, "at offset 0 can't be decoded: byte 0: field number 15: unexpected EOF"},

		{"a missing topic", `
CREATE TABLE i (v INT) WITH (KAFKA(nowhere), 'value.format' = 'json', BOUNDED);
SELECT * FROM i;`, "there is no such topic"},

		{"a message that can't be decoded", `
CREATE TABLE o (v STRING) WITH (KAFKA(bad), 'format' = 'raw');
INSERT INTO o VALUES ('{"v":');
CREATE TABLE i (v INT) WITH (KAFKA(bad), 'format' = 'json', BOUNDED);
SELECT * FROM i;`, "at offset 0 can't be decoded"},

		{"options are checked", `
CREATE TABLE i (v INT) WITH (KAFKA(x), 'format' = 'json', 'json.nope' = '1');
SELECT * FROM i;`, "has no option 'nope'"},
	} {
		t.Run(s.name, func(t *testing.T) {
			servers := "'properties.bootstrap.servers' = '" + c.ListenAddrs()[0] + "'"
			sql := strings.NewReplacer("KAFKA(", "'connector' = 'kafka', "+servers+", 'topic' = '", "SERVERS", servers, "BOUNDED", "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'").Replace(s.sql)
			for _, topic := range []string{"rowtime", "eventtime", "once", "nowhere", "bad", "x", "proto", "other"} {
				sql = strings.ReplaceAll(sql, "'"+topic+")", "'"+topic+"'")
			}
			var out bytes.Buffer
			err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "job.sql", Text: sql}, &sink{w: &out})
			got := strings.TrimSpace(out.String())
			if err != nil {
				got = err.Error()
				if !strings.Contains(got, s.want) {
					t.Fatalf("%v\n%s", err, out.String())
				}
				return
			}
			if got != s.want && !strings.HasSuffix(got, "\n"+s.want) {
				t.Errorf("got\n%s\nwant\n%s", got, s.want)
			}
		})
	}
}
