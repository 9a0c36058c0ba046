package kafka

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/addpartitionstotxn"
	"github.com/segmentio/kafka-go/protocol/endtxn"
	"github.com/segmentio/kafka-go/protocol/initproducerid"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// A writer's transactions have the ids PREFIX-JOB-SUBTASK-K, K being the least that
// isn't in use. An id is in use from its transaction's begin until the checkpoint
// after the one that committed it: as long as a manifest may name it, its producer
// epoch stays what it was. So a commit that is repeated after a crash is answered by
// the broker like the first one, and "fenced" always means that the broker gave the
// transaction up.

// transaction is an open transaction.
type transaction struct {
	s  *sink
	ID string
	producer

	joining sync.Mutex // the coordinator takes one partition at a time, and sends others back

	mu   sync.Mutex
	part map[part]bool // partitions that belong to it
}

// prepared is what Prepare hands on, in JSON.
type prepared struct {
	ID         string `json:"id"`
	Producer   int64  `json:"producer"`
	Epoch      int16  `json:"epoch"`
	Checkpoint uint64 `json:"checkpoint"`
}

// pool is which ids are in use.
type pool struct {
	mu   sync.Mutex
	used map[string]uint64 // by id: the checkpoint that committed it, 0: not yet
}

func (p *pool) take(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used == nil {
		p.used = map[string]uint64{}
	}
	if _, ok := p.used[id]; ok {
		return false
	}
	p.used[id] = 0
	return true
}

func (p *pool) giveBack(t *transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.used[t.ID]; ok && n == 0 {
		delete(p.used, t.ID)
	}
}

// committed notes ids that a checkpoint committed, and frees those of earlier ones.
func (p *pool) committed(n uint64, ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used == nil {
		p.used = map[string]uint64{}
	}
	for id, at := range p.used {
		if at > 0 && at < n {
			delete(p.used, id)
		}
	}
	for _, id := range ids {
		p.used[id] = n
	}
}

func (p *pool) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.used[id]
	return ok
}

// id is a transactional id of a job.
func (s *sink) id(job string, subtask, k int) string {
	h := fnv.New32a()
	h.Write([]byte(job))
	return fmt.Sprintf("%s-%s-%d-%d", s.Options.String("sink.transactional-id-prefix"), hex.EncodeToString(h.Sum(nil)), subtask, k)
}

// begin makes the next transaction ready; the broker hears of it with its first
// record.
func (s *sink) begin(ctx context.Context, env connectors.WriterEnv) (*transaction, error) {
	for k := 0; ; k++ {
		t := &transaction{s: s, ID: s.id(env.Job, env.Subtask, k), part: map[part]bool{}}
		if !s.ids.take(t.ID) {
			continue
		}
		var err error
		if t.producer, _, err = s.fence(ctx, t.ID); err != nil {
			s.ids.giveBack(t)
			return nil, err
		}
		return t, nil
	}
}

// timeouts are tried in turn when none is given: Flink's, then Kafka's default
// limit, and less.
var timeouts = []time.Duration{time.Hour, 15 * time.Minute, 5 * time.Minute, time.Minute}

// timeoutsToTry are those that a transaction may get: the one that was given, or else
// the longest that the broker allows. A broker that doesn't tell is asked by trying.
func (s *sink) timeoutsToTry(ctx context.Context) ([]time.Duration, error) {
	s.mu.Lock()
	known := s.timeout
	s.mu.Unlock()
	if known > 0 {
		return []time.Duration{known}, nil
	}
	limit := s.timeoutLimit(ctx)
	if s.props.text("transaction.timeout.ms") == "" {
		if limit > 0 {
			return []time.Duration{min(limit, timeouts[0])}, nil
		}
		return timeouts, nil
	}
	given := s.props.duration("transaction.timeout.ms")
	if limit > 0 && given > limit {
		return nil, s.errorf("'properties.transaction.timeout.ms' is %s, and the broker allows %s at most (its transaction.max.timeout.ms): raise it there, or lower it here", given, limit)
	}
	return []time.Duration{given}, nil
}

