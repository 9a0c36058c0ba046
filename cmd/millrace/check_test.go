package main

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/sqlerr"
)

// TestOurs: what only Millrace knows is named where a script is meant for Flink.
func TestOurs(t *testing.T) {
	src := &sqlerr.Source{Name: "job.sql", Text: `CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE SQL AS 'a + 1';
CREATE FUNCTION g(a INT) RETURNS INT LANGUAGE EXEC AS 'g'; CREATE FUNCTION h AS 'a.B'; SELECT 1;
CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'value.format' = 'protobuf', 'value.protobuf.message-class-name' = 'a.B',
  'value.protobuf.descriptor-file' = 'b.proto');`}
	got := ours(src)
	if len(got) != 3 {
		t.Fatalf("%d found: %v", len(got), got)
	}
	want := `option "value.protobuf.descriptor-file" is Millrace's own: a Flink cluster refuses it, and wants the Java class`
	if text := sqlerr.Render(got[2]); !strings.Contains(text, want) || !strings.Contains(text, "job.sql:4:3") {
		t.Errorf("%s\nwant %s at 4:3", text, want)
	}
}

// TestOursConnectors: connectors, formats, catalogs, settings and statements too.
func TestOursConnectors(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TABLE t (a INT) WITH ('connector' = 'exec', 'command' = 'cat', 'changelog' = 'true')":                                   ":44: connector exec is Millrace's own: a Flink cluster doesn't know it",
		"CREATE TABLE t (a INT) WITH ('connector' = 'nexmark')":                                                                         ":44: connector nexmark is Millrace's own: a Flink cluster doesn't know it, unless the benchmark's own jar",
		"CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 's3://b/t', 'format' = 'changelog-json')":                    ":90: format changelog-json is Millrace's own",
		"CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '/x', 'lookup.full-cache.periodic-reload.interval' = '1 h')": `:73: option "lookup.full-cache.periodic-reload.interval" is Millrace's own: a Flink cluster refuses it, which can't look up`,
		"CREATE TABLE t (a INT) WITH ('connector' = 'mysql-cdc', 'scan.purged-log' = 'skip')":                                           `:57: option "scan.purged-log" is Millrace's own`,
		"CREATE TABLE t (a INT) WITH ('connector' = 'postgres-cdc', 'publication.name' = 'p')":                                          `refuses it, where it is 'debezium.publication.name'`,
		"CREATE CATALOG c WITH ('type' = 'file', 'path' = '/x')":                                                                        "a catalog of type file is Millrace's own",
		"SET 'millrace.on-error.t' = 'skip'":                                                                                            ":5: setting 'millrace.on-error.t' is Millrace's own: a Flink cluster takes no notice of it",
		"SET 's3.endpoint' = 'http://x'":                                                                                                ":5: setting 's3.endpoint': a Flink cluster reads it from its configuration",
		"SHOW SPLITS":                                                                                                                   "SHOW SPLITS is Millrace's own",
		"EXPLAIN ANALYZE SELECT 1":                                                                                                      "EXPLAIN ANALYZE is Millrace's own",
		"CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 's3://b/t', 'format' = 'csv', 'auto-compaction' = 'true')":   "",
		"CREATE CATALOG c WITH ('type' = 'generic_in_memory')":                                                                          "",
		"SET 'pipeline.name' = 'x'; EXPLAIN CHANGELOG_MODE SELECT 1; SHOW TABLES":                                                       "",
	} {
		var all []string
		for _, err := range ours(&sqlerr.Source{Name: "job.sql", Text: text}) {
			all = append(all, err.Error())
		}
		if got := strings.Join(all, "; "); want == "" && got != "" || len(all) > 1 || !strings.Contains(got, want) {
			t.Errorf("%s\nhas %q\nwant %q", text, got, want)
		}
	}
}
