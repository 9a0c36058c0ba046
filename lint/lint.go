// Package lint finds what a script may do that its author hardly means: millrace
// check prints it beside errors.
//
// A lint has a code, which names it in "-- millrace:allow(CODE)" and in
// docs/lints/CODE.md. Statements are looked at as trees (syntax.go), and, once they
// are planned, as graphs (plan.go). Start with Finding; the engine calls Statement
// and Graph.
package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/sqlerr"
)

// Codes of the lints.
const (
	UnboundedState   = "unbounded-state"
	TimeGroup        = "time-group"
	KeyMismatch      = "key-mismatch"
	NonDeterministic = "nondeterministic-update"
	NaiveWatermark   = "naive-watermark"
	MissingWatermark = "missing-watermark"
	UnusedColumn     = "unused-column"
	CrossJoin        = "cross-join"
	ColumnOrder      = "column-order"
	NullComparison   = "null-comparison"
	LikeWithout      = "like-without-wildcard"
	IgnoredErrors    = "ignored-errors"
	NormalizeCost    = "changelog-normalize"
	UnorderedLimit   = "unordered-limit"
)

// Info are the codes that are shown only when asked for: true of much that is meant.
var Info = []string{UnusedColumn}

// Codes are all codes, sorted.
func Codes() []string {
	c := []string{UnboundedState, TimeGroup, KeyMismatch, NonDeterministic, NaiveWatermark, MissingWatermark, UnusedColumn, CrossJoin, ColumnOrder, NullComparison, LikeWithout, IgnoredErrors, NormalizeCost, UnorderedLimit}
	slices.Sort(c)
	return c
}

// Finding is one remark about a piece of SQL.
type Finding struct {
	Code string
	Msg  string
	Hint string
	At   sqlerr.Span
}

// Render draws a finding as errors are drawn.
func (f *Finding) Render() string {
	text := sqlerr.Render(&sqlerr.Error{Code: f.Code, Msg: f.Msg, Hint: f.Hint, At: f.At})
	return strings.Replace(text, "error: "+f.Msg, "warning: "+f.Msg+" ["+f.Code+"]", 1)
}

var allow = regexp.MustCompile(`--\s*millrace:allow\(([a-z, -]+)\)`)

// Allowed says that the statement at, or a comment just before it, allows code.
func Allowed(code string, at sqlerr.Span) bool {
	if at.IsZero() {
		return false
	}
	from := strings.LastIndexByte(at.Src.Text[:at.Start], ';') + 1
	for _, m := range allow.FindAllStringSubmatch(at.Src.Text[from:at.End], -1) {
		for _, c := range strings.Split(m[1], ",") {
			if strings.TrimSpace(c) == code {
				return true
			}
		}
	}
	return false
}
