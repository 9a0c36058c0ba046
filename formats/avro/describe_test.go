package avro

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/formats/formattest"
	"github.com/millrace/millrace/types"
)

// TestDescribe: a schema as others write it; what no column can be is left out by name.
func TestDescribe(t *testing.T) {
	s, err := Parse([]byte(`{"type": "record", "name": "r", "fields": [
		{"name": "a", "type": "int"}, {"name": "b", "type": ["long", "null"]}, {"name": "c", "type": {"type": "enum", "name": "e", "symbols": ["X"]}},
		{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}, {"name": "f", "type": {"type": "fixed", "name": "x", "size": 4}},
		{"name": "day", "type": {"type": "int", "logicalType": "date"}}, {"name": "hour", "type": {"type": "long", "logicalType": "time-micros"}},
		{"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]}, {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
		{"name": "l", "type": {"type": "array", "items": ["null", {"type": "record", "name": "in", "fields": [{"name": "x", "type": "string"}]}]}},
		{"name": "m", "type": {"type": "map", "values": "double"}}, {"name": "two", "type": ["string", "int"]}, {"name": "none", "type": "null"},
		{"name": "tree", "type": {"type": "record", "name": "node", "fields": [{"name": "left", "type": ["null", "node"]}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Describe(s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range d.Fields {
		got = append(got, f.Name+" "+f.Type.String())
	}
	want := "a INT NOT NULL, b BIGINT, c STRING NOT NULL, d DECIMAL(10, 2) NOT NULL, f BYTES NOT NULL, day DATE NOT NULL, hour TIME(3) NOT NULL, at TIMESTAMP_LTZ(6), local TIMESTAMP(3) NOT NULL, " +
		"l ARRAY<ROW<`x` STRING NOT NULL>> NOT NULL, m MAP<STRING, DOUBLE NOT NULL> NOT NULL"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if left := strings.Join(d.Left, "; "); left != `field "two": it is one of string, int; field "none": it is always null; field "tree": field "left": record "node" holds itself` {
		t.Error(left)
	}
	if fmt.Sprint(d.Options) != "[timestamp_mapping.legacy false]" {
		t.Error(d.Options)
	}
	if _, err := NewPlan(s, types.NewSchema(d.Fields...)); err != nil {
		t.Errorf("the columns don't read it: %v", err)
	}
}

// TestDescribed: the columns of a file of every type read it; damaged files give an error
// or columns.
func TestDescribed(t *testing.T) {
	s := formattest.Schema(formattest.Everything()...)
	file := formattest.Sample(t, Format, s)
	d, err := Format.Describe(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(d.Left) > 0 || len(d.Fields) != s.Len() {
		t.Fatal(err, d)
	}
	for i := 0; i < len(file); i += 11 {
		damaged := bytes.Clone(file)
		damaged[i] ^= 0x55
		_, _ = Format.Describe(bytes.NewReader(damaged), int64(len(damaged)))
		_, _ = Format.Describe(bytes.NewReader(file[:i]), int64(i))
	}
}

// TestDescribeLarge: a small schema that spells out to a huge table is refused.
func TestDescribeLarge(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"type": "record", "name": "top", "fields": [`)
	b.WriteString(`{"name": "f", "type": {"type": "record", "name": "r0", "fields": [{"name": "x", "type": "int"}]}}`)
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&b, `, {"name": "f%d", "type": {"type": "record", "name": "r%d", "fields": [{"name": "a", "type": "r%d"}, {"name": "b", "type": "r%d"}]}}`, i, i, i-1, i-1)
	}
	b.WriteString("]}")
	s, err := Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Describe(s)
	if err != nil || len(d.Left) == 0 || !strings.Contains(d.Left[0], "too large") {
		t.Error(err, d)
	}
}
