package kafka

import (
	"errors"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// want is a partition that is asked for, and its answer. set is record batches, in
// buf, which grows as it must.
type want struct {
	part
	offset   int64
	maxBytes int32
	buf      []byte

	answered  bool
	code      int16
	watermark int64 // the offset behind the last record that can be read
	stable    int64 // likewise for readers of committed records
	start     int64 // the first offset the log still has
	aborted   []aborted
	set       []byte
}

// fetch asks a broker for record batches of partitions that it leads.
type fetch struct {
	broker    int32
	wants     []*want
	wait      int32 // ms the broker may wait for minBytes
	minBytes  int32
	maxBytes  int32
	committed bool // read_committed

	version int16
	out     []byte
}

// fetched is a fetch's answer, which lies in its wants.
type fetched struct{}

func (*fetch) ApiKey() protocol.ApiKey   { return protocol.Fetch }
func (*fetched) ApiKey() protocol.ApiKey { return protocol.Fetch }

func leader(c protocol.Cluster, topic string, partition int32) (protocol.Broker, error) {
	t, ok := c.Topics[topic]
	if !ok || kafkago.Error(t.Error) == kafkago.UnknownTopicOrPartition {
		return protocol.Broker{}, kafkago.UnknownTopicOrPartition
	}
	if t.Error != 0 {
		return protocol.Broker{}, kafkago.Error(t.Error)
	}
	p, ok := t.Partitions[partition]
	if !ok {
		return protocol.Broker{}, kafkago.UnknownTopicOrPartition
	}
	b, ok := c.Brokers[p.Leader]
	if !ok {
		return protocol.Broker{}, kafkago.LeaderNotAvailable
	}
	return b, nil
}

// Required notes the version that both sides speak.
func (f *fetch) Required(versions map[protocol.ApiKey]int16) bool {
	f.version = versions[protocol.Fetch]
	return true
}

var errOld = errors.New("the broker is older than 0.11, which is not supported")

// RawExchange sends the request and reads the answer whole.
func (f *fetch) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	v := f.version
	if v < 4 {
		return nil, errOld
	}
	b := request(f.out, protocol.Fetch, v)
	b = big.AppendUint32(b, ^uint32(0)) // no replica
	b = big.AppendUint32(b, uint32(f.wait))
	b = big.AppendUint32(b, uint32(f.minBytes))
	b = big.AppendUint32(b, uint32(f.maxBytes))
	if f.committed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	if v >= 7 {
		b = big.AppendUint32(b, 0)          // no session
		b = big.AppendUint32(b, ^uint32(0)) // nor a new one
	}
	topics := 0
	for i, w := range f.wants {
		if i == 0 || w.topic != f.wants[i-1].topic {
			topics++
		}
	}
	b = big.AppendUint32(b, uint32(topics))
	for i := 0; i < len(f.wants); {
		end := i + 1
		for end < len(f.wants) && f.wants[end].topic == f.wants[i].topic {
			end++
		}
		b = appendString(b, f.wants[i].topic)
		b = big.AppendUint32(b, uint32(end-i))
		for ; i < end; i++ {
			w := f.wants[i]
			b = big.AppendUint32(b, uint32(w.n))
			if v >= 9 {
				b = big.AppendUint32(b, ^uint32(0)) // any leader epoch
			}
			b = big.AppendUint64(b, uint64(w.offset))
			if v >= 5 {
				b = big.AppendUint64(b, ^uint64(0))
			}
			b = big.AppendUint32(b, uint32(w.maxBytes))
		}
	}
	if v >= 7 {
		b = big.AppendUint32(b, 0) // nothing to forget
	}
	if v >= 11 {
		b = appendString(b, "")
	}
	finish(b, 0)
	f.out = b
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	n, err := announced(rw)
	if err != nil {
		return nil, err
	}
	return &fetched{}, f.read(rw, n)
}

