package jdbc

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/connectors/parallel"
	"github.com/millrace/millrace/connectors/sqldb"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/tests/services"
	"github.com/millrace/millrace/types"
)

// real is a database on a real server, with a schema or database of the test's own.
type real struct {
	kind    string
	dialect sqldb.Dialect
	server  sqldb.Server
	url     string
	user    string
	conn    sqldb.Conn
}

func realServer(t *testing.T, name string) *real {
	t.Helper()
	addr := services.Need(t, name)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	r := &real{kind: name, user: "root", server: sqldb.Server{Host: host, Port: n, User: "root", Timeout: 5 * time.Second}}
	r.dialect = sqldb.MySQL{}
	if name == "postgres" {
		r.dialect, r.user, r.server.User, r.server.Database = sqldb.Postgres{}, "postgres", "postgres", "postgres"
	}
	admin, err := r.dialect.Open(context.Background(), r.server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	drop := "DROP DATABASE IF EXISTS millrace_jdbc"
	if name == "postgres" {
		drop += " WITH (FORCE)"
	}
	for _, s := range []string{drop, "CREATE DATABASE millrace_jdbc"} {
		if err := admin.Exec(context.Background(), s); err != nil {
			t.Fatal(err)
		}
	}
	r.server.Database = "millrace_jdbc"
	r.url = fmt.Sprintf("jdbc:%s://%s/millrace_jdbc", r.dialect.Name(), addr)
	if r.conn, err = r.dialect.Open(context.Background(), r.server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

func (r *real) exec(t *testing.T, stmts ...string) {
	t.Helper()
	for _, s := range stmts {
		if err := r.conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func (r *real) table(name string, key []int, fields []types.Field, options ...string) connectors.Table {
	set := map[string]string{"url": r.url, "table-name": name, "username": r.user, "password": ""}
	for i := 0; i < len(options); i += 2 {
		set[options[i]] = options[i+1]
	}
	s := types.NewSchema(fields...)
	return connectors.Table{Path: name, Schema: s, Full: s, Key: key, Options: formats.Values{Set: set, Declared: Connector.Options},
		Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
}

func fields() []types.Field {
	return []types.Field{{Name: "id", Type: types.BigIntType.NotNullable()}, {Name: "name", Type: types.StringType}, {Name: "price", Type: types.DecimalType(12, 2)}}
}

// row is row n of the tests' table.
func row(n int) *batch.Batch {
	b := &batch.Batch{}
	ts := types.NewSchema(fields()...).Types()
	b.Reset(ts)
	b.Cols[0].I64 = append(b.Cols[0].I64[:0], int64(n))
	b.Cols[1].Str = append(b.Cols[1].Str[:0], 0)
	b.Cols[1].SetString(0, fmt.Sprintf("it's \\ %d é", n))
	b.Cols[2].I64 = append(b.Cols[2].I64[:0], int64(n*100+1))
	if n%3 == 2 {
		b.Cols[1].SetNull(0)
	}
	b.Len = 1
	return b
}

var servers = []string{"mysql", "mariadb", "postgres"}

func TestRealSource(t *testing.T) {
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			r := realServer(t, name)
			r.exec(t, "CREATE TABLE src (id BIGINT PRIMARY KEY, name VARCHAR(100), price DECIMAL(12,2))")
			var rows []string
			ts := types.NewSchema(fields()...).Types()
			enc := &sqldb.Encoder{Dialect: r.dialect, Cols: []sqldb.Target{{Type: ts[0]}, {Type: ts[1]}, {Type: ts[2]}}}
			for n := range 20 {
				b := row(n)
				rows = append(rows, conntest.Text(ts, b, 0))
				lit := []byte("INSERT INTO src VALUES (")
				for c := range ts {
					if c > 0 {
						lit = append(lit, ',')
					}
					lit, _ = enc.Append(lit, c, &b.Cols[c], 0)
				}
				r.exec(t, string(lit)+")")
			}
			for what, tab := range map[string]connectors.Table{
				"by key": r.table("src", []int{0}, fields()), "without key": r.table("src", nil, fields()),
				"in parts": r.table("src", []int{0}, fields(), "scan.partition.column", "id", "scan.partition.num", "3", "scan.partition.lower-bound", "0", "scan.partition.upper-bound", "19"),
			} {
				t.Run(what, func(t *testing.T) {
					conntest.Source(t, conntest.SourceHarness{Types: ts, Rows: rows, Open: func() connectors.Source {
						s, err := Connector.Source(tab)
						if err != nil {
							t.Fatal(err)
						}
						return s
					}})
				})
			}
		})
	}
}

func TestRealSink(t *testing.T) {
	for _, name := range servers {
		for _, how := range []string{"by key", "at least once", "exactly once"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				r := realServer(t, name)
				r.exec(t, "CREATE TABLE dst (id BIGINT NOT NULL, name VARCHAR(100), price DECIMAL(12,2))")
				var key []int
				opts := []string{"sink.buffer-flush.max-rows", "2"}
				switch how {
				case "by key":
					key = []int{0}
					r.exec(t, "ALTER TABLE dst ADD PRIMARY KEY (id)")
				case "exactly once":
					opts = append(opts, "sink.delivery-guarantee", "exactly-once")
				}
				tab := r.table("dst", key, fields(), opts...)
				ts := tab.Schema.Types()
				conntest.Sink(t, conntest.SinkHarness{AtOnce: how != "exactly once", Keyed: key != nil, Types: ts, Batch: row,
					Open: func() connectors.Sink {
						s, err := Connector.Sink(tab)
						if err != nil {
							t.Fatal(err)
						}
						return s
					},
					Visible: func(t *testing.T) (out []string) {
						var b batch.Batch
						b.Reset(ts)
						dec := &sqldb.Decoder{Cols: plainTargets(tab.Schema), Zone: time.UTC}
						if err := r.conn.Query(context.Background(), "SELECT id, name, price FROM dst", func(c []sqldb.Cell) error {
							return dec.Append(&b, batch.Insert, c)
						}); err != nil {
							t.Fatal(err)
						}
						for i := range b.Len {
							out = append(out, conntest.Text(ts, &b, i))
						}
						return out
					}})
			})
		}
	}
}

// TestRealUpsert: the last change of a key counts, and a delete takes it away, over
// several statements and within one.
func TestRealUpsert(t *testing.T) {
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			r := realServer(t, name)
			r.exec(t, "CREATE TABLE dst (id BIGINT PRIMARY KEY, name VARCHAR(100), price DECIMAL(12,2))")
			s, err := Connector.Sink(r.table("dst", []int{0}, fields()))
			if err != nil {
				t.Fatal(err)
			}
			w, err := s.Open(context.Background(), connectors.WriterEnv{Of: 1})
			if err != nil {
				t.Fatal(err)
			}
			change := func(k batch.Kind, n, price int) {
				b := row(n)
				b.Cols[2].I64[0] = int64(price)
				b.Kinds = []batch.Kind{k}
				if err := w.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			flush := func() {
				if err := w.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			change(batch.Insert, 1, 100)
			change(batch.Insert, 2, 100)
			change(batch.UpdateAfter, 1, 200)
			flush()
			change(batch.UpdateAfter, 1, 300)
			change(batch.Delete, 2, 100)
			change(batch.Insert, 3, 100)
			change(batch.Delete, 3, 100)
			change(batch.Delete, 4, 100)
			change(batch.Insert, 4, 400)
			flush()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var got []string
			_ = r.conn.Query(context.Background(), "SELECT id, price FROM dst ORDER BY id", func(c []sqldb.Cell) error {
				got = append(got, c[0].String()+":"+c[1].String())
				return nil
			})
			if s := strings.Join(got, " "); s != "1:3.00 4:4.00" {
				t.Fatalf("the table holds %s", s)
			}
		})
	}
}