// longEnough refuses a timeout, of the broker's choice, that ends transactions before
// the checkpoint that commits them.
func (s *sink) longEnough(d time.Duration) error {
	every, err := formats.ParseDuration(s.Session.Option("execution.checkpointing.interval", "0 ms"))
	if err != nil || every < d {
		return nil
	}
	return s.errorf("the broker allows transactions of %s at most (its transaction.max.timeout.ms), but checkpoints come every %s: it would abort each transaction before it is committed", d, every)
}

// timeoutLimit is the broker's transaction.max.timeout.ms, 0 when it can't be known:
// asking needs the right to see the cluster's settings.
func (s *sink) timeoutLimit(ctx context.Context) time.Duration {
	n, err := strconv.ParseInt(s.setting(ctx, "transaction.max.timeout.ms"), 10, 64)
	if err != nil || n >= 1<<40 {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// setting is a broker's, "" when it can't be known.
func (s *sink) setting(ctx context.Context, name string) string {
	api, err := s.client.api()
	if err != nil {
		return ""
	}
	m, err := api.Metadata(ctx, &kafkago.MetadataRequest{Topics: s.topics})
	if err != nil || len(m.Brokers) == 0 {
		return ""
	}
	res, err := api.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{
		{ResourceType: kafkago.ResourceTypeBroker, ResourceName: strconv.Itoa(m.Brokers[0].ID), ConfigNames: []string{name}}}})
	if err != nil {
		return ""
	}
	for _, r := range res.Resources {
		for _, c := range r.ConfigEntries {
			if c.ConfigName == name && r.Error == nil {
				return c.ConfigValue
			}
		}
	}
	return ""
}

// fence makes this process the only writer under an id: an open transaction of it
// is aborted (aborted says so), other writers are refused from then on.
func (s *sink) fence(ctx context.Context, id string) (p producer, aborted bool, err error) {
	tries, err := s.timeoutsToTry(ctx)
	if err != nil {
		return anonymous, false, err
	}
	for i, d := range tries {
		m, err := s.client.call(ctx, "beginning transaction "+id, s.props.duration(patience),
			&initproducerid.Request{TransactionalID: id, TransactionTimeoutMs: int32(d.Milliseconds()), ProducerID: -1, ProducerEpoch: -1},
			func(m protocol.Message) int16 {
				code := m.(*initproducerid.Response).ErrorCode
				aborted = aborted || kafkago.Error(code) == kafkago.ConcurrentTransactions // it is ending one
				return code
			})
		if errors.Is(err, kafkago.InvalidTransactionTimeout) && i < len(tries)-1 {
			continue
		}
		if err == nil {
			err = s.longEnough(d)
		}
		if err != nil {
			return anonymous, aborted, err
		}
		s.mu.Lock()
		s.timeout = d
		s.mu.Unlock()
		r := m.(*initproducerid.Response)
		return producer{r.ProducerID, r.ProducerEpoch}, aborted, nil
	}
	return anonymous, aborted, nil
}

// join makes a partition part of the transaction.
func (t *transaction) join(ctx context.Context, topic string, n int32) error {
	t.joining.Lock()
	defer t.joining.Unlock()
	_, err := t.s.client.call(ctx, fmt.Sprintf("adding %s-%d to transaction %s", topic, n, t.ID), t.s.props.duration(deliveryTimeout),
		&addpartitionstotxn.Request{TransactionalID: t.ID, ProducerID: t.id, ProducerEpoch: t.epoch,
			Topics: []addpartitionstotxn.RequestTopic{{Name: topic, Partitions: []int32{n}}}},
		func(m protocol.Message) int16 {
			for _, r := range m.(*addpartitionstotxn.Response).Results {
				for _, p := range r.Results {
					if p.ErrorCode != 0 {
						return p.ErrorCode
					}
				}
			}
			return 0
		})
	if err == nil {
		t.mu.Lock()
		t.part[part{topic, n}] = true
		t.mu.Unlock()
	}
	return err
}

func (t *transaction) begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.part) > 0
}

