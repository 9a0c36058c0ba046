package why_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
	"github.com/millrace/millrace/why"
)

// began is when each scripted job begins.
var began = time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)

// play is a job whose tables deliver what a test says. Its clock moves when told.
type play struct {
	t      *testing.T
	now    atomic.Int64
	tables map[string][][]string // rows of each table's splits; "@5" waits for second 5 of the clock
	block  chan struct{}         // the sink waits for it
	mu     sync.Mutex
	wakes  []func()
}

func (p *play) clock() time.Time { return time.UnixMilli(p.now.Load()).UTC() }

func (p *play) connector(c *connectors.Connector) *connectors.Connector {
	out := *c
	out.Options = append([]formats.Option{{Name: "scan.startup.mode", Default: "earliest-offset"}}, c.Options...)
	out.Source = func(t connectors.Table) (connectors.Source, error) { return &source{p, t}, nil }
	out.Sink = func(t connectors.Table) (connectors.Sink, error) { return &blocked{p}, nil }
	return &out
}

type source struct {
	p *play
	t connectors.Table
}

func (s *source) rows() [][]string {
	return s.p.tables[s.t.Path[strings.LastIndex(s.t.Path, ".")+1:]]
}
func (s *source) Changes() batch.Changes { return batch.Changes{Kinds: batch.InsertOnly} }
func (s *source) Bounded() bool          { return false }
func (s *source) Splits(context.Context, []connectors.Split, int) (out []connectors.Split, err error) {
	for i := range s.rows() {
		out = append(out, connectors.Split{Name: string(rune('0' + i))})
	}
	return out, nil
}

func (s *source) Read(_ context.Context, x connectors.Split, _ []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.wakes = append(s.p.wakes, env.Wake)
	return &reader{s: s, rows: s.rows()[x.Name[0]-'0']}, nil
}

type reader struct {
	s    *source
	rows []string
	b    batch.Batch
}

func (r *reader) Next() (*batch.Batch, error) {
	r.b.Reset(r.s.t.Schema.Types())
	for len(r.rows) > 0 {
		row := r.rows[0]
		if after, ok := strings.CutPrefix(row, "@"); ok {
			d, err := time.ParseDuration(after + "s")
			if err != nil {
				return nil, err
			}
			if r.b.Len > 0 || r.s.p.clock().Before(began.Add(d)) {
				break
			}
			r.rows = r.rows[1:]
			continue
		}
		var v map[string]json.RawMessage
		if err := json.Unmarshal([]byte(row), &v); err != nil {
			return nil, err
		}
		if err := changelogjson.AppendRow(&r.b, r.s.t.Schema, v, batch.Insert); err != nil {
			return nil, err
		}
		r.rows = r.rows[1:]
	}
	if r.b.Len == 0 {
		return nil, connectors.ErrNotReady
	}
	return &r.b, nil
}
func (r *reader) Position() []byte { return nil }
func (r *reader) Close() error     { return nil }

type blocked struct{ p *play }

func (s *blocked) Changes(q batch.Changes) batch.Changes { return q }
func (s *blocked) Open(context.Context, connectors.WriterEnv) (connectors.Writer, error) {
	return s, nil
}
func (s *blocked) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}
func (s *blocked) Abandon(context.Context, string, [][]byte) error { return nil }
func (s *blocked) Write(*batch.Batch) error                        { <-s.p.block; return nil }
func (s *blocked) Flush(context.Context) error                     { return nil }
func (s *blocked) Prepare(context.Context, uint64) ([]byte, error) { return nil, nil }
func (s *blocked) Close() error                                    { return nil }

type output struct {
	began chan *engine.Job
	rows  atomic.Int64
}

func (o *output) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(b *batch.Batch) error {
		if b != nil {
			o.rows.Add(int64(b.Rows()))
		}
		return nil
	}, nil
}
func (o *output) Note(string)           {}
func (o *output) Progress(job.Progress) {}
func (o *output) Began(j *engine.Job)   { o.began <- j }

const orders = "CREATE TABLE o (id INT, user_id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen');\n"
const users = "CREATE TABLE u (id INT, name STRING) WITH ('connector' = 'datagen');\n"
const counts = "SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;"

func row(id int, ts string) string {
	b, _ := json.Marshal(map[string]any{"id": id, "user_id": id, "ts": "2024-01-01 " + ts})
	return string(b)
}

