// Package formattest checks that what a format writes it reads back: random rows
// of every type, nested, with NULLs.
package formattest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Schema has a column of each type.
func Schema(ts ...types.Type) *types.Schema {
	s := &types.Schema{}
	for i, t := range ts {
		s.Fields = append(s.Fields, types.Field{Name: string(rune('z' - i)), Type: t})
	}
	return s
}

// Everything is the types that whole-file formats have a form for, nested ones too.
func Everything() []types.Type {
	row := types.RowOf(types.Field{Name: "x", Type: types.IntType}, types.Field{Name: "y", Type: types.RowOf(types.Field{Name: "a", Type: types.ArrayOf(types.StringType)})})
	return []types.Type{types.BooleanType, types.TinyIntType, types.SmallIntType, types.IntType.NotNullable(), types.BigIntType, types.FloatType, types.DoubleType,
		types.StringType, types.BytesType, types.DateType, types.TimeType(3), types.TimestampType(3), types.DecimalType(9, 2), types.DecimalType(18, 4), types.DecimalType(38, 10),
		types.ArrayOf(types.IntType), types.MapOf(types.StringType.NotNullable(), types.DoubleType), row, types.ArrayOf(row), types.ArrayOf(types.ArrayOf(types.BigIntType)),
		types.MapOf(types.StringType.NotNullable(), types.ArrayOf(row))}
}

// Batch makes n random rows.
func Batch(r *rand.Rand, s *types.Schema, n int) *batch.Batch {
	b := &batch.Batch{}
	b.Reset(s.Types())
	for i := 0; i < n; i++ {
		for c, f := range s.Fields {
			fill(r, &b.Cols[c], f.Type, i)
		}
		b.AppendKind(batch.Insert)
	}
	return b
}

func fill(r *rand.Rand, v *batch.Vector, t types.Type, n int) {
	if !t.NotNull && r.Intn(4) == 0 {
		v.AppendNull(t, n)
		return
	}
	x := int64(r.Uint64()) >> uint(r.Intn(63))
	switch t.Kind {
	case types.Boolean:
		x &= 1
	case types.TinyInt:
		x = int64(int8(x))
	case types.SmallInt:
		x = int64(int16(x))
	case types.Int:
		x = int64(int32(x))
	case types.Date:
		x = x%20000 + 10000
	case types.Time:
		x = int64(r.Intn(86_400_000))
	case types.Timestamp, types.TimestampLTZ:
		x = int64(r.Intn(1<<40)) * 1000
	case types.Decimal:
		if t.Length <= 18 {
			x %= int64(math.Pow10(t.Length))
		}
	}
	switch t.Layout() {
	case types.LayoutI64:
		v.I64 = append(v.I64[:n], x)
	case types.LayoutF64:
		v.F64 = append(v.F64[:n], batch.Float32(float64(x)/256))
	case types.LayoutWide:
		hi := x >> 63
		if t.Kind == types.Decimal && r.Intn(2) == 0 {
			hi, x = x>>20, r.Int63()
			hi %= 1 << 60
		}
		if t.Kind != types.Decimal {
			hi = int64(r.Intn(1000))
		}
		v.I64, v.Hi = append(v.I64[:n], x), append(v.Hi[:n], hi)
	case types.LayoutBytes:
		off := len(v.Buf)
		for k := r.Intn(12); k > 0; k-- {
			v.Buf = append(v.Buf, "aé\"\\\n,z €"[r.Intn(4)])
		}
		if t.IsString() {
			v.Buf = append(v.Buf[:off], bytes.ToValidUTF8(v.Buf[off:], nil)...)
		}
		v.Str = append(v.Str[:n], batch.NewView(off, len(v.Buf)-off))
	case types.LayoutList:
		kt := t.KidTypes()
		first, count := v.Kids[0].Size(kt[0]), r.Intn(4)
		for e := 0; e < count; e++ {
			for k := range kt {
				fill(r, &v.Kids[k], kt[k], first+e)
			}
		}
		v.Str = append(v.Str[:n], batch.NewView(first, count))
	case types.LayoutStruct:
		for k, f := range t.Fields {
			fill(r, &v.Kids[k], f.Type, n)
		}
	}
	v.SetValid(n)
}

// Rows are the rows as comparable bytes.
func Rows(s *types.Schema, b *batch.Batch) (out []string) {
	for i := 0; i < b.Len; i++ {
		out = append(out, string(batch.AppendRow(nil, s.Types(), b.Cols, i)))
	}
	return out
}

// File writes random rows to a file of the format and reads them back: whole, from
// the middle, and with some of the columns only.
func File(t *testing.T, f *formats.Format, options map[string]string, s *types.Schema) {
	t.Helper()
	r := rand.New(rand.NewSource(1))
	spec := formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: options, Declared: f.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
	var file bytes.Buffer
	w, err := f.CreateFile(spec, &file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for k := 0; k < 7; k++ {
		b := Batch(r, s, 300)
		if k == 3 {
			b.Sel = []int32{0, 7, 200}
		}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		rows := Rows(s, b)
		if k == 3 {
			rows = []string{rows[0], rows[7], rows[200]}
		}
		want = append(want, rows...)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, skip := range []int64{0, 1, 299, 300, 1500, int64(len(want)), int64(len(want)) + 5} {
		got := Read(t, f, spec, file.Bytes(), skip)
		compare(t, got, want[min(skip, int64(len(want))):])
	}
	some := s.Select([]int{s.Len() - 1, 1})
	sub := spec
	sub.Schema = some
	r = rand.New(rand.NewSource(1))
	want = nil
	for k := 0; k < 7; k++ {
		b := Batch(r, s, 300)
		b.Cols = []batch.Vector{b.Cols[s.Len()-1], b.Cols[1]}
		rows := Rows(some, b)
		if k == 3 {
			rows = []string{rows[0], rows[7], rows[200]}
		}
		want = append(want, rows...)
	}
	compare(t, Read(t, f, sub, file.Bytes(), 0), want)
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d: %x, want %x", i, got[i], want[i])
		}
	}
}

