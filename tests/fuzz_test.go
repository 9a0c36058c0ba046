package tests

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// FuzzQuery runs queries of sql/*.test with some of their words exchanged for
// words of other queries. Whatever comes out, the process must not panic or hang:
// a query is refused, fails or ends.
func FuzzQuery(f *testing.F) {
	setup, queries := corpus(f)
	for i, q := range queries {
		f.Add(q, uint64(i))
	}
	words := regexp.MustCompile(`'[^']*'|\w+|[^\w\s]`)
	var pool []string
	for _, q := range queries {
		pool = append(pool, words.FindAllString(q, -1)...)
	}
	f.Fuzz(func(t *testing.T, query string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		parts := words.FindAllStringIndex(query, -1)
		if len(parts) == 0 || len(query) > 4000 {
			return
		}
		for range seed % 4 { // a seed that 4 divides leaves the query as it is
			at := parts[r.IntN(len(parts))]
			if at[1] <= len(query) {
				query = query[:at[0]] + " " + pool[r.IntN(len(pool))] + " " + query[at[1]:]
			}
		}
		head := strings.ToUpper(strings.TrimSpace(query))
		if !strings.HasPrefix(head, "SELECT") && !strings.HasPrefix(head, "WITH") && !strings.HasPrefix(head, "VALUES") && !strings.HasPrefix(head, "EXPLAIN") || strings.Contains(query, ";") {
			return // statements that write or read elsewhere stay out
		}
		s := session(t)
		for _, text := range setup {
			// two files may give different tables one name: the first has it
			_ = s.Run(context.Background(), &sqlerr.Source{Name: "setup", Text: text}, &sink{w: &bytes.Buffer{}})
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := s.Run(ctx, &sqlerr.Source{Name: "fuzz", Text: query}, &sink{w: &bytes.Buffer{}, changelog: true})
		if err != nil && (strings.Contains(err.Error(), "internal error") || strings.Contains(err.Error(), "runtime error")) {
			t.Fatalf("%v\n%s", err, query)
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && err == nil {
			t.Fatalf("still running after 10 s:\n%s", query)
		}
	})
}

func session(t testing.TB) *engine.Session {
	dir, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(engine.Config{Lookup: func(name string) (string, bool) { return dir, name == "DATA" }})
}

// corpus is what sql/*.test holds: the statements that make tables, and the
// queries.
func corpus(t testing.TB) (setup, queries []string) {
	files, err := filepath.Glob("sql/*.test")
	if err != nil || len(files) == 0 {
		t.Fatal("no .test files", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			command, rest, _ := strings.Cut(strings.TrimSpace(block), "\n")
			text, _, ok := strings.Cut(rest, "\n----")
			switch {
			case !ok:
			case command == "changelog" || command == "rows" || command == "error":
				queries = append(queries, text)
			case command == "sql" && !strings.Contains(text, "INSERT") && !strings.Contains(text, "EXECUTE"):
				setup = append(setup, text)
			}
		}
	}
	return setup, queries
}
