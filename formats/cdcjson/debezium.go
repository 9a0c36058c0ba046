package cdcjson

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
)

// Members of a Debezium envelope.
const (
	dbzBefore = iota
	dbzAfter
	dbzOp
	dbzTime
	dbzSource
)

// Debezium is debezium-json.
var Debezium = (&dialect{
	name: "debezium-json", title: "Debezium",
	members: []string{"before", "after", "op", "ts_ms", "source"},
	rows:    debeziumRows,
	meta: map[string]metadata{
		"schema":              {t: textType, as: asSchema},
		"ingestion-timestamp": {t: ltz3, member: dbzTime, as: asMillis},
		"source.timestamp":    {t: ltz3, member: dbzSource, inner: "ts_ms", as: asMillis},
		"source.database":     {t: textType, member: dbzSource, inner: "db"},
		"source.schema":       {t: textType, member: dbzSource, inner: "schema"},
		"source.table":        {t: textType, member: dbzSource, inner: "table"},
		"source.properties":   {t: textMap, member: dbzSource, as: asMap},
	},
	insert:  [2]string{`{"before":null,"after":`, `,"op":"c"}`},
	delete:  [2]string{`{"before":`, `,"after":null,"op":"d"}`},
	options: []formats.Option{{Name: "schema-include", Type: formats.BoolOption, Default: "false", Doc: "Reading: messages are {\"schema\":..,\"payload\":..}."}},
	check: func(s formats.Spec, writing bool) error {
		include := s.Options.Bool("schema-include")
		if writing && include {
			return fmt.Errorf("Debezium JSON serialization doesn't support 'debezium-json.schema-include' option been set to true.")
		}
		for _, m := range s.Meta {
			if m == "schema" && !include {
				return fmt.Errorf("metadata column 'schema' needs 'debezium-json.schema-include' = 'true'")
			}
		}
		return nil
	},
}).format("Change events of Debezium.")

func debeziumRows(d *decoder, e *envelope) error {
	op, ok := e.text(dbzOp)
	if !ok {
		return fmt.Errorf("the message has no \"op\"")
	}
	switch op {
	case "c", "r":
		return d.image(e, dbzAfter, batch.Insert, "")
	case "u":
		return d.update(e, dbzBefore, dbzAfter)
	case "d":
		return d.image(e, dbzBefore, batch.Delete, "DELETE")
	}
	return fmt.Errorf("Unknown \"op\" value %q", op)
}