// Read is the rows of a file behind the first skip.
func Read(t testing.TB, f *formats.Format, spec formats.Spec, file []byte, skip int64) (out []string) {
	t.Helper()
	r, err := f.OpenFile(spec, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Skip(skip); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next(100)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Rows(spec.Schema, b)...)
	}
}

// Damaged reads a file that may be damaged: an error is right, a panic or a hang
// isn't.
func Damaged(f *formats.Format, s *types.Schema, file []byte) {
	spec := formats.Spec{Schema: s, Full: s, Options: formats.Values{Declared: f.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
	r, err := f.OpenFile(spec, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return
	}
	defer r.Close()
	for n := 0; n < 1000; n++ {
		b, err := r.Next(100)
		if err != nil {
			return
		}
		Rows(s, b)
	}
}

// Sample is a small valid file.
func Sample(t testing.TB, f *formats.Format, s *types.Schema) []byte {
	spec := formats.Spec{Schema: s, Full: s, Options: formats.Values{Declared: f.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
	var file bytes.Buffer
	w, err := f.CreateFile(spec, &file)
	if err == nil {
		err = w.Write(Batch(rand.New(rand.NewSource(2)), s, 5))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Messages writes random rows as messages and reads them back, twice: what has no
// form of its own (a NULL where a format only knows defaults) may change once, and
// then stays. It reads with and without a block, with some of the columns only, and
// goes on behind messages that are damaged.
func Messages(t *testing.T, f *formats.Format, options map[string]string, s *types.Schema) {
	t.Helper()
	spec := formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: options, Declared: f.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
	b := Batch(rand.New(rand.NewSource(3)), s, 500)
	b.Sel = []int32{0, 7, 9}
	if got := encode(t, f, spec, b); len(got) != 3 {
		t.Fatalf("%d messages of 3 live rows", len(got))
	}
	b.Sel = nil
	msgs := encode(t, f, spec, b)
	once := decode(t, f, spec, msgs, false, 0)
	compare(t, Rows(s, decode(t, f, spec, msgs, true, 0)), Rows(s, once))
	again := encode(t, f, spec, once)
	compare(t, Rows(s, decode(t, f, spec, again, false, 0)), Rows(s, once))

	some := spec
	some.Schema = s.Select([]int{s.Len() - 1, 1})
	once.Cols = []batch.Vector{once.Cols[s.Len()-1], once.Cols[1]}
	compare(t, Rows(some.Schema, decode(t, f, some, msgs, false, 0)), Rows(some.Schema, once))

	r := rand.New(rand.NewSource(4))
	var mixed []formats.Message
	for _, m := range msgs {
		if len(m.Value) > 0 {
			damaged := bytes.Clone(m.Value[:r.Intn(len(m.Value))])
			if len(damaged) > 0 {
				damaged[r.Intn(len(damaged))] ^= 1 << r.Intn(8)
			}
			mixed = append(mixed, formats.Message{Value: damaged, Offset: -1})
		}
		mixed = append(mixed, m)
	}
	compare(t, Rows(s, decode(t, f, spec, mixed, false, len(msgs))), Rows(s, decode(t, f, spec, msgs, false, 0)))
}

func encode(t *testing.T, f *formats.Format, spec formats.Spec, b *batch.Batch) (out []formats.Message) {
	t.Helper()
	e, err := f.Encoder(spec)
	if err == nil {
		out, err = e.Encode(b, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		out[i].Value = bytes.Clone(out[i].Value)
	}
	return out
}

// decode reads messages. Of those at offset -1, which are damaged, the rows are left
// out; with none of them every message must be good.
func decode(t *testing.T, f *formats.Format, spec formats.Spec, msgs []formats.Message, block bool, damaged int) *batch.Batch {
	t.Helper()
	d, err := f.Decoder(spec)
	if err != nil {
		t.Fatal(err)
	}
	in := formats.Input{Messages: append([]formats.Message(nil), msgs...), First: make([]int32, len(msgs))}
	if block {
		in, _ = in.Gather(nil)
	}
	var b batch.Batch
	b.Reset(spec.Schema.Types())
	err = d.Decode(in, &b, func(m formats.Message, reason error) error {
		if damaged == 0 || m.Offset != -1 {
			return reason
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if damaged == 0 {
		return &b
	}
	var good batch.Batch
	good.Reset(spec.Schema.Types())
	for i, from := range in.First {
		to := b.Len
		if i+1 < len(in.First) {
			to = int(in.First[i+1])
		}
		for k := int(from); k < to && msgs[i].Offset != -1; k++ {
			good.AppendRow(spec.Schema.Types(), b.Kind(k), &b, k)
		}
	}
	return &good
}
