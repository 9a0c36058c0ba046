package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

func spec(options map[string]string, fields ...types.Type) formats.Spec {
	s := &types.Schema{}
	for i, t := range fields {
		s.Fields = append(s.Fields, types.Field{Name: fmt.Sprint("f", i), Type: t})
	}
	return formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: options, Declared: Format.Options}}
}

// decode cuts text into records and decodes them.
func decode(t testing.TB, s formats.Spec, text []byte) (out batch.Batch, bad int) {
	out, why := decodeBy(t, s, text, true)
	return out, len(why)
}

// decodeBy is decode with or without reading a field of many records at a time.
func decodeBy(t testing.TB, s formats.Spec, text []byte, blocks bool) (out batch.Batch, bad []string) {
	d, err := newDecoder(s)
	if err != nil {
		t.Fatal(err)
	}
	d.(*decoder).plain = d.(*decoder).plain && blocks
	frame := Format.Framer(s.Options)
	in := formats.Input{Block: text}
	for at := 0; at < len(text); {
		n := 0
		if frame != nil {
			if ends := frame(text[at:], 1, nil); len(ends) > 0 {
				n = ends[0]
			}
		} else {
			n = bytes.IndexByte(text[at:], '\n') + 1
		}
		if n == 0 {
			n = len(text) - at
		}
		in.Messages = append(in.Messages, formats.Message{Value: bytes.TrimSuffix(text[at:at+n], []byte("\n")), At: at})
		at += n
	}
	out.Reset(s.Schema.Types())
	if err := d.Decode(in, &out, func(m formats.Message, err error) error { bad = append(bad, fmt.Sprint(m.At, err)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out, bad
}

// What encoding/csv writes is read back, and the reverse.
func TestAgainstEncodingCSV(t *testing.T) {
	rows := [][]string{{"a", "b c", "d,e"}, {"", `say "x"`, "two\nlines"}, {"é", "\t", " pad "}, {"a long text without anything that needs quotes", "1", "-"}}
	var text bytes.Buffer
	w := stdcsv.NewWriter(&text)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	s := spec(nil, types.StringType, types.StringType, types.StringType)
	b, bad := decode(t, s, text.Bytes())
	if bad > 0 || b.Len != len(rows) {
		t.Fatalf("%d rows, %d bad", b.Len, bad)
	}
	for i, row := range rows {
		for c, want := range row {
			if got := string(b.Cols[c].Bytes(i)); got != want {
				t.Errorf("row %d: %q, want %q", i, got, want)
			}
		}
	}
	e, err := newEncoder(s)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := e.Encode(&b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	for _, m := range msgs {
		again.Write(m.Value)
		again.WriteByte('\n')
	}
	got, err := stdcsv.NewReader(strings.NewReader(again.String())).ReadAll()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Errorf("%q, %v", got, err)
	}
}

// alike says that records are decoded a field of many at a time as one by one.
func alike(t testing.TB, s formats.Spec, text []byte) {
	t.Helper()
	got, bad := decodeBy(t, s, text, true)
	want, wantBad := decodeBy(t, s, text, false)
	a, b := formattest.Rows(s.Schema, &got), formattest.Rows(s.Schema, &want)
	if !slices.Equal(bad, wantBad) || len(a) != len(b) {
		t.Fatalf("%d rows, bad %q; one by one %d, %q", len(a), bad, len(b), wantBad)
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("row %d is %s, one by one %s", i, a[i], b[i])
		}
	}
}

func TestBlocks(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	odd := []string{"", "x", "NULL", `""`, `"a,b"`, `"a""b"`, `"open`, `a"b`, `"a"b`, `"two` + "\n" + `lines"`, "é", "\xff", `"é"`, "007", "-5", "+5", " 5 ", "123456789", "99999999999999999999", "1.5", "1,2", "2024-02-28 12:34:56.7",
		"2024-02-28 12:34:56.789123", " 2024-02-28 12:34:56", "2024-02-30 12:34:56", "true", `"7"`, `"2024-02-28 12:34:56.789"`}
	usual := []func() string{func() string { return fmt.Sprint(rnd.Intn(1 << uint(1+rnd.Intn(30)))) }, func() string { return fmt.Sprint(rnd.Int63() >> uint(rnd.Intn(60))) },
		func() string { return strings.Repeat("abc ", rnd.Intn(40)) }, func() string { return fmt.Sprint(rnd.Intn(100)) },
		func() string {
			return fmt.Sprintf("2024-02-28 %02d:%02d:%02d.%03d", rnd.Intn(24), rnd.Intn(60), rnd.Intn(60), rnd.Intn(1000))
		},
		func() string { return fmt.Sprint(rnd.Float64()) }, func() string { return fmt.Sprintf("%q", strings.Repeat("x", rnd.Intn(9))) }, func() string { return fmt.Sprint(rnd.Intn(2) == 0) }}
	ts := []types.Type{types.IntType, types.BigIntType, types.StringType, types.TinyIntType, types.TimestampType(3), types.DoubleType, types.StringType, types.BooleanType}
	for round := range 150 {
		options := map[string]string{}
		for bit, kv := range [][2]string{{"ignore-parse-errors", "true"}, {"null-literal", "NULL"}, {"empty-string-as-null", "true"}, {"field-delimiter", ";"}, {"ignore-trailing-unmappable", "true"}} {
			if round>>bit&1 == 1 {
				options[kv[0]] = kv[1]
			}
		}
		if round%7 == 0 {
			options["disable-quote-character"] = "true"
		}
		rare := 1 + rnd.Intn(3000)
		var text []byte
		for range 400 {
			for f := range ts {
				value := usual[f]()
				if rnd.Intn(rare) == 0 {
					value = odd[rnd.Intn(len(odd))]
				}
				if f > 0 {
					text = append(text, ",;"[round>>3&1])
				}
				text = append(text, value...)
			}
			if rnd.Intn(rare*4) == 0 {
				text = append(text, ',')
			}
			text = append(text, '\n')
		}
		s := spec(options, ts...)
		if round%3 == 0 {
			s.Schema = s.Full.Select([]int{4, 0, 6})
		}
		alike(t, s, text[:len(text)-round%2])
	}
}

// Ends found for many records at once are those found one by one, in text of any
// length.
func TestFrame(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	parts := []string{"a", "b c", ",", "\n", "\n", `"x,y"`, `"two` + "\n" + `lines"`, `"a""b"`, `a"b`, "\r\n", strings.Repeat("long ", 700), `\"`}
	for round := range 400 {
		options := map[string]string{}
		if round%3 == 1 {
			options["escape-character"] = "\\"
		}
		v := formats.Values{Set: options, Declared: Format.Options}
		var text []byte
		for range rnd.Intn(200) {
			if rnd.Intn(40) == 0 {
				text = append(text, '"') // never closed, perhaps
			}
			text = append(text, parts[rnd.Intn(len(parts))]...)
		}
		d, err := newDialect(v)
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for at := 0; ; {
			line := bytes.IndexByte(text[at:], '\n') + 1
			if line == 0 {
				break
			}
			if bytes.IndexByte(text[at:at+line], '"') >= 0 {
				if line = d.record(text[at:]); line == 0 {
					break
				}
			}
			at += line
			want = append(want, at)
		}
		frame := Format.Framer(v)
		if got := frame(text, 1000, nil); !slices.Equal(got, want) {
			t.Fatalf("ends of %q are %d, want %d", text, got, want)
		}
		most := 1 + rnd.Intn(5)
		if got := frame(text, most, []int{-1}); !slices.Equal(got[1:], want[:min(most, len(want))]) {
			t.Fatalf("%d ends of %q are %d, want %d", most, text, got[1:], want)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"1,x,1.5,a;b\n", "\"", "1,\"a\nb\"\"c\",2\n,,\n", "#c\n\\,\\\n", "1,x,1e400,;;;\n9999999999999999999999,,NaN,\n", "\xff,\xfe\"\n"} {
		f.Add([]byte(s), byte(0))
		f.Add([]byte(s), byte(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, o byte) {
		options := map[string]string{}
		for bit, kv := range [][2]string{{"ignore-parse-errors", "true"}, {"escape-character", "\\"}, {"trim-spaces", "true"}, {"allow-comments", "true"}, {"null-literal", "x"}} {
			if o>>bit&1 == 1 {
				options[kv[0]] = kv[1]
			}
		}
		s := spec(options, types.IntType, types.StringType, types.DoubleType, types.ArrayOf(types.StringType))
		alike(t, s, text)
		b, _ := decode(t, s, text)
		for i := 0; i < b.Len; i++ { // every view lies in its buffer
			batch.AppendRow(nil, s.Schema.Types(), b.Cols, i)
		}
	})
}

const line = "1047,2001,39210,channel-4711,https://www.nexmark.com/abc/def/ghi/item.htm?query=1,2015-07-15 00:00:00.123,abcdefghijklmnopqrst\n"

// BenchmarkFloor is what a reader of such lines can't do without: the ends of lines
// and fields by the library's search, and a copy of the text.
func BenchmarkFloor(b *testing.B) {
	text := []byte(strings.Repeat(line, 1000))
	to, sum := make([]byte, len(text)), 0
	for n := 0; n < b.N; n += 1000 { // ns/op is per row
		for at := 0; at < len(text); {
			end := at + bytes.IndexByte(text[at:], '\n')
			copy(to[at:end], text[at:end])
			for at <= end {
				k := bytes.IndexByte(text[at:end], ',')
				if k < 0 {
					k = end - at
				}
				at += k + 1
				sum += k
			}
		}
	}
	if sum == 0 {
		b.Fatal(sum)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(strings.Repeat(line, 1000))
	s := spec(nil, types.BigIntType, types.BigIntType, types.BigIntType, types.StringType, types.StringType, types.TimestampType(3), types.StringType)
	d, err := newDecoder(s)
	if err != nil {
		b.Fatal(err)
	}
	in := formats.Input{Block: text}
	for i := 0; i < 1000; i++ {
		in.Messages = append(in.Messages, formats.Message{Value: text[i*len(line) : (i+1)*len(line)-1], At: i * len(line)})
	}
	ts := s.Schema.Types()
	var out batch.Batch
	var ends []int
	frame := Format.Framer(s.Options)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += 1000 { // ns/op is per row
		if ends = frame(text, 1000, ends[:0]); len(ends) != 1000 {
			b.Fatal(len(ends))
		}
		out.Reset(ts)
		if err := d.Decode(in, &out, func(_ formats.Message, err error) error { return errors.Join(err) }); err != nil || out.Len != 1000 {
			b.Fatal(err, out.Len)
		}
	}
}
