package datagen

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

var instant = time.UnixMilli(1_700_000_000_000)

func making(t *testing.T, schema *types.Schema, options map[string]string) (connectors.Source, error) {
	t.Helper()
	session := types.NewSession(func() time.Time { return instant })
	return open(connectors.Table{Path: "t", Schema: schema, Full: schema, Options: formats.Values{Set: options, Declared: Connector.Options}, Session: session})
}

func field(name string, t types.Type) types.Field { return types.Field{Name: name, Type: t} }

var everything = types.NewSchema(field("i", types.TinyIntType), field("l", types.BigIntType), field("f", types.FloatType), field("d", types.DoubleType), field("n", types.DecimalType(20, 3)),
	field("s", types.StringType), field("c", types.CharType(4)), field("b", types.BytesType), field("o", types.BooleanType), field("ts", types.TimestampType(3)),
	field("day", types.DateType), field("a", types.ArrayOf(types.IntType)), field("m", types.MapOf(types.StringType, types.IntType)),
	field("r", types.RowOf(field("x", types.IntType), field("y", types.StringType))), field("u", types.MultisetOf(types.StringType)), field("q", types.StringType))

// A restart, and another parallelism, give the same rows.
func TestSource(t *testing.T) {
	options := map[string]string{"number-of-rows": "50", "rows-per-second": "1000000000", "fields.i.null-rate": "0.3", "fields.s.length": "7", "fields.s.var-len": "true",
		"fields.a.length": "2", "fields.r.y.length": "3", "fields.q.kind": "sequence", "fields.q.start": "5", "fields.q.end": "1000"}
	src, err := making(t, everything, options)
	if err != nil {
		t.Fatal(err)
	}
	var out [50]string
	g := src.(*source)
	b := &batch.Batch{Len: len(out)}
	for c := range g.gens {
		b.Cols = append(b.Cols, batch.Vector{})
		b.Cols[c].Prepare(g.types[c], 0)
		g.gens[c].fill(&b.Cols[c], len(out), 0, 1, g.seed, instant)
	}
	for i := range out {
		out[i] = conntest.Text(g.types, b, i)
	}
	if got := string(b.Cols[15].Bytes(3)); got != "8" {
		t.Errorf("the sequence's row 3 is %s", got)
	}
	ticks := 0 // rows come due, but no millisecond passes
	now := func() time.Time { ticks++; return instant.Add(time.Duration(ticks) * 10) }
	conntest.Source(t, conntest.SourceHarness{Types: g.types, Rows: out[:], Open: func() connectors.Source { return src }, Now: now})
}

func TestRefusals(t *testing.T) {
	schema := types.NewSchema(field("a", types.IntType), field("v", types.VarCharType(5)), field("r", types.RowOf(field("x", types.IntType))))
	for _, x := range []struct{ options, want string }{
		{"fields.v.length=9", "should be shorter than '5'"},
		{"fields.a.kind=sequence fields.a.start=1", "could not find required property 'fields.a.end'"},
		{"fields.a.length=3", "unsupported options: 'fields.a.length'"},
		{"fields.a.kind=often", "unsupported generator kind"},
		{"fields.a.min=5 fields.a.max=1", "must not be above"},
		{"fields.a.min=many", "not a INT"},
		{"fields.a.null-rate=x", "not a number"},
		{"fields.r.x.kind=sequence fields.r.x.start=1 fields.r.x.end=2", "only a column can be a sequence"},
		{"rows-per-second=0", "must be positive"},
	} {
		options := map[string]string{}
		for _, kv := range strings.Fields(x.options) {
			k, v, _ := strings.Cut(kv, "=")
			options[k] = v
		}
		if _, err := making(t, schema, options); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.options, err)
		}
	}
}

// Rows come due by the clock, the first at once.
func TestPace(t *testing.T) {
	src, err := making(t, types.NewSchema(field("a", types.IntType)), map[string]string{"rows-per-second": "10", "number-of-rows": "100"})
	if err != nil {
		t.Fatal(err)
	}
	now := instant
	splits, _ := src.Splits(context.Background(), nil, 1)
	r, err := src.Read(context.Background(), splits[0], nil, connectors.ReadEnv{Rows: 1000, Now: func() time.Time { return now }, Wake: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, x := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {0, 0}, {100 * time.Millisecond, 1}, {time.Second, 10}, {time.Minute, 88}} {
		now = now.Add(x.after)
		b, err := r.Next()
		if x.want == 0 {
			if !errors.Is(err, connectors.ErrNotReady) {
				t.Fatal(err)
			}
			continue
		}
		if err != nil || b.Len != x.want {
			t.Fatalf("after %v: %d rows, %v; want %d", x.after, b.Len, err, x.want)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}
