// Package json is lines of JSON objects, inserts only.
package json

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/changelogjson"
)

// Format is json.
var Format = &formats.Format{
	Name: "json", Doc: "One JSON object a line.", Lines: true,
	Options: []formats.Option{
		{Name: "ignore-parse-errors", Type: formats.BoolOption, Default: "false", Doc: "leave rows out that can't be decoded"},
		{Name: "fail-on-missing-field", Type: formats.BoolOption, Default: "false", Doc: "a field that isn't there fails the row"},
		{Name: "timestamp-format.standard", Type: formats.EnumOption, Default: "SQL", Enum: []string{"SQL", "ISO-8601"}, Doc: "how timestamps are written"},
	},
	Decoder: func(s formats.Spec) (formats.Decoder, error) { return &decoder{spec: s}, nil },
	Encoder: func(s formats.Spec) (formats.Encoder, error) { return &encoder{spec: s}, nil },
}

type decoder struct{ spec formats.Spec }

func (d *decoder) Decode(in formats.Input, to *batch.Batch, bad func(formats.Message, error) error) error {
	for i, m := range in.Messages {
		in.Begin(i, to.Len)
		if len(bytes.TrimSpace(m.Value)) == 0 {
			continue
		}
		var row map[string]json.RawMessage
		err := json.Unmarshal(m.Value, &row)
		if err == nil && d.spec.Options.Bool("fail-on-missing-field") {
			for _, f := range d.spec.Schema.Fields {
				if _, ok := row[f.Name]; !ok {
					err = fmt.Errorf("field %q is missing", f.Name)
				}
			}
		}
		if err == nil {
			err = changelogjson.AppendRow(to, d.spec.Schema, row, batch.Insert)
		}
		if err != nil && !d.spec.Options.Bool("ignore-parse-errors") {
			if err := bad(m, err); err != nil {
				return err
			}
		}
	}
	return nil
}

type encoder struct {
	spec formats.Spec
	buf  []byte
}

func (e *encoder) Encode(b *batch.Batch, to []formats.Message) ([]formats.Message, error) {
	e.buf = e.buf[:0]
	for k := 0; k < b.Rows(); k++ {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		from := len(e.buf)
		e.buf = append(e.buf, '{')
		for c, f := range e.spec.Schema.Fields {
			if c > 0 {
				e.buf = append(e.buf, ',')
			}
			e.buf = append(changelogjson.AppendString(e.buf, f.Name), ':')
			e.buf = changelogjson.AppendJSON(e.buf, f.Type, &b.Cols[c], i, e.spec.Session)
		}
		e.buf = append(e.buf, '}')
		to = append(to, formats.Message{Value: append([]byte(nil), e.buf[from:]...)})
	}
	return to, nil
}
