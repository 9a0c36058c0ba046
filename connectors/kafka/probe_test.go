package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/tests/services"
)

// found is what a dry run finds of a table that is read or written.
func found(t *testing.T, table connectors.Table, write bool) string {
	t.Helper()
	return foundBy(t, table, write, connectors.ProbeEnv{Job: "job"})
}

func foundBy(t *testing.T, table connectors.Table, write bool, env connectors.ProbeEnv) string {
	t.Helper()
	var end any
	var err error
	if write {
		end, err = Connector.Sink(table)
	} else {
		end, err = Connector.Source(table)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := end.(connectors.Prober).Probe(context.Background(), env)
	var out []string
	for _, s := range f.Seen {
		out = append(out, "ok: "+s)
	}
	for _, s := range f.Unknown {
		out = append(out, "unknown: "+s)
	}
	for _, err := range f.Faults {
		out = append(out, "fault: "+err.Error())
	}
	return strings.Join(out, "\n")
}

func finds(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%q is missing in\n%s", p, got)
		}
	}
}

// TestProbe: against the broker in this process.
func TestProbe(t *testing.T) { probing(t, standIn(t)) }

// TestRealProbe: against a real one, which also says what the user may do.
func TestRealProbe(t *testing.T) {
	addr := real(t)
	probing(t, addr)
	topic := newTopic(t, addr, 2)
	finds(t, found(t, tableOf(addr, topic, idText, map[string]string{"properties.group.id": "g-" + topic}), false), "ok: this user may read topic", "ok: this user may use group")
	exactly := map[string]string{"sink.delivery-guarantee": "exactly-once", "sink.transactional-id-prefix": topic}
	got := found(t, tableOf(addr, topic, idText, exactly), true)
	finds(t, got, "ok: this user may write topic", "ok: transactions may last", "ok: this user may write in transactions")
	api := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	for _, a := range []struct {
		kind    kafkago.ResourceType
		name    string
		pattern kafkago.PatternType
	}{{kafkago.ResourceTypeTopic, topic, kafkago.PatternTypeLiteral}, {kafkago.ResourceTypeGroup, "g-" + topic, kafkago.PatternTypeLiteral}, {kafkago.ResourceTypeTransactionalID, topic, kafkago.PatternTypePrefixed}} {
		// bob may see the topic and the group, and no more
		for user, may := range map[string]kafkago.ACLOperationType{"alice": kafkago.ACLOperationTypeAll, "bob": kafkago.ACLOperationTypeDescribe} {
			res, err := api.CreateACLs(context.Background(), &kafkago.CreateACLsRequest{ACLs: []kafkago.ACLEntry{{ResourceType: a.kind, ResourceName: a.name, ResourcePatternType: a.pattern,
				Principal: "User:" + user, Host: "*", Operation: may, PermissionType: kafkago.ACLPermissionTypeAllow}}})
			if err == nil {
				err = errors.Join(res.Errors...)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	bob := map[string]string{"properties.security.protocol": "SASL_PLAINTEXT", "properties.sasl.mechanism": "SCRAM-SHA-256", "properties.sasl.jaas.config": fmt.Sprintf(jaasScram, "bob", "secret"), "properties.group.id": "g-" + topic}
	for k, v := range exactly {
		bob[k] = v
	}
	at := services.Need(t, "kafka-sasl-scram")
	deadline := time.Now().Add(10 * time.Second) // until the broker knows the ACLs
	for {
		got = found(t, tableOf(at, topic, idText, bob), false)
		if strings.Contains(got, "fault: ") && strings.Contains(got, "use group") || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	finds(t, got, "fault: table cat.db.t: topic", "the user may not: it needs the topic's READ", "the user may not use group")
	got = found(t, tableOf(at, topic, idText, bob), true)
	finds(t, got, "fault: table cat.db.t: topic", "WRITE (sink)", "the user may not use transactions")
	if strings.Contains(got, "ok: this user may write") {
		t.Error(got)
	}
}

func probing(t *testing.T, addr string) {
	topic := newTopic(t, addr, 2)
	write(t, addr, nil, &kgo.Record{Topic: topic, Value: []byte("1,a")}, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("2,b")})
	finds(t, found(t, tableOf(addr, topic, idText, nil), false), "ok: kafka "+addr+" answers; topic "+topic+", 2 partitions", "ok: reading begins at earliest-offset: 2 records to the end")
	finds(t, found(t, tableOf(addr, topic, idText, map[string]string{"scan.startup.mode": "latest-offset"}), false), ": 0 records")
	finds(t, found(t, tableOf(addr, topic+"-no", idText, nil), false), "fault: ", "there is no such topic")
	finds(t, found(t, tableOf(addr, topic, idText, nil), true), "ok: kafka "+addr+" answers")
	finds(t, found(t, tableOf(addr, topic+"-no", idText, map[string]string{"properties.allow.auto.create.topics": "false"}), true), "fault: ", "there is no such topic")
	group := tableOf(addr, topic, idText, map[string]string{"scan.startup.mode": "group-offsets", "properties.group.id": "nobody-" + topic, "properties.auto.offset.reset": "none"})
	finds(t, found(t, group, false), "fault: ", "has no committed offset")
	if got := foundBy(t, group, false, connectors.ProbeEnv{Job: "job", Resumes: true}); strings.Contains(got, "fault") { // the checkpoint says where it goes on
		t.Error(got)
	}
	none := found(t, tableOf("127.0.0.1:1", topic, idText, nil), false)
	finds(t, none, "fault: table cat.db.t: kafka 127.0.0.1:1: ", "no broker answers there")
	api := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: 10 * time.Second}
	m, err := api.Metadata(context.Background(), &kafkago.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range m.Topics {
		if x.Name == topic+"-no" {
			t.Error("a dry run has made a topic")
		}
	}
}
