package cdcjson

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

var products = types.NewSchema(types.Field{Name: "id", Type: types.IntType}, types.Field{Name: "name", Type: types.StringType}, types.Field{Name: "weight", Type: types.DecimalType(10, 3)})

func decode(t testing.TB, f *formats.Format, s formats.Spec, text []byte) (out *batch.Batch, bad []string) {
	if s.Options.Declared = f.Options; s.Session == nil {
		s.Session = types.NewSession(func() time.Time { return time.UnixMilli(0) })
	}
	d, err := f.Decoder(s)
	if err != nil {
		t.Fatal(err)
	}
	var in formats.Input
	for _, line := range bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'}) {
		in.Messages = append(in.Messages, formats.Message{Value: line})
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

func lines(s *types.Schema, b *batch.Batch) (out []string) {
	for i := range b.Len {
		row := ""
		for c, f := range s.Fields {
			row += fmt.Sprintf(",%q:", f.Name) + string(changelogjson.AppendJSON(nil, f.Type, &b.Cols[c], i, nil))
		}
		out = append(out, fmt.Sprintf(`{"op":"%s","row":{%s}}`, b.Kind(i), row[1:]))
	}
	return out
}

// Messages are read and written as Flink 2.3 does.
func TestAgainstFlink(t *testing.T) {
	dir := "../../tests/flink/cdc/"
	file := func(name string) []byte {
		b, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var changes *batch.Batch
	for _, f := range []*formats.Format{Debezium, Canal, Maxwell, Ogg} {
		name := strings.TrimSuffix(f.Name, "-json")
		spec := formats.Spec{Schema: products, Full: products}
		b, bad := decode(t, f, spec, file(name+".json"))
		if len(bad) > 0 {
			t.Fatalf("%s: %s", name, bad)
		}
		got, want := strings.Join(lines(products, b), "\n"), strings.TrimSpace(string(file(name+".answer")))
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		if changes == nil {
			changes = b
		}
		spec.Options.Declared = f.Options
		e, err := f.Encoder(spec)
		if err != nil {
			t.Fatal(err)
		}
		msgs, err := e.Encode(changes, nil)
		if err != nil {
			t.Fatal(err)
		}
		written := ""
		for _, m := range msgs {
			written += string(m.Value) + "\n"
		}
		if want := string(file(name + ".written")); written != want {
			t.Errorf("%s writes\n%s\nwant\n%s", name, written, want)
		}
		// a column alone, and what was written read again
		one := products.Select([]int{2})
		b, bad = decode(t, f, formats.Spec{Schema: one, Full: products}, []byte(written))
		if len(bad) > 0 || b.Len != changes.Len {
			t.Errorf("%s: %d rows of %d, %s", name, b.Len, changes.Len, bad)
		}
	}
}

func TestMetadata(t *testing.T) {
	for _, c := range []struct {
		f       *formats.Format
		options map[string]string
		message string
		want    map[string]string
	}{
		{Debezium, map[string]string{"schema-include": "true"},
			`{"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":1},"op":"c","ts_ms":1500,"source":{"ts_ms":1000,"db":"d","schema":"s","table":"t","n":5,"x":null}}}`,
			map[string]string{"schema": `"{\"type\":\"struct\"}"`, "ingestion-timestamp": `"1970-01-01 00:00:01.500Z"`, "source.timestamp": `"1970-01-01 00:00:01.000Z"`,
				"source.database": `"d"`, "source.schema": `"s"`, "source.table": `"t"`, "source.properties": `{"ts_ms":"1000","db":"d","schema":"s","table":"t","n":"5","x":null}`}},
		{Debezium, nil, `{"before":null,"after":{"id":1},"op":"c"}`, map[string]string{"ingestion-timestamp": `null`, "source.timestamp": `null`, "source.properties": `null`}},
		{Canal, nil, `{"data":[{"id":"1"}],"type":"INSERT","database":"d","table":"t","sqlType":{"id":4},"pkNames":["id"],"ts":1500,"es":1000}`,
			map[string]string{"database": `"d"`, "table": `"t"`, "sql-type": `{"id":4}`, "pk-names": `["id"]`, "ingestion-timestamp": `"1970-01-01 00:00:01.500Z"`, "event-timestamp": `"1970-01-01 00:00:01.000Z"`}},
		{Maxwell, nil, `{"data":{"id":1},"type":"insert","database":"d","table":"t","primary_key_columns":["a","b"],"ts":1500}`,
			map[string]string{"database": `"d"`, "table": `"t"`, "primary-key-columns": `["a","b"]`, "ingestion-timestamp": `"1970-01-01 00:00:01.500Z"`}},
		{Ogg, nil, `{"after":{"id":1},"op_type":"I","table":"t","primary_keys":["a"],"current_ts":"2020-01-01 00:00:00.5","op_ts":"2020-01-01T00:00:00.000001Z"}`,
			map[string]string{"table": `"t"`, "primary-keys": `["a"]`, "ingestion-timestamp": `"2020-01-01 00:00:00.500000Z"`, "event-timestamp": `"2020-01-01 00:00:00.000001Z"`}},
	} {
		s := types.NewSchema(types.Field{Name: "id", Type: types.IntType})
		spec := formats.Spec{Options: formats.Values{Set: c.options}}
		for name := range c.want {
			s.Fields = append(s.Fields, types.Field{Name: name, Type: c.f.Metadata[name]})
			spec.Meta = append(spec.Meta, name)
		}
		spec.Schema, spec.Full = s, s.Select([]int{0})
		b, bad := decode(t, c.f, spec, []byte(c.message))
		if len(bad) > 0 || b.Len != 1 {
			t.Fatalf("%s: %s", c.f.Name, bad)
		}
		for k, name := range spec.Meta {
			if got := string(changelogjson.AppendJSON(nil, s.Fields[k+1].Type, &b.Cols[k+1], 0, nil)); got != c.want[name] {
				t.Errorf("%s: %s is %s, want %s", c.f.Name, name, got, c.want[name])
			}
		}
	}
}

func TestBad(t *testing.T) {
	for _, c := range []struct {
		f             *formats.Format
		message, want string
	}{
		{Debezium, `{"before":null,"after":{"id":1},"op":"z"}`, `Unknown "op" value "z"`},
		{Debezium, `{"before":null,"after":{"id":1},"op":"u"}`, `The "before" field of UPDATE message is null`},
		{Debezium, `{"after":{"id":1},"op":"d"}`, `The "before" field of DELETE message is null`},
		{Debezium, `{"after":{"id":"x"},"op":"c"}`, `field "id"`},
		{Debezium, `{"before":{"id":1},"after":{"id":"x"},"op":"u"}`, `field "id"`},
		{Debezium, `{"after":{"id":1},"op":"c"`, "not valid JSON"},
		{Debezium, `[]`, "expected a JSON object"},
		{Debezium, `{}`, `no "op"`},
		{Canal, `{"data":[{"id":1}],"type":"ALTER"}`, `Unknown "type" value "ALTER"`},
		{Canal, `{"data":[{"id":1},{"id":2}],"old":[{}],"type":"UPDATE"}`, `has 2 rows and "old" 1`},
		{Maxwell, `{"data":{"id":1},"type":"bootstrap-insert"}`, `Unknown "type" value`},
		{Ogg, `{"op_type":"T"}`, `Unknown "op_type" value "T"`},
	} {
		good := map[*formats.Format]string{Debezium: `{"after":{"id":7},"op":"c"}`, Canal: `{"data":[{"id":7}],"type":"INSERT"}`, Maxwell: `{"data":{"id":7},"type":"insert"}`, Ogg: `{"after":{"id":7},"op_type":"I"}`}[c.f]
		text := []byte(good + "\n" + c.message + "\n" + good)
		for _, lenient := range []string{"false", "true"} {
			if lenient == "true" && strings.Contains(c.want, "field \"id\"") {
				continue // a bad field is NULL
			}
			b, bad := decode(t, c.f, formats.Spec{Schema: products, Full: products, Options: formats.Values{Set: map[string]string{"ignore-parse-errors": lenient}}}, text)
			if b.Len != 2 || b.Kinds != nil && len(b.Kinds) != 2 {
				t.Errorf("%s: %d rows", c.message, b.Len)
			}
			if lenient == "false" && (len(bad) != 1 || !strings.Contains(bad[0], c.want)) || lenient == "true" && len(bad) > 0 {
				t.Errorf("%s: %q, want %q", c.message, bad, c.want)
			}
		}
	}
}

func TestCanalFilter(t *testing.T) {
	text := []byte(`{"data":[{"id":1}],"type":"INSERT","database":"a1","table":"t"}
{"data":[{"id":2}],"type":"INSERT","database":"b","table":"t"}
{"data":[{"id":3}],"type":"INSERT","database":"a","table":"u"}
{"data":[{"id":4}],"type":"INSERT"}`)
	b, _ := decode(t, Canal, formats.Spec{Schema: products, Full: products, Options: formats.Values{Set: map[string]string{"database.include": "a.*", "table.include": "t"}}}, text)
	if b.Len != 1 || b.Cols[0].I64[0] != 1 {
		t.Errorf("%d rows", b.Len)
	}
}

func FuzzEvents(f *testing.F) {
	for _, name := range []string{"debezium", "canal", "maxwell", "ogg"} {
		text, err := os.ReadFile("../../tests/flink/cdc/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		for _, l := range bytes.Split(text, []byte{'\n'}) {
			f.Add(l)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range Formats() {
			for _, o := range []map[string]string{nil, {"ignore-parse-errors": "true"}} {
				spec := formats.Spec{Full: products, Options: formats.Values{Set: o}, Schema: &types.Schema{Fields: append([]types.Field{}, products.Fields...)}}
				for name, mt := range format.Metadata {
					if name != "schema" {
						spec.Meta = append(spec.Meta, name)
						spec.Schema.Fields = append(spec.Schema.Fields, types.Field{Name: name, Type: mt})
					}
				}
				b, _ := decode(t, format, spec, text)
				formattest.Rows(spec.Schema, b)
			}
		}
	})
}
