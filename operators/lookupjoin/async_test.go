package lookupjoin_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/operators/lookupjoin"
	"github.com/millrace/millrace/operators/optest"
	"github.com/millrace/millrace/types"
)

// oracle is a table whose answers come when the test wants: each key has as many rows
// as its letter's number modulo 3, and a key that is slow none the first time.
type oracle struct {
	out    []inquiry // not answered yet
	next   uint64
	most   int // questions that were out at a time
	ready  []inquiry
	waited func() // when there is nothing to do but to wait
	rows   batch.Batch
	of     []int32
	asked  map[string]int
	slow   bool
}

type inquiry struct {
	ticket uint64
	keys   []string
	found  []bool
}

func (o *oracle) Ask(*batch.Batch) (*batch.Batch, []int32, error) { panic("asked and waited for") }
func (o *oracle) Close() error                                    { return nil }

func (o *oracle) Start(keys *batch.Batch) (uint64, error) {
	o.next++
	q := inquiry{ticket: o.next}
	for i := range keys.Len {
		k := string(keys.Cols[0].Bytes(i))
		o.asked[k]++
		q.keys, q.found = append(q.keys, k), append(q.found, !o.slow || o.asked[k] > 1)
	}
	o.out = append(o.out, q)
	o.most = max(o.most, len(o.out)+len(o.ready))
	return q.ticket, nil
}

// answer answers the question at place i.
func (o *oracle) answer(i int) {
	o.ready = append(o.ready, o.out[i])
	o.out = slices.Delete(o.out, i, i+1)
}

func (o *oracle) Poll() (uint64, *batch.Batch, []int32, error) {
	if len(o.ready) == 0 {
		return 0, nil, nil, connectors.ErrNotReady
	}
	q := o.ready[0]
	o.ready = o.ready[1:]
	o.rows.Reset(dictionarySchema.Types())
	o.of = o.of[:0]
	one := batch.Batch{Len: 1, Cols: make([]batch.Vector, 2)}
	for i, k := range q.keys {
		for n := range rowsOf(k) {
			if !q.found[i] {
				break
			}
			one.Cols[0].Prepare(types.StringType, 1)
			one.Cols[1].Prepare(types.BigIntType, 1)
			one.Cols[0].SetString(0, k)
			one.Cols[1].I64[0] = int64(n)
			o.rows.AppendRow(dictionarySchema.Types(), batch.Insert, &one, 0)
			o.of = append(o.of, int32(i))
		}
	}
	return q.ticket, &o.rows, o.of, nil
}

func rowsOf(k string) int { return int(k[0]-'a') % 3 }

func (o *oracle) Wait() error { o.waited(); return nil }

func asyncSpec(o *oracle, outer, unordered bool, capacity int) *lookupjoin.Spec {
	s := spec(nil, outer, unordered)
	s.Retry, s.Async = nil, &lookupjoin.Async{Capacity: capacity}
	s.Open = func(*operators.Env) (lookupjoin.Asker, error) { return o, nil }
	return s
}

