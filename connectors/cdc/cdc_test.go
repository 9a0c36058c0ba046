package cdc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/types"
)

// fakeServer is a table (k, v) and its log, in memory: a change is in the log before
// queries see it.
type fakeServer struct {
	mu     sync.Mutex
	rows   map[int64]int64
	log    []fakeChange
	purged int // changes before it are gone
	text   bool
	unseen []func() // changes of rows that the log has and queries don't see yet
	amid   func()   // called by the log amid a transaction
	asked  func()   // called when a chunk is read, before it's answered
}

type fakeChange struct {
	txn    int // index of its transaction's first change
	k      int64
	old    *[2]int64
	new    *[2]int64
	commit bool // the last of its transaction
}

// change runs a transaction of some changes.
func (f *fakeServer) change(r *rand.Rand, keys int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settle()
	begin := len(f.log)
	rows := map[int64]*int64{}
	get := func(k int64) (int64, bool) {
		if p, ok := rows[k]; ok {
			if p == nil {
				return 0, false
			}
			return *p, true
		}
		v, ok := f.rows[k]
		return v, ok
	}
	for n := 1 + r.Intn(3); n > 0; n-- {
		k := int64(r.Intn(keys))
		v, ok := get(k)
		c := fakeChange{txn: begin, k: k}
		if ok {
			c.old = &[2]int64{k, v}
		}
		switch {
		case !ok:
			c.new = &[2]int64{k, int64(r.Intn(1e6))}
		case r.Intn(3) == 0:
		case r.Intn(4) == 0: // the key moves, if its place is free
			to := int64(r.Intn(keys))
			if _, taken := get(to); taken {
				continue
			}
			c.new = &[2]int64{to, v}
		default:
			c.new = &[2]int64{k, v + 1}
		}
		if c.old != nil {
			rows[c.old[0]] = nil
		}
		if c.new != nil {
			x := c.new[1]
			rows[c.new[0]] = &x
		}
		f.log = append(f.log, c)
	}
	if len(f.log) == begin {
		return
	}
	f.log[len(f.log)-1].commit = true
	f.unseen = append(f.unseen, func() {
		for k, v := range rows {
			if v == nil {
				delete(f.rows, k)
			} else {
				f.rows[k] = *v
			}
		}
	})
}

func (f *fakeServer) settle() {
	for _, u := range f.unseen {
		u()
	}
	f.unseen = nil
}

// fakeDB is a connection to it.
type fakeDB struct {
	f     *fakeServer
	delay func()
}

var fakeTable = func(text bool) *Table {
	return &Table{ID: "d.t", Database: "d", Name: "t", Key: []int{0}, GoOrder: !text, Cols: []sqldb.Column{{Name: "k", Type: types.BigIntType}, {Name: "v", Type: types.BigIntType}}}
}

func (d *fakeDB) Tables(_ context.Context, defs []byte) ([]*Table, []byte, error) {
	return []*Table{fakeTable(d.f.text)}, []byte(`[]`), nil
}
func (d *fakeDB) Server() string { return "fake" }
func (d *fakeDB) Start(ctx context.Context) (Mark, bool, error) {
	p, err := d.Now(ctx)
	return Mark{Pos: p}, true, err
}
func (d *fakeDB) Now(context.Context) (Pos, error) {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	return Pos{Off: uint64(len(d.f.log))}, nil
}

func cells(p *[2]int64) []sqldb.Cell {
	if p == nil {
		return nil
	}
	return []sqldb.Cell{{Kind: sqldb.Int, I: p[0]}, {Kind: sqldb.Int, I: p[1]}}
}

