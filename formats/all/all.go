// Package all is the list of the formats.
package all

import (
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/avro"
	"github.com/millrace/millrace/formats/cdcjson"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/confluent"
	"github.com/millrace/millrace/formats/csv"
	"github.com/millrace/millrace/formats/json"
	"github.com/millrace/millrace/formats/parquet"
	"github.com/millrace/millrace/formats/protobuf"
	"github.com/millrace/millrace/formats/raw"
)

// Formats are all formats.
func Formats() []*formats.Format {
	return []*formats.Format{avro.Format, cdcjson.Canal, cdcjson.Debezium, cdcjson.Maxwell, cdcjson.Ogg, changelogjson.Format, confluent.Avro, confluent.Debezium, csv.Format, json.Format, parquet.Format, protobuf.Format, raw.Format}
}

// Lookup finds a format by name, nil for none.
func Lookup(name string) *formats.Format {
	for _, f := range Formats() {
		if f.Name == name {
			return f
		}
	}
	return nil
}
