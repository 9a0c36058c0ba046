package parquet

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

func specOf(s *types.Schema) formats.Spec {
	return formats.Spec{Schema: s, Full: s, Options: formats.Values{Declared: Format.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
}

// TestDescribe: a schema as others write it.
func TestDescribe(t *testing.T) {
	schema := pq.NewSchema("s", pq.Group{
		"id": pq.Int(64), "small": pq.Optional(pq.Uint(16)), "big": pq.Optional(pq.Uint(32)), "plain": pq.Optional(pq.Leaf(pq.Int32Type)),
		"text": pq.Optional(pq.String()), "kind": pq.Enum(), "doc": pq.JSON(), "raw": pq.Optional(pq.Leaf(pq.ByteArrayType)), "uuid": pq.UUID(),
		"price": pq.Optional(pq.Decimal(2, 12, pq.Int64Type)), "day": pq.Date(), "hour": pq.Time(pq.Microsecond),
		"instant": pq.Optional(pq.TimestampAdjusted(pq.Microsecond, true)), "clock": pq.TimestampAdjusted(pq.Nanosecond, false), "old": pq.Leaf(pq.Int96Type),
		"list": pq.Optional(pq.List(pq.Optional(pq.Group{"a": pq.Int(32), "b": pq.Optional(pq.String())}))), "map": pq.Map(pq.String(), pq.Optional(pq.Int(64))), "older": pq.Repeated(pq.Int(32)),
	})
	var file bytes.Buffer
	w := pq.NewWriter(&file, schema)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Format.Describe(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range d.Fields {
		got[f.Name] = f.Type.String()
	}
	for name, want := range map[string]string{
		"id": "BIGINT NOT NULL", "small": "INT", "big": "BIGINT", "plain": "INT", "text": "STRING", "kind": "STRING NOT NULL", "doc": "STRING NOT NULL", "raw": "BYTES", "uuid": "BYTES NOT NULL",
		"price": "DECIMAL(12, 2)", "day": "DATE NOT NULL", "hour": "TIME(3) NOT NULL", "instant": "TIMESTAMP_LTZ(6)", "clock": "TIMESTAMP(9) NOT NULL", "old": "TIMESTAMP(9) NOT NULL",
		"list": "ARRAY<ROW<`a` INT NOT NULL, `b` STRING>>", "map": "MAP<STRING, BIGINT> NOT NULL", "older": "ARRAY<INT NOT NULL> NOT NULL",
	} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	if len(got) != 18 || len(d.Left) > 0 || fmt.Sprint(d.Options) != "[utc-timezone true]" {
		t.Error(len(got), d.Left, d.Options)
	}
}

// TestDescribed: the columns of a file of every type read it, and a damaged file gives an
// error or columns.
func TestDescribed(t *testing.T) {
	s := formattest.Schema(formattest.Everything()...)
	file := formattest.Sample(t, Format, s)
	d, err := Format.Describe(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(d.Left) > 0 || len(d.Fields) != s.Len() {
		t.Fatal(err, d)
	}
	if _, err := openFile(specOf(types.NewSchema(d.Fields...)), bytes.NewReader(file), int64(len(file))); err != nil {
		t.Error(err)
	}
	for i := 0; i < len(file); i += 3 {
		damaged := bytes.Clone(file)
		damaged[i] ^= 0x55
		_, _ = Format.Describe(bytes.NewReader(damaged), int64(len(damaged)))
		_, _ = Format.Describe(bytes.NewReader(file[:i]), int64(i))
	}
}

// TestUnsigned: numbers without a sign are read whole, and refused where they don't fit.
func TestUnsigned(t *testing.T) {
	schema := pq.NewSchema("s", pq.Group{"a": pq.Uint(32), "b": pq.Uint(64)})
	write := func(b uint64) []byte {
		var file bytes.Buffer
		w := pq.NewGenericWriter[map[string]any](&file, schema)
		if _, err := w.Write([]map[string]any{{"a": uint32(1), "b": uint64(2)}, {"a": uint32(4_000_000_000), "b": b}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	s := types.NewSchema(types.Field{Name: "a", Type: types.BigIntType}, types.Field{Name: "b", Type: types.BigIntType})
	file := write(7)
	r, err := openFile(specOf(s), bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Next(10)
	if err != nil || b.Len != 2 || b.Cols[0].I64[1] != 4_000_000_000 || b.Cols[1].I64[1] != 7 {
		t.Fatal(b, err)
	}
	file = write(1 << 63)
	if r, err = openFile(specOf(s), bytes.NewReader(file), int64(len(file))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(10); err == nil {
		t.Error("9223372036854775808 fits a BIGINT")
	}
}
