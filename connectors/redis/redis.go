// Package redis writes tables to Redis and looks rows up there: a row is a hash, whose
// key is a prefix and the primary key's values, and whose fields are the other columns.
//
// table.go is what both share: the connection, the keys and the values' text. sink.go
// writes each batch as one transaction; lookup.go asks for a batch's keys in one trip.
package redis

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// Connector is redis.
var Connector = &connectors.Connector{
	Name: "redis", Own: true,
	Doc: "Writes tables to Redis by PRIMARY KEY and looks rows up there.",
	Options: []formats.Option{
		{Name: "url", Required: true, Doc: "redis://host:port/database, or rediss:// for TLS."},
		{Name: "username", Doc: "User; needs password."},
		{Name: "password", Secret: true, Doc: "Password."},
		{Name: "key-prefix", Doc: "What each key begins with; without it the table's name and ':', behind the database's name and '.' where that isn't default_database. A row is a hash: its key is key-prefix and the primary key's values, joined by ':' (in a key of several columns a ':' or '\\' in a text is written '\\:' or '\\\\'); each other column is a field, as text in the form of format csv (bytes in base64, decimals in full); NULL is a field that isn't there. A row without any field gets one with an empty name."},
		{Name: "lookup.cache", Type: formats.EnumOption, Enum: []string{"NONE", "PARTIAL"}, Default: "NONE", Doc: "Whether answers are remembered."},
		{Name: "lookup.partial-cache.max-rows", Type: formats.IntOption, Doc: "How many rows are remembered."},
		{Name: "lookup.partial-cache.expire-after-write", Type: formats.DurationOption, Doc: "How long an answer counts."},
		{Name: "lookup.partial-cache.expire-after-access", Type: formats.DurationOption, Doc: "How long an answer counts that nobody asks for."},
		{Name: "lookup.partial-cache.cache-missing-key", Type: formats.BoolOption, Default: "true", Doc: "Whether keys without rows are remembered."},
		{Name: "sink.parallelism", Type: formats.IntOption, Doc: "Parallelism of the sink."},
	},
	Sink:   newSink,
	Lookup: newLookup,
}
