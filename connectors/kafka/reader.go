package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// reader reads one partition. Its goroutine keeps up to ahead chunks ready.
type reader struct {
	s    *source
	env  connectors.ReadEnv
	at   place
	name string
	stop int64 // the first offset not read; MaxInt64: none
	rows int   // messages a batch
	next int64 // the offset the next Next starts at

	dec   *formats.KeyedDecoder
	ready chan *chunk
	free  chan *chunk
	end   context.CancelFunc
	done  chan struct{}

	cur     *chunk
	span    int // of cur
	msgs    []formats.Message
	records []record
	spans   []*span // of each message
	headers []header
	err     error
	badFunc func(formats.Message, error) error
	physics int // physical columns; the rest is metadata
}

// chunk is one fetch's records.
type chunk struct {
	block  []byte // what the spans lie in
	spans  []span
	at     int64 // the offset it begins at
	next   int64 // the offset behind it
	err    error
	buf    []byte
	packed []byte
}

// ahead is how many chunks are fetched before they are asked for.
const ahead = 2

func (s *source) Read(_ context.Context, split connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	r := &reader{s: s, env: env, name: split.Name, stop: math.MaxInt64, rows: env.Rows, ready: make(chan *chunk, ahead), free: make(chan *chunk, ahead), done: make(chan struct{}),
		physics: s.Schema.Len() - len(s.meta)}
	if err := json.Unmarshal(split.Data, &r.at); err != nil {
		return nil, fmt.Errorf("split %s: %w", split.Name, err)
	}
	for c, key := range s.meta {
		if ok := metadata[key]; ok != nil && !ok(s.Schema.Fields[r.physics+c].Type) {
			return nil, s.errorf("metadata column '%s' can't have type %s", key, s.Schema.Fields[r.physics+c].Type)
		}
	}
	if r.at.Stop != nil {
		r.stop = *r.at.Stop
	}
	r.next = r.at.Start
	if from != nil {
		o, err := parsePosition(from)
		if err != nil {
			return nil, fmt.Errorf("position of split %s: %w", split.Name, err)
		}
		r.next = o
	}
	if !s.changes().InsertOnly() {
		r.rows = max(1, r.rows/2) // a message may be two changes
	}
	var err error
	if r.dec, err = s.decoder(); err != nil {
		return nil, err
	}
	r.badFunc = r.bad
	for i := 0; i < ahead; i++ {
		r.free <- &chunk{}
	}
	ctx, end := context.WithCancel(context.Background())
	r.end = end
	s.client.hold()
	go r.run(ctx, r.next, from == nil && s.startMode() == "earliest-offset")
	return r, nil
}

// run fetches until the end of the split, an error, or Close.
func (r *reader) run(ctx context.Context, at int64, fromStart bool) {
	defer close(r.done)
	defer r.s.hub.leave(part{r.at.Topic, r.at.Partition})
	for at < r.stop {
		var c *chunk
		select {
		case c = <-r.free:
		case <-ctx.Done():
			return
		}
		c.err = r.fetch(ctx, c, at, fromStart)
		if ctx.Err() != nil {
			return
		}
		r.ready <- c // it has room for every chunk there is
		r.env.Wake()
		if c.err != nil {
			return
		}
		at, fromStart = c.next, false
	}
}

// fetch fills a chunk with what follows an offset, and waits until there is
// something.
func (r *reader) fetch(ctx context.Context, c *chunk, at int64, fromStart bool) error {
	p, committed := r.s.props, r.s.committed()
	w := &want{part: part{r.at.Topic, r.at.Partition}, offset: at, maxBytes: int32(p.int("max.partition.fetch.bytes")), buf: c.buf}
	for ctx.Err() == nil {
		err := r.s.client.retry(ctx, p.duration(patience), func() error {
			err := r.s.hub.fetch(ctx, w)
			if err == nil && w.code != 0 {
				err = kafkago.Error(w.code)
			}
			if err != nil { // its buffer may be in use by a connection that was given up
				w = &want{part: w.part, offset: w.offset, maxBytes: w.maxBytes}
			}
			return absent(err)
		})
		if errors.Is(err, kafkago.OffsetOutOfRange) {
			if w.offset, err = r.outOfRange(ctx, w.offset, fromStart); err == nil {
				continue
			}
		}
		if err != nil {
			return r.s.client.explain("reading "+r.name, err)
		}
		c.buf, c.at = w.buf, w.offset
		c.spans, c.block, c.packed, c.next, err = unpack(w.set, w.offset, committed, w.aborted, c.spans, c.packed)
		if err != nil {
			return err
		}
		if c.next > w.offset {
			return nil
		}
		if len(w.set) >= int(w.maxBytes) { // a batch that is larger than a fetch
			w.maxBytes = int32(min(int64(w.maxBytes)*2, maxResponse))
		}
	}
	return ctx.Err()
}

