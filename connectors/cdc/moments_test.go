package cdc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"sort"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// world is servers that hold the same tables and the same log, each with positions of
// its own. Everything happens at moments that a seed draws: transactions before a
// chunk's SELECT, between it and the question where the log ends, and after it; and
// the log tells up to a drawn place, amid a transaction too, before the chunk is
// answered. Tables' columns change places, tables appear, and a restart may find
// another server.
type world struct {
	mu     sync.Mutex
	told   *sync.Cond
	r      *rand.Rand
	text   bool
	rows   []map[int64]int64 // by table: what queries see
	real   []map[int64]int64 // by table: what the log has
	unseen []func()
	turned []bool // v comes before k
	there  []bool
	log    []entry
	limit  int // of log, that may be told
	at     int // of log, told
}

// entry is a row's change, or a turn of a table's columns.
type entry struct {
	table    int
	old, new *[2]int64
	turn     bool
	turned   bool // how the columns stood
	first    int  // of its transaction
	commit   bool
}

const moments = 3 // tables

func newWorld(seed int64) *world {
	w := &world{r: rand.New(rand.NewSource(seed)), text: seed%2 == 1, turned: make([]bool, moments), there: []bool{true, true, false}}
	w.told = sync.NewCond(&w.mu)
	for t := range moments {
		w.rows, w.real = append(w.rows, map[int64]int64{}), append(w.real, map[int64]int64{})
		for k := range int64(20) {
			w.rows[t][int64(t)*1000+2*k], w.real[t][int64(t)*1000+2*k] = k, k
		}
	}
	return w
}

// happen runs up to n transactions. mu is held, here and below.
func (w *world) happen(n int) {
	for range w.r.Intn(n + 1) {
		if len(w.unseen) > w.r.Intn(3) {
			w.see()
		}
		first, t := len(w.log), w.r.Intn(moments)
		if w.r.Intn(8) == 0 {
			w.there[2] = true
		}
		if w.r.Intn(6) == 0 && w.there[t] {
			w.turned[t] = !w.turned[t]
			w.log = append(w.log, entry{table: t, turn: true, turned: w.turned[t], first: first, commit: true})
			continue
		}
		var seen []func()
		for range 1 + w.r.Intn(4) {
			t := w.r.Intn(moments)
			rows := w.real[t]
			k := int64(t)*1000 + int64(w.r.Intn(44))
			v, ok := rows[k]
			e := entry{table: t, turned: w.turned[t], first: first}
			if ok {
				e.old = &[2]int64{k, v}
			}
			switch {
			case !ok:
				e.new = &[2]int64{k, int64(w.r.Intn(1e6))}
			case w.r.Intn(3) == 0:
			case w.r.Intn(3) == 0: // the key moves, if its place is free
				to := int64(t)*1000 + int64(w.r.Intn(44))
				if _, taken := rows[to]; taken {
					continue
				}
				e.new = &[2]int64{to, v}
			default:
				e.new = &[2]int64{k, v + 1}
			}
			if e.old != nil {
				delete(rows, k)
			}
			if e.new != nil {
				rows[e.new[0]] = e.new[1]
			}
			w.log = append(w.log, e)
			seen = append(seen, func() {
				if e.old != nil {
					delete(w.rows[t], e.old[0])
				}
				if e.new != nil {
					w.rows[t][e.new[0]] = e.new[1]
				}
			})
		}
		if len(w.log) > first {
			w.log[len(w.log)-1].commit = true
			w.unseen = append(w.unseen, func() {
				for _, f := range seen {
					f()
				}
			})
		}
	}
}

func (w *world) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told.Broadcast()
}

// see lets queries see all.
func (w *world) see() {
	for _, f := range w.unseen {
		f()
	}
	w.unseen = nil
}

// server is a connection to one of the servers.
type server struct {
	*world
	n     int
	known map[string]*shape
}

type shape struct {
	*Table
	n      int
	turned bool
	since  int // of the log: the definition is of that place
}

func (s *server) shape(t int, turned bool) *shape {
	x := &shape{n: t, turned: turned, Table: &Table{ID: fmt.Sprintf("d.t%d", t), Name: fmt.Sprintf("t%d", t), Key: []int{0}, GoOrder: !s.text, Order: "k",
		Cols: []sqldb.Column{{Name: "k", Type: types.BigIntType}, {Name: "v", Type: types.BigIntType}}}}
	if turned {
		x.Key, x.Cols[0], x.Cols[1] = []int{1}, x.Cols[1], x.Cols[0]
	}
	return x
}

func (s *server) pos(i int) Pos { return Pos{Seg: uint64(s.n), Off: uint64(s.n*1000 + i)} }
func (s *server) mark(i int) Mark {
	return Mark{Pos: s.pos(i), Done: strconv.Itoa(i)}
}
func (s *server) Server() string                        { return strconv.Itoa(s.n) }
func (s *server) Follows(context.Context, string) error { return nil }
func (s *server) Confirm(Mark)                          {}
func (s *server) Close() error                          { return nil }

func (s *server) Start(context.Context) (Mark, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark(len(s.log)), true, nil
}

