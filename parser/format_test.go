package parser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sqlerr"
)

func TestFormat(t *testing.T) {
	datadriven.RunTest(t, "format_testdata/format.test", func(t *testing.T, d *datadriven.TestData) string {
		out, err := Format(&sqlerr.Source{Name: "f", Text: d.Input})
		if err != nil {
			return err.Error() + "\n"
		}
		again, err := Format(&sqlerr.Source{Name: "f", Text: out})
		if err != nil || again != out {
			t.Errorf("not idempotent: %v\n%s\n%s", err, out, again)
		}
		return out
	})
}

// TestFormatScripts: every script there is can be formatted, and twice is once.
func TestFormatScripts(t *testing.T) {
	n := 0
	for _, pattern := range []string{"../examples/*/*.sql", "../tests/*/*.sql", "../tests/*/*/*.sql"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(&sqlerr.Source{Name: file, Text: string(text)}); err != nil {
				continue
			}
			n++
			out, err := Format(&sqlerr.Source{Name: file, Text: string(text)})
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if again, err := Format(&sqlerr.Source{Name: file, Text: out}); err != nil || again != out {
				t.Errorf("%s: not idempotent: %v", file, err)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d scripts", n)
	}
}
