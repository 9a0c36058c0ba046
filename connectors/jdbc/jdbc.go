// Package jdbc reads, writes and looks up tables of MySQL, MariaDB and PostgreSQL
// by SQL, with the options of Flink's connector of that name. There's no JDBC in
// it: the url says which database, and package sqldb has the driver.
//
// A scan is one SELECT per split, streamed by a goroutine (source.go); a look-up is
// one SELECT for all keys of a batch (lookup.go); a sink gathers rows, the last
// change per key where there is one, and a goroutine writes them in multi-row
// statements (sink.go, writer.go). table.go is what the three share: the options
// read, the table compared with the database's.
package jdbc

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// Connector is jdbc.
var Connector = &connectors.Connector{
	Name: "jdbc", Doc: "Reads, looks up and writes tables of MySQL, MariaDB and PostgreSQL.",
	Options: []formats.Option{
		{Name: "url", Required: true, Doc: "jdbc:mysql://host:port/database, jdbc:mariadb://... or jdbc:postgresql://..."},
		{Name: "table-name", Required: true, Doc: "The table; in PostgreSQL also schema.table."},
		{Name: "driver", Doc: "Taken and not used: the url says which database it is."},
		{Name: "compatible-mode", Doc: "Taken and not used."},
		{Name: "username", Doc: "User; with password, or neither."},
		{Name: "password", Secret: true, Doc: "Password."},
		{Name: "connection.max-retry-timeout", Type: formats.DurationOption, Default: "60s", Doc: "How long to try to connect."},
		{Name: "scan.partition.column", Doc: "A number, date or timestamp by whose ranges the table is read in parts; the four scan.partition.* options come together."},
		{Name: "scan.partition.num", Type: formats.IntOption, Doc: "How many parts."},
		{Name: "scan.partition.lower-bound", Type: formats.IntOption, Doc: "The least value read."},
		{Name: "scan.partition.upper-bound", Type: formats.IntOption, Doc: "The greatest value read."},
		{Name: "scan.fetch-size", Type: formats.IntOption, Default: "0", Doc: "Taken and not used: rows are always streamed."},
		{Name: "scan.auto-commit", Type: formats.BoolOption, Default: "true", Doc: "Taken and not used."},
		{Name: "scan.parallelism", Type: formats.IntOption, Doc: "Parallelism of the source."},
		{Name: "lookup.cache", Type: formats.EnumOption, Enum: []string{"NONE", "PARTIAL"}, Default: "NONE", Doc: "Whether answers are remembered."},
		{Name: "lookup.partial-cache.max-rows", Type: formats.IntOption, Doc: "How many rows are remembered."},
		{Name: "lookup.partial-cache.expire-after-write", Type: formats.DurationOption, Doc: "How long an answer counts."},
		{Name: "lookup.partial-cache.expire-after-access", Type: formats.DurationOption, Doc: "How long an answer counts that nobody asks for."},
		{Name: "lookup.partial-cache.cache-missing-key", Type: formats.BoolOption, Default: "true", Doc: "Whether keys without rows are remembered."},
		{Name: "lookup.max-retries", Type: formats.IntOption, Default: "3", Doc: "How often a look-up that failed is asked again."},
		{Name: "filter.handling.policy", Type: formats.EnumOption, Enum: []string{"always", "never"}, Default: "always", Doc: "Whether the database filters."},
		{Name: "sink.buffer-flush.max-rows", Type: formats.IntOption, Default: "100", Doc: "How many rows make a statement due; 0: one that is never due by rows."},
		{Name: "sink.buffer-flush.interval", Type: formats.DurationOption, Default: "1s", Doc: "How long rows wait at most; 0: for ever."},
		{Name: "sink.max-retries", Type: formats.IntOption, Default: "3", Doc: "How often a statement that failed for a passing reason is tried again."},
		{Name: "sink.parallelism", Type: formats.IntOption, Doc: "Parallelism of the sink."},
		{Name: "sink.delivery-guarantee", Type: formats.EnumOption, Enum: []string{"at-least-once", "exactly-once"}, Default: "at-least-once",
			Doc: "For a table without PRIMARY KEY: exactly-once keeps the rows in the checkpoint and writes them with its number in one transaction. With a key rows are written once by key."},
	},
	Source: newSource,
	Pushes: true,
	Sink:   newSink,
	Lookup: newLookup,
}