// TestCauses: each cause from a job that has it; the first line names it and its
// numbers, and with what the fix says applied rows come out.
func TestCauses(t *testing.T) {
	late := []string{row(1, "10:00:01"), row(2, "10:30:00")}
	for i := range 20 {
		late = append(late, row(i, "10:00:02"))
	}
	for _, c := range []struct {
		cause  why.Cause
		tables map[string][][]string
		sql    string
		text   []string // parts of the first line
		fixed  string   // the SQL with the fix; "" when the fix isn't in the SQL
		block  bool
	}{
		{cause: why.NoWatermark, tables: map[string][][]string{"o": {{row(1, "10:00:01"), row(2, "10:02:00")}}},
			sql:   strings.Replace(orders, ", WATERMARK FOR ts AS ts - INTERVAL '5' SECOND", "", 1) + counts,
			text:  []string{"no watermark", "time attribute"},
			fixed: orders + counts},
		{cause: why.IdleSplit, tables: map[string][][]string{"o": {{row(1, "10:00:01"), row(2, "10:05:00"), "@3", row(3, "10:06:00"), "@12", row(4, "10:07:00")}, {row(1, "10:00:02")}}},
			sql: orders + counts, text: []string{"split 1 of table o", "holds event time at 2024-01-01 09:59:57", "the others are at 2024-01-01 10:06:55"},
			fixed: "SET 'table.exec.source.idle-timeout' = '5 s';" + orders + counts},
		{cause: why.AllLate, tables: map[string][][]string{"o": {late}},
			sql:   orders + "SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '29' MINUTE) WHERE id <> 1 GROUP BY window_start, window_end;",
			text:  []string{"19 of the 20 rows that reached", "too late", "watermark, which is at 2024-01-01 10:29:55"},
			fixed: strings.Replace(orders, "INTERVAL '5' SECOND", "INTERVAL '31' MINUTE", 1) + "SELECT id, COUNT(*) AS n FROM o GROUP BY id;"},
		{cause: why.WrongUnit, tables: map[string][][]string{"m": {{`{"s": 1704103201}`, `{"s": 1704103202}`, `{"s": 1704103902}`}}},
			sql:   "CREATE TABLE m (s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'); SELECT window_start, COUNT(*) FROM TUMBLE(TABLE m, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;",
			text:  []string{"event time of table m is at 1970-01-20", "seconds were read as milliseconds"},
			fixed: "CREATE TABLE m (s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'); SELECT window_start, COUNT(*) FROM TUMBLE(TABLE m, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;"},
		{cause: why.FutureTime, tables: map[string][][]string{"o": {{row(1, "23:00:01"), row(2, "10:00:01"), row(3, "10:00:02"), row(4, "10:02:00")}}},
			sql:  orders + "SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE o, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;",
			text: []string{"2024-01-01 23:00:01", "in the future", "3 rows since were too late"}},
		{cause: why.WindowOpen, tables: map[string][][]string{"o": {{row(1, "10:00:01"), row(2, "10:14:12")}}},
			sql:   orders + strings.Replace(counts, "'1' MINUTE", "'20' MINUTE", 1),
			text:  []string{"the window ends at 2024-01-01 10:20:00", "watermark is at 2024-01-01 10:14:07", "5m53s of event time to go"},
			fixed: orders + counts},
		{cause: why.EmptyJoinSide, tables: map[string][][]string{"o": {{row(1, "10:00:01")}}, "u": {{}}},
			sql: orders + users + "SELECT o.id, u.name FROM o JOIN u ON o.user_id = u.id;", text: []string{"right side of Join has had no row", "the other side has had 1"},
			fixed: orders + users + "SELECT o.id, u.name FROM o LEFT JOIN u ON o.user_id = u.id;"},
		{cause: why.EmptyJoinSide, tables: map[string][][]string{"o": {{row(1, "10:00:01")}}, "u": {{}}},
			sql: orders + users + "SELECT /*+ MULTI_JOIN(a, b, u) */ a.id, u.name FROM o a JOIN o b ON a.user_id = b.user_id JOIN u ON a.user_id = u.id;", text: []string{"input 3 of MultiJoin has had no row", "the others have had 2"},
			fixed: orders + users + "SELECT a.id, u.name FROM o a JOIN o b ON a.user_id = b.user_id LEFT JOIN u ON a.user_id = u.id;"},
		{cause: why.FilterAll, tables: map[string][][]string{"u": {{`{"id": 1, "name": "Ann"}`, `{"id": 2, "name": "Bob"}`}}},
			sql: users + "SELECT id FROM u WHERE name = 'ann';", text: []string{"none of 2 rows", "condition", "ann"},
			fixed: users + "SELECT id FROM u WHERE LOWER(name) = 'ann';"},
		{cause: why.NullKeys, tables: map[string][][]string{"o": {{row(1, "10:00:01"), row(2, "10:00:01")}}, "u": {{`{"ident": 1, "name": "Ann"}`, `{"ident": 2, "name": "Bob"}`}}},
			sql: orders + users + "SELECT o.id, u.name FROM o JOIN u ON o.user_id = u.id;", text: []string{"2 of 4 rows of Join have a NULL key"},
			fixed: orders + strings.Replace(users, "(id", "(ident", 1) + "SELECT o.id, u.name FROM o JOIN u ON o.user_id = u.ident;"},
		{cause: why.Expired, tables: map[string][][]string{"o": {{row(1, "10:00:01")}}, "u": {{"@8", `{"id": 1, "name": "Ann"}`}}},
			sql: "SET 'table.exec.state.ttl' = '2 s';" + orders + users + "SELECT o.id, u.name FROM o JOIN u ON o.user_id = u.id;", text: []string{"rows that Join kept were forgotten", "2s"},
			fixed: "SET 'table.exec.state.ttl' = '1 h';" + orders + users + "SELECT o.id, u.name FROM o JOIN u ON o.user_id = u.id;"},
		{cause: why.SinkBlocked, tables: map[string][][]string{"u": {{`{"id": 1, "name": "Ann"}`}}}, block: true,
			sql: users + "CREATE TABLE s (id INT) WITH ('connector' = 'blackhole'); INSERT INTO s SELECT id FROM u;", text: []string{"sink s hasn't taken its last rows for"}},
		{cause: why.LatestOffset, tables: map[string][][]string{"k": {{}, {}, {}}},
			sql:  "CREATE TABLE k (a INT) WITH ('connector' = 'datagen', 'scan.startup.mode' = 'latest-offset'); SELECT a FROM k;",
			text: []string{"table k is read from its end on", "3 splits", "0 new rows in"}},
	} {
		t.Run(string(c.cause), func(t *testing.T) {
			t.Parallel()
			f, _ := run(t, c.tables, c.sql, c.block)
			if f == nil || f.Cause != c.cause {
				t.Fatalf("found %+v", f)
			}
			for _, s := range c.text {
				if !strings.Contains(f.Text, s) {
					t.Errorf("no %q in %q", s, f.Text)
				}
			}
			if f.Fix == "" {
				t.Error("no fix")
			}
			if c.fixed != "" {
				if f, rows := run(t, c.tables, c.fixed, false); rows == 0 {
					t.Errorf("with the fix no row comes out: %v", f)
				}
			}
		})
	}
}

