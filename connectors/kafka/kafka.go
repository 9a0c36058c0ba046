// Package kafka reads and writes Apache Kafka: the connectors kafka and
// upsert-kafka.
//
// Reading: a split is a partition (source.go) from one offset to another or to no
// end; its position is the next offset. A reader's own goroutine fetches record
// batches whole (fetch.go), checks, unpacks and leaves out what was aborted
// (recordbatch.go); Next cuts messages out of them, which the decoder's columns may
// view, and adds metadata columns (reader.go, metadata.go).
//
// Writing: a writer encodes rows straight into record batches, one being filled
// and one on its way per partition (writer.go); each batch carries its producer's
// id and a sequence number, so that it is stored once however often it is sent. For
// exactly-once the batches belong to a transaction, which Prepare closes and Commit
// commits, from another process if need be (transaction.go).
//
// client.go is the connection: segmentio/kafka-go's transport, with its requests
// but for the two that move records. errors.go says what a user can do.
package kafka

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

var clientOptions = []formats.Option{
	{Name: "properties.bootstrap.servers", Required: true, Doc: "The brokers: host:port,host:port."},
	{Name: "properties.group.id", Doc: "Consumer group: whose offsets group-offsets means, and to which progress is told."},
	{Name: "properties.sasl.jaas.config", Secret: true, Doc: `User and password: CLASS required username="u" password="p";`},
	{Name: "properties.ssl.key.password", Secret: true, Doc: "Not supported: give an unencrypted key."},
	{Name: "properties.ssl.truststore.password", Secret: true, Doc: "Not used: PEM stores have none."},
	{Name: "properties.ssl.keystore.password", Secret: true, Doc: "Not used: PEM stores have none."},
	{Name: "properties.ssl.keystore.key", Secret: true, Doc: "The client's key as PEM text."},
	{Name: "properties.", Prefix: true, Doc: "Settings of the Kafka client: security.protocol, sasl.mechanism, isolation.level, compression.type, ..."},
	{Name: "topic", Doc: "The topic; to read, a list a;b; to write, a list allows the values of the metadata column topic."},
	{Name: "topic-pattern", Doc: "Java regular expression of whole topic names, in place of 'topic'."},
	{Name: "scan.topic-partition-discovery.interval", Type: formats.DurationOption, Default: "5 min", Doc: "How often new topics and partitions are looked for; 0: never."},
	{Name: "scan.bounded.mode", Type: formats.EnumOption, Default: "unbounded", Enum: []string{"unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"}, Doc: "Where reading ends, as it stands when the job starts."},
	{Name: "scan.bounded.specific-offsets", Doc: "partition:0,offset:42;partition:1,offset:300"},
	{Name: "scan.bounded.timestamp-millis", Type: formats.IntOption, Doc: "End before the first record of this time or later."},
	{Name: "scan.parallelism", Type: formats.IntOption, Doc: "Parallelism of the source."},
	{Name: "sink.parallelism", Type: formats.IntOption, Doc: "Parallelism of the sink."},
	{Name: "sink.delivery-guarantee", Type: formats.EnumOption, Default: "at-least-once", Enum: []string{"none", "at-least-once", "exactly-once"}, Doc: "exactly-once writes in transactions that are committed with checkpoints."},
	{Name: "sink.transactional-id-prefix", Doc: "Begins the transactional ids; required for exactly-once, and unlike that of any other sink."},
	{Name: "sink.transaction-naming-strategy", Type: formats.EnumOption, Default: "INCREMENTING", Enum: []string{"INCREMENTING", "POOLING"}, Doc: "Accepted: ids are always taken from a pool."},
}

// Connector is kafka.
var Connector = &connectors.Connector{
	Name: "kafka", Doc: "Topics of Apache Kafka.",
	Options: append(append([]formats.Option{
		{Name: "scan.startup.mode", Type: formats.EnumOption, Default: "group-offsets", Enum: []string{"earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"}, Doc: "Where reading starts."},
		{Name: "scan.startup.specific-offsets", Doc: "partition:0,offset:42;partition:1,offset:300"},
		{Name: "scan.startup.timestamp-millis", Type: formats.IntOption, Doc: "Start at the first record of this time or later."},
		{Name: "sink.partitioner", Default: "default", Doc: "default (by key as Kafka's, else in turn), fixed (a subtask writes to one partition), round-robin."},
		{Name: "sink.semantic", Doc: "Old name of sink.delivery-guarantee."},
	}, formats.KeyedOptions()...), clientOptions...),
	Source: func(t connectors.Table) (connectors.Source, error) { return newSource(t, false) },
	Sink:   func(t connectors.Table) (connectors.Sink, error) { return newSink(t, false) },
}

