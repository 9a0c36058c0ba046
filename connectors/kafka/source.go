package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// source reads a table's topics.
type source struct {
	*table
	meta  []string // metadata columns' keys
	group string
	hub   *hub

	mu     sync.Mutex
	listed time.Time // when partitions were last looked for; zero: never
}

// part is a partition.
type part struct {
	topic string
	n     int32
}

func (p part) String() string { return p.topic + "-" + strconv.Itoa(int(p.n)) }

// place is what a split's Data holds, in JSON: a partition from Start to before
// Stop, which is missing when it has no end.
type place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	Stop      *int64 `json:"stop,omitempty"`
}

func newSource(t connectors.Table, upsert bool) (connectors.Source, error) {
	k, err := newTable(t, upsert)
	if err != nil {
		return nil, err
	}
	if upsert {
		for _, c := range t.Key {
			k.keyed.Fields = append(k.keyed.Fields, t.Full.Fields[c].Name)
		}
	}
	s := &source{table: k, group: k.props.text("group.id"), hub: newHub(k.client)}
	for _, m := range t.Meta {
		if _, ok := metadata[m.Key]; !ok && (t.Format.Format.Metadata == nil || !strings.HasPrefix(m.Key, "value.")) {
			return nil, k.errorf("no metadata column '%s'; there are %s, and value.* of the format", m.Key, metadataKeys())
		}
		s.meta = append(s.meta, m.Key)
	}
	if _, err := s.decoder(); err != nil {
		return nil, k.errorf("%v", err)
	}
	return s, s.checkModes()
}

// checkModes refuses start and end options that don't go together.
func (s *source) checkModes() error {
	o := s.Options
	start, stop := s.startMode(), strings.ToLower(o.String("scan.bounded.mode"))
	for _, m := range []struct{ option, mode, needs string }{
		{"scan.startup.mode", start, "scan.startup."}, {"scan.bounded.mode", stop, "scan.bounded."},
	} {
		if m.mode == "timestamp" && !o.Has(m.needs+"timestamp-millis") {
			return s.errorf("'%stimestamp-millis' is required in 'timestamp' of '%s' but missing.", m.needs, m.option)
		}
		if m.mode == "specific-offsets" {
			if !o.Has(m.needs + "specific-offsets") {
				return s.errorf("'%sspecific-offsets' is required in 'specific-offsets' of '%s' but missing.", m.needs, m.option)
			}
			if len(s.topics) != 1 {
				return s.errorf("'specific-offsets' of '%s' works with one topic; 'topic' names %d", m.option, len(s.topics))
			}
			if _, err := specificOffsets(o.String(m.needs + "specific-offsets")); err != nil {
				return s.errorf("option '%sspecific-offsets': %v", m.needs, err)
			}
		}
		if m.mode == "group-offsets" && s.group == "" {
			return s.errorf("Property group.id is required when using committed offset for offsets initializer: set 'properties.group.id', or another '%s'", m.option)
		}
	}
	return nil
}

// startMode is where reading starts; upsert-kafka needs all of a topic.
func (s *source) startMode() string {
	if s.upsert {
		return "earliest-offset"
	}
	return strings.ToLower(s.Options.String("scan.startup.mode"))
}

// specificOffsets reads "partition:0,offset:42;partition:1,offset:300".
func specificOffsets(text string) (map[int32]int64, error) {
	out := map[int32]int64{}
	for _, item := range strings.Split(text, ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		var p, o int64 = -1, -1
		for _, kv := range strings.Split(item, ",") {
			k, v, _ := strings.Cut(strings.TrimSpace(kv), ":")
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			switch {
			case err == nil && k == "partition" && n >= 0 && n <= math.MaxInt32:
				p = n
			case err == nil && k == "offset" && n >= 0:
				o = n
			}
		}
		if p < 0 || o < 0 {
			return nil, fmt.Errorf("%q can't be read; expected partition:0,offset:42;partition:1,offset:300", item)
		}
		out[int32(p)] = o
	}
	if len(out) == 0 {
		return nil, errors.New("it names no partition")
	}
	return out, nil
}

func (s *source) decoder() (*formats.KeyedDecoder, error) {
	f := s.Format
	if len(s.topics) == 1 {
		f.Subject(s.topics[0]) // for a dry run: messages name their schema
	}
	return formats.NewKeyedDecoder(f, s.keyed, s.Schema, s.Full, s.meta)
}

// Changes are the messages' kinds.
func (s *source) Changes() batch.Changes { return s.changes() }

// Bounded says whether scan.bounded.mode gives it an end.
func (s *source) Bounded() bool {
	return !strings.EqualFold(s.Options.String("scan.bounded.mode"), "unbounded")
}

