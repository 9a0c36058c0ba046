package changelogjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Format is changelog-json.
var Format = &formats.Format{
	Name: "changelog-json", Own: true, Instead: "; debezium-json carries changes too",
	Doc: "One change a line, {\"op\":\"+I\",\"row\":{...}}.",
	Options: []formats.Option{
		{Name: "mode", Type: formats.EnumOption, Default: "retract", Enum: []string{"insert", "retract", "upsert"}, Doc: "the kinds a line may have"},
		{Name: "key-only-deletes", Type: formats.BoolOption, Default: "false", Doc: "a -D carries the key alone"},
	},
	Changes: func(v formats.Values) batch.Changes {
		switch v.String("mode") {
		case "insert":
			return batch.Changes{Kinds: batch.InsertOnly}
		case "upsert":
			return batch.Changes{Kinds: batch.Upsert, DeletesByKey: v.Bool("key-only-deletes")}
		}
		return batch.Changes{Kinds: batch.All}
	},
	Decoder: func(s formats.Spec) (formats.Decoder, error) { return &decoder{spec: s, ts: s.Schema.Types()}, nil },
	Encoder: func(s formats.Spec) (formats.Encoder, error) { return &encoder{spec: s}, nil },
	Lines:   true,
}

type decoder struct {
	spec formats.Spec
	ts   []types.Type
}

type line struct {
	Op  string                     `json:"op"`
	Row map[string]json.RawMessage `json:"row"`
}

func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		if len(bytes.TrimSpace(m.Value)) == 0 {
			continue
		}
		var l line
		err := json.Unmarshal(m.Value, &l)
		kind, ok := batch.ParseKind(l.Op)
		if err == nil && !ok {
			err = fmt.Errorf("%q is no row kind", l.Op)
		}
		if err == nil {
			err = AppendRow(to, d.spec.Schema, l.Row, kind)
		}
		if err != nil {
			if err := bad(m, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// AppendRow appends a row of the schema's columns from a JSON object; a column
// that isn't there is NULL. On an error nothing is appended.
func AppendRow(to *batch.Batch, schema *types.Schema, row map[string]json.RawMessage, kind batch.Kind) error {
	for c, f := range schema.Fields {
		raw, ok := row[f.Name]
		if !ok {
			to.Cols[c].AppendNull(f.Type, to.Len)
			continue
		}
		if err := appendValue(&to.Cols[c], f.Type, to.Len, raw); err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
	}
	to.AppendKind(kind)
	return nil
}

// appendValue appends one JSON value to v, which has n rows.
func appendValue(v *batch.Vector, t types.Type, n int, raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		v.AppendNull(t, n)
		return nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	wrong := func() error { return fmt.Errorf("%s isn't a %s", raw, t.Nullable().Plain()) }
	switch t.Kind {
	case types.Boolean:
		x, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return wrong()
		}
		v.I64 = append(v.I64[:n], map[bool]int64{true: 1}[x])
	case types.TinyInt, types.SmallInt, types.Int, types.BigInt:
		x, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong()
		}
		v.I64 = append(v.I64[:n], x)
	case types.Decimal:
		x, ok := types.ParseDecimal([]byte(text), t.Length, t.Scale)
		if !ok {
			return wrong()
		}
		if v.I64 = append(v.I64[:n], int64(x.Lo)); t.Length > 18 {
			v.Hi = append(v.Hi[:n], x.Hi)
		}
	case types.Float, types.Double:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return wrong()
		}
		if t.Kind == types.Float {
			x = batch.Float32(x)
		}
		v.F64 = append(v.F64[:n], x)
	case types.Date:
		x, ok := types.ParseDate([]byte(text))
		if !ok {
			return wrong()
		}
		v.I64 = append(v.I64[:n], x)
	case types.Time:
		x, ok := types.ParseTime([]byte(text))
		if !ok {
			return wrong()
		}
		v.I64 = append(v.I64[:n], x)
	case types.Timestamp, types.TimestampLTZ:
		m, ns, ok := types.ParseTimestamp([]byte(strings.TrimSuffix(text, "Z")))
		if !ok {
			return wrong()
		}
		if v.I64 = append(v.I64[:n], m); t.Length > 6 {
			v.Hi = append(v.Hi[:n], int64(ns))
		}
	case types.Binary, types.VarBinary:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return wrong()
		}
		appendBytes(v, n, b)
	case types.Array, types.Map, types.Multiset:
		return appendList(v, t, n, raw)
	case types.Row, types.Structured:
		var obj map[string]json.RawMessage
		if err := json.Unmarshal(raw, &obj); err != nil {
			return wrong()
		}
		for k, f := range t.Fields {
			if err := appendValue(&v.Kids[k], f.Type, n, obj[f.Name]); err != nil {
				return err
			}
		}
	default:
		appendBytes(v, n, []byte(text))
	}
	v.SetValid(n)
	return nil
}

func appendBytes(v *batch.Vector, n int, b []byte) {
	off := len(v.Buf)
	v.Buf = append(v.Buf, b...)
	v.Str = append(v.Str[:n], batch.NewView(off, len(b)))
}

func appendList(v *batch.Vector, t types.Type, n int, raw json.RawMessage) error {
	kt := t.KidTypes()
	first := v.Kids[0].Size(kt[0])
	var pairs [][]json.RawMessage
	if t.Kind == types.Array {
		var elems []json.RawMessage
		if err := json.Unmarshal(raw, &elems); err != nil {
			return err
		}
		for _, e := range elems {
			pairs = append(pairs, []json.RawMessage{e})
		}
	} else if err := mapPairs(raw, &pairs); err != nil {
		return err
	}
	for i, p := range pairs {
		if len(p) != len(kt) {
			return fmt.Errorf("%s isn't a list of pairs", raw)
		}
		for k := range kt {
			if err := appendValue(&v.Kids[k], kt[k], first+i, p[k]); err != nil {
				return err
			}
		}
	}
	v.Str = append(v.Str[:n], batch.NewView(first, len(pairs)))
	v.SetValid(n)
	return nil
}

// mapPairs reads an object in its order, or {"$map":[[k,v],...]}.
func mapPairs(raw json.RawMessage, pairs *[][]json.RawMessage) error {
	var special struct {
		Map [][]json.RawMessage `json:"$map"`
	}
	if bytes.Contains(raw, []byte(`"$map"`)) {
		if err := json.Unmarshal(raw, &special); err == nil && special.Map != nil {
			*pairs = special.Map
			return nil
		}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("%s isn't an object", raw)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var val json.RawMessage
		if err := dec.Decode(&val); err != nil {
			return err
		}
		k, _ := json.Marshal(key)
		*pairs = append(*pairs, []json.RawMessage{k, val})
	}
	return nil
}
