package tests

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestNexmark runs the benchmark's queries on 200,000 events and compares their
// changelogs, as sets of lines, with Flink's.
func TestNexmark(t *testing.T) {
	want, err := os.ReadFile("flink/nexmark.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../examples/nexmark/" + name + ".sql")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := engine.New(engine.Config{}).Run(context.Background(), &sqlerr.Source{Name: name, Text: string(text)}, &sink{w: &out, changelog: true}); err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(out.Bytes(), []byte("\n"))
			lines = lines[:len(lines)-1]
			sort.Slice(lines, func(i, j int) bool { return bytes.Compare(lines[i], lines[j]) < 0 })
			if got := fmt.Sprintf("%s %d %x", name, len(lines), md5.Sum(bytes.Join(lines, nil))); got != line {
				t.Errorf("got  %s\nwant %s", got, line)
			}
		})
	}
}
