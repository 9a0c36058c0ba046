package main

import (
	"testing"

	"github.com/millrace/millrace/sqlerr"
)

// TestOurs: what only Millrace knows is named where a script is meant for Flink.
func TestOurs(t *testing.T) {
	src := &sqlerr.Source{Name: "job.sql", Text: `CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE SQL AS 'a + 1';
CREATE FUNCTION g(a INT) RETURNS INT LANGUAGE EXEC AS 'g'; CREATE FUNCTION h AS 'a.B'; SELECT 1;`}
	if got := ours(src); len(got) != 2 {
		t.Errorf("%d found: %v", len(got), got)
	}
}
