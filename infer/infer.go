// Package infer guesses a table's columns from a sample of what a file or a topic holds.
// Lines go in, as a connector with format raw reads them; fields come out, with the format
// that reads them. Start with Lines.
package infer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/types"
)

// Table is what a sample looks like.
type Table struct {
	Fields  []types.Field
	Format  string   // json or csv
	Options []string // further options, names and values in turn
	Header  bool     // the first line of a csv names its columns; the format has no option to pass over it
}

// Lines guesses from lines: JSON objects, or else CSV. Errors say which line isn't like
// the others.
func Lines(lines [][]byte) (*Table, error) {
	for i, l := range lines {
		if !utf8.Valid(l) || bytes.IndexByte(l, 0) >= 0 {
			return nil, fmt.Errorf("line %d of the sample isn't text in UTF-8: it is of another format than JSON, CSV, Parquet and Avro, or compressed by a name that doesn't say so", i+1)
		}
	}
	for _, l := range lines {
		if l = bytes.TrimSpace(l); len(l) > 0 {
			if l[0] == '{' {
				return fromJSON(lines)
			}
			return fromCSV(lines)
		}
	}
	return nil, fmt.Errorf("it holds no line to guess from")
}

// guess is what the values of a column have been so far: the most general wins.
type guess struct {
	kind     string // "", bool, int, big (more than a BIGINT holds), number, date, timestamp, instant, text, array, object
	item     *guess
	names    []string
	fields   map[string]*guess
	standard bool // timestamps: by ISO 8601
	digits   int  // of timestamps, behind the second
}

var (
	dates    = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	moments  = regexp.MustCompile(`^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z)?$`)
	integers = regexp.MustCompile(`^[+-]?\d{1,38}$`)
	codes    = regexp.MustCompile(`^(\+|-?0\d)`) // postal codes, telephone numbers: digits that aren't a number
	numbers  = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)
)

// is notes a value of a kind.
func (g *guess) is(kind string) {
	switch {
	case g.kind == "" || g.kind == kind:
		g.kind = kind
	case ranks[g.kind] > 0 && ranks[kind] > 0:
		if ranks[kind] > ranks[g.kind] {
			g.kind = kind
		}
	default:
		g.kind = "text"
	}
}

// ranks orders the kinds of numbers: each can hold those before it.
var ranks = map[string]int{"int": 1, "big": 2, "number": 3}

// whole notes a whole number.
func (g *guess) whole(s string) {
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		g.is("big")
		return
	}
	g.is("int")
}

// text notes a text that may be a time.
func (g *guess) text(s string) {
	switch m := moments.FindStringSubmatch(s); {
	case dates.MatchString(s):
		g.is("date")
	case m == nil:
		g.is("text")
	default:
		kind, standard := "timestamp", s[10] == 'T'
		if m[2] != "" {
			kind = "instant"
		}
		if g.kind == kind && g.standard != standard || m[2] != "" && !standard {
			kind = "text"
		}
		g.is(kind)
		g.standard, g.digits = standard, max(g.digits, len(m[1])-1)
	}
}