// Splits lists the partitions with the offsets where reading starts and ends, as
// they are when a partition is first seen. Partitions that appear later are read
// from their beginning.
func (s *source) Splits(ctx context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.listed.IsZero()
	if !first {
		every := s.Options.Duration("scan.topic-partition-discovery.interval")
		if every == 0 || s.Bounded() || time.Since(s.listed) < every { // wall clock: how often the cluster is asked
			return known, nil
		}
	}
	if s.Bounded() && len(known) > 0 {
		return known, nil // the end was fixed when the job began
	}
	s.client.hold()
	defer s.client.release()
	wait := s.client.starting()
	if !first {
		wait = 0 // asked again soon
	}
	parts, err := s.partitions(ctx, wait)
	if err != nil {
		if !first && passing(err) {
			return known, nil
		}
		return nil, err
	}
	s.listed = time.Now() // wall clock: how often the cluster is asked
	have := map[string]bool{}
	for _, k := range known {
		have[k.Name] = true
	}
	var fresh []part
	for _, p := range parts {
		if !have[p.String()] {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return known, nil
	}
	mode := s.startMode()
	if !first || len(known) > 0 {
		mode = "earliest-offset"
	}
	starts, err := s.offsets(ctx, fresh, mode, "scan.startup.")
	if err != nil {
		return nil, err
	}
	var stops map[part]int64
	if s.Bounded() {
		if stops, err = s.offsets(ctx, fresh, strings.ToLower(s.Options.String("scan.bounded.mode")), "scan.bounded."); err != nil {
			return nil, err
		}
	}
	out := append([]connectors.Split(nil), known...)
	for _, p := range fresh {
		at := place{Topic: p.topic, Partition: p.n, Start: starts[p]}
		if s.Bounded() {
			stop, ok := stops[p]
			if !ok || stop <= at.Start {
				continue // nothing to read
			}
			at.Stop = &stop
		}
		data, err := json.Marshal(at)
		if err != nil {
			return nil, err
		}
		// Not Bounded even if it ends: such splits are read one after another, but
		// partitions advance event time together.
		out = append(out, connectors.Split{Name: p.String(), Data: data})
	}
	return out, nil
}

// partitions are those of the table's topics, sorted.
func (s *table) partitions(ctx context.Context, wait time.Duration) (out []part, err error) {
	api, err := s.client.api()
	if err != nil {
		return nil, err
	}
	var res *kafkago.MetadataResponse
	doing := "reading the topics' metadata"
	if len(s.topics) > 0 {
		doing = fmt.Sprintf("looking for topic %q", strings.Join(s.topics, ";"))
	}
	err = s.client.retry(ctx, wait, func() (err error) {
		if res, err = api.Metadata(ctx, &kafkago.MetadataRequest{Topics: s.topics}); err != nil {
			return err
		}
		for _, t := range res.Topics {
			if t.Error != nil && (s.pattern == nil || s.pattern.MatchString(t.Name)) {
				return t.Error
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.client.explain(doing, err)
	}
	for _, t := range res.Topics {
		if s.pattern != nil && (t.Internal || !s.pattern.MatchString(t.Name)) {
			continue
		}
		for _, p := range t.Partitions {
			out = append(out, part{t.Name, int32(p.ID)})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].topic < out[j].topic || out[i].topic == out[j].topic && out[i].n < out[j].n
	})
	return out, nil
}

// Timestamps that ListOffsets takes for the log's ends.
const (
	latest   = -1
	earliest = -2
)

// offsets are where a mode points in each partition.
func (s *source) offsets(ctx context.Context, parts []part, mode, prefix string) (map[part]int64, error) {
	switch mode {
	case "earliest-offset":
		return s.listOffsets(ctx, parts, earliest)
	case "latest-offset":
		return s.listOffsets(ctx, parts, latest)
	case "timestamp":
		return s.listOffsets(ctx, parts, s.Options.Int(prefix+"timestamp-millis"))
	case "specific-offsets":
		given, err := specificOffsets(s.Options.String(prefix + "specific-offsets"))
		if err != nil {
			return nil, s.errorf("%v", err)
		}
		out, rest := map[part]int64{}, []part(nil)
		for _, p := range parts {
			if o, ok := given[p.n]; ok {
				out[p] = o
			} else {
				rest = append(rest, p)
			}
		}
		if prefix == "scan.startup." && len(rest) > 0 { // as Flink: from the beginning
			more, err := s.listOffsets(ctx, rest, earliest)
			if err != nil {
				return nil, err
			}
			for p, o := range more {
				out[p] = o
			}
		}
		return out, nil
	}
	return s.groupOffsets(ctx, parts, prefix == "scan.startup.")
}

// listOffsets asks for the first offset of a time, or for one of the log's ends; a
// time behind the last record gives the end.
func (s *source) listOffsets(ctx context.Context, parts []part, at int64) (map[part]int64, error) {
	req := &listoffsets.Request{ReplicaID: -1}
	if s.committed() {
		req.IsolationLevel = 1
	}
	byTopic := map[string]int{}
	for _, p := range parts {
		i, ok := byTopic[p.topic]
		if !ok {
			i = len(req.Topics)
			byTopic[p.topic] = i
			req.Topics = append(req.Topics, listoffsets.RequestTopic{Topic: p.topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, listoffsets.RequestPartition{Partition: p.n, CurrentLeaderEpoch: -1, Timestamp: at})
	}
	m, err := s.client.call(ctx, "asking for offsets", s.client.starting(), req, func(m protocol.Message) int16 {
		for _, t := range m.(*listoffsets.Response).Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode == -1 { // what the client library makes of a lost connection
					return int16(kafkago.NetworkException)
				}
				if p.ErrorCode != 0 {
					return p.ErrorCode
				}
			}
		}
		return 0
	})
	if err != nil {
		return nil, err
	}
	out := map[part]int64{}
	var behind []part
	for _, t := range m.(*listoffsets.Response).Topics {
		for _, p := range t.Partitions {
			if p.Offset < 0 {
				behind = append(behind, part{t.Topic, p.Partition})
				continue
			}
			out[part{t.Topic, p.Partition}] = p.Offset
		}
	}
	if len(behind) > 0 && at != latest {
		end, err := s.listOffsets(ctx, behind, latest)
		if err != nil {
			return nil, err
		}
		for p, o := range end {
			out[p] = o
		}
	}
	for _, p := range parts {
		if _, ok := out[p]; !ok {
			return nil, s.errorf("the broker gives no offset for %s", p)
		}
	}
	return out, nil
}

// groupOffsets are the group's committed offsets. Without one, reading starts where
// auto.offset.reset says, and a partition as an end is not read.
func (s *source) groupOffsets(ctx context.Context, parts []part, start bool) (map[part]int64, error) {
	api, err := s.client.api()
	if err != nil {
		return nil, err
	}
	topics := map[string][]int{}
	for _, p := range parts {
		topics[p.topic] = append(topics[p.topic], int(p.n))
	}
	var res *kafkago.OffsetFetchResponse
	err = s.client.retry(ctx, s.client.starting(), func() (err error) {
		if res, err = api.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: s.group, Topics: topics}); err != nil {
			return err
		}
		if res.Error != nil {
			return res.Error
		}
		for _, t := range res.Topics {
			for _, p := range t {
				if p.Error != nil {
					return p.Error
				}
			}
		}
		return nil
	})
	if errors.Is(err, kafkago.GroupIdNotFound) { // it has none
		res, err = &kafkago.OffsetFetchResponse{}, nil
	}
	if err != nil {
		return nil, s.client.explain(fmt.Sprintf("reading the offsets of group %q", s.group), err)
	}
	out := map[part]int64{}
	for t, list := range res.Topics {
		for _, p := range list {
			if p.CommittedOffset >= 0 {
				out[part{t, int32(p.Partition)}] = p.CommittedOffset
			}
		}
	}
	var without []part
	for _, p := range parts {
		if _, ok := out[p]; !ok {
			without = append(without, p)
		}
	}
	if len(without) == 0 {
		return out, nil
	}
	at := int64(latest)
	if start {
		switch s.props.text("auto.offset.reset") {
		case "earliest":
			at = earliest
		case "latest":
		default:
			return nil, s.errorf("group %q has no committed offset for %s: set 'properties.auto.offset.reset' to earliest or latest, or another 'scan.startup.mode'", s.group, without[0])
		}
	}
	more, err := s.listOffsets(ctx, without, at)
	for p, o := range more {
		out[p] = o
	}
	return out, err
}

// committed says that only records of committed transactions are read.
func (t *table) committed() bool { return t.props.text("isolation.level") == "read_committed" }

// Confirmed tells the group how far the job is, for those who watch it: the job
// itself goes by its checkpoint.
func (s *source) Confirmed(ctx context.Context, _ uint64, at []connectors.SplitState) error {
	if s.group == "" || s.props.text("enable.auto.commit") == "never" {
		return nil
	}
	api, err := s.client.api()
	if err != nil {
		return err
	}
	topics := map[string][]kafkago.OffsetCommit{}
	for _, x := range at {
		var p place
		if err := json.Unmarshal(x.Split.Data, &p); err != nil {
			return err
		}
		from := x.From
		if x.Done {
			from = x.Result
		}
		if from == nil {
			continue
		}
		o, err := parsePosition(from)
		if err != nil {
			return err
		}
		topics[p.Topic] = append(topics[p.Topic], kafkago.OffsetCommit{Partition: int(p.Partition), Offset: o})
	}
	if len(topics) == 0 {
		return nil
	}
	err = s.client.retry(ctx, s.client.starting(), func() error {
		res, err := api.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{GroupID: s.group, GenerationID: -1, Topics: topics})
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			for _, p := range t {
				if p.Error != nil {
					return p.Error
				}
			}
		}
		return nil
	})
	return s.client.explain(fmt.Sprintf("telling group %q the offsets", s.group), err)
}

func parsePosition(b []byte) (int64, error) {
	o, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || o < 0 {
		return 0, fmt.Errorf("%q is no offset", b)
	}
	return o, nil
}
