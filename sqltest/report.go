package sqltest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// JUnit writes results as JUnit's XML, which every CI system reads.
func JUnit(w io.Writer, results []*Result) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Time    string   `xml:"time,attr"`
		File    string   `xml:"file,attr"`
		Line    int      `xml:"line,attr"`
		Failure *failure `xml:"failure"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
	s := suite{Name: "millrace test", Tests: len(results)}
	total := time.Duration(0)
	for _, r := range results {
		c := testcase{Class: r.File.Path, Name: r.Case.Name, Time: seconds(r.Took), File: r.File.Path, Line: r.Case.Line}
		if !r.Passed() {
			s.Failures++
			c.Failure = &failure{Message: r.Diff[0], Text: strings.Join(r.Diff, "\n")}
		}
		total += r.Took
		s.Cases = append(s.Cases, c)
	}
	s.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// JSON writes a line per result.
func JSON(w io.Writer, results []*Result) error {
	e := json.NewEncoder(w)
	for _, r := range results {
		if err := e.Encode(map[string]any{"schema": "millrace.test/1", "file": r.File.Path, "line": r.Case.Line, "case": r.Case.Name, "passed": r.Passed(), "seconds": r.Took.Seconds(), "diff": r.Diff}); err != nil {
			return err
		}
	}
	return nil
}

// Update writes what the cases gave into their test file, in place of what was
// expected, and answers how many expectations changed. results are all of one file.
func Update(f *File, results []*Result) (changed int, err error) {
	lines := append([]string(nil), f.lines...)
	var out []string
	at := 0
	for _, r := range results {
		if len(r.got) != len(r.Case.Expects) {
			continue
		}
		for i, e := range r.Case.Expects {
			head, rows := lines[e.Line-1], r.got[i]
			switch e.Kind {
			case Late:
				head, rows = "expect late "+rows[0], nil
			case Error:
				if len(rows) == 0 || strings.Contains(rows[0], e.Text) && e.Text != "" {
					continue
				}
				head, rows = "expect error "+strings.Split(rows[0], "\n")[0], nil
			}
			old := strings.Join(append([]string{lines[e.Line-1]}, lines[e.from:e.to]...), "\n")
			if len(r.Diff) == 0 || strings.Join(append([]string{head}, rows...), "\n") == old {
				continue
			}
			changed++
			out = append(append(append(out, lines[at:e.Line-1]...), head), rows...)
			at = e.to
		}
	}
	if changed == 0 {
		return 0, nil
	}
	out = append(out, lines[at:]...)
	return changed, os.WriteFile(f.Path, []byte(strings.Join(out, "\n")), 0o644)
}
