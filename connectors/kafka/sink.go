package kafka

import (
	"context"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// sink writes a table's topics.
type sink struct {
	*table
	exactly     bool
	none        bool // no acknowledgements are waited for
	partitioner string
	time        int // columns of metadata, -1: none
	headers     int
	topic       int
	maxRows     int // upsert-kafka's buffer, 0: none
	interval    time.Duration

	ids     pool
	mu      sync.Mutex
	sweep   sync.Mutex
	timeout time.Duration // of transactions, once the broker took it
	told    []string      // what was done at recovery
	swept   bool          // the transactions of dead runs were ended
}

func newSink(t connectors.Table, upsert bool) (connectors.Sink, error) {
	k, err := newTable(t, upsert)
	if err != nil {
		return nil, err
	}
	if upsert {
		for _, c := range t.Key {
			k.keyed.Fields = append(k.keyed.Fields, t.Schema.Fields[c].Name)
		}
	}
	o := t.Options
	s := &sink{table: k, time: -1, headers: -1, topic: -1, partitioner: "default"}
	guarantee := strings.ToLower(o.String("sink.delivery-guarantee"))
	if o.Has("sink.semantic") {
		guarantee = strings.ToLower(o.String("sink.semantic"))
	}
	switch guarantee {
	case "none":
		s.none = true
	case "at-least-once":
	case "exactly-once":
		s.exactly = true
		if o.String("sink.transactional-id-prefix") == "" {
			return nil, k.errorf("sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE.")
		}
		if k.props.acks() != kafkago.RequireAll {
			return nil, k.errorf("exactly-once needs 'properties.acks' = 'all'")
		}
		if err := s.checkTimeout(); err != nil {
			return nil, err
		}
	default:
		return nil, k.errorf("option 'sink.semantic' is %q; it can be none, at-least-once, exactly-once", guarantee)
	}
	if p := o.String("sink.partitioner"); p != "" {
		if !contains([]string{"default", "fixed", "round-robin"}, p) {
			return nil, k.errorf("not supported yet: 'sink.partitioner' = '%s'; there are default, fixed and round-robin", p)
		}
		if p == "round-robin" && k.Format.KeyFormat != nil && !upsert {
			return nil, k.errorf("'round-robin' of 'sink.partitioner' can't be used with 'key.fields': equal keys would lie in different partitions")
		}
		s.partitioner = p
	}
	if upsert {
		s.maxRows, s.interval = int(o.Int("sink.buffer-flush.max-rows")), o.Duration("sink.buffer-flush.interval")
		if (s.maxRows > 0) != (s.interval > 0) {
			return nil, k.errorf("'sink.buffer-flush.max-rows' and 'sink.buffer-flush.interval' must be set together, both above 0")
		}
	}
	first := t.Schema.Len() - len(t.Meta)
	for i, m := range t.Meta {
		c, ok := map[string]*int{"timestamp": &s.time, "headers": &s.headers, "topic": &s.topic}[m.Key]
		if !ok {
			return nil, k.errorf("metadata column '%s' can't be written; declare it VIRTUAL. There are timestamp, headers and topic", m.Key)
		}
		if !metadata[m.Key](m.Type) {
			return nil, k.errorf("metadata column '%s' can't have type %s", m.Key, m.Type)
		}
		*c = first + i
	}
	if s.topic < 0 && len(k.topics) != 1 {
		return nil, k.errorf("to write, 'topic' names one topic, or the table has a metadata column 'topic' that says which")
	}
	if _, err := s.encoder(); err != nil {
		return nil, k.errorf("%v", err)
	}
	return s, nil
}

// checkTimeout refuses a transaction that would end before its checkpoint does.
func (s *sink) checkTimeout() error {
	given := s.props.text("transaction.timeout.ms")
	every, err := formats.ParseDuration(s.Session.Option("execution.checkpointing.interval", "0 ms"))
	if given == "" || err != nil || every < s.props.duration("transaction.timeout.ms") {
		return nil
	}
	return s.errorf("'properties.transaction.timeout.ms' is %s, but checkpoints come every %s: the broker would abort each transaction before it is committed", s.props.duration("transaction.timeout.ms"), every)
}

func (s *sink) encoder() (*formats.KeyedEncoder, error) {
	full := &types.Schema{Fields: s.Schema.Fields[:s.Schema.Len()-len(s.Meta)]}
	f := s.Format
	if topic := s.Options.String("topic"); topic != "" && !strings.Contains(topic, ";") {
		f.Subject(topic)
	}
	return formats.NewKeyedEncoder(f, s.keyed, full)
}

// Changes are those the messages can carry.
func (s *sink) Changes(batch.Changes) batch.Changes { return s.changes() }

// Open opens a subtask's writer.
func (s *sink) Open(ctx context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	enc, err := s.encoder()
	if err != nil {
		return nil, err
	}
	s.client.hold()
	w := &writer{s: s, env: env, enc: enc, topics: map[string][]*lane{}, part: partitioner{kind: s.partitioner, subtask: env.Subtask},
		limit: int(s.props.int("max.request.size")), compression: s.props.compression()}
	w.ctx, w.end = context.WithCancel(context.Background())
	if s.maxRows > 0 {
		w.buffer = newBuffer()
		go w.flushEvery(s.interval)
	}
	for _, t := range s.topics {
		if _, err := w.lanes(t); err != nil {
			w.Close()
			return nil, err
		}
	}
	if s.exactly {
		if err := s.sweepOnce(ctx, env.Job); err != nil {
			w.Close()
			return nil, err
		}
		if w.tx, err = s.begin(ctx, env); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// idempotent says that batches carry sequence numbers.
func (s *sink) idempotent() bool {
	return s.exactly || !s.none && s.props.text("enable.idempotence") == "true" && s.props.acks() == kafkago.RequireAll
}

// Guarantee says what a crash may do to rows, for EXPLAIN.
func (s *sink) Guarantee() string {
	switch {
	case s.exactly:
		return "exactly once by transaction"
	case s.none:
		return "none: acknowledgements aren't waited for"
	case s.upsert:
		return "exactly once by key"
	}
	return "at least once"
}

// Idempotent says that writing rows again ends at the same table.
func (s *sink) Idempotent() bool { return s.upsert && !s.exactly }