func (g *guess) value(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch x := t.(type) {
	case nil:
	case bool:
		g.is("bool")
	case json.Number:
		if integers.MatchString(x.String()) {
			g.whole(x.String())
		} else {
			g.is("number")
		}
	case string:
		g.text(x)
	case json.Delim:
		if x == '{' {
			g.is("object")
			return g.object(d)
		}
		g.is("array")
		if g.item == nil {
			g.item = &guess{}
		}
		for d.More() {
			if err := g.item.value(d); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// object reads what follows a brace.
func (g *guess) object(d *json.Decoder) error {
	if g.fields == nil {
		g.fields = map[string]*guess{}
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return err
		}
		name := k.(string)
		if g.fields[name] == nil {
			g.names, g.fields[name] = append(g.names, name), &guess{}
		}
		if err := g.fields[name].value(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// column is the type for what was seen. times is set where the format must be told how
// times are written.
func (g *guess) column(times *bool) types.Type {
	*times = *times || (g.kind == "timestamp" || g.kind == "instant") && g.standard
	precision := (g.digits + 2) / 3 * 3 // to the second, the milli-, micro- or nanosecond
	switch g.kind {
	case "bool":
		return types.BooleanType
	case "int":
		return types.BigIntType
	case "big":
		return types.DecimalType(38, 0)
	case "number":
		return types.DoubleType
	case "date":
		return types.Type{Kind: types.Date}
	case "timestamp":
		return types.Type{Kind: types.Timestamp, Length: precision}
	case "instant":
		return types.Type{Kind: types.TimestampLTZ, Length: precision}
	case "array":
		return types.ArrayOf(g.item.column(times))
	case "object":
		if len(g.names) > 0 {
			return types.RowOf(g.columns(times)...)
		}
	}
	return types.StringType
}

func (g *guess) columns(times *bool) (out []types.Field) {
	for _, n := range g.names {
		out = append(out, types.Field{Name: n, Type: g.fields[n].column(times)})
	}
	return out
}

// mixed says that some times are written by ISO 8601 and others aren't: a format reads
// one form, so all are texts.
func (g *guess) mixed() bool {
	forms := map[bool]bool{}
	var walk func(g *guess)
	walk = func(g *guess) {
		if g.kind == "timestamp" || g.kind == "instant" {
			forms[g.standard] = true
		}
		if g.item != nil {
			walk(g.item)
		}
		for _, f := range g.fields {
			walk(f)
		}
	}
	walk(g)
	return len(forms) > 1
}

// untimed makes times texts.
func (g *guess) untimed() {
	if g.kind == "timestamp" || g.kind == "instant" {
		g.kind = "text"
	}
	if g.item != nil {
		g.item.untimed()
	}
	for _, f := range g.fields {
		f.untimed()
	}
}

func fromJSON(lines [][]byte) (*Table, error) {
	g := &guess{}
	for i, l := range lines {
		if len(bytes.TrimSpace(l)) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(l))
		d.UseNumber()
		t, err := d.Token()
		if err == nil && t != json.Delim('{') {
			err = fmt.Errorf("it isn't an object")
		}
		if err == nil {
			err = g.object(d)
		}
		if err == nil {
			if _, more := d.Token(); more != io.EOF {
				err = fmt.Errorf("there is more behind the object")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the sample: %w", i+1, err)
		}
	}
	if g.mixed() {
		g.untimed()
	}
	t, times := &Table{Format: "json"}, false
	if t.Fields = g.columns(&times); times {
		t.Options = []string{"json.timestamp-format.standard", "ISO-8601"}
	}
	return t, nil
}

func fromCSV(lines [][]byte) (*Table, error) {
	first := string(lines[0])
	delimiter := ","
	for _, d := range []string{";", "\t", "|"} {
		if strings.Count(first, d) > strings.Count(first, delimiter) {
			delimiter = d
		}
	}
	r := csv.NewReader(bytes.NewReader(bytes.Join(lines, []byte("\n"))))
	r.Comma = rune(delimiter[0])
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("the sample as csv: %w", err)
	}
	names := rows[0]
	header := len(rows) > 1
	seen := map[string]bool{}
	for _, n := range names {
		header = header && n != "" && !numbers.MatchString(n) && !dates.MatchString(n) && !moments.MatchString(n) && !seen[n]
		seen[n] = true
	}
	t := &Table{Format: "csv", Header: header}
	if header {
		rows = rows[1:]
	}
	for c := range names {
		g := &guess{}
		for _, row := range rows {
			switch v := row[c]; {
			case v == "":
			case codes.MatchString(v):
				g.is("text")
			case integers.MatchString(v):
				g.whole(v)
			case numbers.MatchString(v):
				g.is("number")
			case strings.EqualFold(v, "true"), strings.EqualFold(v, "false"):
				g.is("bool")
			default:
				if g.text(v); g.standard { // csv reads SQL's form
					g.kind = "text"
				}
			}
		}
		name, times := fmt.Sprintf("f%d", c), false
		if header {
			name = names[c]
		}
		t.Fields = append(t.Fields, types.Field{Name: name, Type: g.column(&times)})
	}
	if delimiter != "," {
		t.Options = []string{"csv.field-delimiter", delimiter}
	}
	return t, nil
}