func (s *server) Now(context.Context) (Pos, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pos(len(s.log)), nil
}

func (s *server) defs() []byte {
	out := map[int][2]int{}
	for _, t := range s.known {
		x := [2]int{0, t.since}
		if t.turned {
			x[0] = 1
		}
		out[t.n] = x
	}
	b, _ := json.Marshal(out)
	return b
}

func (s *server) Tables(_ context.Context, defs []byte) ([]*Table, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := map[int][2]int{}
	if defs == nil {
		for t := range moments {
			if s.there[t] {
				is[t] = [2]int{map[bool]int{true: 1}[s.turned[t]], len(s.log)}
			}
		}
	} else if err := json.Unmarshal(defs, &is); err != nil {
		return nil, nil, err
	}
	var out []*Table
	for t := range moments {
		if d, ok := is[t]; ok {
			x := s.shape(t, d[0] == 1)
			x.since = d[1]
			s.known[x.ID] = x
			out = append(out, x.Table)
		}
	}
	return out, s.defs(), nil
}

func (s *server) Added(context.Context) ([]*Table, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Table
	if x := s.shape(2, s.turned[2]); s.there[2] && s.known[x.ID] == nil {
		x.since = len(s.log)
		s.known[x.ID] = x
		out = append(out, x.Table)
		s.see()
	}
	return out, s.defs(), nil
}

func (x *shape) cells(p *[2]int64) []sqldb.Cell {
	if p == nil {
		return nil
	}
	c := cells(p)
	if x.turned {
		c[0], c[1] = c[1], c[0]
	}
	return c
}

func (s *server) KeyOf(b []byte, t *Table, row []sqldb.Cell) ([]byte, error) {
	return strconv.AppendInt(b, row[t.Key[0]].I, 10), nil
}

func (s *server) Greater(ctx context.Context, _ *Table, pairs [][2]string) ([]bool, error) {
	return (&fakeDB{}).Greater(ctx, nil, pairs)
}

func (s *server) Chunk(ctx context.Context, t *Table, after string, limit int, row func([]sqldb.Cell) error) (Pos, error) {
	from := int64(-1)
	if after != "" {
		from, _ = strconv.ParseInt(after, 10, 64)
	}
	stop := context.AfterFunc(ctx, s.wake)
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happen(3)
	of := &shape{Table: t, turned: t.Key[0] == 1}
	table := int(t.Name[1] - '0')
	var keys []int64
	for k := range s.rows[table] {
		if k > from {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	for _, k := range keys[:min(len(keys), limit)] {
		if err := row(of.cells(&[2]int64{k, s.rows[table][k]})); err != nil {
			return Pos{}, err
		}
	}
	s.happen(3)
	high := len(s.log)
	s.happen(3)
	s.limit = high + s.r.Intn(len(s.log)-high+1)
	s.told.Broadcast()
	for s.at < s.limit && ctx.Err() == nil { // the reader hears it before the chunk
		s.told.Wait()
	}
	return s.pos(high), ctx.Err()
}

func (s *server) Log(ctx context.Context, from Mark) (<-chan Event, error) {
	out := make(chan Event)
	s.mu.Lock()
	at := int(from.Off) - s.n*1000
	if from.Pos == (Pos{}) {
		at, _ = strconv.Atoi(from.Done)
	}
	s.see() // as after the wait of a start
	s.at, s.limit = at, max(s.limit, at)
	s.mu.Unlock()
	context.AfterFunc(ctx, s.wake)
	go func() {
		if from.Pos == (Pos{}) && from.Images == 0 {
			m := s.mark(at)
			Tell(ctx, out, Event{Resume: &m, Reached: m.Pos})
		}
		images, skip := 0, from.Images
		for {
			s.mu.Lock()
			for at >= s.limit && ctx.Err() == nil {
				s.told.Wait()
			}
			if ctx.Err() != nil {
				s.mu.Unlock()
				return
			}
			e := s.log[at]
			t := s.known[fmt.Sprintf("d.t%d", e.table)]
			resume := s.mark(at + 1)
			if e.turn && t != nil && at >= t.since {
				x := s.shape(e.table, e.turned)
				x.since = at
				s.known[x.ID] = x
				t = x
			}
			defs := s.defs()
			s.mu.Unlock()
			switch {
			case t == nil, e.turn && at < t.since:
				images += e.images()
			case e.turn:
				Tell(ctx, out, Event{Defs: defs, From: resume, Table: t.Table})
			case t.turned != e.turned && at >= t.since:
				Tell(ctx, out, Event{Err: fmt.Errorf("%s at %d is read with a definition of another time", t.ID, at)})
				return
			default:
				if t.turned != e.turned {
					t = s.shape(e.table, e.turned)
				}
				m := s.mark(e.first)
				m.Images, m.Txn = images, "t"+m.Done
				c := &Change{Table: t.Table, Kind: Update, Before: t.cells(e.old), After: t.cells(e.new), At: m}
				if e.old == nil {
					c.Kind = Insert
				} else if e.new == nil {
					c.Kind = Delete
				}
				if images += e.images(); images > skip {
					if e.images() == 2 && images-1 <= skip {
						c.Before = nil
						c.At.Images++
					}
					Tell(ctx, out, Event{Change: c})
				}
			}
			if e.commit {
				images, skip = 0, 0
				Tell(ctx, out, Event{Resume: &resume, Reached: resume.Pos})
			}
			at++
			s.mu.Lock()
			s.at = at
			s.told.Broadcast()
			s.mu.Unlock()
		}
	}()
	return out, nil
}

func (e *entry) images() int {
	if e.turn {
		return 0
	}
	if e.old != nil && e.new != nil {
		return 2
	}
	return 1
}

// TestMoments: at whatever row a run ends, and whatever has happened between a
// chunk's SELECT and its end, the next one goes on so that a reader of the changes
// finds each to fit the rows before it, and a sink that writes at once ends with the
// tables' rows.
func TestMoments(t *testing.T) {
	seeds := int64(120)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { t.Parallel(); moment(t, seed) })
	}
}

