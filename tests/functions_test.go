package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// recorded is a call with the real Flink's answers, as flink/functions/*.txt keep
// them: an expression over columns a, b, c.., their types, the result's type, and
// rows with what each gives ("error" where the job fails).
type recorded struct {
	group, expr, typ string
	columns          []string // their types
	rows             []answer
}

type answer struct {
	values []string
	want   string
}

// TestFunctions compares every function with the real Flink's recorded answers.
// What stays different is listed, with its reason, in flink/functions/differences.md.
func TestFunctions(t *testing.T) {
	files, err := filepath.Glob("flink/functions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers: %v", err)
	}
	known := differences(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, c := range readRecorded(t, file) {
				c.compare(t, known)
			}
		})
	}
}

func readRecorded(t *testing.T, path string) (out []*recorded) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	group := strings.TrimSuffix(filepath.Base(path), ".txt")
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		lines := strings.Split(block, "\n")
		c := &recorded{group: group, expr: lines[0]}
		for _, l := range lines[1:] {
			name, rest, _ := strings.Cut(l, " ")
			switch {
			case c.typ == "" && name == "type":
				if c.typ = rest; rest == "" {
					c.typ = "?"
				}
			case c.typ == "":
				c.columns = append(c.columns, rest)
			default:
				at := strings.LastIndex(l, " => ")
				if at < 0 && strings.HasPrefix(l, "=> ") {
					c.rows = append(c.rows, answer{want: l[3:]})
					continue
				}
				c.rows = append(c.rows, answer{values: strings.Split(l[:at], " | "), want: l[at+4:]})
			}
		}
		out = append(out, c)
	}
	return out
}

// listed says whether a row is listed as different.
func (c *recorded) listed(known map[string]bool, row string) bool {
	if known[c.expr+" @ "+row] {
		return true
	}
	for k := range known {
		if expr, part, ok := strings.Cut(k, " @ ~"); ok && (expr == c.expr || expr == "*") && strings.Contains(row, part) {
			return true
		}
	}
	return false
}

// differences are the calls and rows listed as different: "expr" for a whole call,
// "type expr" for its type, "expr @ a | b" for a row, "expr @ ~text" for every row
// that contains the text ("*": of every call).
func differences(t *testing.T) map[string]bool {
	text, err := os.ReadFile("flink/functions/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, l := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(l, "    "); ok {
			known[strings.TrimSpace(rest)] = true
		}
	}
	return known
}

func (c *recorded) query(rows []int, expr string) string {
	var b strings.Builder
	names := "i"
	for k := range c.columns {
		names += ", " + string(rune('a'+k))
	}
	fmt.Fprintf(&b, "SELECT i, %s AS r FROM (VALUES ", expr)
	for n, i := range rows {
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d", i)
		for k, typ := range c.columns {
			fmt.Fprintf(&b, ", CAST(%s AS %s)", c.rows[i].values[k], typ)
		}
		b.WriteString(")")
	}
	fmt.Fprintf(&b, ") AS t(%s)", names)
	return b.String()
}

// run gives the second column by the first.
func (c *recorded) run(text string, settings ...string) (map[int]json.RawMessage, error) {
	options := map[string]string{}
	for k := 0; k+1 < len(settings); k += 2 {
		options[settings[k]] = settings[k+1]
	}
	if c.group == "temporal" {
		options["table.local-time-zone"] = "Europe/Berlin"
	}
	var out bytes.Buffer
	s := engine.New(engine.Config{Options: options})
	err := s.Run(context.Background(), &sqlerr.Source{Name: "functions", Text: text}, &sink{w: &out, changelog: true})
	if err != nil {
		return nil, err
	}
	rows := map[int]json.RawMessage{}
	for _, l := range strings.Split(out.String(), "\n") {
		var line struct {
			Row struct {
				I int             `json:"i"`
				R json.RawMessage `json:"r"`
			}
		}
		if json.Unmarshal([]byte(l), &line) == nil {
			rows[line.Row.I] = line.Row.R
		}
	}
	return rows, nil
}

func (c *recorded) compare(t *testing.T, known map[string]bool) {
	if known[c.expr] {
		return
	}
	var good, bad []int
	for i, r := range c.rows {
		switch {
		case c.listed(known, strings.Join(r.values, " | ")):
		case r.want == "error":
			bad = append(bad, i)
		default:
			good = append(good, i)
		}
	}
	if len(good) > 0 {
		got, err := c.run(c.query(good, c.expr))
		if err != nil { // find the rows
			got = map[int]json.RawMessage{}
			for _, i := range good {
				one, err := c.run(c.query([]int{i}, c.expr))
				if err != nil {
					t.Errorf("%s @ %s fails: %v, want %s", c.expr, strings.Join(c.rows[i].values, " | "), err, c.rows[i].want)
					continue
				}
				got[i] = one[i]
			}
		}
		for _, i := range good {
			if g, ok := got[i]; ok && !equalJSON(string(g), c.rows[i].want) {
				t.Errorf("%s @ %s = %s, want %s", c.expr, strings.Join(c.rows[i].values, " | "), g, c.rows[i].want)
			}
		}
		if typ, err := c.run(c.query(good[:1], "TYPEOF("+c.expr+")")); err == nil && c.typ != "?" && !known["type "+c.expr] {
			var text string
			if json.Unmarshal(typ[good[0]], &text); text != c.typ {
				t.Errorf("type %s is %s, want %s", c.expr, text, c.typ)
			}
		}
	}
	for _, i := range bad {
		if got, err := c.run(c.query([]int{i}, c.expr)); err == nil {
			t.Errorf("%s @ %s = %s, want an error", c.expr, strings.Join(c.rows[i].values, " | "), got[i])
		}
	}
}

// equalJSON compares values; floating numbers may differ in their last digits.
func equalJSON(a, b string) bool {
	var x, y any
	if decode(a, &x) != nil || decode(b, &y) != nil {
		return a == b
	}
	return equalValue(x, y)
}

func decode(s string, to *any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(to)
}

func equalValue(x, y any) bool {
	x, y = plainMap(x), plainMap(y)
	switch a := x.(type) {
	case json.Number:
		b, ok := y.(json.Number)
		if !ok {
			return false
		}
		if a == b {
			return true
		}
		p, err1 := strconv.ParseFloat(string(a), 64)
		q, err2 := strconv.ParseFloat(string(b), 64)
		return err1 == nil && err2 == nil && math.Abs(p-q) <= 1e-14*math.Max(math.Abs(p), math.Abs(q))
	case []any:
		b, ok := y.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalValue(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := y.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if v, ok := b[k]; !ok || !equalValue(a[k], v) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(x, y)
}

// plainMap makes an object of {"$map": [[k, v], ..]}: maps have no order.
func plainMap(x any) any {
	m, ok := x.(map[string]any)
	if !ok || len(m) != 1 {
		return x
	}
	list, ok := m["$map"].([]any)
	if !ok {
		return x
	}
	out := map[string]any{}
	for _, e := range list {
		if kv, ok := e.([]any); ok && len(kv) == 2 {
			out[fmt.Sprint(kv[0])] = kv[1]
		}
	}
	return out
}
