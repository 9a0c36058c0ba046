package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/tests/services"
	"github.com/millrace/millrace/types"
)

// quick makes a table give up after half a second.
func quick(options map[string]string) map[string]string {
	out := map[string]string{"properties.default.api.timeout.ms": "500", "properties.delivery.timeout.ms": "500"}
	for k, v := range options {
		out[k] = v
	}
	return out
}

// reading lists a table's splits and reads the first.
func reading(t *testing.T, table connectors.Table) error {
	t.Helper()
	s := open(t, Connector, table)
	splits, err := s.Splits(context.Background(), nil, 1)
	if err != nil {
		return err
	}
	_, _, err = values(t, s, splits[0], 1, nil)
	return err
}

// writing writes one row.
func writing(t *testing.T, table connectors.Table, b *batch.Batch) error {
	t.Helper()
	s, err := Connector.Sink(table)
	if err != nil {
		return err
	}
	if err := s.Abandon(context.Background(), "job", nil); err != nil {
		return err
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "job", Of: 1, Now: clock, Session: table.Session})
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Write(b); err != nil {
		return err
	}
	return w.Flush(context.Background())
}

func TestNoBroker(t *testing.T) {
	table := tableOf("127.0.0.1:1", "t", idText, quick(nil))
	words := []string{"kafka 127.0.0.1:1", `looking for topic "t"`, "connection refused", "no broker answers there", "properties.bootstrap.servers"}
	says(t, reading(t, table), words...)
	says(t, writing(t, table, row(1, "a")), words...)
}

func TestWrongTopic(t *testing.T)     { testWrongTopic(t, standIn(t)) }
func TestRealWrongTopic(t *testing.T) { testWrongTopic(t, real(t)) }

func testWrongTopic(t *testing.T, addr string) {
	table := tableOf(addr, "nowhere", idText, quick(map[string]string{"properties.allow.auto.create.topics": "false"}))
	says(t, reading(t, table), `looking for topic "nowhere"`, "there is no such topic")
	says(t, writing(t, table, row(1, "a")), `looking for topic "nowhere"`, "there is no such topic")
}

