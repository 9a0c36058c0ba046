// Package sqlerr is how Millrace says that something is wrong with a piece of
// SQL: an Error has a stable code, one sentence, an optional hint, and the Span
// of text it is about.
//
// A Span carries its Source, so it keeps its meaning wherever it travels: from
// the lexer through the tree, the plan and the spec into the running job, and
// through views, whose text is a source of its own. Start with Error; Render
// draws the line with the caret.
package sqlerr

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Source is a named piece of SQL text. Name is what a user can open or
// recognise: a file's path, "-e", "<stdin>", "view v".
type Source struct {
	Name string
	Text string
}

// Span is the half-open range [Start, End) of byte offsets into Src.Text. The
// zero Span is "nowhere".
type Span struct {
	Src        *Source
	Start, End int
}

// IsZero says whether the span points at nothing.
func (s Span) IsZero() bool { return s.Src == nil }

// To is the span from the start of s to the end of t; the zero span adds nothing.
func (s Span) To(t Span) Span {
	switch {
	case s.IsZero():
		return t
	case t.IsZero() || t.Src != s.Src:
		return s
	}
	return Span{Src: s.Src, Start: min(s.Start, t.Start), End: max(s.End, t.End)}
}

// Text is the SQL the span covers.
func (s Span) Text() string {
	if s.IsZero() || s.Start < 0 || s.End > len(s.Src.Text) || s.Start > s.End {
		return ""
	}
	return s.Src.Text[s.Start:s.End]
}

// Position is the 1-based line and column of the span's start. Columns count
// characters, not bytes.
func (s Span) Position() (line, col int) {
	if s.IsZero() {
		return 0, 0
	}
	head := s.Src.Text[:min(max(s.Start, 0), len(s.Src.Text))]
	line = strings.Count(head, "\n") + 1
	head = head[strings.LastIndexByte(head, '\n')+1:]
	return line, len([]rune(head)) + 1
}

// String is "name:line:col", the form editors jump to.
func (s Span) String() string {
	if s.IsZero() {
		return ""
	}
	line, col := s.Position()
	return fmt.Sprintf("%s:%d:%d", s.Src.Name, line, col)
}

// Codes that programs test for. Other codes are free to appear; these keep
// their meaning.
const (
	Syntax       = "syntax"         // the text is not SQL of the dialect
	NotSupported = "not-supported"  // valid, but Millrace doesn't do it yet; the message names the feature
	NotFound     = "not-found"      // a table, column, function, ... of that name doesn't exist
	Exists       = "already-exists" // a table, view, ... of that name exists
	Type         = "type"           // types don't fit
	Invalid      = "invalid"        // understood and refused
	Option       = "option"         // an option of WITH, SET or a hint
	Runtime      = "runtime"        // the running job failed at this place
)

// Error is one fault. Msg is one sentence in lower case that names things in
// double quotes; Hint says what to do.
type Error struct {
	Code string
	Msg  string
	Hint string
	At   Span
	Err  error // the cause below, if any
}

// New makes an Error with a formatted message.
func New(code string, at Span, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...), At: at}
}

// Unsupported is the error for what Flink can do and Millrace can't yet.
func Unsupported(at Span, feature string) *Error {
	return New(NotSupported, at, "not supported yet: %s", feature)
}

// WithHint returns e with the hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error is the message with its place, on one line.
func (e *Error) Error() string {
	if e.At.IsZero() {
		return e.Msg
	}
	return e.At.String() + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// At gives err a place: an *Error without a span gets at, any other error
// becomes a Runtime error at that place. nil stays nil.
func At(err error, at Span) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.At.IsZero() {
			c := *e
			c.At = at
			return &c
		}
		return err
	}
	return &Error{Code: Runtime, Msg: err.Error(), At: at, Err: err}
}

// List is several errors of one text, at most Max.
type List []*Error

// Max is how many errors one run of the lexer, parser and binder reports.
const Max = 10

// Sort orders the list by position and drops repeats and what exceeds Max.
func (l List) Sort() List {
	sort.SliceStable(l, func(i, j int) bool { return l[i].At.Start < l[j].At.Start })
	out := l[:0]
	for _, e := range l {
		if n := len(out); n > 0 && out[n-1].At == e.At && out[n-1].Msg == e.Msg {
			continue
		}
		out = append(out, e)
	}
	if len(out) > Max {
		out = out[:Max]
	}
	return out
}

// Err is the list as an error, nil when it is empty.
func (l List) Err() error {
	switch len(l) {
	case 0:
		return nil
	case 1:
		return l[0]
	}
	return l
}

func (l List) Error() string {
	s := make([]string, len(l))
	for i, e := range l {
		s[i] = e.Error()
	}
	return strings.Join(s, "\n")
}

// All flattens err into the errors it holds; a plain error becomes one without
// a place.
func All(err error) List {
	if err == nil {
		return nil
	}
	var l List
	if errors.As(err, &l) {
		return l
	}
	var e *Error
	if errors.As(err, &e) {
		return List{e}
	}
	return List{{Code: Runtime, Msg: err.Error(), Err: err}}
}

// Render draws err as users see it:
//
//	error: column "amont" not found in table "orders"; did you mean "amount"?
//	  jobs/totals.sql:3:21
//	    3 | SELECT user_id, SUM(amont) FROM orders
//	      |                     ^~~~~
//	  hint: ...
func Render(err error) string {
	var b strings.Builder
	for _, e := range All(err) {
		msg := e.Msg
		if !errors.Is(err, e) && len(All(err)) == 1 {
			msg = err.Error()
		}
		fmt.Fprintf(&b, "error: %s\n", msg)
		if !e.At.IsZero() {
			line, col := e.At.Position()
			lines := strings.Split(e.At.Src.Text, "\n")
			text := ShownLine(strings.TrimSuffix(lines[min(line, len(lines))-1], "\r"))
			width := len([]rune(e.At.Text()))
			width = max(1, min(width, len([]rune(text))-col+1))
			no := fmt.Sprint(line)
			pad := strings.Repeat(" ", len(no))
			lead := strings.Map(func(r rune) rune { // keep tabs so that the caret lines up
				if r == '\t' {
					return r
				}
				return ' '
			}, string([]rune(text)[:min(col-1, len([]rune(text)))]))
			fmt.Fprintf(&b, "  %s\n    %s | %s\n    %s | %s^%s\n", e.At, no, text, pad, lead, strings.Repeat("~", width-1))
		}
		if e.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", e.Hint)
		}
	}
	return b.String()
}

// Nearest returns the candidate closest to name by edit distance, ignoring
// case, or "" when none is near enough to suggest.
func Nearest(name string, candidates []string) string {
	best, at := "", len(name)/3+2
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < at {
			best, at = c, d
		}
	}
	return best
}

// DidYouMean is `; did you mean "x"?` for the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if c := Nearest(name, candidates); c != "" {
		return fmt.Sprintf("; did you mean %q?", c)
	}
	return ""
}

// distance is the Levenshtein distance in bytes (Wagner and Fischer, 1974).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
