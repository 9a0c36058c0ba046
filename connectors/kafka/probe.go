package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/endtxn"

	"github.com/millrace/millrace/connectors"
)

// Probe looks at the topics that are read: the broker, the partitions and where reading
// would begin, the rights, the schema registry.
func (s *source) Probe(ctx context.Context, env connectors.ProbeEnv) (f connectors.Findings) {
	s.client.hold()
	defer s.client.release()
	if parts, ok := s.lookAt(ctx, &f, s.table); ok {
		if !env.Resumes {
			s.lookAtStart(ctx, &f, parts)
		}
		s.may(ctx, &f, topicsOf(parts), "read", operationRead)
	}
	if s.group != "" {
		s.mayGroup(ctx, &f)
	}
	if dec, err := s.decoder(); err == nil {
		seen, faults := dec.Probe()
		s.add(&f, seen, faults)
	}
	return f
}

// lookAtStart looks where reading would begin.
func (s *source) lookAtStart(ctx context.Context, f *connectors.Findings, parts []part) {
	starts, err := s.offsets(ctx, parts, s.startMode(), "scan.startup.")
	if err != nil {
		f.Fail(err)
		return
	}
	stops, err := s.listOffsets(ctx, parts, latest)
	if err != nil {
		f.Fail(err)
		return
	}
	records := int64(0)
	for p, at := range starts {
		records += max(0, stops[p]-at)
	}
	f.See("reading begins at %s: %d records to the end", s.startMode(), records)
}

// Probe looks at the topics that are written: the broker, the rights, transactions, the
// schema registry.
func (s *sink) Probe(ctx context.Context, env connectors.ProbeEnv) (f connectors.Findings) {
	s.client.hold()
	defer s.client.release()
	answers := true
	for _, topic := range s.topics {
		t := *s.table
		t.topics, t.pattern = []string{topic}, nil
		before := len(f.Faults)
		if parts, ok := s.lookAt(ctx, &f, &t); ok {
			s.may(ctx, &f, topicsOf(parts), "write", operationWrite)
		} else if last := len(f.Faults) - 1; last >= before && errors.Is(f.Faults[last], kafkago.UnknownTopicOrPartition) && s.props.text("allow.auto.create.topics") != "false" {
			switch s.setting(ctx, "auto.create.topics.enable") {
			case "true":
				f.Faults = f.Faults[:last]
				f.See("topic %q isn't there yet: the broker makes it when it is first written", topic)
			case "":
				f.Faults = f.Faults[:last]
				f.Wonder("whether the broker makes topic %q, which isn't there yet", topic)
			}
		} else if last >= before {
			var code kafkago.Error
			answers = errors.As(f.Faults[last], &code)
		}
	}
	if s.exactly && answers {
		s.lookAtTransactions(ctx, &f, env.Job)
	}
	if enc, err := s.encoder(); err == nil {
		seen, faults := enc.Probe()
		s.add(&f, seen, faults)
	}
	return f
}

func (t *table) add(f *connectors.Findings, seen []string, faults []error) {
	f.Seen = append(f.Seen, seen...)
	for _, err := range faults {
		f.Fail(fmt.Errorf("table %s: %w", t.Path, err))
	}
}

// lookAt lists the partitions of a table's topics; ok: there are some.
func (t *table) lookAt(ctx context.Context, f *connectors.Findings, of *table) (parts []part, ok bool) {
	parts, err := of.partitions(ctx, 0)
	if err != nil {
		f.Fail(fmt.Errorf("table %s: %w", t.Path, err))
		return nil, false
	}
	names := topicsOf(parts)
	if len(names) == 0 {
		f.See("kafka %s answers; no topic matches %q yet", t.client.servers, t.Options.String("topic-pattern"))
		return nil, false
	}
	f.See("kafka %s answers; topic %s, %d partitions", t.client.servers, strings.Join(names, ", "), len(parts))
	return parts, true
}

func topicsOf(parts []part) (names []string) {
	for _, p := range parts {
		if !slices.Contains(names, p.topic) {
			names = append(names, p.topic)
		}
	}
	return names
}

// Kafka's AclOperation, as bits of what a broker says a user may do.
const (
	operationRead  = 1 << 3
	operationWrite = 1 << 4
)

// may asks the broker what the user may do with topics.
func (t *table) may(ctx context.Context, f *connectors.Findings, topics []string, what string, bit int32) {
	m, err := t.client.ask(ctx, &rights{topics: topics})
	if err != nil {
		f.Wonder("whether this user may %s: %v", what, err)
		return
	}
	for topic, has := range m.(*rightsOf).operations {
		switch {
		case has < 0 && has&bit == 0, has == -1<<31:
			f.Wonder("whether this user may %s topic %q: the broker doesn't say", what, topic)
		case has&bit == 0:
			f.Fail(fmt.Errorf("table %s: topic %q: %w", t.Path, topic, t.client.explain("asking for this user's rights to "+what, kafkago.TopicAuthorizationFailed)))
		default:
			f.See("this user may %s topic %q", what, topic)
		}
	}
}

