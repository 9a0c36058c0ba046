package tests

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFunctionShapes runs every recorded call in every shape that a batch can have
// and wants the same values: whole batches and single rows, a selection vector, the
// branch of a CASE, nothing at all, and constants, which are folded at plan time.
// The tuples have a NULL in each argument.
func TestFunctionShapes(t *testing.T) {
	files, _ := filepath.Glob("flink/functions/*.txt")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, c := range readRecorded(t, file) {
				if len(c.columns) > 0 && !strings.Contains(c.expr, "RAND") {
					c.shapes(t)
				}
			}
		})
	}
}

func (c *recorded) shapes(t *testing.T) {
	var rows []int
	for i, r := range c.rows {
		if r.want != "error" {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return
	}
	plain, err := c.run(c.query(rows, c.expr))
	if err != nil {
		return // TestFunctions says which rows fail
	}
	all := func(int) bool { return true }
	for _, v := range []struct {
		name, text string
		rows       func(i int) bool
		settings   []string
	}{
		{"single rows", c.query(rows, c.expr), all, []string{"millrace.batch-rows", "1"}},
		{"a selection", c.query(rows, c.expr) + " WHERE MOD(i, 3) <> 1", func(i int) bool { return i%3 != 1 }, nil},
		{"a branch", c.query(rows, "CASE WHEN MOD(i, 2) = 0 THEN "+c.expr+" END"), func(i int) bool { return i%2 == 0 }, nil},
		{"no rows", c.query(rows, c.expr) + " WHERE i < 0", func(int) bool { return false }, nil},
		{"constants", c.constants(rows[:min(len(rows), 8)]), func(i int) bool { return slices.Contains(rows[:min(len(rows), 8)], i) }, nil},
	} {
		got, err := c.run(v.text, v.settings...)
		if err != nil && v.name == "constants" && strings.Contains(err.Error(), "Division by zero") {
			continue // refused for constants, as in Flink
		}
		if err != nil {
			t.Errorf("%s in %s: %v", c.expr, v.name, err)
			continue
		}
		for _, i := range rows {
			if g, w := string(got[i]), string(plain[i]); v.rows(i) && !equalJSON(g, w) {
				t.Errorf("%s @ %s in %s is %s, plain %s", c.expr, strings.Join(c.rows[i].values, " | "), v.name, g, w)
			}
		}
		if v.name == "no rows" && len(got) > 0 {
			t.Errorf("%s: rows came out of none", c.expr)
		}
	}
}

// constants is a query of one SELECT a row, whose arguments are constants.
func (c *recorded) constants(rows []int) string {
	var parts []string
	for _, i := range rows {
		cols := fmt.Sprintf("%d AS i", i)
		for k, typ := range c.columns {
			cols += fmt.Sprintf(", CAST(%s AS %s) AS %c", c.rows[i].values[k], typ, 'a'+k)
		}
		parts = append(parts, fmt.Sprintf("SELECT i, %s AS r FROM (SELECT %s)", c.expr, cols))
	}
	return strings.Join(parts, " UNION ALL ")
}
