package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

func spec(options map[string]string, s *types.Schema) formats.Spec {
	return formats.Spec{Schema: s, Full: s, Options: formats.Values{Set: options, Declared: Format.Options}, Session: types.NewSession(func() time.Time { return time.UnixMilli(0) })}
}

// decode decodes the lines of text; bad counts the bad ones.
func decode(t testing.TB, s formats.Spec, text []byte) (out *batch.Batch, bad []string) {
	d, err := Format.Decoder(s)
	if err != nil {
		t.Fatal(err)
	}
	in := formats.Input{Block: text}
	for at := 0; at < len(text); {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			n = len(text) - at
		}
		in.Messages = append(in.Messages, formats.Message{Value: text[at : at+n], At: at})
		at += n + 1
	}
	out = &batch.Batch{}
	out.Reset(s.Schema.Types())
	if err := d.Decode(in, out, func(_ formats.Message, err error) error {
		if !errors.Is(err, formats.ErrIgnored) {
			bad = append(bad, err.Error())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out, bad
}

// columns are the types whose coercions tests/flink/json/coercions.txt records.
func column(t testing.TB, name string) types.Type {
	switch name {
	case "row":
		return types.RowOf(types.Field{Name: "x", Type: types.IntType}, types.Field{Name: "y", Type: types.StringType})
	case "arow":
		return types.ArrayOf(types.RowOf(types.Field{Name: "x", Type: types.IntType}))
	}
	ty, ok := map[string]types.Type{"bool": types.BooleanType, "tiny": types.TinyIntType, "small": types.SmallIntType, "int": types.IntType, "big": types.BigIntType,
		"float": types.FloatType, "double": types.DoubleType, "dec": types.DecimalType(10, 2), "dec38": types.DecimalType(38, 10), "str": types.StringType,
		"bytes": types.BytesType, "date": types.DateType, "time": types.TimeType(0), "time3": types.TimeType(3), "ts0": types.TimestampType(0), "ts3": types.TimestampType(3),
		"ts9": types.TimestampType(9), "ltz3": types.TimestampLTZType(3), "ltz9": types.TimestampLTZType(9), "aint": types.ArrayOf(types.IntType),
		"astr": types.ArrayOf(types.StringType), "mint": types.MapOf(types.StringType, types.IntType), "mset": types.MultisetOf(types.StringType)}[name]
	if !ok {
		t.Fatalf("no column %q", name)
	}
	return ty
}

// Every value in a column of every type is what Flink 2.3 makes of it, along a
// learned shape and the exact way. A line of the file is column, value, result;
// the result is "skip" for a row that is left out.
func TestCoercions(t *testing.T) {
	text, err := os.ReadFile("../../tests/flink/json/coercions.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		part := strings.Split(line, "\x1f")
		if len(part) != 3 {
			t.Fatalf("bad line %q", line)
		}
		name, value, want := part[0], part[1], part[2]
		options := map[string]string{"ignore-parse-errors": "true"}
		if base, ok := strings.CutSuffix(name, "iso"); ok {
			name, options["timestamp-format.standard"] = base, "ISO-8601"
		}
		s := types.NewSchema(types.Field{Name: "i", Type: types.IntType}, types.Field{Name: "a", Type: column(t, name)})
		good := `{"i":1,"a":null}` + "\n"
		for _, input := range []string{`{"i":1,"a":` + value + `}`, good + `{"i":1,"a":` + value + `}`, good + `{ "a" : ` + value + ` , "i":1}`} {
			b, _ := decode(t, spec(options, s), []byte(input))
			before := strings.Count(input, good)
			got := "skip"
			if b.Len > before {
				got = string(changelogjson.AppendJSON(nil, s.Fields[1].Type, &b.Cols[1], b.Len-1, nil))
			}
			if !sameJSON(got, want) {
				t.Errorf("%s: %s is %s, want %s", part[0], input, got, want)
			}
			n++
		}
	}
	if n < 5000 {
		t.Errorf("only %d comparisons", n)
	}
}

// sameJSON compares values; maps are compared in any order.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(plain(x)) == fmt.Sprint(plain(y))
}

// plain turns {"$map":[[k,v]]} into a map.
func plain(x any) any {
	m, ok := x.(map[string]any)
	if !ok {
		return x
	}
	if pairs, ok := m["$map"].([]any); ok {
		out := map[string]any{}
		for _, p := range pairs {
			out[fmt.Sprint(p.([]any)[0])] = p.([]any)[1]
		}
		return out
	}
	return m
}

// What Flink does with whole lines.
func TestLines(t *testing.T) {
	s := types.NewSchema(types.Field{Name: "i", Type: types.IntType}, types.Field{Name: "a", Type: types.StringType})
	for _, c := range []struct{ in, strict, lenient string }{
		{`{"i":1,"a":"x"} {"i":2,"a":"y"}`, "1 x", "1 x"},
		{`{"i":3,"a":"x"}garbage`, "3 x", "3 x"},
		{`{"i":4,"z":tru}`, "bad", ""},
		{`{"i":5,"a":"x","z":[1,}`, "bad", ""},
		{`{"i":5,"a":"x","z":[1,]}`, "bad", ""},
		{`{"a":"x","i":6}`, "6 x", "6 x"},
		{`[{"i":7,"a":"x"},{"i":8}]`, "7 x, 8 null", "7 x, 8 null"},
		{`[]`, "", ""},
		{``, "", ""},
		{`   `, "bad", ""},
		{`null`, "bad", ""},
		{`9`, "bad", ""},
		{`"s"`, "bad", ""},
		{`{}`, "null null", "null null"},
		{`{"\u0069":10,"a":"esc"}`, "10 esc", "10 esc"},
		{"{\"i\":11,\"a\":\"\xff\xfe\"}", "bad", ""},
		{`{"i":12,"a":"x"}   `, "12 x", "12 x"},
		{"\xef\xbb\xbf" + `{"i":13,"a":"bom"}`, "13 bom", "13 bom"},
		{`{'i':14}`, "bad", ""},
		{`{i:15}`, "bad", ""},
		{`{"i":16,/*c*/"a":"x"}`, "bad", ""},
		{`{"i":19,"a":"x",}`, "bad", ""},
		{`{"i":20 "a":"x"}`, "bad", ""},
		{`{"i":21,"a":{"b":[1,2.50,{"c":1e2,"d":"\u00e9\n"}]}}`, `21 {"b":[1,2.5,{"c":100.0,"d":"é\n"}]}`, `21 {"b":[1,2.5,{"c":100.0,"d":"é\n"}]}`},
		{`[{"i":22},3,{"i":23}]`, "bad", "22 null"},
		{`[[{"i":24}]]`, "bad", ""},
		{`{"I":25,"A":"case"}`, "null null", "null null"},
		{`{"i":26,"a":"x"`, "bad", ""},
		{"{\"i\":27,\"a\":\"\x01\"}", "27 \x01", "27 \x01"},
		{`{"i":28,"a":"\x"}`, "bad", ""},
		{`{"i":29,"a":"x","\ud83d\ude00":1}`, "29 x", "29 x"},
		{`{"i":30,"":1}`, "30 null", "30 null"},
		{"{\"i\":31,\"a\":\"x\",\"z\":\"\xff\"}", "bad", ""},
		{"{\"i\":32,\"a\":\"a\x7f\x00\"}", "32 a\x7f\x00", "32 a\x7f\x00"},
	} {
		for _, first := range []string{"", `{"i":0,"a":""}` + "\n"} {
			for _, lenient := range []string{"false", "true"} {
				b, bad := decode(t, spec(map[string]string{"ignore-parse-errors": lenient}, s), []byte(first+c.in))
				var got []string
				for i := strings.Count(first, "\n"); i < b.Len; i++ {
					text := func(c int) string {
						if b.Cols[c].Null(i) {
							return "null"
						}
						if c == 0 {
							return fmt.Sprint(b.Cols[0].I64[i])
						}
						return string(b.Cols[1].Bytes(i))
					}
					got = append(got, text(0)+" "+text(1))
				}
				line := strings.Join(got, ", ")
				if len(bad) > 0 {
					line += "bad"
				}
				want := c.strict
				if lenient == "true" {
					want = c.lenient
				}
				if line != want {
					t.Errorf("%q, ignore-parse-errors %s: got %q, want %q", first+c.in, lenient, line, want)
				}
			}
		}
	}
}

func TestMissing(t *testing.T) {
	s := types.NewSchema(types.Field{Name: "i", Type: types.IntType}, types.Field{Name: "r", Type: types.RowOf(types.Field{Name: "x", Type: types.IntType})})
	b, bad := decode(t, spec(map[string]string{"fail-on-missing-field": "true"}, s), []byte(`{"i":1,"r":{"x":1}}
{"i":2}
{"i":3,"r":{}}
{"i":4,"r":null}`))
	if b.Len != 2 || len(bad) != 2 || !strings.Contains(bad[0], `"r" is missing`) || !strings.Contains(bad[1], `"x" is missing`) {
		t.Errorf("%d rows, %q", b.Len, bad)
	}
	if _, err := Format.Decoder(spec(map[string]string{"fail-on-missing-field": "true", "ignore-parse-errors": "true"}, s)); err == nil {
		t.Error("both switches are taken")
	}
}

// What is written is read back, in all shapes.
func TestRoundTrip(t *testing.T) {
	ts := slices.DeleteFunc(formattest.Everything(), func(t types.Type) bool { return t.Kind == types.Map }) // random maps have equal keys
	s := formattest.Schema(ts...)
	r := rand.New(rand.NewSource(1))
	b := formattest.Batch(r, s, 1000)
	e, err := Format.Encoder(spec(nil, s))
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := e.Encode(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for i, m := range msgs {
		if !json.Valid(m.Value) {
			t.Fatalf("row %d isn't JSON: %s", i, m.Value)
		}
		text = append(append(text, m.Value...), '\n')
	}
	got, bad := decode(t, spec(nil, s), text)
	if len(bad) > 0 {
		t.Fatal(bad[0])
	}
	have, want := formattest.Rows(s, got), formattest.Rows(s, b)
	for i := range want {
		if have[i] != want[i] {
			t.Fatalf("row %d: %s", i, msgs[i].Value)
		}
	}
}

func TestEncodeOptions(t *testing.T) {
	s := types.NewSchema(types.Field{Name: "d", Type: types.DecimalType(10, 2)}, types.Field{Name: "n", Type: types.IntType}, types.Field{Name: "m", Type: types.MapOf(types.StringType, types.IntType)},
		types.Field{Name: "t", Type: types.TimestampLTZType(3)})
	var b batch.Batch
	b.Reset(s.Types())
	b.Cols[0].I64 = append(b.Cols[0].I64, 10000)
	b.Cols[1].AppendNull(types.IntType, 0)
	b.Cols[2].Str = append(b.Cols[2].Str, batch.NewView(0, 1))
	b.Cols[2].Kids[0].AppendNull(types.StringType, 0)
	b.Cols[2].Kids[1].I64 = append(b.Cols[2].Kids[1].I64, 1)
	b.Cols[3].I64 = append(b.Cols[3].I64, 120_000)
	b.AppendKind(batch.Insert)
	for _, c := range []struct {
		options map[string]string
		want    string
	}{
		{map[string]string{"map-null-key.mode": "DROP"}, `{"d":1E+2,"n":null,"m":{},"t":"1970-01-01 00:00:00.12Z"}`},
		{map[string]string{"map-null-key.mode": "LITERAL", "encode.decimal-as-plain-number": "true", "timestamp-format.standard": "ISO-8601"}, `{"d":100,"n":null,"m":{"null":1},"t":"1970-01-01T00:00:00.12Z"}`},
		{map[string]string{"map-null-key.mode": "LITERAL", "map-null-key.literal": `a"b`, "encode.ignore-null-fields": "true"}, `{"d":1E+2,"m":{"a\"b":1},"t":"1970-01-01 00:00:00.12Z"}`},
		{nil, "error"},
	} {
		e, err := Format.Encoder(spec(c.options, s))
		if err != nil {
			t.Fatal(err)
		}
		msgs, err := e.Encode(&b, nil)
		got := "error"
		if err == nil {
			got = string(msgs[0].Value)
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.options, got, c.want)
		}
	}
}

// alike says that the lines of text are decoded together as each is alone: along
// learned shapes, a field of many lines at a time, as in the exact way.
func alike(t testing.TB, s formats.Spec, text []byte) {
	t.Helper()
	var want, wantBad []string
	for _, line := range bytes.Split(text, []byte{'\n'}) {
		b, bad := decode(t, s, line)
		want, wantBad = append(want, formattest.Rows(s.Schema, b)...), append(wantBad, bad...)
	}
	b, bad := decode(t, s, text)
	got := formattest.Rows(s.Schema, b)
	if len(got) != len(want) || !slices.Equal(bad, wantBad) {
		t.Fatalf("%d rows, %d bad; alone: %d, %d", len(got), len(bad), len(want), len(wantBad))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d is %s, alone %s", i, got[i], want[i])
		}
	}
}

