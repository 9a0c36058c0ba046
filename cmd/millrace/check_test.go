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
