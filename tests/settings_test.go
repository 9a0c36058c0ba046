package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
)

// settingRead is where the code reads a setting by its key.
var settingRead = regexp.MustCompile(`\b(?:Option|first|number|duration|real|choice)\((?:"[^"]*", )*?"((?:table|execution|millrace|pipeline|parallelism|state|sql-client|io|restart-strategy|s3)\.[a-z0-9.-]+)"`)

// TestSettingsAct: of no setting that the code reads is it said that it does nothing.
func TestSettingsAct(t *testing.T) {
	found := 0
	for _, dir := range []string{"engine", "planner", "functions", "operators", "job", "shell"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range settingRead.FindAllStringSubmatch(string(src), -1) {
				found++
				if strings.HasSuffix(m[1], ".") { // the beginning of one
					continue
				}
				if acts, _ := engine.Acts(m[1]); !acts {
					t.Errorf("%s reads %q, which engine.KnownSettings doesn't have", path, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 30 {
		t.Errorf("only %d reads of settings were found", found)
	}
	for key, want := range map[string]string{"table.exec.state.tt": "table.exec.state.ttl", "restart-strategy.fixed-delay.atempts": "restart-strategy.fixed-delay.attempts",
		"table.exec.emit.early-fire.dely": "table.exec.emit.early-fire.delay"} {
		if acts, near := engine.Acts(key); acts || near != want {
			t.Errorf("%s: %v, near %q", key, acts, near)
		}
	}
	for _, key := range []string{"millrace.on-error.orders", "s3.endpoint", "table.exec.emit.late-fire.delay", "restart-strategy"} {
		if acts, _ := engine.Acts(key); !acts {
			t.Errorf("%s is said to do nothing", key)
		}
	}
}