// Lines of a few shapes whose values are of every kind are decoded together as each
// is alone.
func TestBlocks(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	odd := []string{"null", "7", "-7", "007", "1.5", "1e2", "12345678", "123456789012", "99999999999999999999", `""`, `"x"`, `"\u00e9"`, `"é"`, "\"\xff\"", `"2024-02-28 12:34:56.789"`, `"2024-02-28 12:34:56"`,
		`"2024-02-28 12:34:56.7891"`, `"2024-02-28 12:34:56.789Z"`, `"2024-02-30 25:00:00"`, "true", "false", "{}", "[1]", `{"x":1}`, "nul", `"open`, "", " 5", `"5"`}
	usual := map[string]func() string{
		"i": func() string { return fmt.Sprint(rnd.Intn(1 << uint(1+rnd.Intn(30)))) }, "k": func() string { return fmt.Sprint(rnd.Intn(100)) },
		"l": func() string { return fmt.Sprint(rnd.Int63() >> uint(rnd.Intn(60))) }, "s": func() string { return `"` + strings.Repeat("abc ", rnd.Intn(40)) + `"` },
		"d": func() string { return fmt.Sprint(rnd.Float64()) }, "b": func() string { return fmt.Sprint(rnd.Intn(2) == 0) },
		"t": func() string {
			return fmt.Sprintf(`"2024-02-28 %02d:%02d:%02d.%03d"`, rnd.Intn(24), rnd.Intn(60), rnd.Intn(60), rnd.Intn(1000))
		},
		"z": func() string {
			return fmt.Sprintf(`"2024-02-28 %02d:%02d:%02d.%03dZ"`, rnd.Intn(24), rnd.Intn(60), rnd.Intn(60), rnd.Intn(1000))
		},
		"n": func() string { return fmt.Sprintf(`"2024-02-28 12:00:00.%09d"`, rnd.Intn(1e9)) }, "a": func() string { return fmt.Sprintf("[%d,%d]", rnd.Intn(9), rnd.Intn(9)) },
		"unread": func() string { return fmt.Sprintf(`{"x":%d}`, rnd.Intn(9)) }, "unread too": func() string { return `"text"` },
	}
	schema := types.NewSchema(types.Field{Name: "i", Type: types.IntType}, types.Field{Name: "k", Type: types.TinyIntType}, types.Field{Name: "l", Type: types.BigIntType}, types.Field{Name: "s", Type: types.StringType},
		types.Field{Name: "d", Type: types.DoubleType}, types.Field{Name: "b", Type: types.BooleanType}, types.Field{Name: "t", Type: types.TimestampType(3)}, types.Field{Name: "z", Type: types.TimestampLTZType(3)},
		types.Field{Name: "n", Type: types.TimestampType(9)}, types.Field{Name: "a", Type: types.ArrayOf(types.IntType)})
	keys := slices.Sorted(maps.Keys(usual))
	for round := range 150 {
		shapes := make([][]string, 1+rnd.Intn(3))
		for i := range shapes {
			rnd.Shuffle(len(keys), func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
			shapes[i] = append([]string(nil), keys[:1+rnd.Intn(len(keys))]...)
		}
		rare, switches := 1+rnd.Intn(2000), 1+rnd.Intn(300)
		shape := shapes[0]
		var text []byte
		for range 400 {
			if rnd.Intn(switches) == 0 {
				shape = shapes[rnd.Intn(len(shapes))]
			}
			for i, k := range shape {
				value := usual[k]()
				if rnd.Intn(rare) == 0 {
					value = odd[rnd.Intn(len(odd))]
				}
				text = fmt.Appendf(text, "%c%q:%s", "{,"[min(i, 1)], k, value)
			}
			text = append(text, "}\n"...)
		}
		alike(t, spec(map[string]string{"ignore-parse-errors": fmt.Sprint(round%2 == 0)}, schema), text)
	}
}

// A line is decoded the same among others and alone, whatever it holds.
func FuzzJSON(f *testing.F) {
	f.Add([]byte("{\"i\":1,\"s\":\"x\",\"d\":1.5,\"b\":true}\n{\"i\":12345678,\"s\":\"\",\"d\":2,\"b\":null}\n{\"i\":null,\"s\":\"é\",\"d\":-0,\"b\":false}"), true)
	f.Add([]byte("{\"t\":\"2024-02-28 12:34:56.789\",\"s\":\"x\"}\n{\"t\":\"2024-02-28 12:34:56\",\"s\":\"y\"}\n{\"t\":\"2024-02-28 12:34:5\",\"s\":\"y"), false)
	for _, s := range []string{`{"i":1,"s":"x","d":1.5,"t":"2020-01-01 00:00:00","a":[1,null],"m":{"k":"v"},"r":{"x":1}}`, `{"i":"1","s":{"a":[1e5]},"d":"NaN","t":null,"b":true}`,
		`[{"i":1},{"i":2}]`, `{"s":"\ud83d\ude00\u00e9\n","m":{"a":1,"a":2}}`, "{\"s\":\"\xff\"}", `{"i":99999999999999999999,"d":1e999}`, `{"a":[[[[]]]]}`} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	schema := types.NewSchema(types.Field{Name: "i", Type: types.IntType}, types.Field{Name: "s", Type: types.StringType}, types.Field{Name: "d", Type: types.DoubleType},
		types.Field{Name: "t", Type: types.TimestampType(3)}, types.Field{Name: "a", Type: types.ArrayOf(types.StringType)}, types.Field{Name: "m", Type: types.MapOf(types.StringType, types.StringType)},
		types.Field{Name: "r", Type: types.RowOf(types.Field{Name: "x", Type: types.DecimalType(10, 2)})}, types.Field{Name: "b", Type: types.BooleanType})
	f.Fuzz(func(t *testing.T, text []byte, lenient bool) {
		s := spec(map[string]string{"ignore-parse-errors": fmt.Sprint(lenient)}, schema)
		alike(t, s, text)
		alike(t, s, bytes.Repeat(append(text, '\n'), 3))
		text, _, _ = bytes.Cut(text, []byte{'\n'})
		once, _ := decode(t, s, text)
		one := formattest.Rows(schema, once)
		if len(one) == 1 && text[0] == '{' && json.Valid(text) == false && !bytes.Contains(text, []byte{'}'}) {
			t.Fatal("an unfinished object is read")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := `{"auction":1047,"bidder":2001,"price":39210,"channel":"channel-4711","url":"https://www.nexmark.com/abc/def/ghi/item.htm?query=1","dateTime":"2015-07-15 00:00:00.123","extra":"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"}` + "\n"
	text := []byte(strings.Repeat(line, 1000))
	s := spec(nil, types.NewSchema(types.Field{Name: "auction", Type: types.BigIntType}, types.Field{Name: "bidder", Type: types.BigIntType}, types.Field{Name: "price", Type: types.BigIntType},
		types.Field{Name: "channel", Type: types.StringType}, types.Field{Name: "url", Type: types.StringType}, types.Field{Name: "dateTime", Type: types.TimestampType(3)}, types.Field{Name: "extra", Type: types.StringType}))
	in := formats.Input{Block: text}
	for i := range 1000 {
		in.Messages = append(in.Messages, formats.Message{Value: text[i*len(line) : (i+1)*len(line)-1], At: i * len(line)})
	}
	run := func(b *testing.B, s formats.Spec) {
		d, err := Format.Decoder(s)
		if err != nil {
			b.Fatal(err)
		}
		ts := s.Schema.Types()
		var out batch.Batch
		b.ReportAllocs()
		b.SetBytes(int64(len(line)))
		for n := 0; n < b.N; n += 1000 { // ns/op is per row
			out.Reset(ts)
			if err := d.Decode(in, &out, func(_ formats.Message, err error) error { return err }); err != nil || out.Len != 1000 {
				b.Fatal(err, out.Len)
			}
		}
	}
	b.Run("all", func(b *testing.B) { run(b, s) })
	two := s
	two.Schema = s.Schema.Select([]int{0, 2})
	b.Run("two", func(b *testing.B) { run(b, two) })
}

func BenchmarkEncode(b *testing.B) {
	s := types.NewSchema(types.Field{Name: "auction", Type: types.BigIntType}, types.Field{Name: "price", Type: types.BigIntType}, types.Field{Name: "url", Type: types.StringType}, types.Field{Name: "dateTime", Type: types.TimestampType(3)})
	rows := formattest.Batch(rand.New(rand.NewSource(1)), s, batch.MaxRows)
	e, err := Format.Encoder(spec(nil, s))
	if err != nil {
		b.Fatal(err)
	}
	var msgs []formats.Message
	b.ReportAllocs()
	for n := 0; n < b.N; n += batch.MaxRows { // ns/op is per row
		if msgs, err = e.Encode(rows, msgs[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
