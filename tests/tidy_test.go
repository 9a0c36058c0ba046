// Package tests holds what is tested across packages: the import table of the
// house, and scripts run end to end.
package tests

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/millrace/millrace/"

// levels is who may import whom: a package imports only from levels above its
// own, or its own contract. Prefixes; the longest match counts.
var levels = map[string]int{
	"sqlerr": 0, "types": 0, "subprocess": 0, "files": 0,
	"batch": 1, "parser": 1, "catalog": 1, "state": 1, "catalog/jdbc": 2, "catalog/all": 2,
	"functions": 2, "formats": 2, "infer": 2, "dialect": 2, "connectors": 2,
	"expr": 3, "operators": 3,
	"operators/":      4,
	"planner/logical": 5, "planner/bind": 5, "planner/rewrite": 5,
	"planner/physical": 6, "planner": 6,
	"job": 7, "engine": 8, "sync": 9, "shell": 9, "sqltest": 9, "why": 8, "lint": 7, "shell/render": 8, "gateway": 9, "control": 9, "cmd": 10,
}

func level(pkg string) (int, bool) {
	best, at := "", -1
	for p, l := range levels {
		if (pkg == p || strings.HasPrefix(pkg, strings.TrimSuffix(p, "/")+"/")) && len(p) > len(best) {
			best, at = p, l
		}
	}
	return at, at >= 0
}

// family is the first part of a package's path: packages of one level may import
// their own contract and siblings below it.
func family(pkg string) string { return strings.SplitN(pkg, "/", 2)[0] }

func TestImportLevels(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(p.ImportPath, module)
		if from == p.ImportPath || family(from) == "tests" {
			continue
		}
		n++
		l, ok := level(from)
		if !ok {
			t.Errorf("%s has no level: add it to the table", from)
		}
		for _, i := range p.Imports {
			to := strings.TrimPrefix(i, module)
			if to == i {
				continue
			}
			if m, _ := level(to); m > l || m == l && family(to) != family(from) && !sameLevel(from, to) {
				t.Errorf("%s (level %d) imports %s (level %d)", from, l, to, m)
			}
		}
	}
	if n < 10 {
		t.Fatalf("go list found %d packages", n)
	}
}

// sameLevel are the pairs that may meet on one level.
func sameLevel(from, to string) bool {
	for _, p := range [][2]string{
		{"types", "sqlerr"}, {"state", "batch"}, {"parser", "types"}, {"connectors", "formats"}, {"functions", "formats/jsonscan"}, {"formats", "functions"},
		{"planner", "planner"}, {"catalog", "parser"}, {"connectors", "functions/cast"}, {"connectors", "functions/temporal"}, {"catalog/jdbc", "connectors/sqldb"},
	} {
		if strings.HasPrefix(from, p[0]) && strings.HasPrefix(to, p[1]) {
			return true
		}
	}
	return false
}

// TestClock keeps the clock where it belongs: time comes in through values, so
// that a run can be repeated and a test can stop it. Only the engine's default,
// commands and a client's own time-outs read it.
func TestClock(t *testing.T) {
	allowed := []string{"cmd/", "engine/", "tests/"}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		for _, a := range allowed {
			if strings.HasPrefix(name, a) {
				return nil
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if code, _, _ := strings.Cut(line, "//"); strings.Contains(code, "time.Now") && !strings.Contains(line, "// wall clock:") {
				t.Errorf("%s:%d: time.Now outside engine and cmd; take the time as a value, or say why in a comment \"// wall clock: reason\"", name, i+1)
			}
			if strings.HasPrefix(line, "func init()") {
				t.Errorf("%s:%d: init; use a list", name, i+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