// Upsert is upsert-kafka: a topic as a table with a primary key.
var Upsert = &connectors.Connector{
	Name: "upsert-kafka", Doc: "Topics of Apache Kafka whose records are the last state of their key.",
	Options: append(append([]formats.Option{
		{Name: "sink.buffer-flush.max-rows", Type: formats.IntOption, Default: "0", Doc: "Keep the last row per key of so many rows before writing; with the interval."},
		{Name: "sink.buffer-flush.interval", Type: formats.DurationOption, Default: "0 s", Doc: "Write the kept rows at least this often."},
	}, without(formats.KeyedOptions(), "key.fields", "format")...), clientOptions...),
	Source: func(t connectors.Table) (connectors.Source, error) { return newSource(t, true) },
	Sink:   func(t connectors.Table) (connectors.Sink, error) { return newSink(t, true) },
}

func without(list []formats.Option, names ...string) (out []formats.Option) {
	for _, o := range list {
		if !contains(names, o.Name) {
			out = append(out, o)
		}
	}
	return out
}

// table is what source and sink share.
type table struct {
	connectors.Table
	upsert  bool
	keyed   formats.Keyed
	props   props
	topics  []string
	pattern *regexp.Regexp
	client  *client
}

func newTable(t connectors.Table, upsert bool) (*table, error) {
	k := &table{Table: t, upsert: upsert, props: propsOf(t.Options), keyed: formats.KeyedOf(t.Options)}
	if err := k.props.check(); err != nil {
		return nil, k.errorf("%v", err)
	}
	topic, pattern := t.Options.String("topic"), t.Options.String("topic-pattern")
	switch {
	case topic == "" && pattern == "":
		return nil, k.errorf("Either 'topic' or 'topic-pattern' must be set.")
	case topic != "" && pattern != "":
		return nil, k.errorf("Option 'topic' and 'topic-pattern' shouldn't be set together.")
	case topic != "":
		for _, s := range strings.Split(topic, ";") {
			if s = strings.TrimSpace(s); s != "" && !contains(k.topics, s) {
				k.topics = append(k.topics, s)
			}
		}
	default:
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return nil, k.errorf("option 'topic-pattern': %v", err)
		}
		k.pattern = re
	}
	f := t.Format
	if f.Format == nil {
		return nil, k.errorf("a format is missing: set 'format' or 'value.format'")
	}
	changes := batch.Changes{Kinds: batch.InsertOnly}
	if f.Format.Changes != nil {
		changes = f.Format.Changes(f.Spec.Options)
	}
	insertOnly := changes.Kinds == 0 || changes.InsertOnly()
	if upsert {
		if len(t.Key) == 0 {
			return nil, k.errorf("'upsert-kafka' tables require to define a PRIMARY KEY constraint. The PRIMARY KEY specifies which columns should be read from or write to the Kafka message key. " +
				"The PRIMARY KEY also defines records in the 'upsert-kafka' table should update or delete on which keys.")
		}
		if f.KeyFormat == nil {
			return nil, k.errorf("option 'key.format' is missing")
		}
		if !insertOnly {
			return nil, k.errorf("'upsert-kafka' connector doesn't support '%s' as value format, because '%s' is not in insert-only mode.", f.Format.Name, f.Format.Name)
		}
		if f.KeyFormat.Changes != nil {
			if c := f.KeyFormat.Changes(f.KeySpec.Options); c.Kinds != 0 && !c.InsertOnly() {
				return nil, k.errorf("'upsert-kafka' connector doesn't support '%s' as key format, because '%s' is not in insert-only mode.", f.KeyFormat.Name, f.KeyFormat.Name)
			}
		}
		k.keyed.Upsert = true
	} else if len(t.Key) > 0 && insertOnly {
		return nil, k.errorf("The Kafka table '%s' with '%s' format doesn't support defining PRIMARY KEY constraint on the table, because it can't guarantee the semantic of primary key.", t.Path, f.Format.Name)
	}
	var err error
	if k.client, err = newClient(t.Path, k.props, k.topics); err != nil {
		return nil, k.errorf("%v", err)
	}
	return k, nil
}

// changes are the kinds the table's messages carry.
func (t *table) changes() batch.Changes {
	if t.upsert {
		return batch.Changes{Kinds: batch.Upsert, DeletesByKey: true}
	}
	if f := t.Format.Format; f.Changes != nil {
		if c := f.Changes(t.Format.Spec.Options); c.Kinds != 0 {
			return c
		}
	}
	return batch.Changes{Kinds: batch.InsertOnly}
}

func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf("table %s: %s", t.Path, fmt.Sprintf(format, args...))
}
