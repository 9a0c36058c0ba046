package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/types"
)

// Schema is an Avro schema.
type Schema struct {
	Type             string // "null", "int", ..., "record", "enum", "array", "map", "fixed", "union"
	Logical          string
	Precision, Scale int
	Size             int // of fixed
	Name             string
	Fields           []Field
	Items            *Schema // of array; values of map
	Symbols          []string
	Branches         []*Schema // of union
}

// shown is the type for messages.
func (s *Schema) shown() string {
	if s.Logical != "" {
		return s.Type + " (" + s.Logical + ")"
	}
	return s.Type
}

// Field is a field of a record.
type Field struct {
	Name string
	Type *Schema
}

// Parse reads a schema in JSON.
func Parse(text []byte) (*Schema, error) {
	p := parser{named: map[string]*Schema{}}
	return p.schema(text, "", 0)
}

type parser struct{ named map[string]*Schema }

const maxDepth = 200

func (p *parser) schema(text json.RawMessage, space string, depth int) (*Schema, error) {
	if depth > maxDepth {
		return nil, errors.New("the schema is nested too deep")
	}
	var name string
	if json.Unmarshal(text, &name) == nil {
		return p.ref(name, space)
	}
	var union []json.RawMessage
	if json.Unmarshal(text, &union) == nil {
		s := &Schema{Type: "union"}
		for _, b := range union {
			x, err := p.schema(b, space, depth+1)
			if err != nil {
				return nil, err
			}
			s.Branches = append(s.Branches, x)
		}
		return s, nil
	}
	var o struct {
		Type             json.RawMessage
		Name, Namespace  string
		LogicalType      json.RawMessage `json:"logicalType"`
		Precision, Scale int
		Size             int
		Fields           []struct {
			Name string
			Type json.RawMessage
		}
		Items, Values json.RawMessage
		Symbols       []string
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("not an Avro schema: %w", err)
	}
	var kind string
	if json.Unmarshal(o.Type, &kind) != nil { // {"type": {...}}
		if len(o.Type) == 0 {
			return nil, errors.New("an Avro schema without a type")
		}
		return p.schema(o.Type, space, depth+1)
	}
	s := &Schema{Type: kind, Precision: o.Precision, Scale: o.Scale, Size: o.Size, Symbols: o.Symbols}
	_ = json.Unmarshal(o.LogicalType, &s.Logical)
	var err error
	switch kind {
	case "record", "error", "enum", "fixed":
		if o.Namespace != "" {
			space = o.Namespace
		}
		if s.Name = o.Name; strings.Contains(o.Name, ".") {
			space = o.Name[:strings.LastIndexByte(o.Name, '.')]
			s.Name = o.Name[len(space)+1:]
		}
		p.named[full(s.Name, space)] = s
		if kind == "error" {
			s.Type = "record"
		}
		if s.Size < 0 || s.Size > 1<<28 {
			return nil, fmt.Errorf("fixed %q has size %d", s.Name, s.Size)
		}
		for _, f := range o.Fields {
			x, err := p.schema(f.Type, space, depth+1)
			if err != nil {
				return nil, fmt.Errorf("field %q: %w", f.Name, err)
			}
			s.Fields = append(s.Fields, Field{f.Name, x})
		}
		return s, nil
	case "array":
		s.Items, err = p.schema(o.Items, space, depth+1)
		return s, err
	case "map":
		s.Items, err = p.schema(o.Values, space, depth+1)
		return s, err
	}
	if base, err := p.ref(kind, space); err != nil || base.Type != kind {
		return base, err
	}
	return s, nil
}

func full(name, space string) string {
	if space == "" {
		return name
	}
	return space + "." + name
}

func (p *parser) ref(name, space string) (*Schema, error) {
	switch name {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return &Schema{Type: name}, nil
	}
	if s, ok := p.named[full(name, space)]; ok {
		return s, nil
	}
	if s, ok := p.named[name]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("unknown Avro type %q", name)
}

// SchemaOf is the schema that follows from a table's columns.
func SchemaOf(s *types.Schema, legacy bool) (*Schema, error) {
	return recordOf(s.Fields, "record", legacy)
}

func recordOf(fields []types.Field, name string, legacy bool) (*Schema, error) {
	r := &Schema{Type: "record", Name: name}
	for _, f := range fields {
		x, err := schemaOf(f.Type, name+"_"+f.Name, legacy)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", types.Ident(f.Name), err)
		}
		r.Fields = append(r.Fields, Field{f.Name, x})
	}
	return r, nil
}

func schemaOf(t types.Type, name string, legacy bool) (*Schema, error) {
	s, err := plainOf(t, name, legacy)
	if err != nil || t.NotNull {
		return s, err
	}
	return &Schema{Type: "union", Branches: []*Schema{{Type: "null"}, s}}, nil
}

