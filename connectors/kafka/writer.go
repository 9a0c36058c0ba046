package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	metadataapi "github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// writer is one subtask's. Rows become records in their partition's lane.
type writer struct {
	s           *sink
	env         connectors.WriterEnv
	enc         *formats.KeyedEncoder
	ctx         context.Context
	end         context.CancelFunc
	topics      map[string][]*lane
	part        partitioner
	limit       int // bytes of a record batch
	compression int8
	tx          *transaction // nil: none

	msgs    []formats.Message
	headers []header
	started sync.WaitGroup

	mu     sync.Mutex // with a buffer: its timer writes too
	buffer *buffer
	err    error
}

// lane is a partition's record batches: one being filled and one on its way. While
// one is under way the other grows, so that batches are as large as the rate wants.
type lane struct {
	w     *writer
	topic string
	n     int32
	mu    sync.Mutex
	moved *sync.Cond // the sender has taken a batch or ended one
	wake  chan struct{}
	fill  *builder
	spare *builder // nil: under way
	err   error
	live  bool // the sender runs
	ask   produce
	from  producer
	seq   int32
	tx    *transaction // of which the partition is part
}

// lanes are the partitions of a topic.
func (w *writer) lanes(topic string) ([]*lane, error) {
	if l, ok := w.topics[topic]; ok {
		return l, nil
	}
	t := *w.s.table
	t.topics, t.pattern = []string{topic}, nil
	parts, err := t.partitions(w.ctx, t.client.starting())
	if errors.Is(err, kafkago.UnknownTopicOrPartition) && w.s.props.text("allow.auto.create.topics") != "false" {
		if parts, err = t.createdBy(w.ctx, topic); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	var out []*lane
	for _, p := range parts {
		l := &lane{w: w, topic: topic, n: p.n, wake: make(chan struct{}, 1), fill: &builder{}, spare: &builder{}, from: anonymous}
		l.fill.reset()
		l.spare.reset()
		l.moved = sync.NewCond(&l.mu)
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, w.s.client.explain("writing topic "+topic, kafkago.UnknownTopicOrPartition)
	}
	w.topics[topic] = out
	return out, nil
}

// createdBy asks for a topic in the way that makes a broker create it, if it is set
// to: as Kafka's own producer does. Without one it is the error of a missing topic.
func (t *table) createdBy(ctx context.Context, topic string) (parts []part, err error) {
	if _, err := t.client.ask(ctx, &metadataapi.Request{TopicNames: []string{topic}, AllowAutoTopicCreation: true}); err != nil {
		return nil, t.client.explain("looking for topic "+topic, err)
	}
	for start := time.Now(); ; { // wall clock: a client's own time-out
		parts, err = t.partitions(ctx, 0)
		if len(parts) > 0 || !errors.Is(err, kafkago.UnknownTopicOrPartition) || time.Since(start) > 4*time.Second { // wall clock: as above
			return parts, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Write encodes the rows; they are on their way when it returns, not there yet.
func (w *writer) Write(b *batch.Batch) (err error) {
	if w.buffer != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err != nil {
			return w.err
		}
	}
	if w.msgs, err = w.enc.Encode(b, w.msgs[:0]); err != nil {
		return err
	}
	if len(w.msgs) != b.Rows() {
		return fmt.Errorf("the format made %d messages of %d rows", len(w.msgs), b.Rows())
	}
	now := w.env.Now().UnixMilli()
	var lanes []*lane
	if w.s.topic < 0 {
		if lanes, err = w.lanes(w.s.topics[0]); err != nil {
			return err
		}
	}
	var held *lane // locked
	defer func() {
		if held != nil {
			held.mu.Unlock()
		}
	}()
	for k := range w.msgs {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		at, headers := now, []header(nil)
		switch {
		case w.s.time >= 0 && !b.Cols[w.s.time].Null(i):
			if at = b.Cols[w.s.time].I64[i]; w.s.Schema.Fields[w.s.time].Type.Kind == types.Timestamp {
				at = types.FromLocal(at, w.env.Session.Zone)
			}
			at = floorMillis(at)
		case w.s.time < 0 && w.s.Rowtime > 0 && !b.Cols[w.s.Rowtime-1].Null(i):
			at = floorMillis(b.Cols[w.s.Rowtime-1].I64[i]) // as Flink, a TIMESTAMP's digits as if they were UTC
		}
		if w.s.headers >= 0 {
			headers = w.rowHeaders(&b.Cols[w.s.headers], i)
		}
		m := &w.msgs[k]
		if w.buffer != nil {
			w.buffer.put(m.Key, m.Value, headers, at)
			continue
		}
		if w.s.topic >= 0 {
			if b.Cols[w.s.topic].Null(i) {
				return errors.New("a row's metadata column 'topic' is NULL: it says where the row is written")
			}
			name := string(b.Cols[w.s.topic].Bytes(i))
			if len(w.s.topics) > 0 && !contains(w.s.topics, name) || w.s.pattern != nil && !w.s.pattern.MatchString(name) {
				return fmt.Errorf("a row's metadata column 'topic' is %q, which 'topic' or 'topic-pattern' doesn't allow", name)
			}
			if lanes, err = w.lanes(name); err != nil {
				return err
			}
		}
		l := lanes[w.part.choose(m.Key, len(m.Key)+len(m.Value), len(lanes))]
		if l != held {
			if held != nil {
				held.hand()
				held.mu.Unlock()
			}
			held = l
			l.mu.Lock()
		}
		if err := l.add(m.Key, m.Value, headers, at); err != nil {
			return err
		}
	}
	if held != nil {
		held.hand()
	}
	if w.buffer != nil && w.buffer.len() >= w.s.maxRows {
		return w.flushBuffer()
	}
	return nil
}

func floorMillis(us int64) int64 {
	ms := us / 1000
	if us%1000 < 0 {
		ms--
	}
	return ms
}

// rowHeaders are the headers of a MAP<STRING, BYTES> column's row.
func (w *writer) rowHeaders(v *batch.Vector, i int) []header {
	w.headers = w.headers[:0]
	if v.Null(i) {
		return nil
	}
	for e := v.Str[i].Off(); e < v.Str[i].Off()+v.Str[i].Len(); e++ {
		h := header{key: v.Kids[0].Bytes(e)}
		if !v.Kids[1].Null(e) {
			h.value = v.Kids[1].Bytes(e)
		}
		w.headers = append(w.headers, h)
	}
	return w.headers
}

// add appends a record, waiting while the batch is full. l.mu is held.
func (l *lane) add(key, value []byte, headers []header, at int64) error {
	size := len(key) + len(value) + 40
	for _, h := range headers {
		size += len(h.key) + len(h.value) + 10
	}
	for l.err == nil && l.fill.count > 0 && len(l.fill.buf)+size > l.w.limit {
		l.hand()
		l.moved.Wait()
	}
	if l.err != nil {
		return l.err
	}
	l.fill.add(key, value, headers, at)
	return nil
}

// hand tells the sender that there are records. l.mu is held.
func (l *lane) hand() {
	if l.fill.count == 0 || l.spare == nil {
		return // the sender looks again when it is done
	}
	if !l.live {
		l.live = true
		l.w.started.Add(1)
		go l.send()
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// send sends batches one after another: the next only when the last is stored, so
// that their order is kept.
func (l *lane) send() {
	defer l.w.started.Done()
	for {
		l.mu.Lock()
		for l.fill.count == 0 || l.err != nil {
			l.mu.Unlock()
			select {
			case <-l.wake:
			case <-l.w.ctx.Done():
				return
			}
			l.mu.Lock()
		}
		b := l.fill
		l.fill, l.spare = l.spare, nil
		l.moved.Broadcast()
		l.mu.Unlock()
		err := l.store(b)
		b.reset()
		l.mu.Lock()
		l.spare = b
		if err != nil && l.err == nil {
			l.err = err
		}
		l.moved.Broadcast()
		l.mu.Unlock()
	}
}

// drained waits until every record added is stored.
func (l *lane) drained() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil && (l.fill.count > 0 || l.spare == nil) {
		l.hand()
		l.moved.Wait()
	}
	return l.err
}

// store brings one batch to the broker.
func (l *lane) store(b *builder) error {
	s, ctx := l.w.s, l.w.ctx
	doing := fmt.Sprintf("writing %d records to %s-%d", b.count, l.topic, l.n)
	tx := l.w.tx
	if tx != nil {
		if l.tx != tx {
			if err := tx.join(ctx, l.topic, l.n); err != nil {
				return err
			}
			l.tx, l.from, l.seq = tx, tx.producer, 0
		}
	} else if s.idempotent() && l.from == anonymous {
		p, err := s.newProducer(ctx)
		if err != nil {
			return err
		}
		l.from, l.seq = p, 0
	}
	for {
		b.own()
		batch, err := b.seal(l.w.compression, l.from, max(l.seq, 0), tx != nil)
		if err != nil {
			return err
		}
		l.ask.topic, l.ask.partition, l.ask.batch = l.topic, l.n, batch
		l.ask.acks, l.ask.timeout = int16(s.props.acks()), int32(s.props.int(requestTimeout))
		if s.none {
			l.ask.acks = 0
		}
		if tx != nil {
			l.ask.transactional = tx.ID
		}
		err = s.client.retry(ctx, s.props.duration(deliveryTimeout), func() error {
			m, err := s.client.ask(ctx, &l.ask)
			if err != nil {
				b.lent = true
				l.ask = produce{topic: l.ask.topic, partition: l.ask.partition, batch: append([]byte(nil), batch...), acks: l.ask.acks, timeout: l.ask.timeout, transactional: l.ask.transactional}
				return absent(err) // the old request may be in use by a connection that was given up
			}
			if r := m.(*produced); r.code != 0 && kafkago.Error(r.code) != kafkago.DuplicateSequenceNumber {
				err := error(kafkago.Error(r.code))
				if r.message != "" {
					err = fmt.Errorf("%w: %s", err, r.message)
				}
				return absent(err)
			}
			return nil
		})
		if tx == nil && s.idempotent() && (errors.Is(err, kafkago.OutOfOrderSequenceNumber) || errors.Is(err, kafkago.UnknownProducerId)) {
			// The broker has forgotten the producer. At least once: again, as another one.
			if l.from, err = s.newProducer(ctx); err != nil {
				return err
			}
			l.seq = 0
			continue
		}
		if err != nil {
			return s.client.explain(doing, err)
		}
		if l.from != anonymous {
			if l.seq += int32(b.count); l.seq < 0 { // sequence numbers go on at 0 behind the greatest
				l.seq &= 1<<31 - 1
			}
		}
		return nil
	}
}

// newProducer gets an id for batches outside of transactions.
func (s *sink) newProducer(ctx context.Context) (producer, error) {
	m, err := s.client.call(ctx, "asking for a producer id", s.props.duration(deliveryTimeout),
		&initproducerid.Request{TransactionTimeoutMs: -1, ProducerID: -1, ProducerEpoch: -1},
		func(m protocol.Message) int16 { return m.(*initproducerid.Response).ErrorCode })
	if err != nil {
		return anonymous, err
	}
	r := m.(*initproducerid.Response)
	return producer{r.ProducerID, r.ProducerEpoch}, nil
}

// Flush returns when every record is stored.
func (w *writer) Flush(context.Context) error {
	if w.buffer != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err := w.flushBuffer(); err != nil {
			return err
		}
	}
	for _, lanes := range w.topics {
		for _, l := range lanes {
			if err := l.drained(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Prepare stores everything and closes the transaction to further records.
func (w *writer) Prepare(ctx context.Context, n uint64) ([]byte, error) {
	if err := w.Flush(ctx); err != nil {
		return nil, err
	}
	if w.tx == nil || !w.tx.begun() {
		return nil, nil
	}
	pending, err := w.tx.prepared(n)
	if err != nil {
		return nil, err
	}
	next, err := w.s.begin(ctx, w.env)
	if err != nil {
		return nil, err
	}
	w.tx = next
	return pending, nil
}

// Close ends the senders. What isn't stored is lost, and an open transaction stays
// open until the job's next run or the broker ends it.
func (w *writer) Close() error {
	w.end()
	for _, lanes := range w.topics {
		for _, l := range lanes {
			l.mu.Lock()
			if l.err == nil {
				l.err = context.Canceled
			}
			l.moved.Broadcast()
			l.mu.Unlock()
		}
	}
	w.started.Wait()
	if w.tx != nil {
		w.s.ids.giveBack(w.tx)
	}
	w.s.client.release()
	return nil
}

// flushEvery writes the buffer at an interval, until Close.
func (w *writer) flushEvery(d time.Duration) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			w.mu.Lock()
			if err := w.flushBuffer(); err != nil && w.err == nil {
				w.err = err
			}
			w.mu.Unlock()
		case <-w.ctx.Done():
			return
		}
	}
}

// flushBuffer hands the buffered records to their lanes.
func (w *writer) flushBuffer() error {
	if w.err != nil {
		return w.err
	}
	if w.buffer.len() == 0 {
		return nil
	}
	lanes, err := w.lanes(w.s.topics[0])
	if err != nil {
		return err
	}
	err = w.buffer.drain(func(key, value []byte, headers []header, at int64) error {
		l := lanes[w.part.choose(key, len(key)+len(value), len(lanes))]
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.add(key, value, headers, at)
	})
	for _, l := range lanes {
		l.mu.Lock()
		l.hand()
		l.mu.Unlock()
	}
	return err
}