// mayGroup asks what the user may do with the group.
func (s *source) mayGroup(ctx context.Context, f *connectors.Findings) {
	m, err := s.client.call(ctx, fmt.Sprintf("looking at group %q", s.group), 0, &describegroups.Request{Groups: []string{s.group}, IncludeAuthorizedOperations: true}, func(m protocol.Message) int16 {
		for _, g := range m.(*describegroups.Response).Groups {
			if g.ErrorCode != 0 && g.ErrorCode != int16(kafkago.GroupIdNotFound) {
				return g.ErrorCode
			}
		}
		return 0
	})
	switch {
	case errors.Is(err, kafkago.GroupAuthorizationFailed):
		f.Fail(fmt.Errorf("table %s: %w", s.Path, err))
		return
	case err != nil:
		f.Wonder("whether this user may use group %q: %v", s.group, err)
		return
	}
	for _, g := range m.(*describegroups.Response).Groups {
		switch has := g.AuthorizedOperations; {
		case has == -1<<31 || g.ErrorCode != 0:
			f.Wonder("whether this user may use group %q: the broker doesn't say", s.group)
		case has&operationRead == 0:
			f.Fail(fmt.Errorf("table %s: %w", s.Path, s.client.explain(fmt.Sprintf("asking for this user's rights on group %q", s.group), kafkago.GroupAuthorizationFailed)))
		default:
			f.See("this user may use group %q", s.group)
		}
	}
}

// lookAtTransactions looks at the broker's limit, and asks for the end of a transaction
// that nobody can have begun: the broker looks at the user's rights first.
func (s *sink) lookAtTransactions(ctx context.Context, f *connectors.Findings, job string) {
	tries, err := s.timeoutsToTry(ctx)
	if err == nil && len(tries) == 1 {
		err = s.longEnough(tries[0])
	}
	if err != nil {
		f.Fail(err)
	} else if len(tries) == 1 {
		f.See("transactions may last %s", tries[0])
	}
	id := s.id(job, 0, 0)
	_, err = s.client.call(ctx, "asking for this user's rights on transaction "+id, s.client.starting(), &endtxn.Request{TransactionalID: id, ProducerID: -1, ProducerEpoch: -1},
		func(m protocol.Message) int16 { return m.(*endtxn.Response).ErrorCode })
	var code kafkago.Error
	switch {
	case errors.Is(err, kafkago.TransactionalIDAuthorizationFailed):
		f.Fail(fmt.Errorf("table %s: %w", s.Path, err))
	case err == nil, errors.As(err, &code) && slices.Contains([]kafkago.Error{kafkago.InvalidProducerIDMapping, kafkago.InvalidProducerEpoch, kafkago.ProducerFenced, kafkago.InvalidTransactionState}, code):
		f.See("this user may write in transactions that begin with %q", s.Options.String("sink.transactional-id-prefix"))
	default:
		f.Wonder("whether this user may use transactions: %v", err)
	}
}

// rights is a request for topics' metadata with what this user may do; the client
// library answers its own kind of it from what it remembers.
type rights struct {
	topics  []string
	version int16
}

// rightsOf is its answer: bits by topic.
type rightsOf struct{ operations map[string]int32 }

func (r *rights) ApiKey() protocol.ApiKey   { return protocol.Metadata }
func (r *rightsOf) ApiKey() protocol.ApiKey { return protocol.Metadata }

// Broker is any.
func (r *rights) Broker(c protocol.Cluster) (protocol.Broker, error) {
	for _, id := range c.BrokerIDs() {
		return c.Brokers[id], nil
	}
	return protocol.Broker{}, kafkago.BrokerNotAvailable
}

// Required notes the version that both sides speak.
func (r *rights) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Metadata]
	return true
}

// rightsVersion is the request's version that is written and read here.
const rightsVersion = 8

// RawExchange asks.
func (r *rights) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < rightsVersion {
		return nil, errors.New("the broker is too old to say")
	}
	b := request(nil, protocol.Metadata, rightsVersion)
	b = big.AppendUint32(b, uint32(len(r.topics)))
	for _, t := range r.topics {
		b = appendString(b, t)
	}
	b = append(b, 0, 0, 1) // no topic is made; rights on topics, not on the cluster
	finish(b, 0)
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	body, _, err := response(rw, nil)
	if err != nil {
		return nil, err
	}
	w := &walker{b: body}
	w.int32() // throttled for
	for range w.count() {
		w.int32()
		w.string()
		w.int32()
		w.string()
	}
	w.string()
	w.int32()
	out := &rightsOf{operations: map[string]int32{}}
	for range w.count() {
		w.int16()
		name := w.string()
		w.take(1)
		for range w.count() {
			w.int16()
			w.int32()
			w.int32()
			w.int32()
			for range 3 {
				for range w.count() {
					w.int32()
				}
			}
		}
		out.operations[name] = w.int32()
	}
	return out, w.err
}