func (d *fakeDB) Chunk(_ context.Context, _ *Table, after string, limit int, row func([]sqldb.Cell) error) (Pos, error) {
	d.delay()
	from := int64(-1 << 62)
	if after != "" {
		from, _ = strconv.ParseInt(after, 10, 64)
	}
	d.f.mu.Lock()
	var keys []int64
	for k := range d.f.rows {
		if k > from {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	var out [][2]int64
	for _, k := range keys[:min(len(keys), limit)] {
		out = append(out, [2]int64{k, d.f.rows[k]})
	}
	d.f.mu.Unlock()
	for i := range out {
		if err := row(cells(&out[i])); err != nil {
			return Pos{}, err
		}
	}
	d.delay()
	high, err := d.Now(context.Background())
	if d.f.asked != nil {
		d.f.asked()
	}
	return high, err
}

func (d *fakeDB) Greater(_ context.Context, _ *Table, pairs [][2]string) ([]bool, error) {
	out := make([]bool, len(pairs))
	for i, p := range pairs {
		a, _ := strconv.ParseInt(p[0], 10, 64)
		b, _ := strconv.ParseInt(p[1], 10, 64)
		out[i] = a > b
	}
	return out, nil
}

func (d *fakeDB) KeyOf(b []byte, _ *Table, row []sqldb.Cell) ([]byte, error) {
	return strconv.AppendInt(b, row[0].I, 10), nil
}
func (d *fakeDB) Added(context.Context) ([]*Table, []byte, error) { return nil, nil, nil }
func (d *fakeDB) Follows(context.Context, string) error           { return errors.New("another server") }
func (d *fakeDB) Confirm(Mark)                                    {}
func (d *fakeDB) Close() error                                    { return nil }

// Log tells the changes from a transaction's start on.
func (d *fakeDB) Log(ctx context.Context, from Mark) (<-chan Event, error) {
	d.f.mu.Lock()
	gone := int(from.Off) < d.f.purged
	d.f.mu.Unlock()
	if gone {
		return nil, &Purged{Err: errors.New("fake no longer has its log")}
	}
	out := make(chan Event, 8)
	go func() {
		images, at := 0, int(from.Off)
		t := fakeTable(d.f.text)
		for {
			d.f.mu.Lock()
			if at >= len(d.f.log) {
				d.f.settle()
				d.f.mu.Unlock()
				select {
				case <-time.After(time.Millisecond):
					continue
				case <-ctx.Done():
					return
				}
			}
			x := d.f.log[at]
			d.f.mu.Unlock()
			c := &Change{Table: t, Kind: Update, Before: cells(x.old), After: cells(x.new), At: Mark{Pos: Pos{Off: uint64(x.txn)}, Images: images}}
			n := 1
			switch {
			case x.old == nil:
				c.Kind = Insert
			case x.new == nil:
				c.Kind = Delete
			default:
				n = 2
			}
			images += n
			told := 0
			if x.txn == int(from.Off) {
				told = from.Images
			}
			if images > told {
				if n == 2 && images-1 <= told {
					c.Before = nil
					c.At.Images++
				}
				select {
				case out <- Event{Change: c}:
				case <-ctx.Done():
					return
				}
			}
			at++
			if !x.commit && d.f.amid != nil {
				d.f.amid()
			}
			if x.commit {
				images = 0
				m := Mark{Pos: Pos{Off: uint64(at)}}
				select {
				case out <- Event{Resume: &m, Reached: m.Pos}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

func fakeSource(f *fakeServer, delay func(), purged string) *Source {
	s := &Source{Types: []types.Type{types.BigIntType, types.BigIntType}}
	s.Config = Config{Name: "fake", Table: "t", Chunk: 7, Purged: purged, Sends: batch.Changes{Kinds: batch.All},
		Open: func(context.Context) (Database, error) { return &fakeDB{f, delay}, nil },
		Decode: func(t *Table) (*sqldb.Decoder, []int, error) {
			return &sqldb.Decoder{Cols: []sqldb.Target{{Name: "k", Type: types.BigIntType}, {Name: "v", Type: types.BigIntType}}, Zone: time.UTC}, []int{0, 1}, nil
		}}
	return s
}

// strict is what a changelog makes of a table; a change that doesn't fit is an error.
type strict map[int64]int64

func (s strict) apply(kind batch.Kind, k, v int64) error {
	have, ok := s[k]
	if kind.Sign() > 0 {
		if ok {
			return fmt.Errorf("%s %d %d, but %d is there", kind, k, v, have)
		}
		s[k] = v
		return nil
	}
	if !ok || have != v {
		return fmt.Errorf("%s %d %d, but there is %v %d", kind, k, v, ok, have)
	}
	delete(s, k)
	return nil
}

// TestCopies: a table changes while it's read; the reader is stopped at random rows
// and goes on from there, so that one consumer rolls back to that row and another,
// which writes at once, doesn't. In the end both hold the table, and the first saw no
// change that didn't fit.
func TestCopies(t *testing.T) {
	for seed := int64(0); seed < 6; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewSource(seed))
			f := &fakeServer{rows: map[int64]int64{}, text: seed%2 == 1}
			const keys = 120
			for k := int64(0); k < keys; k += 2 {
				f.rows[k] = k
			}
			stop := make(chan struct{})
			var load sync.WaitGroup
			load.Add(1)
			go func() {
				defer load.Done()
				r := rand.New(rand.NewSource(seed + 100))
				for range 1500 {
					f.change(r, keys)
					time.Sleep(time.Duration(r.Intn(2000)) * time.Microsecond)
					select {
					case <-stop:
						return
					default:
					}
				}
			}()
			defer func() { close(stop); load.Wait() }()
			delay := func() { time.Sleep(time.Duration(rand.Intn(4)) * time.Millisecond) }
			var rolled strict
			kept, upserts := strict{}, map[int64]int64{}
			var at []byte
			for run := 0; run < 8; run++ {
				wake := make(chan struct{}, 1)
				env := connectors.ReadEnv{Rows: 5, Of: 1, Now: time.Now, Wake: func() {
					select {
					case wake <- struct{}{}:
					default:
					}
				}, Bad: func(b connectors.BadRow) error { return b.Reason }}
				rd, err := fakeSource(f, delay, "fail").Read(context.Background(), connectors.Split{}, at, env)
				if err != nil {
					t.Fatal(err)
				}
				rolled = strict{}
				for k, v := range kept {
					rolled[k] = v
				}
				last := run == 7
				rows := r.Intn(40)
				beyond := r.Intn(10) // rows sent behind the checkpoint, then lost
				settled := 0
				for rows+beyond > 0 || last {
					b, err := rd.Next()
					if errors.Is(err, connectors.ErrNotReady) {
						select {
						case <-wake:
						case <-time.After(50 * time.Millisecond):
							if last {
								f.mu.Lock()
								f.settle()
								same := len(rolled) == len(f.rows)
								for k, v := range f.rows {
									same = same && rolled[k] == v
								}
								f.mu.Unlock()
								var s state
								_ = json.Unmarshal(rd.Position(), &s)
								select {
								case <-stop:
								default:
								}
								if settled++; same && s.Log || settled > 400 {
									if !same {
										t.Fatalf("the copy differs: %v, want %v", rolled, f.rows)
									}
									last, rows, beyond = false, 0, 0
								}
							}
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					for i := range b.Len {
						kind, k, v := b.Kind(i), b.Cols[0].I64[i], b.Cols[1].I64[i]
						if err := rolled.apply(kind, k, v); err != nil {
							t.Fatalf("run %d: %v", run, err)
						}
						if kind.Sign() > 0 {
							upserts[k] = v
						} else if kind != batch.UpdateBefore {
							delete(upserts, k)
						}
						if last {
							continue
						}
						if rows--; rows == 0 { // the checkpoint, amid the batch
							at = append([]byte(nil), rd.(connectors.Within).Within(i+1)...)
							kept = strict{}
							for k, v := range rolled {
								kept[k] = v
							}
						}
						if rows < 0 {
							if beyond--; beyond <= 0 {
								beyond = 0
								break
							}
						}
					}
					if rows < 0 {
						rows = 0
					}
				}
				if err := rd.Close(); err != nil {
					t.Fatal(err)
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(upserts) != len(f.rows) {
				var more []string
				for k := range upserts {
					if _, ok := f.rows[k]; !ok {
						more = append(more, fmt.Sprint(k))
					}
				}
				t.Errorf("a sink that writes at once holds %d rows, want %d; too many: %s", len(upserts), len(f.rows), strings.Join(more, " "))
			}
		})
	}
}

// TestOpenTransaction: a chunk is sent when the log has told a part of a transaction
// that changes its rows. A restart amid the chunk hears the whole transaction.
func TestOpenTransaction(t *testing.T) {
	f := &fakeServer{rows: map[int64]int64{}}
	for k := range int64(10) {
		f.rows[k] = 0
	}
	told, gone := make(chan struct{}), make(chan struct{})
	var once, first sync.Once
	f.amid = func() {
		once.Do(func() { close(told) })
		<-gone
	}
	f.asked = func() {
		first.Do(func() {
			f.mu.Lock()
			for k := range int64(2) {
				f.log = append(f.log, fakeChange{k: k, old: &[2]int64{k, 0}, new: &[2]int64{k, 1}, commit: k == 1})
			}
			f.unseen = append(f.unseen, func() { f.rows[0], f.rows[1] = 1, 1 })
			f.mu.Unlock()
			<-told
			time.Sleep(50 * time.Millisecond) // the reader has heard it
		})
	}
	copied := strict{}
	wake := make(chan struct{}, 1000)
	read := func(from []byte) connectors.Reader {
		rd, err := fakeSource(f, func() {}, "fail").Read(context.Background(), connectors.Split{}, from, connectors.ReadEnv{Rows: 5, Of: 1, Now: time.Now,
			Wake: func() { wake <- struct{}{} }, Bad: func(b connectors.BadRow) error { return b.Reason }})
		if err != nil {
			t.Fatal(err)
		}
		return rd
	}
	// take applies up to n rows of the next batch, and answers the position behind them.
	take := func(rd connectors.Reader, n int) []byte {
		for {
			b, err := rd.Next()
			if errors.Is(err, connectors.ErrNotReady) {
				<-wake
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			m := min(n, b.Len)
			for i := range m {
				if err := copied.apply(b.Kind(i), b.Cols[0].I64[i], b.Cols[1].I64[i]); err != nil {
					t.Fatal(err)
				}
			}
			if m > 0 {
				return append([]byte(nil), rd.(connectors.Within).Within(m)...)
			}
		}
	}
	rd := read(nil)
	at := take(rd, 3)
	close(gone)
	rd.Close()
	rd = read(at)
	defer rd.Close()
	for len(copied) < 10 || copied[0] != 1 || copied[1] != 1 {
		take(rd, 5)
	}
}

// TestPurged: the three choices when the log is gone.
func TestPurged(t *testing.T) {
	f := &fakeServer{rows: map[int64]int64{1: 1}}
	r := rand.New(rand.NewSource(1))
	for range 20 {
		f.change(r, 10)
	}
	f.settle()
	f.purged = 15
	at := (&state{Server: "fake", At: Mark{Pos: Pos{Off: 3}}, Log: true}).encode()
	read := func(choice string) (rows int, err error) {
		wake := make(chan struct{}, 100)
		rd, err := fakeSource(f, func() {}, choice).Read(context.Background(), connectors.Split{}, at,
			connectors.ReadEnv{Rows: 100, Now: time.Now, Wake: func() { wake <- struct{}{} }, Bad: func(b connectors.BadRow) error { return b.Reason }})
		if err != nil {
			return 0, err
		}
		defer rd.Close()
		for {
			b, err := rd.Next()
			if errors.Is(err, connectors.ErrNotReady) {
				select {
				case <-wake:
					continue
				case <-time.After(700 * time.Millisecond):
					return rows, nil
				}
			}
			if err != nil {
				return rows, err
			}
			rows += b.Len
		}
	}
	if _, err := read("fail"); err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "no longer has its log") || !strings.Contains(err.Error(), "'re-snapshot'") || !strings.Contains(err.Error(), "'skip'") {
		t.Errorf("fail: %v", err)
	}
	if n, err := read("skip"); n != 0 || err != nil {
		t.Errorf("skip: %d rows, %v", n, err)
	}
	if n, err := read("re-snapshot"); n != len(f.rows) || err != nil {
		t.Errorf("re-snapshot: %d rows, want %d, %v", n, len(f.rows), err)
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"9", "10", -1}, {"-9", "-10", 1}, {"-1", "0", -1}, {"5\x00'b'", "5\x00'a'", 1}, {"x'00'", "x'0001'", -1}, {"7", "7", 0}} {
		if got := Compare(c.a, c.b); got < 0 != (c.want < 0) || got > 0 != (c.want > 0) {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
