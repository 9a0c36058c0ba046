package redis

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/tests/services"
	"github.com/millrace/millrace/types"
)

var fields = []types.Field{{Name: "id", Type: types.BigIntType.NotNullable()}, {Name: "name", Type: types.StringType}, {Name: "price", Type: types.DecimalType(12, 2)}}

func table0(addr string, key []int, fields []types.Field, options ...string) connectors.Table {
	set := map[string]string{"url": "redis://" + addr + "/0"}
	for i := 0; i < len(options); i += 2 {
		set[options[i]] = options[i+1]
	}
	s := types.NewSchema(fields...)
	return connectors.Table{Path: "c.default_database.millrace_test", Schema: s, Full: s, Key: key, Options: formats.Values{Set: set, Declared: Connector.Options},
		Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
}

// row is row n; of every third all but the key is NULL.
func row(n int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(types.NewSchema(fields...).Types())
	b.Cols[0].I64 = append(b.Cols[0].I64, int64(n))
	b.Cols[1].Str = append(b.Cols[1].Str, 0)
	b.Cols[1].SetString(0, fmt.Sprintf("it's: \\ %d é", n))
	b.Cols[2].I64 = append(b.Cols[2].I64, int64(n*100+1))
	if n%3 == 2 {
		b.Cols[1].SetNull(0)
		b.Cols[2].SetNull(0)
	}
	b.Len = 1
	return b
}

func ask(t *testing.T, tab connectors.Table, keys ...int64) (rows []string, origin []int32, err error) {
	t.Helper()
	l, err := Connector.Lookup(tab)
	if err != nil {
		t.Fatal(err)
	}
	l, err = l.(connectors.LookupOpener).OpenLookup(context.Background(), []int{0})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	k := &batch.Batch{Len: len(keys), Cols: []batch.Vector{{I64: keys}}}
	if _, err := l.Start(k, func() {}); err != nil {
		return nil, nil, err
	}
	_, b, origin, err := l.Poll()
	if err != nil {
		return nil, nil, err
	}
	for i := range b.Len {
		rows = append(rows, conntest.Text(tab.Schema.Types(), b, i))
	}
	return rows, origin, nil
}

func client(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() {
		for _, k := range c.Keys(context.Background(), "millrace_test:*").Val() {
			c.Del(context.Background(), k)
		}
		c.Close()
	})
	return c
}