// run plays a job for 15 seconds of its clock, and asks why.
func run(t *testing.T, tables map[string][][]string, sql string, block bool) (*why.Finding, int64) {
	t.Helper()
	p := &play{t: t, tables: tables, block: make(chan struct{})}
	p.now.Store(began.UnixMilli())
	s := engine.New(engine.Config{Stdout: io.Discard, Now: p.clock, Connector: p.connector, Options: map[string]string{"table.local-time-zone": "UTC"}})
	out := &output{began: make(chan *engine.Job, 8)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, &sqlerr.Source{Name: "job", Text: sql}, out) }()
	defer func() {
		if block {
			close(p.block)
		}
		cancel()
		if done != nil {
			<-done
		}
	}()
	var j *engine.Job
	select {
	case j = <-out.began:
	case err := <-done:
		done = nil
		return why.Refused(err), 0
	case <-time.After(20 * time.Second):
		t.Fatal("the job doesn't begin")
	}
	step := 10 * time.Millisecond
	for range 30 { // half a second each
		p.now.Add(500)
		p.mu.Lock()
		for _, w := range p.wakes {
			w()
		}
		p.mu.Unlock()
		if block {
			step = 100 * time.Millisecond // this one is measured by the wall
		}
		time.Sleep(step)
	}
	until := time.Now().Add(3 * time.Second)
	for {
		r := j.Report()
		f := why.Of(r)
		if f.Cause != why.Unknown && f.Cause != why.NoInput || time.Now().After(until) {
			return f, out.rows.Load()
		}
		time.Sleep(step)
	}
}
