// Package sqltest runs unit tests of SQL job files: millrace test.
//
// A test file stands beside the job file (orders.sql, orders.test) and holds cases:
// rows for the job's sources, step by step, and what its sinks hold in the end. The
// job file runs unchanged, but every connector is swapped (swap.go): sources deliver
// the case's rows, sinks keep what they are given, look-ups answer from the case.
// Event time and the clock move as the case says (script.go), so a case takes a few
// milliseconds and comes out the same each time.
//
//	case totals by user
//	input orders
//	{"user_id": 1, "amount": 10, "ts": "2024-01-01 10:00:01"}
//	watermark orders 2024-01-01 10:01:00
//	expect totals
//	{"user_id": 1, "total": 10}
//
// docs/testing.md has the whole of it. Start with Read here, then Run in run.go.
package sqltest

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats"
)

// File is a test file.
type File struct {
	Path  string
	Job   string // the job file
	Cases []*Case
	lines []string
}

// Case is one test.
type Case struct {
	Name    string
	Line    int
	Set     [][2]string // settings over the job file's
	Vars    map[string]string
	Steps   []Step
	Expects []Expect
	file    *File
}

// StepKind says what a step does.
type StepKind uint8

// The steps.
const (
	Input     StepKind = iota // rows come in
	Watermark                 // event time moves
	Clock                     // processing time moves
	End                       // the sources end
)

// Step is what happens in a case, in order.
type Step struct {
	Kind  StepKind
	Line  int
	Table string
	Rows  []Row
	At    time.Time     // of Watermark and Clock
	Add   time.Duration // of Clock, when At is zero
}

// Row is a row as JSON members.
type Row struct {
	Kind   batch.Kind
	Values map[string]json.RawMessage
	Line   int
}

// ExpectKind says what is compared.
type ExpectKind uint8

// The expectations.
const (
	Table     ExpectKind = iota // the rows a sink holds in the end, in any order
	Changelog                   // the changes a sink was given, in order
	Late                        // how many rows came too late
	Error                       // the job fails
)

// Expect is what a case wants to see.
type Expect struct {
	Kind  ExpectKind
	Line  int
	Table string
	Rows  []Row
	Count int64
	Text  string
	steps int // how many steps come before it
	from  int // lines of its rows in the file, from <= line < to
	to    int
}

// Read reads a test file.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Job: strings.TrimSuffix(path, filepath.Ext(path)) + ".sql", lines: strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")}
	r := &reader{f: f}
	for r.i < len(f.lines) {
		if err := r.line(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, r.i+1, err)
		}
	}
	return f, nil
}

type reader struct {
	f *File
	i int
	c *Case
}

func (r *reader) line() error {
	line := strings.TrimSpace(r.f.lines[r.i])
	if line == "" || strings.HasPrefix(line, "#") {
		r.i++
		return nil
	}
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "job":
		r.f.Job = filepath.Join(filepath.Dir(r.f.Path), rest)
		r.i++
		return nil
	case "case":
		if rest == "" {
			return fmt.Errorf("a case needs a name")
		}
		r.c = &Case{Name: rest, Line: r.i + 1, file: r.f, Vars: map[string]string{}}
		r.f.Cases = append(r.f.Cases, r.c)
		r.i++
		return nil
	}
	if r.c == nil {
		return fmt.Errorf("%q before the first case; a file begins with \"case NAME\"", word)
	}
	switch word {
	case "set":
		key, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("set 'key' = 'value'")
		}
		unquote := func(s string) string { return strings.Trim(strings.TrimSpace(s), "'") }
		r.c.Set = append(r.c.Set, [2]string{unquote(key), unquote(value)})
	case "var":
		name, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("var NAME=value")
		}
		r.c.Vars[strings.TrimSpace(name)] = strings.TrimSpace(value)
	case "input":
		return r.input(rest)
	case "watermark":
		table, at, _ := strings.Cut(rest, " ")
		t, err := moment(at)
		if err != nil {
			return err
		}
		r.c.Steps = append(r.c.Steps, Step{Kind: Watermark, Line: r.i + 1, Table: table, At: t})
	case "proctime":
		s := Step{Kind: Clock, Line: r.i + 1}
		var err error
		if by, ok := strings.CutPrefix(rest, "+"); ok {
			s.Add, err = formats.ParseDuration(by)
		} else {
			s.At, err = moment(rest)
		}
		if err != nil {
			return err
		}
		r.c.Steps = append(r.c.Steps, s)
	case "end":
		r.c.Steps = append(r.c.Steps, Step{Kind: End, Line: r.i + 1})
	case "expect":
		return r.expect(rest)
	default:
		return fmt.Errorf("unknown line %q; it is one of case, set, var, input, watermark, proctime, end and expect", word)
	}
	r.i++
	return nil
}

