package kafka

import (
	"context"
	"slices"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	meta "github.com/segmentio/kafka-go/protocol/metadata"
)

// hub brings the fetches of a table's partitions together. A broker is asked over at
// most routesPerBroker connections: while it leads no more partitions than that each
// has a connection of its own and is answered the moment a record comes; beyond, the
// partitions of a route are asked for in one request.
type hub struct {
	client *client

	mu      sync.Mutex
	leaders map[part]int32
	routes  map[int32][]*route // by broker
	of      map[part]*route
}

// routesPerBroker bounds the connections that fetch from one broker.
const routesPerBroker = 8

// shortWait is how long a broker may wait for records while a partition of the route
// isn't in the request, because its records are still being worked through: it must
// not be held up for long by the others that have nothing.
const shortWait = 10 // ms

func newHub(c *client) *hub {
	return &hub{client: c, leaders: map[part]int32{}, routes: map[int32][]*route{}, of: map[part]*route{}}
}

// route is a connection's worth of partitions, one request at a time.
type route struct {
	hub    *hub
	broker int32

	mu      sync.Mutex
	members int
	waiting []*asked
	busy    bool
}

// asked is a partition that waits for its answer.
type asked struct {
	*want
	ctx  context.Context
	done chan error // nil: want holds the answer
}

// fetch asks for a partition's records and waits for the answer, which it leaves in
// w. After an error w.buf isn't to be used again.
func (h *hub) fetch(ctx context.Context, w *want) error {
	l, err := h.route(ctx, w.part)
	if err != nil {
		return err
	}
	a := &asked{want: w, ctx: ctx, done: make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, a)
	if !l.busy {
		l.busy = true
		h.client.hold()
		go l.run()
	}
	l.mu.Unlock()
	select {
	case err = <-a.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil || w.code != 0 {
		h.forget(w.part)
	}
	return err
}

// route is the one of a partition's leader that it was given.
func (h *hub) route(ctx context.Context, p part) (*route, error) {
	h.mu.Lock()
	leader, known := h.leaders[p]
	h.mu.Unlock()
	if !known {
		m, err := h.client.ask(ctx, &meta.Request{TopicNames: []string{p.topic}}) // of the client's own memory
		if err != nil {
			return nil, err
		}
		if leader, err = leaderOf(m.(*meta.Response), p); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaders[p] = leader
	if l := h.of[p]; l != nil {
		if l.broker == leader {
			return l, nil
		}
		l.leave()
	}
	routes := h.routes[leader]
	if len(routes) < routesPerBroker {
		routes = append(routes, &route{hub: h, broker: leader})
		h.routes[leader] = routes
	}
	least := slices.MinFunc(routes, func(a, b *route) int { return a.count() - b.count() })
	least.join()
	h.of[p] = least
	return least, nil
}

func (l *route) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members
}

func (l *route) join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members++
}

func (l *route) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members--
}

// forget makes the next fetch ask who leads a partition.
func (h *hub) forget(p part) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.leaders, p)
}

// leave takes a partition out, that isn't read any more.
func (h *hub) leave(p part) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.of[p]; l != nil {
		l.leave()
	}
	delete(h.of, p)
	delete(h.leaders, p)
}

func leaderOf(m *meta.Response, p part) (int32, error) {
	for _, t := range m.Topics {
		if t.Name != p.topic {
			continue
		}
		if t.ErrorCode != 0 {
			return 0, kafkago.Error(t.ErrorCode)
		}
		for _, x := range t.Partitions {
			if x.PartitionIndex != p.n {
				continue
			}
			if x.LeaderID < 0 {
				return 0, kafkago.LeaderNotAvailable
			}
			return x.LeaderID, nil
		}
	}
	return 0, kafkago.UnknownTopicOrPartition
}

// run sends requests as long as partitions wait. Those that were answered come again
// behind the others, so that each is at the front in its turn: only there is a broker
// sure to send it records.
func (l *route) run() {
	defer l.hub.client.release()
	p := l.hub.client.props
	for {
		l.mu.Lock()
		round := slices.DeleteFunc(l.waiting, func(a *asked) bool { return a.ctx.Err() != nil })
		l.waiting = nil
		if len(round) == 0 {
			l.busy = false
			l.mu.Unlock()
			return
		}
		all := len(round) >= l.members
		l.mu.Unlock()
		f := &fetch{broker: l.broker, wait: int32(p.int("fetch.max.wait.ms")), minBytes: int32(p.int("fetch.min.bytes")), maxBytes: int32(p.int("fetch.max.bytes")),
			committed: p.text("isolation.level") == "read_committed"}
		if !all {
			f.wait = min(f.wait, shortWait)
		}
		for _, a := range round {
			f.wants = append(f.wants, a.want)
			f.maxBytes = max(f.maxBytes, a.maxBytes)
		}
		_, err := l.hub.client.ask(context.Background(), f)
		for _, a := range round {
			a.done <- err
		}
	}
}

// Broker is the one that was asked for; it may have gone.
func (f *fetch) Broker(c protocol.Cluster) (protocol.Broker, error) {
	b, ok := c.Brokers[f.broker]
	if !ok {
		return protocol.Broker{}, kafkago.BrokerNotAvailable
	}
	return b, nil
}
