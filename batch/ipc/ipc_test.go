package ipc_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

func everything() *types.Schema {
	ts := append(formattest.Everything(), types.TimestampType(0), types.TimestampType(6), types.TimestampType(9), types.TimestampLTZType(3), types.TimestampLTZType(9),
		types.MultisetOf(types.StringType.NotNullable()))
	return formattest.Schema(ts...)
}

// canonical cuts timestamps to what their precision says, as every producer does.
func canonical(s *types.Schema, b *batch.Batch) {
	for c, f := range s.Fields {
		unit := int64(1)
		if f.Type.IsTimestamp() {
			for k := f.Type.Length; k < 6; k++ {
				unit *= 10
			}
			for i := range b.Cols[c].I64 {
				b.Cols[c].I64[i] -= b.Cols[c].I64[i] % unit
			}
		}
	}
}

// What is written is read back: every type, selections, kinds, in small and large
// batches.
func TestRoundTrip(t *testing.T) {
	s := everything()
	r := rand.New(rand.NewSource(1))
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, s, true)
	var want []string
	var kinds []batch.Kind
	for k, n := range []int{5, 1000, 0, 64, 65, 3000} {
		b := formattest.Batch(r, s, n)
		canonical(s, b)
		rows := formattest.Rows(s, b)
		for i := range n {
			if k%2 == 1 {
				b.Kinds = append(b.Kinds, batch.Kind(i%4))
			}
		}
		if k == 3 {
			b.Sel = []int32{3, 4, 60}
			rows = []string{rows[3], rows[4], rows[60]}
			kinds = append(kinds, 3, 0, 0)
		} else {
			for i := range n {
				kinds = append(kinds, b.Kind(i))
			}
		}
		want = append(want, rows...)
		if err := w.WriteWith(b, []string{"request", string(rune('a' + k))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := ipc.NewReader(&stream, s, true)
	var got []string
	metas := map[string]bool{}
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len {
			if b.Kind(i) != kinds[len(got)+i] {
				t.Fatalf("row %d is %s, want %s", len(got)+i, b.Kind(i), kinds[len(got)+i])
			}
		}
		got = append(got, formattest.Rows(s, b)...)
		metas[in.Meta("request")] = true
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d: %x\nwant %x", i, got[i], want[i])
		}
	}
	if !metas["a"] || !metas["f"] {
		t.Errorf("metadata: %v", metas)
	}
}

// Columns are found by name, in other widths and units, and may be missing.
func TestOtherTypes(t *testing.T) {
	as := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Uint8}, {Name: "t", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}},
		{Name: "s", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}, {Name: "v", Type: arrow.BinaryTypes.StringView},
		{Name: "d", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, as)
	b.Field(0).(*array.Uint8Builder).Append(200)
	b.Field(1).(*array.TimestampBuilder).Append(-1)
	if err := b.Field(2).(*array.BinaryDictionaryBuilder).AppendString("x"); err != nil {
		t.Fatal(err)
	}
	b.Field(3).(*array.StringViewBuilder).Append("a text longer than twelve")
	b.Field(4).(*array.Int64Builder).Append(7)
	var stream bytes.Buffer
	w := arrowipc.NewWriter(&stream, arrowipc.WithSchema(as))
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	w.Close()
	raw := stream.Bytes()
	s := types.NewSchema(types.Field{Name: "t", Type: types.TimestampType(9)}, types.Field{Name: "s", Type: types.StringType}, types.Field{Name: "x", Type: types.IntType},
		types.Field{Name: "n", Type: types.IntType}, types.Field{Name: "v", Type: types.StringType}, types.Field{Name: "d", Type: types.DecimalType(20, 2)})
	got, err := ipc.NewReader(bytes.NewReader(raw), s, false).Next()
	if err != nil {
		t.Fatal(err)
	}
	if got.Cols[0].I64[0] != -1 || got.Cols[0].Hi[0] != 999 || string(got.Cols[1].Bytes(0)) != "x" || !got.Cols[2].Null(0) || got.Cols[3].I64[0] != 200 ||
		string(got.Cols[4].Bytes(0)) != "a text longer than twelve" || got.Cols[5].I64[0] != 700 {
		t.Errorf("%+v", got)
	}
	// a value that doesn't fit and a type that can't be read are errors
	for _, f := range []types.Field{{Name: "n", Type: types.TinyIntType}, {Name: "s", Type: types.IntType}} {
		if _, err := ipc.NewReader(bytes.NewReader(raw), types.NewSchema(f), false).Next(); err == nil {
			t.Errorf("%s %s is read", f.Name, f.Type)
		}
	}
}

func FuzzReader(f *testing.F) {
	s := everything()
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, s, false)
	if err := w.Write(formattest.Batch(rand.New(rand.NewSource(3)), s, 3)); err != nil {
		f.Fatal(err)
	}
	w.Close()
	f.Add(stream.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := ipc.NewReader(bytes.NewReader(raw), s, true)
		for range 100 {
			b, err := r.Next()
			if err != nil {
				return
			}
			formattest.Rows(s, b)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	s := types.NewSchema(types.Field{Name: "a", Type: types.BigIntType}, types.Field{Name: "s", Type: types.StringType}, types.Field{Name: "t", Type: types.TimestampType(3)})
	rows := formattest.Batch(rand.New(rand.NewSource(1)), s, batch.MaxRows)
	w := ipc.NewWriter(io.Discard, s, false)
	b.ReportAllocs()
	for n := 0; n < b.N; n += batch.MaxRows { // ns/op is per row
		if err := w.Write(rows); err != nil {
			b.Fatal(err)
		}
	}
}