func TestRealLookup(t *testing.T) {
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			r := realServer(t, name)
			r.exec(t, "CREATE TABLE dim (id BIGINT, name VARCHAR(100), price DECIMAL(12,2))",
				"INSERT INTO dim VALUES (1, 'a', 1), (1, 'b', 2), (2, 'c', 3), (NULL, 'n', 4)")
			l, err := Connector.Lookup(r.table("dim", nil, fields()))
			if err != nil {
				t.Fatal(err)
			}
			o, err := l.(connectors.LookupOpener).OpenLookup(context.Background(), []int{0})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			beside := parallel.Open(context.Background(), l.(connectors.LookupOpener), []int{0}, []types.Type{types.BigIntType}, 2, time.Minute)
			defer beside.Close()
			keys := &batch.Batch{Cols: make([]batch.Vector, 1), Len: 5}
			keys.Cols[0].Prepare(types.BigIntType, 5)
			copy(keys.Cols[0].I64, []int64{2, 1, 7, 1, 0})
			keys.Cols[0].SetNull(4)
			for _, l := range []connectors.Lookup{o, beside, beside} { // the second time a further connection may be made
				woken := make(chan struct{}, 1)
				if _, err := l.Start(keys, func() { woken <- struct{}{} }); err != nil {
					t.Fatal(err)
				}
				<-woken
				_, rows, origin, err := l.Poll()
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]bool{}
				for i := range rows.Len {
					got[fmt.Sprintf("%d=%s", origin[i], rows.Cols[1].Bytes(i))] = true
				}
				for _, w := range []string{"0=c", "1=a", "1=b", "3=a", "3=b"} {
					if !got[w] || len(got) != 5 {
						t.Fatalf("answers %v", got)
					}
				}
			}
		})
	}
}