// TestAsync: questions go out while none has been answered, up to the capacity; rows
// come out in order however the answers come, and a barrier waits for all.
func TestAsync(t *testing.T) {
	for _, unordered := range []bool{false, true} {
		o := &oracle{asked: map[string]int{}, waited: func() { t.Fatal("waits") }}
		d := optest.New(t, asyncSpec(o, true, unordered, 3), optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		op := d.Op
		put := func(b *batch.Batch) {
			t.Helper()
			if err := op.Process(0, b); err != nil {
				t.Fatal(err)
			}
		}
		put(letters("bb"))
		put(letters("ba"))
		put(letters("b"))
		if got := words(d); len(o.out) != 3 || got != "" {
			t.Fatalf("%d questions are out, sent %q", len(o.out), got)
		}
		if pass, err := op.Watermark(7); err != nil || pass != operators.MinWatermark {
			t.Fatalf("a watermark overtook the rows before it: %d %v", pass, err)
		}
		o.waited = func() { o.answer(len(o.out) - 1) } // the newest
		put(letters("e"))                              // waits for one
		if got := words(d); got != map[bool]string{false: "", true: "b0"}[unordered] || o.most != 3 {
			t.Fatalf("unordered %v: sent %q; %d questions were out at a time", unordered, got, o.most)
		}
		o.answer(0)
		if pass, _, err := op.(operators.Ticker).Tick(d.Env.Now()); err != nil || pass != operators.MinWatermark {
			t.Fatalf("passed %d %v", pass, err)
		}
		if got := words(d); got != "b0 b0" {
			t.Fatalf("unordered %v: sent %q", unordered, got)
		}
		if err := op.Flush(); err != nil || len(o.out) > 0 {
			t.Fatalf("%d questions are out at a barrier: %v", len(o.out), err)
		}
		if got, want := words(d), map[bool]string{false: "b0 a- b0 e0", true: "e0 b0 a-"}[unordered]; got != want {
			t.Fatalf("unordered %v: sent %q instead of %q", unordered, got, want)
		}
		if pass, _, err := op.(operators.Ticker).Tick(d.Env.Now()); err != nil || pass != 7 {
			t.Fatalf("passed %d %v", pass, err)
		}
	}
}

// TestAsyncRandomly compares what comes out with what must, answers coming in any order
// and now and then: rows, their order, and that no watermark comes before a row that came
// before it.
func TestAsyncRandomly(t *testing.T) {
	optest.Seeds(t, func(t *testing.T, r *rand.Rand) {
		outer, unordered, capacity := r.Intn(2) == 0, r.Intn(2) == 0, 1+r.Intn(5)
		o := &oracle{asked: map[string]int{}, slow: r.Intn(2) == 0}
		o.waited = func() { o.answer(r.Intn(len(o.out))) }
		s := asyncSpec(o, outer, unordered, capacity)
		if o.slow {
			s.Retry = &lookupjoin.Retry{Delay: time.Second, Attempts: 1}
		}
		var out timedSink
		d := optest.New(t, s, optest.Session(), batch.Changes{Kinds: batch.InsertOnly})
		op, env := s.New(), *d.Env
		now := env.Now()
		env.Now = func() time.Time { return now }
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(op.Open(&env, &out))
		var want []string
		n, passed := int64(0), int64(0)
		pass := func(ms int64, err error) {
			check(err)
			if passed = max(passed, ms); passed > 0 && out.least() < passed {
				t.Fatalf("the watermark %d has passed, and row %d not", passed, out.least())
			}
		}
		for range 30 {
			switch x := r.Intn(10); {
			case x < 5:
				var rows []optest.Row
				for range 1 + r.Intn(4) {
					n++
					row := optest.Row{Ms: n}
					out.due(n)
					if r.Intn(6) > 0 {
						k := string(rune('a' + r.Intn(6)))
						row.K = &k
					}
					switch {
					case row.K == nil || rowsOf(*row.K) == 0:
						if outer {
							want = append(want, fmt.Sprintf("%d -", n))
						}
					default:
						for i := range rowsOf(*row.K) {
							want = append(want, fmt.Sprintf("%d %d", n, i))
						}
					}
					if !outer && (row.K == nil || rowsOf(*row.K) == 0) {
						out.settle(n)
					}
					rows = append(rows, row)
				}
				check(op.Process(0, optest.Batch(rows, nil)))
			case x < 6:
				pass(op.Watermark(n + 1))
			case x < 8:
				if len(o.out) > 0 {
					o.answer(r.Intn(len(o.out)))
				}
			case x < 9:
				now = now.Add(time.Second)
				ms, _, err := op.(operators.Ticker).Tick(now)
				pass(ms, err)
			default:
				check(op.Flush())
				if len(o.out) > 0 {
					t.Fatal("a question is out at a barrier")
				}
				d.Flush()
			}
			if o.most > capacity {
				t.Fatalf("%d questions of %d", o.most, capacity)
			}
		}
		check(op.End(0))
		for op.(operators.Lingerer).Waiting() {
			now = now.Add(time.Second)
			_, _, err := op.(operators.Ticker).Tick(now)
			check(err)
			check(op.Flush())
		}
		got := out.rows
		if unordered {
			slices.Sort(got)
			slices.Sort(want)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// timedSink has rows as their number and the answer's, and knows which are still to come.
type timedSink struct {
	rows []string
	open map[int64]bool
}

func (s *timedSink) due(n int64) {
	if s.open == nil {
		s.open = map[int64]bool{}
	}
	s.open[n] = true
}

func (s *timedSink) settle(n int64) { delete(s.open, n) }

// least is the first row that is still to come.
func (s *timedSink) least() int64 {
	least := int64(1 << 62)
	for n := range s.open {
		least = min(least, n)
	}
	return least
}

func (s *timedSink) Emit(b *batch.Batch) error {
	for i := range b.Len {
		n, answer := b.Cols[0].I64[i]/1000, "-"
		if !b.Cols[4].Null(i) {
			answer = fmt.Sprint(b.Cols[4].I64[i])
		}
		s.rows = append(s.rows, fmt.Sprint(n, " ", answer))
		s.settle(n)
	}
	return nil
}