// absent makes a topic that isn't there something to wait for: a broker that has
// just started doesn't know its topics yet.
func absent(err error) error {
	if errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return &missing{err}
	}
	return err
}

type missing struct{ error }

func (m *missing) Unwrap() error { return kafkago.LeaderNotAvailable }
func (m *missing) Error() string { return m.error.Error() }

// outOfRange decides what follows when the log doesn't have an offset any more.
// Going on elsewhere loses records, so it has to have been asked for.
func (r *reader) outOfRange(ctx context.Context, at int64, fromStart bool) (int64, error) {
	where, to := []part{{r.at.Topic, r.at.Partition}}, int64(0)
	reset := r.s.props.text("auto.offset.reset")
	if fromStart {
		reset = "earliest"
	}
	switch reset {
	case "earliest":
		to = earliest
	case "latest":
		to = latest
	default:
		msg := fmt.Sprintf("offset %d of %s isn't there", at, r.name)
		if first, err := r.s.listOffsets(ctx, where, earliest); err == nil {
			if n := first[where[0]]; n > at {
				msg += fmt.Sprintf(": the topic has deleted the %d records before offset %d", n-at, n)
			} else if end, err := r.s.listOffsets(ctx, where, latest); err == nil {
				msg += fmt.Sprintf(": the topic ends at %d, so it was made anew or has lost records", end[where[0]])
			}
		}
		return at, &failure{where: "kafka " + r.s.client.servers, doing: "reading " + r.name, err: errors.New(msg),
			hint: "to go on without them set 'properties.auto.offset.reset' to earliest or latest"}
	}
	m, err := r.s.listOffsets(ctx, where, to)
	return m[where[0]], err
}

// Next decodes the next messages of the chunk in hand.
func (r *reader) Next() (*batch.Batch, error) {
	for {
		if r.err != nil {
			return nil, r.err
		}
		if r.next >= r.stop {
			return nil, io.EOF
		}
		if r.cur != nil && r.span == len(r.cur.spans) { // the last batch was its last
			r.free <- r.cur
			r.cur = nil
		}
		if r.cur == nil {
			select {
			case c := <-r.ready:
				if r.err = c.err; c.err != nil {
					continue
				}
				r.cur, r.span, r.next = c, 0, c.at // elsewhere than before, if the log had lost its place
				if len(c.spans) == 0 {
					r.next = c.next
				}
			default:
				return nil, connectors.ErrNotReady
			}
			continue
		}
		if err := r.gather(); err != nil {
			r.err = err
			continue
		}
		if len(r.msgs) == 0 {
			continue
		}
		b, origin, err := r.dec.Decode(formats.Input{Messages: r.msgs, Block: r.cur.block}, r.badFunc)
		if err != nil {
			return nil, err
		}
		for c, key := range r.s.meta {
			if metadata[key] == nil {
				continue
			}
			if err := r.fillMetadata(key, r.s.Schema.Fields[r.physics+c].Type, &b.Cols[r.physics+c], origin); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
}

// gather collects the messages of a batch and moves next behind them.
func (r *reader) gather() error {
	r.msgs, r.spans = r.msgs[:0], r.spans[:0]
	if cap(r.records) < r.rows {
		r.records = make([]record, r.rows)
	}
	r.records = r.records[:r.rows]
	block := r.cur.block
	for r.span < len(r.cur.spans) && len(r.msgs) < r.rows {
		s := &r.cur.spans[r.span]
		if s.count == 0 {
			r.next = s.next
			if r.span++; r.span == len(r.cur.spans) {
				r.next = max(r.next, r.cur.next)
			}
			continue
		}
		s.count--
		rec := &r.records[len(r.msgs)]
		if err := s.readRecord(block, rec); err != nil {
			return err
		}
		if rec.offset < r.next {
			continue
		}
		if rec.offset >= r.stop {
			r.next, r.span = r.stop, len(r.cur.spans)
			return nil
		}
		m := formats.Message{Offset: rec.offset, At: max(0, rec.value)}
		if rec.key >= 0 {
			m.Key = block[rec.key:rec.keyEnd:rec.keyEnd]
		}
		if rec.value >= 0 {
			m.Value = block[rec.value:rec.valueEnd:rec.valueEnd]
		}
		r.msgs, r.spans = append(r.msgs, m), append(r.spans, s)
		r.next = rec.offset + 1
	}
	return nil
}

func (r *reader) bad(m formats.Message, reason error) error {
	return r.env.Bad(connectors.BadRow{Split: r.name, Offset: m.Offset, Raw: m.Value, Reason: reason})
}

// Position is the next offset.
func (r *reader) Position() []byte { return strconv.AppendInt(nil, r.next, 10) }

// Close ends the fetching.
func (r *reader) Close() error {
	r.end()
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
	r.s.client.release()
	return nil
}
