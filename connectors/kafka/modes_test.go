package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/types"
)

// env is what a reader gets in these tests; wake signals.
func env(wake chan struct{}, bad func(connectors.BadRow) error) connectors.ReadEnv {
	return connectors.ReadEnv{Rows: 1000, Of: 1, Now: time.Now, Session: types.NewSession(clock), Bad: bad, Wake: func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}}
}

// values reads n rows of a split, or all to its end, and gives them as text; pos is
// where it stood then.
func values(t testing.TB, s connectors.Source, split connectors.Split, n int, bad func(connectors.BadRow) error) (out []string, pos []byte, err error) {
	t.Helper()
	wake := make(chan struct{}, 1)
	if bad == nil {
		bad = func(b connectors.BadRow) error { return fmt.Errorf("bad row at %d: %w", b.Offset, b.Reason) }
	}
	r, err := s.Read(context.Background(), split, nil, env(wake, bad))
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	ts := s.(*source).Schema
	for s.Bounded() || len(out) < n {
		b, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out, r.Position(), nil
		case errors.Is(err, connectors.ErrNotReady):
			select {
			case <-wake:
			case <-time.After(10 * time.Second):
				t.Fatalf("%d rows, and nothing for 10 s: %q", len(out), out)
			}
		case err != nil:
			return out, r.Position(), err
		default:
			for i := 0; i < b.Len; i++ {
				out = append(out, show(ts, b, i))
			}
		}
	}
	return out, r.Position(), nil
}

// show is a row as "+I[1, a]".
func show(s *types.Schema, b *batch.Batch, i int) string {
	var cells []string
	for c, f := range s.Fields {
		v := &b.Cols[c]
		switch {
		case v.Null(i):
			cells = append(cells, "NULL")
		case f.Type.Layout() == types.LayoutBytes:
			cells = append(cells, string(v.Bytes(i)))
		case f.Type.Kind == types.Map:
			var kv []string
			for e := v.Str[i].Off(); e < v.Str[i].Off()+v.Str[i].Len(); e++ {
				x := "NULL"
				if !v.Kids[1].Null(e) {
					x = string(v.Kids[1].Bytes(e))
				}
				kv = append(kv, string(v.Kids[0].Bytes(e))+"="+x)
			}
			cells = append(cells, "{"+strings.Join(kv, " ")+"}")
		default:
			cells = append(cells, fmt.Sprint(v.I64[i]))
		}
	}
	return fmt.Sprintf("%s[%s]", b.Kind(i), strings.Join(cells, ", "))
}

