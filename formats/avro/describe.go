package avro

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Describe makes columns of a record's schema: a union with null may be NULL. What is an
// instant becomes TIMESTAMP_LTZ, which wants the mapping of timestamps that isn't Flink's
// old one.
func Describe(s *Schema) (*formats.Described, error) {
	if t, _ := unwrap(s); t != nil { // Flink writes a union of null and the record
		s = t
	}
	if s.Type != "record" {
		return nil, fmt.Errorf("avro: the schema is %s, not a record", s.shown())
	}
	d := &describer{out: &formats.Described{}, open: []*Schema{s}}
	for _, f := range s.Fields {
		t, err := d.column(f.Type)
		if err != nil {
			d.out.Left = append(d.out.Left, fmt.Sprintf("field %q: %v", f.Name, err))
			continue
		}
		d.out.Fields = append(d.out.Fields, types.Field{Name: f.Name, Type: t})
	}
	if d.times {
		d.out.Options = []string{"timestamp_mapping.legacy", "false"}
	}
	return d.out, nil
}

// unwrap is the only branch of a union that isn't null, and whether null is one; nil for
// several. Another schema is its own.
func unwrap(s *Schema) (only *Schema, null bool) {
	if s.Type != "union" {
		return s, s.Type == "null"
	}
	for _, b := range s.Branches {
		switch {
		case b.Type == "null":
			null = true
		case only != nil:
			return nil, null
		default:
			only = b
		}
	}
	return only, null
}

type describer struct {
	out   *formats.Described
	open  []*Schema // records that the one at hand lies in
	times bool
	parts int // types made so far: a record that is used often is spelt out each time
}

// maxParts is how many types a table may be made of.
const maxParts = 100_000

func (d *describer) column(s *Schema) (types.Type, error) {
	if d.parts++; d.parts > maxParts {
		return types.Type{}, errors.New("the schema is too large")
	}
	only, null := unwrap(s)
	if only == nil {
		var names []string
		for _, b := range s.Branches {
			names = append(names, b.shown())
		}
		return types.Type{}, fmt.Errorf("it is one of %s", strings.Join(names, ", "))
	}
	t, err := d.present(only)
	return t.WithNull(null), err
}

func (d *describer) present(s *Schema) (types.Type, error) {
	if len(d.open) > maxDepth {
		return types.Type{}, errDeep
	}
	switch s.Type {
	case "boolean":
		return types.BooleanType, nil
	case "int", "long":
		return d.number(s), nil
	case "float":
		return types.FloatType, nil
	case "double":
		return types.DoubleType, nil
	case "string", "enum":
		return types.StringType, nil
	case "bytes", "fixed":
		if s.Logical == "decimal" && s.Precision > 38 {
			return types.Type{}, fmt.Errorf("it is a decimal of %d digits", s.Precision)
		}
		if s.Logical == "decimal" {
			return types.DecimalType(s.Precision, s.Scale), nil
		}
		return types.BytesType, nil
	case "array":
		t, err := d.column(s.Items)
		return types.ArrayOf(t), err
	case "map":
		t, err := d.column(s.Items)
		return types.MapOf(types.StringType, t), err
	case "record":
		if slices.Contains(d.open, s) {
			return types.Type{}, fmt.Errorf("record %q holds itself", s.Name)
		}
		d.open = append(d.open, s)
		defer func() { d.open = d.open[:len(d.open)-1] }()
		var fields []types.Field
		for _, f := range s.Fields {
			t, err := d.column(f.Type)
			if err != nil {
				return t, fmt.Errorf("field %q: %w", f.Name, err)
			}
			fields = append(fields, types.Field{Name: f.Name, Type: t})
		}
		if fields == nil {
			return types.Type{}, errors.New("it is a record without fields")
		}
		return types.RowOf(fields...), nil
	}
	return types.Type{}, fmt.Errorf("it is always %s", s.shown())
}

func (d *describer) number(s *Schema) types.Type {
	switch s.Logical {
	case "date":
		return types.DateType
	case "time-millis", "time-micros":
		return types.TimeType(3)
	case "timestamp-millis", "timestamp-micros", "local-timestamp-millis", "local-timestamp-micros":
		d.times = true
		digits := 3
		if strings.HasSuffix(s.Logical, "micros") {
			digits = 6
		}
		if strings.HasPrefix(s.Logical, "local") {
			return types.TimestampType(digits)
		}
		return types.TimestampLTZType(digits)
	}
	if s.Type == "int" {
		return types.IntType
	}
	return types.BigIntType
}
