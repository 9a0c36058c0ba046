package parser

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/sqlerr"
)

// TestDepth checks that nesting ends in an error, not in a stack overflow, and
// that long flat text is fine.
func TestDepth(t *testing.T) {
	for name, text := range map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", 200000) + "1",
		"not":         "SELECT " + strings.Repeat("NOT ", 200000) + "a",
		"minus":       "SELECT " + strings.Repeat("- ", 200000) + "a",
		"queries":     strings.Repeat("SELECT * FROM (", 200000),
		"joins":       "SELECT * FROM " + strings.Repeat("(", 200000),
		"types":       "SELECT CAST(a AS " + strings.Repeat("ARRAY<", 200000),
		"explain":     strings.Repeat("EXPLAIN ", 200000) + "SELECT 1",
		"args":        "SELECT f(" + strings.Repeat("a => ", 200000) + "1)",
		"case":        "SELECT " + strings.Repeat("CASE WHEN ", 200000),
		"pattern":     "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (" + strings.Repeat("(", 200000),
		"interval":    "SELECT " + strings.Repeat("INTERVAL (", 200000),
	} {
		_, err := Parse(&sqlerr.Source{Name: name, Text: text})
		if err == nil || !strings.Contains(err.Error(), "nested too deeply") {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	flat := "SELECT 1" + strings.Repeat(" + 1", 50000) + " UNION ALL SELECT 2"
	if _, err := Parse(&sqlerr.Source{Text: flat + strings.Repeat(" UNION ALL SELECT 3", 5000)}); err != nil {
		t.Errorf("%.200v", err)
	}
}
