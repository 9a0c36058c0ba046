package engine_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// lines keeps rows as text, cells separated by bars.
type lines struct{ rows []string }

func (o *lines) Rows(schema *types.Schema, _ batch.Changes, _ bool) (func(*batch.Batch) error, error) {
	session := types.NewSession(time.Now)
	session.Zone = time.UTC
	return func(b *batch.Batch) error {
		for i := 0; b != nil && i < b.Len; i++ {
			var cells []string
			for c, f := range schema.Fields {
				if b.Cols[c].Null(i) {
					cells = append(cells, "NULL")
				} else {
					cells = append(cells, string(cast.AppendText(nil, f.Type, &b.Cols[c], i, session)))
				}
			}
			o.rows = append(o.rows, strings.Join(cells, "|"))
		}
		return nil
	}, nil
}
func (o *lines) Note(string)           {}
func (o *lines) Progress(job.Progress) {}

// TestSystemTables: the tables of sys tell of the session's jobs, with the numbers
// that the input has.
func TestSystemTables(t *testing.T) {
	dir := t.TempDir()
	data := `{"id": 1, "ts": "2024-01-01 10:00:01"}
{"id": 2, "ts": "2024-01-01 10:05:00"}
{"id": nonsense
{"id": 3, "ts": "2024-01-01 10:00:30"}
`
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	s := engine.New(engine.Config{Stdout: io.Discard, Options: map[string]string{"millrace.on-error.t": "skip", "table.local-time-zone": "UTC"}})
	ask(t, s, "CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '"+dir+"/in.json', 'format' = 'json');"+
		"CREATE TABLE b (w TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');"+
		"SET 'pipeline.name' = 'counting'; INSERT INTO b SELECT window_start, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;")
	for _, c := range []struct{ sql, want string }{
		{"SELECT job, status, rows_in, rows_out, late, bad, error FROM sys.jobs", "counting|FINISHED|3|2|1|1|NULL"},
		{"SELECT name, rows_in, late FROM sys.late", "WindowAggregate|3|1"},
		{"SELECT event_time, watermark_at, kind, row_text FROM sys.late", `2024-01-01 10:00:30.000Z|2024-01-01 10:04:55.000Z|+I|{"ts":"2024-01-01 10:00:30.000"}`},
		{"SELECT table_name, read_rows, max_time, watermark_at, done FROM sys.splits", "default_catalog.default_database.t|3|2024-01-01 10:05:00.000Z|2024-01-01 10:04:55.000Z|true"},
		{"SELECT table_name, at_offset > 0, raw_text FROM sys.errors", `default_catalog.default_database.t|true|{"id": nonsense`},
		{"SELECT SUM(rows_out) FROM sys.operators WHERE name = 'TableSourceScan'", "3"},
	} {
		got := ask(t, s, c.sql)
		if len(got) == 0 || strings.ReplaceAll(got[len(got)-1], "+00:00", "Z") != c.want && !strings.EqualFold(got[len(got)-1], strings.ReplaceAll(c.want, "Z", "")) {
			t.Errorf("%s: %q, want %q", c.sql, got, c.want)
		}
	}
	if rows := ask(t, s, "SHOW JOBS"); len(rows) != 7 || !strings.Contains(rows[0], "counting|FINISHED") {
		t.Errorf("SHOW JOBS: %q", rows)
	}
}

// ask runs statements, waits for their jobs, and answers the rows of the queries.
func ask(t *testing.T, s *engine.Session, sql string) []string {
	t.Helper()
	stmts, err := s.Parse(&sqlerr.Source{Name: "t", Text: sql})
	if err != nil {
		t.Fatal(err)
	}
	out := &lines{}
	for _, stmt := range stmts {
		j, err := s.Execute(context.Background(), stmt, out)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if j != nil {
			<-j.Done()
		}
	}
	return out.rows
}
