package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// client talks to one cluster for one table. It connects when it is first asked.
type client struct {
	table   string
	servers string
	props   props
	topics  []string // what the cluster is asked about; nil: all topics

	mu        sync.Mutex
	transport *kafkago.Transport
	users     int
}

// Times of the Kafka client, in properties.*.
const (
	requestTimeout  = "request.timeout.ms"     // one request
	patience        = "default.api.timeout.ms" // how long a lost connection is tried again
	deliveryTimeout = "delivery.timeout.ms"    // likewise for writes
)

func newClient(table string, p props, topics []string) (*client, error) {
	c := &client{table: table, servers: p.text("bootstrap.servers"), props: p, topics: topics}
	_, err := p.security()
	return c, err
}

func (c *client) addr() net.Addr {
	var list []string
	for _, s := range strings.Split(c.servers, ",") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return kafkago.TCP(list...)
}

// hold keeps the connections open until the release.
func (c *client) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
}

func (c *client) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 && c.transport != nil {
		c.transport.CloseIdleConnections()
		c.transport = nil
	}
}

func (c *client) open() (*kafkago.Transport, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transport == nil {
		sec, err := c.props.security()
		if err != nil {
			return nil, err
		}
		c.transport = &kafkago.Transport{ClientID: "millrace", MetadataTTL: 2 * time.Second, MetadataTopics: c.topics,
			DialTimeout: 10 * time.Second, TLS: sec.tls, SASL: sec.sasl, IdleTimeout: time.Minute}
	}
	return c.transport, nil
}

// ask sends a request once and waits for its answer.
func (c *client) ask(ctx context.Context, req protocol.Message) (protocol.Message, error) {
	t, err := c.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.props.duration(requestTimeout))
	defer cancel()
	return t.RoundTrip(ctx, c.addr(), req)
}

func (c *client) api() (*kafkago.Client, error) {
	t, err := c.open()
	return &kafkago.Client{Addr: c.addr(), Transport: t, Timeout: c.props.duration(requestTimeout)}, err
}

// passing says that an error may go away by itself.
func passing(err error) bool {
	var code kafkago.Error
	if errors.As(err, &code) {
		switch code {
		case kafkago.UnknownTopicOrPartition: // kafka-go calls it temporary; a topic that isn't there is for the caller to judge
			return false
		case kafkago.BrokerNotAvailable, kafkago.LeaderNotAvailable, kafkago.NotLeaderForPartition, kafkago.GroupLoadInProgress,
			kafkago.GroupCoordinatorNotAvailable, kafkago.NotCoordinatorForGroup, kafkago.NotEnoughReplicas, kafkago.NotEnoughReplicasAfterAppend,
			kafkago.RequestTimedOut, kafkago.ReplicaNotAvailable, kafkago.NetworkException, kafkago.KafkaStorageError, kafkago.ConcurrentTransactions,
			kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch, kafkago.OffsetNotAvailable, kafkago.UnstableOffsetCommit:
			return true
		}
		return false
	}
	var n net.Error
	return errors.As(err, &n) && !untrusted(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed)
}

// retry calls f until it succeeds, an error that won't pass, or the patience ends.
func (c *client) retry(ctx context.Context, patience time.Duration, f func() error) error {
	start, pause := time.Now(), 50*time.Millisecond // wall clock: a client's own time-out
	for {
		err := f()
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		if time.Since(start)+pause > patience { // wall clock: as above
			return &lost{after: patience, err: err}
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		if pause = min(2*pause, time.Second); errors.Is(err, kafkago.ConcurrentTransactions) {
			pause = 20 * time.Millisecond // the coordinator is at work: it won't be long
		}
	}
}

// startPatience is how long the first answer is waited for: a wrong address should
// be told at once, a broker that is just starting be given its time.
const startPatience = 10 * time.Second

func (c *client) starting() time.Duration { return min(startPatience, c.props.duration(patience)) }

// call is ask with retries, and errors in words.
func (c *client) call(ctx context.Context, doing string, patience time.Duration, req protocol.Message, code func(protocol.Message) int16) (protocol.Message, error) {
	var m protocol.Message
	err := c.retry(ctx, patience, func() (err error) {
		if m, err = c.ask(ctx, req); err != nil {
			return err
		}
		if n := code(m); n != 0 {
			return kafkago.Error(n)
		}
		return nil
	})
	if err != nil {
		return nil, c.explain(doing, err)
	}
	return m, nil
}