// read takes an answer of n bytes apart as it comes: the record batches go straight
// to where they are wanted.
func (f *fetch) read(from io.Reader, n int) error {
	w := &stream{from: from, left: n}
	w.int32() // throttled for
	if f.version >= 7 {
		code := w.int16()
		w.int32()
		for _, x := range f.wants {
			x.code, x.answered = code, code != 0
		}
	}
	next := 0 // wants are mostly answered in their order
	for t := w.count(); t > 0; t-- {
		topic := w.string()
		for p := w.count(); p > 0; p-- {
			at := part{topic, w.int32()}
			if w.err != nil {
				return w.err
			}
			x := f.find(at, &next)
			if x == nil {
				return fmt.Errorf("the broker answers with %s, which wasn't asked for", at)
			}
			x.answered = true
			if code := w.int16(); code != 0 {
				x.code = code
			}
			x.watermark, x.stable = w.int64(), w.int64()
			if f.version >= 5 {
				x.start = w.int64()
			}
			x.aborted = x.aborted[:0]
			for a := w.count(); a > 0; a-- {
				x.aborted = append(x.aborted, aborted{w.int64(), w.int64()})
			}
			if f.version >= 11 {
				w.int32()
			}
			x.set = w.bytes(&x.buf)
		}
	}
	for _, x := range f.wants {
		if w.err == nil && !x.answered {
			return fmt.Errorf("the broker gives no answer for %s", x.part)
		}
	}
	return w.rest()
}

func (f *fetch) find(p part, next *int) *want {
	for range f.wants {
		x := f.wants[*next%len(f.wants)]
		*next++
		if x.part == p {
			return x
		}
	}
	return nil
}

// produce sends one sealed record batch to a partition's leader.
type produce struct {
	topic         string
	partition     int32
	transactional string // "" for none
	acks          int16
	timeout       int32 // ms
	batch         []byte

	version int16
	out, in []byte
}

// produced is a produce's answer.
type produced struct {
	code    int16
	message string
	offset  int64
}

func (*produce) ApiKey() protocol.ApiKey  { return protocol.Produce }
func (*produced) ApiKey() protocol.ApiKey { return protocol.Produce }

// Broker is the partition's leader.
func (p *produce) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return leader(c, p.topic, p.partition)
}

// Required notes the version that both sides speak.
func (p *produce) Required(versions map[protocol.ApiKey]int16) bool {
	p.version = versions[protocol.Produce]
	return true
}

// RawExchange sends the request, the batch as it lies, and reads the answer.
func (p *produce) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	v := p.version
	if v < 3 {
		return nil, errOld
	}
	b := request(p.out, protocol.Produce, v)
	if p.transactional == "" {
		b = big.AppendUint16(b, ^uint16(0))
	} else {
		b = appendString(b, p.transactional)
	}
	b = big.AppendUint16(b, uint16(p.acks))
	b = big.AppendUint32(b, uint32(p.timeout))
	b = big.AppendUint32(b, 1)
	b = appendString(b, p.topic)
	b = big.AppendUint32(b, 1)
	b = big.AppendUint32(b, uint32(p.partition))
	b = big.AppendUint32(b, uint32(len(p.batch)))
	finish(b, len(p.batch))
	p.out = b
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	if _, err := rw.Write(p.batch); err != nil {
		return nil, err
	}
	if p.acks == 0 {
		return &produced{offset: -1}, nil
	}
	body, buf, err := response(rw, p.in)
	p.in = buf
	if err != nil {
		return nil, err
	}
	return p.read(body)
}

func (p *produce) read(body []byte) (*produced, error) {
	w, r := walker{b: body}, &produced{}
	for t := w.count(); t > 0; t-- {
		w.string()
		for n := w.count(); n > 0; n-- {
			w.int32()
			r.code, r.offset = w.int16(), w.int64()
			w.int64()
			if p.version >= 5 {
				w.int64()
			}
			if p.version >= 8 {
				for e := w.count(); e > 0; e-- {
					w.int32()
					if m := w.string(); r.message == "" {
						r.message = m
					}
				}
				if m := w.string(); m != "" {
					r.message = m
				}
			}
		}
	}
	return r, w.err
}
