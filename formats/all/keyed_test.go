package all

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

func table(key, value string) formats.Table {
	bind := func(name string) (*formats.Format, formats.Spec) {
		f := Lookup(name)
		if f == nil {
			return nil, formats.Spec{}
		}
		return f, formats.Spec{Options: formats.Values{Set: map[string]string{}, Declared: f.Options}}
	}
	t := formats.Table{}
	t.KeyFormat, t.KeySpec = bind(key)
	t.Format, t.Spec = bind(value)
	return t
}

var columns = types.NewSchema(
	types.Field{Name: "k_id", Type: types.IntType}, types.Field{Name: "v", Type: types.StringType}, types.Field{Name: "k_n", Type: types.StringType})

// rows prints what was decoded: kind, columns, message.
func rows(b *batch.Batch, s *types.Schema, origin []int32) string {
	var out []string
	for i := 0; i < b.Len; i++ {
		line := b.Kind(i).String()
		for c, f := range s.Fields {
			switch v := &b.Cols[c]; {
			case v.Null(i):
				line += " null"
			case f.Type.Layout() == types.LayoutBytes:
				line += " " + string(v.Bytes(i))
			default:
				line += fmt.Sprint(" ", v.I64[i])
			}
		}
		out = append(out, fmt.Sprint(line, " <", origin[i]))
	}
	return strings.Join(out, "\n")
}

func TestKeyedDecoder(t *testing.T) {
	messages := []formats.Message{
		{Key: []byte("1,a"), Value: []byte(`{"v":"x"}`)},
		{Key: []byte("2,b"), Value: []byte(`{"v":`)}, // a bad value
		{Key: []byte("3"), Value: []byte(`{"v":"y"}`)},
		{Value: []byte(`{"v":"no key"}`)},
		{Key: []byte("4,d")},
		{Key: []byte("5,e"), Value: []byte(`{"v":null}`)},
	}
	meta := append(append([]types.Field{}, columns.Fields[2], columns.Fields[1], columns.Fields[0]), types.Field{Name: "offset", Type: types.BigIntType})
	schema := types.NewSchema(meta...)
	for _, c := range []struct {
		keyed formats.Keyed
		want  string
		bad   int
	}{
		{formats.Keyed{Fields: []string{"k_id", "k_n"}, Prefix: "k_", ExceptKey: true}, "+I a x 1 <0\n+I e null 5 <5", 2},
		{formats.Keyed{Fields: []string{"k_id", "k_n"}, Prefix: "k_", ExceptKey: true, Upsert: true}, "+U a x 1 <0\n-D d null 4 <4\n+U e null 5 <5", 2},
	} {
		d, err := formats.NewKeyedDecoder(table("csv", "json"), c.keyed, schema, columns, []string{"offset"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			bad := 0
			b, origin, err := d.Decode(formats.Input{Messages: messages}, func(m formats.Message, err error) error { bad++; return nil })
			if err != nil {
				t.Fatal(err)
			}
			for i := range origin {
				b.Cols[3].I64[i] = int64(origin[i])
			}
			got := rows(b, types.NewSchema(meta[:3]...), origin)
			if got != c.want || bad != c.bad {
				t.Errorf("upsert %v: got\n%s\nwant\n%s\n%d bad", c.keyed.Upsert, got, c.want, bad)
			}
		}
	}
}

// The value has the key's columns too: the value's count.
func TestKeyedDecoderAll(t *testing.T) {
	k := formats.Keyed{Fields: []string{"k_id"}, Upsert: true}
	d, err := formats.NewKeyedDecoder(table("raw", "json"), k, columns, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, origin, err := d.Decode(formats.Input{Messages: []formats.Message{
		{Key: []byte{0, 0, 0, 1}, Value: []byte(`{"k_id":7,"v":"x","k_n":"n"}`)}, {Key: []byte{0, 0, 0, 2}},
	}}, func(m formats.Message, err error) error { return err })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(b, columns, origin), "+U 7 x n <0\n-D 2 null null <1"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestKeyedEncoder(t *testing.T) {
	var b batch.Batch
	b.Reset(columns.Types())
	for i, k := range []batch.Kind{batch.Insert, batch.UpdateAfter, batch.Delete} {
		b.Cols[0].I64 = append(b.Cols[0].I64, int64(i))
		for _, c := range []int{1, 2} {
			b.Cols[c].Str = append(b.Cols[c].Str, 0)
			b.Cols[c].SetString(i, string(rune('a'+i)))
		}
		b.AppendKind(k)
	}
	for _, c := range []struct {
		keyed formats.Keyed
		key   string
		want  string
	}{
		{formats.Keyed{Fields: []string{"k_n", "k_id"}, Prefix: "k_", ExceptKey: true, Upsert: true}, "json",
			`{"n":"a","id":0}={"v":"a"} {"n":"b","id":1}={"v":"b"} {"n":"c","id":2}=nil`},
		{formats.Keyed{}, "", `nil={"k_id":0,"v":"a","k_n":"a"} nil={"k_id":1,"v":"b","k_n":"b"} nil={"k_id":2,"v":"c","k_n":"c"}`},
	} {
		e, err := formats.NewKeyedEncoder(table(c.key, "json"), c.keyed, columns)
		if err != nil {
			t.Fatal(err)
		}
		msgs, err := e.Encode(&b, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		text := func(b []byte) string {
			if b == nil {
				return "nil"
			}
			return string(b)
		}
		for _, m := range msgs {
			got = append(got, text(m.Key)+"="+text(m.Value))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

func TestKeyedRefusals(t *testing.T) {
	for _, c := range []struct {
		key   string
		keyed formats.Keyed
		want  string
	}{
		{"", formats.Keyed{Fields: []string{"v"}}, "'key.fields' can only be declared if"},
		{"json", formats.Keyed{}, "requires the declaration of one or more of key fields"},
		{"json", formats.Keyed{Fields: []string{"v"}, Prefix: "k_"}, "A key prefix is not allowed"},
		{"json", formats.Keyed{Fields: []string{"v"}, Prefix: "k_", ExceptKey: true}, "is not prefixed"},
		{"json", formats.Keyed{Fields: []string{"w"}}, "Could not find the field 'w'"},
		{"", formats.Keyed{Upsert: true}, "key.format"},
	} {
		_, err := formats.NewKeyedDecoder(table(c.key, "json"), c.keyed, columns, columns, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.keyed, err)
		}
	}
}