// TestLostConnection ends the broker under a reader and a writer: they try again and
// say so.
func TestLostConnection(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr := c.ListenAddrs()[0]
	topic := newTopic(t, addr, 1)
	table := tableOf(addr, topic, idText, quick(map[string]string{"properties.fetch.max.wait.ms": "50"}))
	s := open(t, Connector, table)
	splits := list(t, s, nil)
	w := openWriter(t, table)
	defer w.Close()
	if err := w.Write(row(1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := values(t, s, splits[0], 2, nil)
		done <- err
	}()
	time.Sleep(200 * time.Millisecond)
	c.Close()
	says(t, <-done, "reading "+topic+"-0", "tried again for", "no broker answers there")
	if err := w.Write(row(2, "b")); err == nil {
		says(t, w.Flush(context.Background()), "writing 1 records to "+topic+"-0", "tried again for", "no broker answers there")
	}
}

// TestDamagedMessage hands rows that can't be decoded on with their place.
func TestDamagedMessage(t *testing.T) {
	addr := standIn(t)
	topic := newTopic(t, addr, 1)
	for _, v := range []string{"1,a", "x,b", "3,c"} {
		write(t, addr, nil, &kgo.Record{Topic: topic, Value: []byte(v)})
	}
	s := open(t, Connector, tableOf(addr, topic, idText, map[string]string{"scan.bounded.mode": "latest-offset"}))
	var bad []string
	got, _, err := values(t, s, list(t, s, nil)[0], 0, func(b connectors.BadRow) error {
		bad = append(bad, fmt.Sprintf("%s %d %s", b.Split, b.Offset, b.Raw))
		return nil
	})
	if err != nil || fmt.Sprint(got) != "[+I[1, a] +I[3, c]]" || fmt.Sprint(bad) != "["+topic+"-0 1 x,b]" {
		t.Fatalf("%q, bad %q, %v", got, bad, err)
	}
}

// TestDamagedBatch changes each byte of a record batch: it is either refused or, in
// the few fields that the checksum doesn't cover, harmless.
func TestDamagedBatch(t *testing.T) {
	for codec := int8(0); codec <= 4; codec++ {
		var w builder
		w.reset()
		for i := 0; i < 5; i++ {
			w.add([]byte("key"), bytes.Repeat([]byte{'v'}, 50), []header{{[]byte("h"), nil}}, 1000)
		}
		whole, err := w.seal(codec, producer{7, 1}, 3, false)
		if err != nil {
			t.Fatal(err)
		}
		for at := range whole {
			broken := append([]byte(nil), whole...)
			broken[at] ^= 0x55
			spans, block, _, _, err := unpack(broken, 0, true, nil, nil, nil)
			if at >= 17 && err == nil {
				t.Fatalf("codec %d: byte %d was changed, and nobody noticed", codec, at)
			}
			for i := range spans {
				var r record
				for spans[i].count > 0 && spans[i].readRecord(block, &r) == nil {
					spans[i].count--
				}
			}
		}
	}
	var d *damaged
	if _, _, _, _, err := unpack(bytes.Repeat([]byte{1}, 100), 0, false, nil, nil, nil); !errors.As(err, &d) {
		t.Fatalf("%v, want a damaged batch", err)
	}
}

// FuzzAnswers gives what a broker could send to everything that reads it.
func FuzzAnswers(f *testing.F) {
	var w builder
	w.reset()
	w.add([]byte("key"), []byte("value"), []header{{[]byte("h"), []byte("x")}}, 1000)
	set, err := w.seal(0, anonymous, 0, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte(nil), set...), int16(11))
	f.Fuzz(func(t *testing.T, b []byte, version int16) {
		r := &fetch{wants: []*want{{part: part{"t", 0}}, {part: part{"t", 1}}}, version: version % 12}
		_ = r.read(bytes.NewReader(b), len(b))
		p := &produce{version: version % 9}
		_, _ = p.read(b)
		s := span{to: len(b), count: 1}
		var rec record
		for s.from < s.to && s.readRecord(b, &rec) == nil {
			_ = eachHeader(b[rec.headers:rec.headerEnd], rec.headerCount, func(_, _ []byte) {})
		}
		if len(b) >= headerSize { // behind a checksum that fits
			b[16] = 2
			big.PutUint32(b[8:], uint32(len(b)-12))
			big.PutUint32(b[17:], checksum(b))
		}
		spans, block, _, _, err := unpack(b, 0, true, []aborted{{1, 0}}, nil, nil)
		if err != nil {
			return
		}
		for i := range spans {
			for n := 0; n < spans[i].count && spans[i].readRecord(block, &rec) == nil; n++ {
			}
		}
	})
}

func TestGoneOffset(t *testing.T)     { testGoneOffset(t, standIn(t)) }
func TestRealGoneOffset(t *testing.T) { testGoneOffset(t, real(t)) }

// testGoneOffset starts behind the end of a topic that was made anew.
func testGoneOffset(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1)
	write(t, addr, nil, &kgo.Record{Topic: topic, Value: []byte("1,a")})
	options := map[string]string{"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": "partition:0,offset:100"}
	says(t, reading(t, tableOf(addr, topic, idText, options)), "offset 100 of "+topic+"-0 isn't there", "the topic ends at 1", "properties.auto.offset.reset")
	options["properties.auto.offset.reset"] = "earliest"
	if err := reading(t, tableOf(addr, topic, idText, options)); err != nil {
		t.Fatal(err)
	}
}

func TestLostTransaction(t *testing.T)     { testLostTransaction(t, standIn(t)) }
func TestRealLostTransaction(t *testing.T) { testLostTransaction(t, real(t)) }