func open(t testing.TB, c *connectors.Connector, table connectors.Table) connectors.Source {
	t.Helper()
	s, err := c.Source(table)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openWriter opens a table's sink.
func openWriter(t testing.TB, table connectors.Table) connectors.Writer {
	t.Helper()
	sink, err := Connector.Sink(table)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sink.Open(context.Background(), connectors.WriterEnv{Of: 1, Now: clock, Session: table.Session})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func list(t testing.TB, s connectors.Source, known []connectors.Split) []connectors.Split {
	t.Helper()
	out, err := s.Splits(context.Background(), known, 1)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestModes(t *testing.T)     { testModes(t, standIn(t)) }
func TestRealModes(t *testing.T) { testModes(t, real(t)) }

// testModes reads ten records, one a second, by every start and end.
func testModes(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1)
	for n := int64(0); n < 10; n++ {
		write(t, addr, nil, &kgo.Record{Topic: topic, Value: []byte(fmt.Sprint(n, ",x")), Timestamp: time.UnixMilli(1_000_000 + n*1000)})
	}
	confirm := func(group string, at int64) {
		s := open(t, Connector, tableOf(addr, topic, idText, map[string]string{"properties.group.id": group}))
		splits := list(t, s, nil)
		err := s.(connectors.Confirmer).Confirmed(context.Background(), 1, []connectors.SplitState{{Split: splits[0], From: []byte(fmt.Sprint(at))}})
		if err != nil {
			t.Fatal(err)
		}
	}
	confirm(topic+"-4", 4)
	confirm(topic+"-7", 7)
	for _, c := range []struct {
		name     string
		options  map[string]string
		from, to int64
	}{
		{"earliest to latest", map[string]string{"scan.bounded.mode": "latest-offset"}, 0, 10},
		{"latest", map[string]string{"scan.startup.mode": "latest-offset", "scan.bounded.mode": "latest-offset"}, 10, 10},
		{"timestamps", map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "1002500", "scan.bounded.mode": "timestamp", "scan.bounded.timestamp-millis": "1006000"}, 3, 6},
		{"a time behind the end", map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "2002500", "scan.bounded.mode": "latest-offset"}, 10, 10},
		{"offsets", map[string]string{"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": "partition:0,offset:2", "scan.bounded.mode": "specific-offsets", "scan.bounded.specific-offsets": "partition:0,offset:5"}, 2, 5},
		{"an end without its partition", map[string]string{"scan.bounded.mode": "specific-offsets", "scan.bounded.specific-offsets": "partition:7,offset:5"}, 0, 0},
		{"group", map[string]string{"scan.startup.mode": "group-offsets", "properties.group.id": topic + "-4", "scan.bounded.mode": "latest-offset"}, 4, 10},
		{"group as end", map[string]string{"properties.group.id": topic + "-7", "scan.bounded.mode": "group-offsets"}, 0, 7},
		{"group without offsets", map[string]string{"scan.startup.mode": "group-offsets", "properties.group.id": topic + "-none", "properties.auto.offset.reset": "earliest", "scan.bounded.mode": "latest-offset"}, 0, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, Connector, tableOf(addr, topic, idText, c.options))
			var got []string
			for _, split := range list(t, s, nil) {
				v, _, err := values(t, s, split, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, v...)
			}
			var want []string
			for n := c.from; n < c.to; n++ {
				want = append(want, fmt.Sprintf("+I[%d, x]", n))
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%q, want %q", got, want)
			}
		})
	}
	_, err := open(t, Connector, tableOf(addr, topic, idText, map[string]string{"scan.startup.mode": "group-offsets", "properties.group.id": topic + "-none"})).Splits(context.Background(), nil, 1)
	says(t, err, "has no committed offset", "properties.auto.offset.reset")
}

// says checks an error's words.
func says(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; expected %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Fatalf("%q doesn't say %q", err, w)
		}
	}
}

func TestDiscovery(t *testing.T)     { testDiscovery(t, standIn(t)) }
func TestRealDiscovery(t *testing.T) { testDiscovery(t, real(t)) }

// testDiscovery finds a topic by its pattern, and one that comes later from its
// beginning.
func testDiscovery(t *testing.T, addr string) {
	first := newTopic(t, addr, 2)
	prefix := first[:strings.Index(first, "-")]
	s := open(t, Connector, tableOf(addr, "", idText, map[string]string{"topic": "", "topic-pattern": prefix + "-.*discovery", "scan.startup.mode": "latest-offset", "scan.topic-partition-discovery.interval": "1 ms", "properties.metadata.max.age.ms": "100"}))
	known := list(t, s, nil)
	if len(known) != 2 {
		t.Fatalf("%v, want the partitions of %s", known, first)
	}
	second := newTopic(t, addr, 1)
	write(t, addr, nil, &kgo.Record{Topic: second, Value: []byte("1,a")})
	deadline := time.Now().Add(20 * time.Second)
	for len(known) == 2 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		known = list(t, s, known)
	}
	if len(known) != 3 || known[2].Name != second+"-0" {
		t.Fatalf("%v, want %s-0 behind the first two", known, second)
	}
	got, _, err := values(t, s, known[2], 1, nil)
	if err != nil || fmt.Sprint(got) != "[+I[1, a]]" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestMetadata(t *testing.T)     { testMetadata(t, standIn(t)) }
func TestRealMetadata(t *testing.T) { testMetadata(t, real(t)) }