// TestRealSink: rows survive crashes, and those that were written are looked up.
func TestRealSink(t *testing.T) {
	addr := services.Need(t, "redis")
	client(t, addr)
	tab := table0(addr, []int{0}, fields)
	conntest.Sink(t, conntest.SinkHarness{AtOnce: true, Keyed: true, Types: tab.Schema.Types(), Batch: row,
		Open: func() connectors.Sink {
			s, err := Connector.Sink(tab)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Visible: func(t *testing.T) []string {
			rows, _, err := ask(t, tab, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}})
}

// TestRealDelete: -D takes the key away, +U the fields that became NULL; -U takes it away
// too, for its +U may not come.
func TestRealDelete(t *testing.T) {
	addr := services.Need(t, "redis")
	c := client(t, addr)
	s, err := Connector.Sink(table0(addr, []int{0}, fields))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(context.Background(), connectors.WriterEnv{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write := func(kind batch.Kind, b *batch.Batch) {
		t.Helper()
		b.Kinds = []batch.Kind{kind}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write(batch.Insert, row(1))
	write(batch.UpdateBefore, row(1))
	b := row(1)
	b.Cols[1].SetNull(0)
	write(batch.UpdateAfter, b)
	if got := fmt.Sprint(c.HGetAll(context.Background(), "millrace_test:1").Val()); got != "map[price:1.01]" {
		t.Fatal(got)
	}
	write(batch.Delete, row(1))
	if n := c.Exists(context.Background(), "millrace_test:1").Val(); n != 0 {
		t.Fatal("still there")
	}
	write(batch.Insert, row(1))
	write(batch.UpdateBefore, row(1))
	if n := c.Exists(context.Background(), "millrace_test:1").Val(); n != 0 {
		t.Fatal("still there after -U")
	}
}

// TestRealLookup: origins, duplicates, absent keys, and values that can't be read.
func TestRealLookup(t *testing.T) {
	addr := services.Need(t, "redis")
	c, ctx := client(t, addr), context.Background()
	c.HSet(ctx, "millrace_test:1", "name", "a", "other", "x")
	c.HSet(ctx, "millrace_test:2", "price", "x1")
	c.HSet(ctx, "millrace_test:3", "price", "12345678901234")
	c.Set(ctx, "millrace_test:4", "x", 0)
	tab := table0(addr, []int{0}, fields)
	rows, origin, err := ask(t, tab, 1, 9, 1)
	if err != nil || len(rows) != 2 || fmt.Sprint(origin) != "[0 2]" {
		t.Fatal(rows, origin, err)
	}
	for key, want := range map[int64]string{
		2: `key "millrace_test:2", field "price": "x1" isn't a DECIMAL(12, 2)`, 3: `key "millrace_test:3", field "price": "12345678901234" has too many digits`,
		4: `key "millrace_test:4" isn't a hash`,
	} {
		if _, _, err := ask(t, tab, 1, key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", key, err)
		}
	}
	if _, _, err := ask(t, table0(addr, []int{0, 1}, fields), 1); err == nil || !strings.Contains(err.Error(), `doesn't compare primary key column "name"`) {
		t.Error(err)
	}
}

// TestRefused: what a table can't be.
func TestRefused(t *testing.T) {
	for want, tab := range map[string]connectors.Table{
		"has no primary key": table0("h", nil, fields),
		`not supported yet: column "a" of type ARRAY<INT>`:      table0("h", []int{0}, append(fields[:1:1], types.Field{Name: "a", Type: types.ArrayOf(types.IntType)})),
		`not supported yet: primary key column "d" of type DOU`: table0("h", []int{0}, []types.Field{{Name: "d", Type: types.DoubleType}}),
		"holds a password":       table0("h", []int{0}, fields, "url", "redis://u:hidden@h/0"),
		"can't be read":          table0("h", []int{0}, fields, "url", "redis://u:hidden@h:x/0"),
		"redis://host:port/":     table0("h", []int{0}, fields, "url", "http://h"),
		"'username' needs 'pass": table0("h", []int{0}, fields, "username", "u"),
	} {
		_, err := Connector.Sink(tab)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

// TestPrefix: tables of two databases have keys of their own.
func TestPrefix(t *testing.T) {
	for path, want := range map[string]string{"default_catalog.default_database.t": "t:", "default_catalog.shop.t": "shop.t:", "`c`.`d`.`t`": "d.t:"} {
		if got := prefixOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestText: every value's text is read as the value; keys of several texts don't meet.
func TestText(t *testing.T) {
	for _, x := range []struct {
		t    types.Type
		v    batch.Vector
		want string
	}{
		{types.BooleanType, batch.Vector{I64: []int64{1}}, "true"},
		{types.IntType, batch.Vector{I64: []int64{-5}}, "-5"},
		{types.DoubleType, batch.Vector{F64: []float64{1e100}}, "1.0E100"},
		{types.DateType, batch.Vector{I64: []int64{1}}, "1970-01-02"},
		{types.TimeType(3), batch.Vector{I64: []int64{3_723_004}}, "01:02:03.004"},
		{types.TimestampType(3), batch.Vector{I64: []int64{1_500_000}}, "1970-01-01 00:00:01.5"},
		{types.TimestampLTZType(3), batch.Vector{I64: []int64{-1_000_000}}, "1969-12-31 23:59:59Z"},
	} {
		text := appendText(nil, x.t, &x.v, 0)
		if string(text) != x.want {
			t.Errorf("%s: %s, want %s", x.t, text, x.want)
		}
		var back batch.Vector
		back.Prepare(x.t, 0)
		tb := &table{cols: []types.Field{{Name: "c", Type: x.t}}}
		if err := tb.read(&back, 0, 0, "k", string(text)); err != nil || !batch.Equal(x.t, &back, 0, &x.v, 0) {
			t.Errorf("%s: %s isn't read back: %v", x.t, text, err)
		}
	}
	tb := &table{prefix: "p:", key: []int{0, 1}, cols: []types.Field{{Type: types.StringType}, {Type: types.StringType}}}
	key := func(texts ...string) string {
		vs := make([]batch.Vector, 2)
		for i := range vs {
			vs[i].Prepare(types.StringType, 1)
			vs[i].SetString(0, texts[i])
		}
		b, err := tb.keyOf(nil, func(k int) *batch.Vector { return &vs[k] }, 0)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if a, b := key("a:b", "c"), key("a", "b:c"); a == b || a != `p:a\:b:c` {
		t.Errorf("%s and %s", a, b)
	}
}
