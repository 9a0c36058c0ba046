package tests

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

var numbered = regexp.MustCompile(`('events.num' = ')\d+'`)

// TestNexmarkParallel runs the benchmark's queries with one subtask and with four, and
// compares what is left in the end, all columns. NEXMARK_EVENTS is how many events are
// read; with NEXMARK_ROWS the rows are kept, and those shown that differ.
func TestNexmarkParallel(t *testing.T) {
	events := os.Getenv("NEXMARK_EVENTS")
	if events == "" {
		events = "50000"
	}
	scripts, err := filepath.Glob("../examples/nexmark/*.sql")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script := numbered.ReplaceAllString(string(text), "${1}"+events+"'")
			script = strings.ReplaceAll(script, "'examples/", "'../examples/")
			var left [2]*remainder
			for i, p := range []int{1, 4} {
				left[i] = &remainder{keep: os.Getenv("NEXMARK_ROWS") != ""}
				noon := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
				s := engine.New(engine.Config{Now: func() time.Time { return noon }})
				text := fmt.Sprintf("SET 'parallelism.default' = '%d';\n%s", p, script)
				if err := s.Run(context.Background(), &sqlerr.Source{Name: name, Text: text}, &sink{w: left[i], changelog: true}); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d rows after %d changes, and after %d", left[0].rows, left[0].changes, left[1].changes)
			if left[0].rows == 0 || left[0].rows != left[1].rows || left[0].sum != left[1].sum {
				t.Errorf("with one subtask %d rows %s, with four %d rows %s\n%s", left[0].rows, left[0].sum, left[1].rows, left[1].sum, left[0].difference(left[1]))
			}
		})
	}
}

// remainder is what changes that are written to it leave: how many rows, and the sum of
// their hashes.
type remainder struct {
	rest          []byte // a line that has begun
	rows, changes int
	sum           hash
	keep          bool // rows for difference
	all           map[string]int
}

// Write takes lines of a changelog.
func (r *remainder) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, ok := bytes.Cut(r.rest, []byte("\n"))
		if !ok {
			r.rest = append(r.rest[:0:0], r.rest...)
			return len(p), nil
		}
		r.rest = rest
		op, row, ok := bytes.Cut(line, []byte(`","row":`))
		if !ok {
			return 0, fmt.Errorf("not a change: %s", line)
		}
		one, n := hash{}, 1
		one.add(row, 1)
		if bytes.HasSuffix(op, []byte("-U")) || bytes.HasSuffix(op, []byte("-D")) {
			one, n = one.negative(), -1
		}
		r.sum.plus(one)
		r.changes++
		r.rows += n
		if r.keep {
			if r.all == nil {
				r.all = map[string]int{}
			}
			if r.all[string(row)] += n; r.all[string(row)] == 0 {
				delete(r.all, string(row))
			}
		}
	}
}

// difference shows some rows that only one has, of kept ones.
func (r *remainder) difference(s *remainder) string {
	var out []string
	for row, n := range r.all {
		if m := s.all[row]; m != n {
			out = append(out, fmt.Sprintf("%s: %d times, with four %d", row, n, m))
		}
	}
	for row, m := range s.all {
		if r.all[row] == 0 {
			out = append(out, fmt.Sprintf("%s: with four %d times", row, m))
		}
	}
	sort.Strings(out)
	return fmt.Sprintf("%d rows differ\n%s", len(out), strings.Join(out[:min(len(out), 12)], "\n"))
}

func (h *hash) plus(g hash) {
	var carry uint64
	h.lo, carry = bits.Add64(h.lo, g.lo, 0)
	h.hi, _ = bits.Add64(h.hi, g.hi, carry)
}

func (h hash) negative() hash {
	var g hash
	var borrow uint64
	g.lo, borrow = bits.Sub64(0, h.lo, 0)
	g.hi, _ = bits.Sub64(0, h.hi, borrow)
	return g
}