// testMetadata writes and reads metadata columns.
func testMetadata(t *testing.T, addr string) {
	topic := newTopic(t, addr, 1)
	headers := types.MapOf(types.StringType, types.BytesType)
	s := &types.Schema{Fields: append(append([]types.Field(nil), idText.Fields...),
		types.Field{Name: "ts", Type: types.TimestampLTZType(3)}, types.Field{Name: "h", Type: headers})}
	table := tableOf(addr, topic, s, nil, connectors.Metadata{Key: "timestamp", Type: types.TimestampLTZType(3)}, connectors.Metadata{Key: "headers", Type: headers})
	w := openWriter(t, table)
	b := row(1, "a")
	b.Cols = append(b.Cols, batch.Vector{}, batch.Vector{})
	b.Cols[2].Prepare(types.TimestampLTZType(3), 1)
	b.Cols[2].I64[0] = 1_234_567_000
	b.Cols[3].Prepare(headers, 1)
	for i, kv := range [][2]string{{"a", "1"}, {"b", ""}} {
		for k := range kv {
			v := &b.Cols[3].Kids[k]
			v.Str = append(v.Str, 0)
			v.SetString(i, kv[k])
		}
	}
	b.Cols[3].Kids[1].SetNull(1)
	b.Cols[3].Str[0] = batch.NewView(0, 2)
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s = &types.Schema{Fields: append(s.Fields[:4:4], types.Field{Name: "p", Type: types.IntType}, types.Field{Name: "o", Type: types.BigIntType},
		types.Field{Name: "topic", Type: types.StringType}, types.Field{Name: "tt", Type: types.StringType})}
	table = tableOf(addr, topic, s, map[string]string{"scan.bounded.mode": "latest-offset"}, append(table.Meta, connectors.Metadata{Key: "partition", Type: types.IntType},
		connectors.Metadata{Key: "offset", Type: types.BigIntType}, connectors.Metadata{Key: "topic", Type: types.StringType}, connectors.Metadata{Key: "timestamp-type", Type: types.StringType})...)
	src := open(t, Connector, table)
	got, _, err := values(t, src, list(t, src, nil)[0], 1, nil)
	if want := "[+I[1, a, 1234567000, {a=1 b=NULL}, 0, 0, " + topic + ", CreateTime]]"; err != nil || fmt.Sprint(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

func TestUpsert(t *testing.T)     { testUpsert(t, standIn(t)) }
func TestRealUpsert(t *testing.T) { testUpsert(t, real(t)) }

// testUpsert writes changes by key, with and without a buffer, and reads them back.
func testUpsert(t *testing.T, addr string) {
	for _, c := range []struct {
		buffered bool
		want     string
	}{{false, "[+U[1, a] +U[2, b] +U[1, c] -D[2, NULL]]"}, {true, "[+U[1, c] -D[2, NULL]]"}} {
		topic := newTopic(t, addr, 1)
		options := map[string]string{"scan.startup.mode": "", "scan.bounded.mode": "latest-offset"}
		if c.buffered {
			options["sink.buffer-flush.max-rows"], options["sink.buffer-flush.interval"] = "100", "1 h"
		}
		table := keyed(tableOf(addr, topic, idText, options))
		table.Key, table.Options.Declared = []int{0}, Upsert.Options
		sink, err := Upsert.Sink(table)
		if err != nil {
			t.Fatal(err)
		}
		w, err := sink.Open(context.Background(), connectors.WriterEnv{Of: 1, Now: clock, Session: table.Session})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			id   int64
			text string
			kind batch.Kind
		}{{1, "a", batch.Insert}, {2, "b", batch.Insert}, {1, "c", batch.UpdateAfter}, {2, "b", batch.Delete}} {
			b := row(x.id, x.text)
			b.Kinds = []batch.Kind{x.kind}
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		src := open(t, Upsert, table)
		got, _, err := values(t, src, list(t, src, nil)[0], 0, nil)
		if err != nil || fmt.Sprint(got) != c.want {
			t.Fatalf("buffered %v: %q, %v; want %q", c.buffered, got, err, c.want)
		}
	}
}

// TestMurmur2 checks the hash with the values of Kafka's own test.
func TestMurmur2(t *testing.T) {
	for s, want := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107} {
		if got := int32(murmur2([]byte(s))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", s, got, want)
		}
	}
}
