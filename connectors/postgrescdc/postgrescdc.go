// Package postgrescdc is the change stream of tables of PostgreSQL: a snapshot
// without locks, then logical replication by pgoutput.
//
// Package cdc has the algorithm; here is what it needs of PostgreSQL: source.go reads
// the options, server.go finds the tables, keeps slot and publication and reads
// chunks, log.go speaks the replication protocol and decodes pgoutput. A place in the
// log is an LSN; the slot is told of it when a checkpoint holds it, and the server
// keeps its log from there on. Start with source.go.
package postgrescdc

import (
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// Connector is postgres-cdc.
var Connector = &connectors.Connector{
	Name: "postgres-cdc", Doc: "The change stream of tables of PostgreSQL: a snapshot, then logical replication.",
	Options: []formats.Option{
		{Name: "hostname", Required: true, Doc: "Host of the server."},
		{Name: "port", Type: formats.IntOption, Default: "5432", Doc: "Port of the server."},
		{Name: "username", Required: true, Doc: "User; needs SELECT and REPLICATION, and to own the tables or the publication."},
		{Name: "password", Required: true, Secret: true, Doc: "Password."},
		{Name: "database-name", Required: true, Doc: "The database."},
		{Name: "schema-name", Required: true, Doc: "A regular expression that the schema's whole name matches."},
		{Name: "table-name", Required: true, Doc: "A regular expression that the table's whole name matches."},
		{Name: "slot.name", Required: true, Doc: "The replication slot, one per table of a job; made when it isn't there. Drop it when the job is gone: it keeps the server's log."},
		{Name: "decoding.plugin.name", Default: "pgoutput", Doc: "pgoutput, which every server has."},
		{Name: "publication.name", Own: true, Instead: ", where it is 'debezium.publication.name'", Doc: "The publication; without, one named millrace_SLOT is made for the tables."},
		{Name: "changelog-mode", Type: formats.EnumOption, Enum: []string{"all", "upsert"}, Default: "all", Doc: "all needs REPLICA IDENTITY FULL; upsert sends no -U and deletes by key."},
		{Name: "scan.newly-added-table.enabled", Type: formats.BoolOption, Default: "false", Doc: "Tables that match and were made, renamed or allowed later are read too, at a restart and every ten seconds, while the others' log goes on."},
		{Name: "heartbeat.interval.ms", Type: formats.DurationOption, Default: "30s", Doc: "How often a quiet server is asked where its log is."},
		{Name: "heartbeat.interval", Type: formats.DurationOption, Doc: "The same."},
		{Name: "scan.incremental.snapshot.enabled", Type: formats.BoolOption, Default: "true", Doc: "Always so."},
		{Name: "scan.incremental.snapshot.chunk.size", Type: formats.IntOption, Default: "8096", Doc: "Rows of a chunk."},
		{Name: "scan.incremental.snapshot.chunk.key-column", Doc: "Taken and not used: chunks are cut by the whole key, exactly once. A table without a key is refused all the same, but for latest-offset."},
		{Name: "scan.incremental.snapshot.backfill.skip", Type: formats.BoolOption, Default: "false", Doc: "Taken and not used."},
		{Name: "scan.incremental.snapshot.unbounded-chunk-first.enabled", Type: formats.BoolOption, Default: "true", Doc: "Taken and not used."},
		{Name: "scan.incremental.close-idle-reader.enabled", Type: formats.BoolOption, Default: "false", Doc: "Taken and not used."},
		{Name: "scan.snapshot.fetch.size", Type: formats.IntOption, Default: "1024", Doc: "Taken and not used: rows are streamed."},
		{Name: "scan.startup.mode", Type: formats.EnumOption, Enum: []string{"initial", "latest-offset", "committed-offset", "snapshot"}, Default: "initial", Doc: "Where to begin."},
		{Name: "scan.lsn-commit.checkpoints-num-delay", Type: formats.IntOption, Default: "3", Doc: "Taken and not used: the slot follows each checkpoint."},
		{Name: "scan.read-changelog-as-append-only.enabled", Type: formats.BoolOption, Default: "false", Doc: "Every change is an insert; row_kind says what it was."},
		{Name: "scan.include-partitioned-tables.enabled", Type: formats.BoolOption, Default: "false", Doc: "Not supported yet when true: the partitions are tables of their own."},
		{Name: "scan.schema-change", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "ignore", "widen"}, Default: "fail", Doc: "When a table's structure changes: as in mysql-cdc."},
		{Name: "scan.truncate", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "ignore"}, Default: "fail", Doc: "When a table is truncated, whose rows the log doesn't list."},
		{Name: "scan.purged-log", Own: true, Type: formats.EnumOption, Enum: []string{"fail", "re-snapshot", "skip"}, Default: "fail", Doc: "When the slot is gone or has lost the log from where the job goes on."},
		{Name: "connect.timeout", Type: formats.DurationOption, Default: "30s", Doc: "How long a connection may take."},
		{Name: "connect.max-retries", Type: formats.IntOption, Default: "3", Doc: "How often to try again to connect."},
		{Name: "connection.pool.size", Type: formats.IntOption, Default: "30", Doc: "Taken and not used."},
		{Name: "connect.pool.size", Type: formats.IntOption, Default: "30", Doc: "Taken and not used."},
		{Name: "chunk-meta.group.size", Type: formats.IntOption, Default: "1000", Doc: "Taken and not used."},
		{Name: "chunk-key.even-distribution.factor.upper-bound", Type: formats.FloatOption, Default: "1000.0", Doc: "Taken and not used."},
		{Name: "chunk-key.even-distribution.factor.lower-bound", Type: formats.FloatOption, Default: "0.05", Doc: "Taken and not used."},
		{Name: "debezium.", Prefix: true, Doc: "Taken and not used, but for debezium.publication.name."},
	},
	Source: newSource,
}