func moment(t *testing.T, seed int64) {
	w := newWorld(seed)
	r := rand.New(rand.NewSource(seed + 1000))
	kept, upserts := strict{}, map[int64]int64{}
	var at []byte
	n := 1
	for run := 0; ; run++ {
		last := run == 6
		if run > 0 && r.Intn(4) == 0 {
			n++ // another server answers
		}
		src := &Source{Types: []types.Type{types.BigIntType, types.BigIntType}}
		src.Config = Config{Name: "fake", Table: "t", Chunk: 6, Purged: "fail", Sends: batch.Changes{Kinds: batch.All}, New: time.Millisecond, settle: time.Nanosecond,
			Open: func(context.Context) (Database, error) {
				return &server{world: w, n: n, known: map[string]*shape{}}, nil
			},
			Decode: func(t *Table) (*sqldb.Decoder, []int, error) {
				s := types.NewSchema(types.Field{Name: "k", Type: types.BigIntType}, types.Field{Name: "v", Type: types.BigIntType})
				cols, pick, err := t.Pick(s, false)
				return &sqldb.Decoder{Cols: cols, Zone: time.UTC}, pick, err
			}}
		wake := make(chan struct{}, 1)
		now := time.Unix(0, 0)
		rd, err := src.Read(context.Background(), connectors.Split{}, at, connectors.ReadEnv{Rows: 4, Of: 1, Now: func() time.Time { return now },
			Wake: func() {
				select {
				case wake <- struct{}{}:
				default:
				}
			}, Bad: func(b connectors.BadRow) error { return b.Reason }})
		if err != nil {
			t.Fatal(err)
		}
		rolled := strict{}
		for k, v := range kept {
			rolled[k] = v
		}
		rows, beyond, idle := r.Intn(50), r.Intn(10), 0 // rows up to the checkpoint, and sent behind it, then lost
		for rows+beyond > 0 || last {
			b, err := rd.Next()
			if errors.Is(err, connectors.ErrNotReady) {
				select {
				case <-wake:
				case <-time.After(3 * time.Millisecond): // nothing is being read: the log goes on
					w.mu.Lock()
					if !last {
						w.happen(2)
					}
					w.limit = len(w.log)
					w.told.Broadcast()
					same := w.holds(rolled)
					w.mu.Unlock()
					var s state
					_ = json.Unmarshal(rd.Position(), &s)
					if idle++; idle > 10000 {
						t.Fatalf("run %d comes to a stand at %s: %v, want %v", run, rd.Position(), rolled, w.real)
					}
					if last && same && s.Log {
						last, rows, beyond = false, 0, 0
						rd.Close()
						w.mu.Lock()
						defer w.mu.Unlock()
						if !w.holds(upserts) {
							t.Fatalf("a sink that writes at once holds %v, want %v", upserts, w.real)
						}
						return
					}
				}
				continue
			}
			if err != nil {
				t.Fatalf("run %d: %v", run, err)
			}
			for i := range b.Len {
				kind, k, v := b.Kind(i), b.Cols[0].I64[i], b.Cols[1].I64[i]
				if err := rolled.apply(kind, k, v); err != nil {
					t.Fatalf("run %d from %s: %v", run, at, err)
				}
				if kind.Sign() > 0 {
					upserts[k] = v
				} else if kind != batch.UpdateBefore {
					delete(upserts, k)
				}
				if last {
					continue
				}
				if rows > 0 {
					if rows--; rows == 0 { // the checkpoint, amid the batch
						at = append([]byte(nil), rd.(connectors.Within).Within(i+1)...)
						kept = strict{}
						for k, v := range rolled {
							kept[k] = v
						}
					}
				} else if beyond--; beyond <= 0 {
					beyond = 0
					break
				}
			}
		}
		if err := rd.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// holds says that the rows are those of the tables that there are.
func (w *world) holds(have map[int64]int64) bool {
	n := 0
	for t, rows := range w.real {
		if !w.there[t] {
			continue
		}
		n += len(rows)
		for k, v := range rows {
			if x, ok := have[k]; !ok || x != v {
				return false
			}
		}
	}
	return n == len(have)
}
