package tests

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// settings are what each file is run under: the changelog is compared in the
// plain one, the final table in all.
var settings = []struct {
	name    string
	options map[string]string
}{
	{"plain", nil},
	{"batch rows 1", map[string]string{"millrace.batch-rows": "1"}},
	{"batch rows 2", map[string]string{"millrace.batch-rows": "2"}},
}

// TestSQL runs sql/*.test. Commands: `sql` executes statements, `changelog` prints
// every change of a query, `rows` its result, `error` the refusal with its
// position.
func TestSQL(t *testing.T) {
	for _, set := range settings {
		t.Run(set.name, func(t *testing.T) {
			datadriven.Walk(t, "sql", func(t *testing.T, path string) {
				dir, err := filepath.Abs("data")
				if err != nil {
					t.Fatal(err)
				}
				s := engine.New(engine.Config{Options: set.options, Lookup: func(name string) (string, bool) { return dir, name == "DATA" }})
				datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
					return command(s, d, set.options == nil)
				})
			})
		})
	}
}

// command runs one. Under varied settings a changelog may differ, so its expected
// text stands for it once it has run without an error.
func command(s *engine.Session, d *datadriven.TestData, plain bool) string {
	var out bytes.Buffer
	err := s.Run(context.Background(), &sqlerr.Source{Name: "test", Text: d.Input}, &sink{w: &out, changelog: d.Cmd == "changelog"})
	if d.Cmd == "error" {
		if err == nil {
			return "no error\n" + out.String()
		}
		var b strings.Builder
		for _, e := range sqlerr.All(err) {
			line, col := e.At.Position()
			fmt.Fprintf(&b, "%d:%d %s\n", line, col, e.Msg)
		}
		return b.String()
	}
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if d.Cmd == "changelog" && !plain {
		return d.Expected
	}
	return out.String()
}

// sink renders results as text.
type sink struct {
	w         *bytes.Buffer
	changelog bool
}

func (s *sink) Rows(schema *types.Schema, _ batch.Changes, _ bool) (func(*batch.Batch) error, error) {
	w, err := render.New("jsonl", s.w, schema, s.changelog, types.NewSession(time.Now))
	if err != nil {
		return nil, err
	}
	return func(b *batch.Batch) error {
		if b == nil {
			return w.Close()
		}
		return w.Write(b)
	}, nil
}

func (s *sink) Note(string)           {}
func (s *sink) Progress(job.Progress) {}
