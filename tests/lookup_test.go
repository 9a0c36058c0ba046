package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// TestNexmarkLookup runs q13, which Flink can't (its filesystem tables aren't looked
// up): the side table has i under i, so each bid's value is known.
func TestNexmarkLookup(t *testing.T) {
	t.Chdir("..")
	text, err := os.ReadFile("examples/nexmark/q13.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: "q13", Text: string(text)}, &sink{w: &out}); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var row struct {
			Auction int64
			Value   int64 `json:"value,string"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if row.Value != row.Auction%10000 {
			t.Fatalf("auction %d has value %d", row.Auction, row.Value)
		}
		rows++
	}
	if bids := 200000 / 50 * 46; rows != bids {
		t.Errorf("%d rows of %d bids", rows, bids)
	}
}

// shelf is a connector's look-up for tests: it has the rows of a key from the second
// time on that it is asked for it.
type shelf struct {
	mu    sync.Mutex
	asked map[string]int
	calls int
}

// reach is a connection to it, of one subtask: it answers from another goroutine.
type reach struct {
	*shelf
	ticket uint64
	ready  []shelved // under shelf's lock
}

type shelved struct {
	ticket uint64
	rows   batch.Batch
	origin []int32
}

var shelfTypes = []types.Type{types.StringType, types.IntType}

func (s *reach) OpenLookup(context.Context, []int) (connectors.Lookup, error) {
	return &reach{shelf: s.shelf}, nil
}

func (s *reach) Start(keys *batch.Batch, wake func()) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.ticket++
	a := shelved{ticket: s.ticket}
	a.rows.Reset(shelfTypes)
	one := batch.Batch{Len: 1, Cols: make([]batch.Vector, 2)}
	for i := range keys.Len {
		k := string(keys.Cols[0].Bytes(i))
		if s.asked[k]++; s.asked[k] == 1 {
			continue
		}
		one.Cols[0].Prepare(shelfTypes[0], 1)
		one.Cols[1].Prepare(shelfTypes[1], 1)
		one.Cols[0].SetString(0, k)
		one.Cols[1].I64[0] = int64(len(k))
		a.rows.AppendRow(shelfTypes, batch.Insert, &one, 0)
		a.origin = append(a.origin, int32(i))
	}
	go func() {
		s.mu.Lock()
		s.ready = append(s.ready, a)
		s.mu.Unlock()
		wake()
	}()
	return a.ticket, nil
}

func (s *reach) Poll() (uint64, *batch.Batch, []int32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 {
		return 0, nil, nil, connectors.ErrNotReady
	}
	a := s.ready[0]
	s.ready = s.ready[1:]
	return a.ticket, &a.rows, a.origin, nil
}

func (s *reach) Close() error { return nil }

// TestLookupRetry joins with a connector that has no answer the first time. Without
// repetition every row's first question is in vain; with it all find theirs, and the
// other rows don't wait for a pause per row.
func TestLookupRetry(t *testing.T) {
	dir, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	run := func(hint string, options map[string]string) (string, *shelf) {
		s := &shelf{asked: map[string]int{}}
		c := engine.Config{Options: options, Lookup: func(string) (string, bool) { return dir, true },
			Connector: func(c *connectors.Connector) *connectors.Connector {
				if c.Name != "datagen" {
					return c
				}
				fake := *c
				fake.Lookup = func(connectors.Table) (connectors.Lookup, error) { return &reach{shelf: s}, nil }
				return &fake
			}}
		text := `CREATE TABLE orders (id STRING, cur STRING, pt AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '${DATA}/temporal_orders.json', 'format' = 'json');
CREATE TABLE shelf (cur STRING, n INT) WITH ('connector' = 'datagen');
SELECT ` + hint + ` o.id, r.n FROM orders o LEFT JOIN shelf FOR SYSTEM_TIME AS OF o.pt AS r ON o.cur = r.cur;`
		var out bytes.Buffer
		if err := engine.New(c).Run(context.Background(), &sqlerr.Source{Name: "lookup", Text: text}, &sink{w: &out}); err != nil {
			t.Fatal(err)
		}
		return out.String(), s
	}
	const retry = `/*+ LOOKUP('table' = 'r', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '30 ms', 'max-attempts' = '3'%s) */`
	plain, _ := run("", nil)
	if !strings.Contains(plain, `"n":null`) {
		t.Errorf("a question in vain is answered:\n%s", plain)
	}
	for _, c := range []struct {
		more    string
		options map[string]string
	}{{"", nil}, {", 'output-mode' = 'allow_unordered'", nil}, {", 'async' = 'true'", map[string]string{"millrace.batch-rows": "2"}},
		{", 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '2', 'timeout' = '10 min'", map[string]string{"parallelism.default": "3", "millrace.batch-rows": "1"}},
		{"", map[string]string{"parallelism.default": "3", "millrace.batch-rows": "1"}}} {
		got, s := run(fmt.Sprintf(retry, c.more), c.options)
		lines := strings.Split(strings.TrimSpace(got), "\n")
		if len(lines) != 7 {
			t.Fatalf("%d rows:\n%s", len(lines), got)
		}
		for _, l := range lines {
			if strings.Contains(l, `"n":null`) && !strings.Contains(l, `"id":"o4"`) { // o4 has no currency
				t.Errorf("no answer: %s", l)
			}
		}
		if c.more == "" && c.options == nil && !sort.StringsAreSorted(lines) {
			t.Errorf("out of order:\n%s", got)
		}
		if s.calls > 14 {
			t.Errorf("asked %d times for 7 rows", s.calls)
		}
	}
}
