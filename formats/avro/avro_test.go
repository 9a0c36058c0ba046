package avro

import (
	"math"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

// What was written as one thing isn't read as another: a number of days, of a time of the
// day and of a moment are told apart where the schema tells them, and as Flink does where
// it doesn't.
func TestTimesOfOtherKinds(t *testing.T) {
	for _, x := range []struct {
		written string
		want    types.Type
		message string // "" when it can be read
	}{
		{`"long"`, types.DateType, "long was written, DATE is wanted"},
		{`"long"`, types.TimeType(0), "long was written, TIME(0) is wanted"},
		{`"long"`, types.TimestampType(3), ""},
		{`"int"`, types.DateType, ""},
		{`"int"`, types.TimeType(0), ""},
		{`{"type":"int","logicalType":"date"}`, types.DateType, ""},
		{`{"type":"int","logicalType":"date"}`, types.TimeType(0), "int (date) was written, TIME(0) is wanted"},
		{`{"type":"int","logicalType":"date"}`, types.TimestampType(3), "int (date) was written, TIMESTAMP(3) is wanted"},
		{`{"type":"int","logicalType":"time-millis"}`, types.DateType, "int (time-millis) was written"},
		{`{"type":"int","logicalType":"time-millis"}`, types.TimeType(0), ""},
		{`{"type":"long","logicalType":"time-micros"}`, types.TimeType(0), ""},
		{`{"type":"long","logicalType":"timestamp-micros"}`, types.DateType, "long (timestamp-micros) was written, DATE is wanted"},
		{`{"type":"long","logicalType":"timestamp-micros"}`, types.TimestampLTZType(3), ""},
		{`{"type":"long","logicalType":"timestamp-micros"}`, types.BigIntType, ""},
		{`{"type":"long","logicalType":"timestamp-nanos"}`, types.TimestampType(3), "long (timestamp-nanos) was written"},
	} {
		for _, typ := range []string{x.written, `["null",` + x.written + `]`} {
			w, err := Parse([]byte(`{"type":"record","name":"r","fields":[{"name":"a","type":` + typ + `}]}`))
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewPlan(w, types.NewSchema(types.Field{Name: "a", Type: x.want}))
			if (err == nil) != (x.message == "") || err != nil && !strings.Contains(err.Error(), `field "a": `+x.message) {
				t.Errorf("%s read as %s: %v", typ, x.want, err)
			}
		}
	}
}

// A number that is no time of a day, or beyond the moments there are, is bad data.
func TestTimesOutOfRange(t *testing.T) {
	long := func(x int64) (b []byte) {
		for u := uint64(x<<1 ^ x>>63); ; u >>= 7 {
			if u < 0x80 {
				return append(b, byte(u))
			}
			b = append(b, byte(u)|0x80)
		}
	}
	for _, x := range []struct {
		written string
		want    types.Type
		value   int64
		ok      bool
	}{
		{"int", types.TimeType(0), 86_399_999, true}, {"int", types.TimeType(0), 86_400_000, false}, {"int", types.TimeType(0), -1, false},
		{"long", types.TimestampType(3), 1_700_000_000_000, true}, {"long", types.TimestampType(3), math.MaxInt64 / 999, false},
	} {
		w, err := Parse([]byte(`{"type":"record","name":"r","fields":[{"name":"a","type":"` + x.written + `"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		schema := types.NewSchema(types.Field{Name: "a", Type: x.want})
		p, err := NewPlan(w, schema)
		if err != nil {
			t.Fatal(err)
		}
		var b batch.Batch
		b.Reset(schema.Types())
		if _, err := p.Row(long(x.value), b.Cols, 0); (err == nil) != x.ok {
			t.Errorf("%d as %s: %v", x.value, x.want, err)
		}
	}
}

func TestFile(t *testing.T) {
	s := formattest.Schema(formattest.Everything()...)
	for _, options := range []map[string]string{nil, {"codec": "deflate"}, {"codec": "null"}, {"codec": "xz"}, {"codec": "zstandard", "timestamp_mapping.legacy": "false"}} {
		formattest.File(t, Format, options, s)
	}
}

func FuzzFile(f *testing.F) {
	s := formattest.Schema(formattest.Everything()...)
	whole := formattest.Sample(f, Format, s)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	for i := 0; i < len(whole); i += 97 {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 0x55
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, file []byte) { formattest.Damaged(Format, s, file) })
}