func plainOf(t types.Type, name string, legacy bool) (*Schema, error) {
	switch t.Kind {
	case types.Boolean:
		return &Schema{Type: "boolean"}, nil
	case types.TinyInt, types.SmallInt, types.Int:
		return &Schema{Type: "int"}, nil
	case types.BigInt:
		return &Schema{Type: "long"}, nil
	case types.Float:
		return &Schema{Type: "float"}, nil
	case types.Double:
		return &Schema{Type: "double"}, nil
	case types.Char, types.VarChar:
		return &Schema{Type: "string"}, nil
	case types.Binary, types.VarBinary:
		return &Schema{Type: "bytes"}, nil
	case types.Decimal:
		return &Schema{Type: "bytes", Logical: "decimal", Precision: t.Length, Scale: t.Scale}, nil
	case types.Date:
		return &Schema{Type: "int", Logical: "date"}, nil
	case types.Time:
		if t.Length > 3 {
			return nil, fmt.Errorf("Avro does not support TIME type with precision: %d, it only supports precision less than 3", t.Length)
		}
		return &Schema{Type: "int", Logical: "time-millis"}, nil
	case types.Timestamp, types.TimestampLTZ:
		return timestampOf(t, legacy)
	case types.Array:
		e, err := schemaOf(t.Elem(), name, legacy)
		return &Schema{Type: "array", Items: e}, err
	case types.Map, types.Multiset:
		kt := t.KidTypes()
		if !kt[0].IsString() {
			return nil, fmt.Errorf("Avro format doesn't support non-string as key type of map. The key type is: %s", kt[0].Nullable())
		}
		e, err := schemaOf(kt[1].WithNull(!kt[1].NotNull || t.Kind == types.Multiset), name, legacy)
		return &Schema{Type: "map", Items: e}, err
	case types.Row, types.Structured:
		return recordOf(t.Fields, name, legacy)
	}
	return nil, fmt.Errorf("Avro has no form for type %s", t.Nullable())
}

func timestampOf(t types.Type, legacy bool) (*Schema, error) {
	most, prefix := 6, "timestamp"
	switch {
	case legacy && t.Kind == types.TimestampLTZ:
		return nil, errors.New("Avro doesn't support TIMESTAMP_LTZ with the legacy timestamp mapping; set 'avro.timestamp_mapping.legacy' = 'false'")
	case legacy:
		most = 3
	case t.Kind == types.Timestamp:
		prefix = "local-timestamp"
	}
	if t.Length > most {
		return nil, fmt.Errorf("Avro does not support TIMESTAMP type with precision: %d, it only supports precision less than %d", t.Length, most)
	}
	if t.Length <= 3 {
		return &Schema{Type: "long", Logical: prefix + "-millis"}, nil
	}
	return &Schema{Type: "long", Logical: prefix + "-micros"}, nil
}

// String is the schema in JSON.
func (s *Schema) String() string {
	b, err := json.Marshal(s.json(true))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// json is the schema as encoding/json writes it; the outermost record carries the
// namespace.
func (s *Schema) json(top bool) any {
	type field struct {
		Name    string           `json:"name"`
		Type    any              `json:"type"`
		Default *json.RawMessage `json:"default,omitempty"`
	}
	type complex struct {
		Type      string   `json:"type"`
		Name      string   `json:"name,omitempty"`
		Namespace string   `json:"namespace,omitempty"`
		Logical   string   `json:"logicalType,omitempty"`
		Precision int      `json:"precision,omitempty"`
		Scale     int      `json:"scale,omitempty"`
		Size      int      `json:"size,omitempty"`
		Fields    []field  `json:"fields,omitempty"`
		Items     any      `json:"items,omitempty"`
		Values    any      `json:"values,omitempty"`
		Symbols   []string `json:"symbols,omitempty"`
	}
	c := complex{Type: s.Type, Name: s.Name, Logical: s.Logical, Precision: s.Precision, Scale: s.Scale, Size: s.Size, Symbols: s.Symbols}
	switch s.Type {
	case "union":
		list := make([]any, len(s.Branches))
		for i, b := range s.Branches {
			list[i] = b.json(false)
		}
		return list
	case "record":
		if top {
			c.Namespace = "org.apache.flink.avro.generated"
		}
		null := json.RawMessage("null")
		for _, f := range s.Fields {
			x := field{Name: f.Name, Type: f.Type.json(false)}
			if f.Type.Type == "union" && len(f.Type.Branches) > 0 && f.Type.Branches[0].Type == "null" {
				x.Default = &null
			}
			c.Fields = append(c.Fields, x)
		}
	case "array":
		c.Items = s.Items.json(false)
	case "map":
		c.Values = s.Items.json(false)
	case "enum", "fixed":
	default:
		if s.Logical == "" {
			return s.Type
		}
	}
	return c
}