// TestRealFaults: each fault a user meets has a message of its own.
func TestRealFaults(t *testing.T) {
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			r := realServer(t, name)
			r.exec(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR(3) NOT NULL, price DECIMAL(12,2), must INT NOT NULL)")
			read := func(tab connectors.Table) error {
				s, err := Connector.Source(tab)
				if err != nil {
					return err
				}
				wake := make(chan struct{}, 100)
				rd, err := s.Read(context.Background(), connectors.Split{Name: "t", Bounded: true}, nil, connectors.ReadEnv{Rows: 10, Wake: func() { wake <- struct{}{} }})
				if err != nil {
					return err
				}
				defer rd.Close()
				for {
					if _, err := rd.Next(); err != connectors.ErrNotReady {
						return err
					}
					<-wake
				}
			}
			write := func(tab connectors.Table, b *batch.Batch) error {
				s, err := Connector.Sink(tab)
				if err != nil {
					return err
				}
				w, err := s.Open(context.Background(), connectors.WriterEnv{Of: 1})
				if err != nil {
					return err
				}
				defer w.Close()
				if err := w.Write(b); err != nil {
					return err
				}
				return w.Flush(context.Background())
			}
			_, port, _ := net.SplitHostPort(services.Need(t, name))
			three := fields()
			four := append(fields(), types.Field{Name: "must", Type: types.IntType})
			b4 := row(1)
			b4.Cols = append(b4.Cols, batch.Vector{I64: []int64{1}})
			for what, c := range map[string]struct {
				err  error
				want string
			}{
				"down":             {read(r.table("t", nil, three, "url", strings.Replace(r.url, port, "1", 1), "connection.max-retry-timeout", "1s")), "can't be reached"},
				"denied":           {read(r.table("t", nil, three, "username", "nobody", "password", "wrong")), map[string]string{"postgres": "", "": "user or password refused"}[map[bool]string{true: "postgres"}[name == "postgres"]]},
				"no database":      {read(r.table("t", nil, three, "url", strings.Replace(r.url, "millrace_jdbc", "nowhere", 1))), "no such database"},
				"no table":         {read(r.table("nothing", nil, three)), `no such table: "nothing"`},
				"no column":        {read(r.table("t", nil, []types.Field{{Name: "amount", Type: types.IntType}})), `t has no column "amount"; it has id, name, price, must`},
				"wrong type":       {read(r.table("t", nil, []types.Field{{Name: "id", Type: types.DateType}})), "which can't be read or written as DATE; declare it BIGINT"},
				"column not given": {write(r.table("t", []int{0}, three), row(1)), `column "must", NOT NULL and without a default`},
				"value too long":   {write(r.table("t", []int{0}, four), b4), "a value doesn't fit its column"},
			} {
				if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", what, c.err, c.want)
				}
			}
		})
	}
}

// TestRealPushDown: what a filter or a limit leaves out isn't read, and nothing else
// is left out.
func TestRealPushDown(t *testing.T) {
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			r := realServer(t, name)
			r.exec(t, "CREATE TABLE p (id BIGINT PRIMARY KEY, name VARCHAR(20), price DECIMAL(12,2))",
				"INSERT INTO p VALUES (1, 'a', 1.50), (2, 'A', 2.50), (3, NULL, 3.50), (4, 'b', NULL)")
			num := func(ts types.Type, x int64) (types.Type, *batch.Vector) { return ts, &batch.Vector{I64: []int64{x}} }
			text := func(x string) *batch.Vector {
				v := &batch.Vector{}
				v.Prepare(types.StringType, 1)
				v.SetString(0, x)
				return v
			}
			cmp := func(op string, col int, t types.Type, v *batch.Vector) connectors.Predicate {
				return connectors.Predicate{Op: op, Col: col, Type: t, Value: v}
			}
			bt, two := num(types.BigIntType, 2)
			dt, price := num(types.DecimalType(3, 2), 250)
			for _, c := range []struct {
				filter []connectors.Predicate
				limit  int64
				want   string
			}{
				{[]connectors.Predicate{cmp(">", 0, bt, two)}, 0, "3 4"},
				{[]connectors.Predicate{cmp("<=", 2, dt, price), cmp("<>", 0, bt, two)}, 0, "1"},
				{[]connectors.Predicate{{Op: "OR", Args: []connectors.Predicate{cmp("=", 0, bt, two), {Op: "IS NULL", Col: 1}}}}, 0, "2 3"},
				{[]connectors.Predicate{cmp("<>", 1, types.StringType, text("a"))}, 0, "1 2 3 4"}, // not the database's to decide
				{[]connectors.Predicate{{Op: "IS NOT NULL", Col: 2}}, 0, "1 2 3"},
				{nil, 2, "1 2"},
			} {
				s, err := Connector.Source(r.table("p", []int{0}, fields()))
				if err != nil {
					t.Fatal(err)
				}
				s.(connectors.FilterPusher).PushFilter(c.filter)
				s.(connectors.LimitPusher).PushLimit(c.limit)
				wake := make(chan struct{}, 100)
				rd, err := s.Read(context.Background(), connectors.Split{Name: "p", Bounded: true}, nil, connectors.ReadEnv{Rows: 10, Wake: func() { wake <- struct{}{} }})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for {
					b, err := rd.Next()
					if err == connectors.ErrNotReady {
						<-wake
						continue
					}
					if err != nil {
						if err != io.EOF {
							t.Fatal(err)
						}
						break
					}
					for i := range b.Len {
						got = append(got, fmt.Sprint(b.Cols[0].I64[i]))
					}
				}
				rd.Close()
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("%+v: %s, want %s", c.filter, s, c.want)
				}
			}
		})
	}
}
