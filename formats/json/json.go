// Package json is objects of JSON, one a message, with Flink's coercions.
//
// A Reader decodes objects into the columns of a row. It learns in which order
// keys come: predict.go runs along a shape it has seen, comparing the text between
// values and converting each value where it lies, with strings as views of the
// block. A row of another shape takes the exact way (value.go), which reads any
// JSON and leaves its shape behind. Both convert what isn't the plain form of a
// type by the same code. A Printer (encode.go) writes objects. The change formats
// (debezium-json and its like) are built on both; start with decode.go.
package json

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Format is json.
var Format = &formats.Format{
	Name: "json", Doc: "A JSON object a message.", Lines: true,
	Options: append([]formats.Option{
		{Name: "fail-on-missing-field", Type: formats.BoolOption, Default: "false", Doc: "A field that isn't there is an error; otherwise it is NULL."},
		{Name: "decode.json-parser.enabled", Type: formats.BoolOption, Default: "true", Doc: "Reading: false gives the text of a number in a STRING column as Java prints it."},
	}, Options()...),
	Decoder: func(s formats.Spec) (formats.Decoder, error) {
		r, err := NewReader(s.Schema, s.Options)
		if err != nil {
			return nil, err
		}
		return &decoder{Reader: r}, nil
	},
	Encoder: func(s formats.Spec) (formats.Encoder, error) {
		p, err := NewPrinter(s.Schema, s.Options)
		return &encoder{Printer: p}, err
	},
}

// Options are those that every format made of JSON shares.
func Options() []formats.Option {
	return []formats.Option{
		{Name: "ignore-parse-errors", Type: formats.BoolOption, Default: "false", Doc: "A bad field is NULL, a bad message is left out."},
		{Name: "timestamp-format.standard", Type: formats.EnumOption, Default: "SQL", Enum: []string{"SQL", "ISO-8601"}, Doc: "2020-01-01 10:00:00 or 2020-01-01T10:00:00."},
		{Name: "map-null-key.mode", Type: formats.EnumOption, Default: "FAIL", Enum: []string{"FAIL", "DROP", "LITERAL"}, Doc: "Writing: what a NULL key of a MAP becomes."},
		{Name: "map-null-key.literal", Default: "null", Doc: "Writing: the key for LITERAL."},
		{Name: "encode.decimal-as-plain-number", Type: formats.BoolOption, Default: "false", Doc: "Writing: never 1E+2."},
		{Name: "encode.ignore-null-fields", Type: formats.BoolOption, Default: "false", Doc: "Writing: leave NULL fields out."},
	}
}

// supported refuses types that have no form in JSON, in Flink's words.
func supported(t types.Type) error {
	switch t.Kind {
	case types.Variant, types.Raw, types.Bitmap, types.Structured, types.Symbol, types.Descriptor:
		return fmt.Errorf("json doesn't support type %s", t.Nullable())
	}
	for _, k := range t.KidTypes() {
		if err := supported(k); err != nil {
			return err
		}
	}
	return nil
}

func isISO(v formats.Values) bool {
	return strings.EqualFold(v.String("timestamp-format.standard"), "ISO-8601")
}
