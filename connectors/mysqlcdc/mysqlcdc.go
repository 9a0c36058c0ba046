// Package mysqlcdc is the change stream of tables of MySQL and MariaDB: a snapshot
// without locks, then the binary log.
//
// Package cdc has the algorithm; here is what it needs of MySQL: server.go finds the
// tables and the log's positions and reads chunks, log.go reads the log, value.go
// turns the log's values into the text a query would have given, ddl.go watches for
// statements that change a table's structure. Start with source.go.
package mysqlcdc

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// Connector is mysql-cdc.
var Connector = &connectors.Connector{
	Name: "mysql-cdc", Doc: "The change stream of tables of MySQL or MariaDB: a snapshot, then the binary log.",
	Options: []formats.Option{
		{Name: "hostname", Required: true, Doc: "Host of the server."},
		{Name: "port", Type: formats.IntOption, Default: "3306", Doc: "Port of the server."},
		{Name: "username", Required: true, Doc: "User; needs SELECT, REPLICATION SLAVE and REPLICATION CLIENT."},
		{Name: "password", Required: true, Secret: true, Doc: "Password."},
		{Name: "database-name", Required: true, Doc: "A regular expression that the database's whole name matches."},
		{Name: "table-name", Required: true, Doc: "A regular expression that the table's whole name matches."},
		{Name: "server-id", Doc: "The id this reader shows to the server, as 5400, or a range 5400-5408; random from 5400 to 6400 without. Two readers of one server need two ids: MariaDB, and MySQL where both show one UUID, end the older of two with the same."},
		{Name: "server-time-zone", Doc: "The zone whose wall clock a TIMESTAMP column shows when it is declared TIMESTAMP; the session's without."},
		{Name: "scan.startup.mode", Type: formats.EnumOption, Enum: []string{"initial", "earliest-offset", "latest-offset", "specific-offset", "timestamp", "snapshot"}, Default: "initial", Doc: "Where to begin."},
		{Name: "scan.startup.specific-offset.file", Doc: "The log file to begin at."},
		{Name: "scan.startup.specific-offset.pos", Type: formats.IntOption, Default: "4", Doc: "The position in it."},
		{Name: "scan.startup.specific-offset.gtid-set", Doc: "Begin behind these transactions, when no file is given."},
		{Name: "scan.startup.specific-offset.skip-events", Type: formats.IntOption, Doc: "Not supported yet."},
		{Name: "scan.startup.specific-offset.skip-rows", Type: formats.IntOption, Doc: "Not supported yet."},
		{Name: "scan.startup.timestamp-millis", Type: formats.IntOption, Doc: "Changes committed before it are passed over."},
		{Name: "scan.incremental.snapshot.enabled", Type: formats.BoolOption, Default: "true", Doc: "Always so."},
		{Name: "scan.incremental.snapshot.chunk.size", Type: formats.IntOption, Default: "8096", Doc: "Rows of a chunk."},
		{Name: "scan.snapshot.fetch.size", Type: formats.IntOption, Default: "1024", Doc: "Taken and not used: rows are streamed."},
		{Name: "scan.incremental.snapshot.chunk.key-column", Doc: "Taken and not used: chunks are cut by the whole key, exactly once. A table without a key is refused all the same, but for latest-offset."},
		{Name: "scan.incremental.snapshot.backfill.skip", Type: formats.BoolOption, Default: "false", Doc: "Taken and not used: the log's changes are always folded in."},
		{Name: "scan.incremental.snapshot.unbounded-chunk-first.enabled", Type: formats.BoolOption, Default: "true", Doc: "Taken and not used: chunks follow the key."},
		{Name: "scan.incremental.close-idle-reader.enabled", Type: formats.BoolOption, Default: "false", Doc: "Taken and not used: one reader does all."},
		{Name: "scan.newly-added-table.enabled", Type: formats.BoolOption, Default: "false", Doc: "Tables that match and were made, renamed or allowed later are read too, at a restart and every ten seconds, while the others' log goes on."},
		{Name: "scan.parse.online.schema.changes.enabled", Type: formats.BoolOption, Default: "false", Doc: "Passes over the tables that gh-ost and pt-online-schema-change fill beside one whose structure they change, where 'table-name' matches them."},
		{Name: "scan.read-changelog-as-append-only.enabled", Type: formats.BoolOption, Default: "false", Doc: "Every change is an insert; row_kind says what it was."},
		{Name: "scan.schema-change", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "ignore", "widen"}, Default: "fail",
			Doc: "When a table's structure changes: fail stops and names the column; widen goes on with added columns (not read) and types whose values the declared ones still hold; ignore also with dropped columns, which are NULL."},
		{Name: "scan.truncate", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "ignore"}, Default: "fail", Doc: "When a table is truncated or dropped, whose rows the log doesn't list."},
		{Name: "scan.purged-log", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "re-snapshot", "skip"}, Default: "fail", Doc: "When the server no longer has the log from where the job goes on."},
		{Name: "connect.timeout", Type: formats.DurationOption, Default: "30s", Doc: "How long a connection may take."},
		{Name: "connect.max-retries", Type: formats.IntOption, Default: "3", Doc: "How often to try again to connect."},
		{Name: "connection.pool.size", Type: formats.IntOption, Default: "20", Doc: "Taken and not used: three connections do."},
		{Name: "heartbeat.interval", Type: formats.DurationOption, Default: "30s", Doc: "How often a quiet server says where its log is, so that the position kept moves on."},
		{Name: "chunk-meta.group.size", Type: formats.IntOption, Default: "1000", Doc: "Taken and not used."},
		{Name: "chunk-key.even-distribution.factor.upper-bound", Type: formats.FloatOption, Default: "1000.0", Doc: "Taken and not used: chunks follow the key."},
		{Name: "chunk-key.even-distribution.factor.lower-bound", Type: formats.FloatOption, Default: "0.05", Doc: "Taken and not used."},
		{Name: "use.legacy.json.format", Type: formats.BoolOption, Default: "true", Doc: "Taken and not used: JSON from the log is written as a query shows it."},
		{Name: "jdbc.properties.", Prefix: true, Doc: "Taken and not used, but for useSSL and sslMode."},
		{Name: "debezium.", Prefix: true, Doc: "Taken and not used."},
	},
	Source: newSource,
}