// moment reads a time of UTC.
func moment(s string) (time.Time, error) {
	s = strings.Trim(strings.TrimSpace(s), "'")
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, strings.TrimSuffix(s, " UTC")); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write it as 2024-01-31 10:00:00", s)
}

func (r *reader) input(rest string) error {
	words := strings.Fields(rest)
	if len(words) == 0 {
		return fmt.Errorf("input TABLE")
	}
	s := Step{Kind: Input, Line: r.i + 1, Table: words[0]}
	format, from := "", ""
	for k := 1; k < len(words); k++ {
		switch {
		case words[k] == "csv":
			format = "csv"
		case words[k] == "from" && k+1 < len(words):
			from = words[k+1]
			k++
		default:
			return fmt.Errorf("input TABLE [csv] [from FILE]")
		}
	}
	r.i++
	lines, first := r.block(format), r.i-1
	if from != "" {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(r.f.Path), from))
		if err != nil {
			return err
		}
		lines, first = strings.Split(strings.TrimRight(string(text), "\n"), "\n"), 0
		if strings.HasSuffix(from, ".csv") {
			format = "csv"
		}
	} else {
		first -= len(lines) - 1
	}
	rows, err := parseRows(lines, first+1, format)
	s.Rows = rows
	r.c.Steps = append(r.c.Steps, s)
	return err
}

// block is the lines of rows that follow: JSON objects, perhaps with a kind, or,
// for CSV, all up to an empty line.
func (r *reader) block(format string) (out []string) {
	for ; r.i < len(r.f.lines); r.i++ {
		line := strings.TrimSpace(r.f.lines[r.i])
		if line == "" || format == "" && !strings.HasPrefix(line, "{") && !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "-") {
			break
		}
		out = append(out, line)
	}
	return out
}

func parseRows(lines []string, first int, format string) (out []Row, err error) {
	if format == "csv" {
		return csvRows(lines, first)
	}
	for i, line := range lines {
		if line == "" {
			continue
		}
		row := Row{Line: first + i, Kind: batch.Insert}
		if len(line) > 2 && line[0] != '{' {
			k, ok := batch.ParseKind(line[:2])
			if !ok {
				return nil, fmt.Errorf("line %d: %q is no kind of change; it is +I, -U, +U or -D", row.Line, line[:2])
			}
			row.Kind, line = k, strings.TrimSpace(line[2:])
		}
		if err := json.Unmarshal([]byte(line), &row.Values); err != nil {
			return nil, fmt.Errorf("line %d: %w", row.Line, err)
		}
		out = append(out, row)
	}
	return out, nil
}

// csvRows reads a header and rows; an empty field is NULL.
func csvRows(lines []string, first int) (out []Row, err error) {
	rec, err := csv.NewReader(strings.NewReader(strings.Join(lines, "\n"))).ReadAll()
	if err != nil {
		return nil, err
	}
	for i, fields := range rec {
		if i == 0 {
			continue
		}
		row := Row{Line: first + i, Values: map[string]json.RawMessage{}}
		for c, f := range fields {
			v := json.RawMessage("null")
			if f != "" {
				v, _ = json.Marshal(f)
			}
			row.Values[rec[0][c]] = v
		}
		out = append(out, row)
	}
	return out, nil
}

func (r *reader) expect(rest string) error {
	word, arg, _ := strings.Cut(rest, " ")
	arg = strings.TrimSpace(arg)
	e := Expect{Line: r.i + 1, steps: len(r.c.Steps), from: r.i + 1, to: r.i + 1}
	r.i++
	switch word {
	case "":
		return fmt.Errorf("expect TABLE, expect changelog TABLE, expect late N or expect error TEXT")
	case "late":
		n, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return fmt.Errorf("expect late N: %q is no number", arg)
		}
		e.Kind, e.Count = Late, n
	case "error":
		e.Kind, e.Text = Error, arg
	default:
		e.Table = word
		if word == "changelog" {
			e.Kind, e.Table = Changelog, arg
		}
		from := r.i
		rows, err := parseRows(r.block(""), from+1, "")
		if err != nil {
			return err
		}
		e.Rows, e.from, e.to = rows, from, r.i
	}
	r.c.Expects = append(r.c.Expects, e)
	return nil
}
