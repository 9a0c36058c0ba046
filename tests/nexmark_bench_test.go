package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/sqlerr"
	"github.com/millrace/millrace/types"
)

// budgets are the CPU ns per event that queries should stay under on one quiet core.
var budgets = map[string]float64{"q0": 70, "q4": 150, "q5": 110, "q9": 250, "q17": 160, "q18": 250}

// BenchmarkNexmark reports the CPU time of the whole process per event, the
// generator included, rows thrown away: -bench Nexmark/q18 -benchtime 1x.
func BenchmarkNexmark(b *testing.B) {
	const events = 2_000_000
	b.Chdir("..")
	scripts, _ := filepath.Glob("examples/nexmark/*.sql")
	for _, path := range scripts {
		b.Run(strings.TrimSuffix(filepath.Base(path), ".sql"), func(b *testing.B) {
			text, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			sql := strings.ReplaceAll(string(text), "'events.num' = '200000'", "'events.num' = '2000000'")
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				s := engine.New(engine.Config{})
				if err := s.Run(context.Background(), &sqlerr.Source{Name: path, Text: sql}, discard{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/events, "cpu-ns/event")
			if ns := budgets[b.Name()[strings.LastIndex(b.Name(), "/")+1:]]; ns > 0 {
				b.ReportMetric(ns, "budget")
			}
		})
	}
}

// cpu is the process's CPU time so far, of user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// discard throws results away.
type discard struct{}

func (discard) Rows(*types.Schema, batch.Changes, bool) (func(*batch.Batch) error, error) {
	return func(*batch.Batch) error { return nil }, nil
}
func (discard) Note(string)           {}
func (discard) Progress(job.Progress) {}
