package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sort"
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

// setting is what each file is run under: the changelog is compared in the plain
// one, the final table in all.
type setting struct {
	name    string
	options map[string]string
	seed    int64 // above 0: the simulator's
}

var settings = []setting{
	{name: "plain"},
	{name: "batch rows 1", options: map[string]string{"millrace.batch-rows": "1"}},
	{name: "batch rows 2", options: map[string]string{"millrace.batch-rows": "2"}},
	{name: "plain state", options: map[string]string{"millrace.state": "plain", "millrace.batch-rows": "7", "millrace.litter": "true"}},
	{name: "evicted", options: map[string]string{"millrace.batch-rows": "3", "millrace.evict": "true", "millrace.litter": "true"}},
	{name: "spilled", options: map[string]string{"millrace.batch-rows": "3", "millrace.spill": "always"}},
	{name: "mini-batch", options: map[string]string{"table.exec.mini-batch.enabled": "true",
		"table.exec.mini-batch.allow-latency": "1 s", "table.exec.mini-batch.size": "5", "millrace.batch-rows": "1"}},
	{name: "parallelism 4", options: map[string]string{"parallelism.default": "4"}},
	{name: "simulator 1", options: map[string]string{"parallelism.default": "4", "millrace.batch-rows": "1", "millrace.edge-batches": "1", "millrace.evict": "true"}, seed: 1},
	{name: "simulator 2", options: map[string]string{"parallelism.default": "3", "millrace.batch-rows": "2", "millrace.edge-batches": "1",
		"millrace.spill": "always", "table.exec.mini-batch.enabled": "true", "table.exec.mini-batch.allow-latency": "1 s", "table.exec.mini-batch.size": "4"}, seed: 2},
}

// session makes the session of a setting; ${DATA} is the tests' data, ${TMP} an
// empty directory.
func (set setting) session(dir, tmp string) *engine.Session {
	dirs := map[string]string{"DATA": dir, "TMP": tmp}
	c := engine.Config{Options: set.options, Lookup: func(name string) (string, bool) { d, ok := dirs[name]; return d, ok }}
	if set.seed > 0 {
		c.Driver = func() job.Driver { return job.NewSimulator(set.seed) }
	}
	return engine.New(c)
}

// TestSQL runs sql/*.test. Commands: `sql` executes statements, `changelog` prints
// every change of a query, `rows` its result, `table` what its changes leave at the
// end, sorted, `error` the refusal with its position.
//
// An answer that rightly differs under a setting says so in its command:
// `rows vary=(parallelism)`. The marks are parallelism, batch-rows, mini-batch; where
// one holds the statement runs and its rows aren't compared.
func TestSQL(t *testing.T) {
	for _, set := range settings {
		t.Run(set.name, func(t *testing.T) {
			datadriven.Walk(t, "sql", func(t *testing.T, path string) {
				dir, err := filepath.Abs("data")
				if err != nil {
					t.Fatal(err)
				}
				s := set.session(dir, t.TempDir())
				datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
					return command(s, d, set)
				})
			})
		})
	}
}

// command runs one.
func command(s *engine.Session, d *datadriven.TestData, set setting) string {
	var out bytes.Buffer
	err := s.Run(context.Background(), &sqlerr.Source{Name: "test", Text: d.Input}, &sink{w: &out, changelog: d.Cmd == "changelog" || d.Cmd == "table"})
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
	if d.Cmd == "table" && !set.varies(d) {
		rows := strings.NewReplacer(`,"row":`, "", "}} x", "} x").Replace(table(out.String(), true))
		if out.Len() == 0 || rows == "" {
			return ""
		}
		return rows + "\n"
	}
	if set.options == nil || d.Cmd == "sql" {
		return out.String()
	}
	if set.varies(d) || table(out.String(), d.Cmd == "changelog") == table(d.Expected, d.Cmd == "changelog") {
		return d.Expected
	}
	return out.String()
}

// varies says that the command is marked as differing under the setting.
func (set setting) varies(d *datadriven.TestData) bool {
	marks := map[string]string{"parallelism": "parallelism.default", "batch-rows": "millrace.batch-rows", "mini-batch": "table.exec.mini-batch.enabled"}
	for _, a := range d.CmdArgs {
		if a.Key != "vary" {
			continue
		}
		for _, v := range a.Vals {
			if _, ok := set.options[marks[v]]; ok {
				return true
			}
		}
	}
	return false
}

// table is the final table of printed rows, sorted: of a changelog, what adding and
// taking away leaves.
func table(text string, changelog bool) string {
	counts := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		n := 1
		if rest, ok := strings.CutPrefix(line, `{"op":"`); ok && changelog {
			if rest[0] == '-' {
				n = -1
			}
			line = rest[3:]
		}
		counts[line] += n
	}
	var rows []string
	for line, n := range counts {
		if n != 0 {
			rows = append(rows, fmt.Sprintf("%s x%d", line, n))
		}
	}
	sort.Strings(rows)
	return strings.Join(rows, "\n")
}

// sink renders results as text.
type sink struct {
	w         io.Writer
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
