package tests

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/millrace/millrace/functions"
	"github.com/millrace/millrace/functions/agg"
	"github.com/millrace/millrace/functions/builtin"
)

// TestFunctionDocs checks that every function says what it does, and that its
// examples are true.
func TestFunctionDocs(t *testing.T) {
	for _, f := range agg.All {
		if f.Doc.Text == "" || f.Doc.Usage == "" {
			t.Errorf("%s has no text", f.Name)
		}
	}
	c := &recorded{}
	for _, f := range builtin.Scalars() {
		if f.Doc.Text == "" || f.Doc.Usage == "" || f.Doc.Group == "" {
			t.Errorf("%s has no text", f.Name)
		}
		if len(f.Doc.Example) == 0 && f.Class == functions.Deterministic && !strings.HasPrefix(f.Name, "SHA") {
			t.Errorf("%s has no example", f.Name)
		}
		for _, example := range f.Doc.Example {
			call, want, ok := strings.Cut(example, " -> ")
			if !ok {
				t.Errorf("%s: example %q isn't CALL -> value", f.Name, example)
				continue
			}
			got, err := c.run("SELECT 0 AS i, ARRAY[TYPEOF("+call+"), CAST(("+call+") AS STRING)] AS r", "table.local-time-zone", "UTC")
			var text []*string
			if err != nil || json.Unmarshal(got[0], &text) != nil || len(text) != 2 {
				t.Errorf("%s: %v %s", example, err, got[0])
				continue
			}
			value := "NULL"
			switch kind, _, _ := strings.Cut(*text[0], "("); {
			case text[1] == nil:
			case strings.Contains("STRING CHAR VARCHAR", strings.TrimSuffix(kind, " NOT NULL")):
				value = "'" + strings.ReplaceAll(*text[1], "'", "''") + "'"
			default:
				value = *text[1]
			}
			if value != want {
				t.Errorf("%s is %s", example, value)
			}
		}
	}
}