// testLostTransaction has another writer take a prepared transaction's id.
func testLostTransaction(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1)
	s, err := Connector.Sink(tableOf(addr, topic, idText, map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": topic}))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "job", Of: 1, Now: clock, Session: types.NewSession(clock)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Write(row(1, "a")); err != nil {
		t.Fatal(err)
	}
	pending, err := w.Prepare(context.Background(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.(*sink).fence(context.Background(), s.(*sink).id("job", 0, 0)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Commit(context.Background(), connectors.Commit{N: 3}, [][]byte{pending})
	if !errors.Is(err, connectors.ErrLost) {
		t.Fatalf("%v, want ErrLost", err)
	}
	says(t, err, "has aborted transaction", "of checkpoint 3", "properties.transaction.timeout.ms")
}

func TestTimeoutLimit(t *testing.T)     { testTimeoutLimit(t, standIn(t)) }
func TestRealTimeoutLimit(t *testing.T) { testTimeoutLimit(t, real(t)) }

// testTimeoutLimit asks for longer transactions than the broker allows (by default 15
// minutes), and for fewer checkpoints than that.
func testTimeoutLimit(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1)
	table := tableOf(addr, topic, idText, map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": topic, "properties.transaction.timeout.ms": "1200000"})
	says(t, writing(t, table, row(1, "a")), "table cat.db.t", "'properties.transaction.timeout.ms' is 20m0s", "allows 15m0s at most", "transaction.max.timeout.ms")
	table = tableOf(addr, topic, idText, map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": topic})
	table.Session.Options["execution.checkpointing.interval"] = "16 min"
	says(t, writing(t, table, row(1, "a")), "the broker allows transactions of 15m0s at most", "checkpoints come every 16m0s")
	table.Session.Options["execution.checkpointing.interval"] = "10 s"
	if err := writing(t, table, row(1, "a")); err != nil {
		t.Fatal(err)
	}
}

func TestTransactionTimeout(t *testing.T) {
	table := tableOf("127.0.0.1:1", "t", idText, map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": "p", "properties.transaction.timeout.ms": "5000"})
	table.Session.Options["execution.checkpointing.interval"] = "10 s"
	_, err := Connector.Sink(table)
	says(t, err, "'properties.transaction.timeout.ms' is 5s", "checkpoints come every 10s")
}

func TestRealTooLarge(t *testing.T) {
	addr := real(t)
	topic := newTopic(t, addr, 1, kafkago.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "1000"})
	says(t, writing(t, tableOf(addr, topic, idText, nil), row(1, string(bytes.Repeat([]byte("x"), 2000)))), "writing 1 records to "+topic+"-0", "max.message.bytes")
}

func TestRealCompactedNeedsKey(t *testing.T) {
	addr := real(t)
	topic := newTopic(t, addr, 1, kafkago.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
	says(t, writing(t, tableOf(addr, topic, idText, nil), row(1, "a")), "a compacted topic takes no records without a key")
}

const jaasPlain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="%s" password="%s";`
const jaasScram = `org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`

// TestRealSecurity logs in by every way, with right and wrong words.
func TestRealSecurity(t *testing.T) {
	topic := newTopic(t, real(t), 1)
	write(t, real(t), nil, &kgo.Record{Topic: topic, Value: []byte("1,a")})
	ca := services.Need(t, "kafka-ca")
	for _, c := range []struct {
		name, service string
		options       map[string]string
		says          string // "" for success
	}{
		{"plain", "kafka-sasl-plain", map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": fmt.Sprintf(jaasPlain, "alice", "secret")}, ""},
		{"plain, wrong password", "kafka-sasl-plain", map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": fmt.Sprintf(jaasPlain, "alice", "x")}, "the broker refuses the user or the password"},
		{"scram", "kafka-sasl-scram", map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": fmt.Sprintf(jaasScram, "bob", "secret")}, ""},
		{"scram, wrong password", "kafka-sasl-scram", map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": fmt.Sprintf(jaasScram, "bob", "x")}, "the broker refuses the user or the password"},
		{"wrong mechanism", "kafka-sasl-scram", map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": fmt.Sprintf(jaasPlain, "alice", "secret")}, "properties.sasl.mechanism"},
		{"tls", "kafka-tls", map[string]string{"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": ca}, ""},
		{"tls, untrusted", "kafka-tls", map[string]string{"security.protocol": "SSL"}, "the broker's certificate isn't trusted"},
		{"plain client at a tls port", "kafka-tls", map[string]string{}, "properties.security.protocol"},
		{"tls client at a plain port", "kafka", map[string]string{"security.protocol": "SSL"}, "properties.security.protocol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := quick(nil)
			for k, v := range c.options {
				options["properties."+k] = v
			}
			err := reading(t, tableOf(services.Need(t, c.service), topic, idText, options))
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			says(t, err, c.says)
		})
	}
}

// TestRealAuthorisation reads and writes as a user who may not.
func TestRealAuthorisation(t *testing.T) {
	addr := real(t)
	topic := newTopic(t, addr, 1)
	write(t, addr, nil, &kgo.Record{Topic: topic, Value: []byte("1,a")})
	api := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	acl := func(kind kafkago.ResourceType, name string) {
		res, err := api.CreateACLs(context.Background(), &kafkago.CreateACLsRequest{ACLs: []kafkago.ACLEntry{{ResourceType: kind, ResourceName: name, ResourcePatternType: kafkago.PatternTypeLiteral,
			Principal: "User:alice", Host: "*", Operation: kafkago.ACLOperationTypeAll, PermissionType: kafkago.ACLPermissionTypeAllow}}})
		if err == nil {
			err = errors.Join(res.Errors...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	acl(kafkago.ResourceTypeTopic, topic)
	acl(kafkago.ResourceTypeGroup, topic)
	options := quick(map[string]string{"properties.security.protocol": "SASL_PLAINTEXT", "properties.sasl.mechanism": "SCRAM-SHA-256", "properties.sasl.jaas.config": fmt.Sprintf(jaasScram, "bob", "secret"),
		"properties.allow.auto.create.topics": "false"})
	bob := services.Need(t, "kafka-sasl-scram")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(100 * time.Millisecond) { // until the broker knows the ACL
		err := reading(t, tableOf(bob, topic, idText, options))
		if err != nil || time.Now().After(deadline) {
			says(t, err, "the user may not", "ACLs")
			break
		}
	}
	says(t, writing(t, tableOf(bob, topic, idText, options), row(1, "a")), "the user may not", "ACLs")
	other := newTopic(t, addr, 1)
	options["scan.startup.mode"], options["properties.group.id"] = "group-offsets", topic
	says(t, reading(t, tableOf(bob, other, idText, options)), "the user may not use group")
}

// TestRefusals are faults of a table's definition, found without a broker.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/x.jks", []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		options map[string]string
		says    string
	}{
		{map[string]string{"topic": ""}, "Either 'topic' or 'topic-pattern' must be set."},
		{map[string]string{"topic-pattern": "x"}, "Option 'topic' and 'topic-pattern' shouldn't be set together."},
		{map[string]string{"scan.startup.mode": ""}, "Property group.id is required when using committed offset for offsets initializer"},
		{map[string]string{"scan.startup.mode": "timestamp"}, "'scan.startup.timestamp-millis' is required"},
		{map[string]string{"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": "partition:x"}, "can't be read"},
		{map[string]string{"properties.bootstrap.servers": "localhost"}, "isn't host:port"},
		{map[string]string{"properties.isolation.level": "x"}, "it can be read_uncommitted, read_committed"},
		{map[string]string{"properties.security.protocol": "SASL_SSL", "properties.sasl.mechanism": "GSSAPI"}, "not supported yet: 'properties.sasl.mechanism' = 'GSSAPI'"},
		{map[string]string{"properties.security.protocol": "SASL_PLAINTEXT", "properties.sasl.mechanism": "PLAIN", "properties.sasl.jaas.config": "x"}, "can't be read"},
		{map[string]string{"properties.security.protocol": "SSL", "properties.ssl.truststore.location": dir + "/x.jks"}, "not supported yet: a truststore of type JKS"},
		{map[string]string{"properties.fetch.min.bytes": "many"}, "expected a whole number"},
	} {
		_, err := Connector.Source(tableOf("127.0.0.1:1", "t", idText, c.options))
		says(t, err, "table cat.db.t", c.says)
	}
	for _, c := range []struct {
		options map[string]string
		says    string
	}{
		{map[string]string{"sink.delivery-guarantee": "exactly-once"}, "sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE."},
		{map[string]string{"sink.partitioner": "org.example.Mine"}, "not supported yet: 'sink.partitioner'"},
		{map[string]string{"topic": "a;b"}, "'topic' names one topic"},
	} {
		_, err := Connector.Sink(tableOf("127.0.0.1:1", "t", idText, c.options))
		says(t, err, "table cat.db.t", c.says)
	}
	table := tableOf("127.0.0.1:1", "t", idText, nil)
	table.Key = []int{0}
	_, err := Connector.Source(table)
	says(t, err, "doesn't support defining PRIMARY KEY constraint on the table, because it can't guarantee the semantic of primary key.")
}