func (t *transaction) prepared(n uint64) ([]byte, error) {
	return json.Marshal(prepared{ID: t.ID, Producer: t.id, Epoch: t.epoch, Checkpoint: n})
}

// Commit commits prepared transactions. One that is committed already is done.
func (s *sink) Commit(ctx context.Context, c connectors.Commit, pending [][]byte) (keep [][]byte, err error) {
	if len(pending) == 0 {
		return nil, nil
	}
	s.client.hold()
	defer s.client.release()
	var ids []string
	for _, raw := range pending {
		var p prepared
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("a pending commit can't be read: %w", err)
		}
		end := func() error {
			_, err := s.client.call(ctx, fmt.Sprintf("committing transaction %s of checkpoint %d", p.ID, p.Checkpoint), s.props.duration(patience),
				&endtxn.Request{TransactionalID: p.ID, ProducerID: p.Producer, ProducerEpoch: p.Epoch, Committed: true},
				func(m protocol.Message) int16 { return m.(*endtxn.Response).ErrorCode })
			return err
		}
		err := end()
		if err == nil && (c.Final || c.Closing) {
			// The broker answers when the commit is certain, a little before readers see it.
			// Asked again it answers when they do: what follows the job must find its rows.
			err = end()
		}
		for _, gone := range []kafkago.Error{kafkago.InvalidProducerEpoch, kafkago.ProducerFenced, kafkago.InvalidTransactionState, kafkago.InvalidProducerIDMapping} {
			if errors.Is(err, gone) {
				return nil, fmt.Errorf("%w: the broker has aborted transaction %s of checkpoint %d before it was committed, so the rows between the checkpoint before and it are missing: "+
					"it was open for longer than its timeout (properties.transaction.timeout.ms), or another writer used its id (%v)", connectors.ErrLost, p.ID, p.Checkpoint, gone)
			}
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, p.ID)
	}
	s.ids.committed(c.N, ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.swept { // nothing was written yet: these are another run's
		s.told = append(s.told, fmt.Sprintf("committed what checkpoint %d had prepared: %s", c.N, strings.Join(ids, ", ")))
	}
	return nil, nil
}

// Told says what was found of an earlier run.
func (s *sink) Told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.told
	s.told = nil
	return t
}

// sweepOnce ends what dead runs left open, if Abandon hasn't: a run without a state
// directory isn't asked to.
func (s *sink) sweepOnce(ctx context.Context, job string) error {
	s.sweep.Lock()
	defer s.sweep.Unlock()
	s.mu.Lock()
	done := s.swept
	s.mu.Unlock()
	if done {
		return nil
	}
	return s.Abandon(ctx, job, nil)
}

// perSubtask is how many of a subtask's ids are looked at even if none of them was
// ever used.
const perSubtask = 4

// Abandon aborts the transactions that dead runs of the job left open, but for
// those that keep names or Commit has just committed. Which ids were used isn't
// recorded: an id whose epoch is 0 is new, so the search ends at a subtask that has
// none but new ones.
func (s *sink) Abandon(ctx context.Context, job string, keep [][]byte) error {
	if !s.exactly {
		return nil
	}
	s.client.hold()
	defer s.client.release()
	kept := map[string]bool{}
	for _, raw := range keep {
		var p prepared
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("a pending commit can't be read: %w", err)
		}
		kept[p.ID] = true
	}
	var ended []string
	for subtask := 0; ; subtask++ {
		found := false
		for k := 0; ; k++ {
			id := s.id(job, subtask, k)
			used := kept[id] || s.ids.has(id)
			if !used {
				p, aborted, err := s.fence(ctx, id)
				if err != nil {
					return err
				}
				if used = p.epoch > 0; aborted {
					ended = append(ended, id)
				}
			}
			found = found || used
			if !used && k >= perSubtask-1 {
				break
			}
		}
		if !found {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept = true; len(ended) > 0 {
		s.told = append(s.told, "aborted what a run before had left open: "+strings.Join(ended, ", "))
	}
	return nil
}
