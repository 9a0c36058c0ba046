package render

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/batch"
)

// sample is how many rows a table looks at to choose its widths, and maxWidth the
// widest column, as Flink's client has it.
const (
	sample   = 1000
	maxWidth = 30
)

// table writes boxes as Flink's tableau mode does, or Markdown. It holds the first
// rows back to choose the widths.
type table struct {
	base
	markdown bool
	held     [][]string
	widths   []int
	begun    bool
}

func (w *table) header() []string {
	if w.changelog {
		return append([]string{"op"}, w.schema.Names()...)
	}
	return w.schema.Names()
}

func (w *table) Write(b *batch.Batch) error {
	return each(b, func(i int) error {
		var row []string
		if w.changelog {
			row = append(row, b.Kind(i).String())
		}
		for c := range w.ts {
			s, null := w.text(b, c, i)
			if null {
				s = "<NULL>"
			}
			row = append(row, s)
		}
		w.rows++
		if !w.begun && len(w.held) < sample {
			w.held = append(w.held, row)
			return nil
		}
		w.begin()
		return w.line(row)
	})
}

// begin writes the header once the widths are known.
func (w *table) begin() {
	if w.begun {
		return
	}
	w.begun = true
	w.widths = make([]int, len(w.header()))
	for _, row := range append([][]string{w.header()}, w.held...) {
		for c, s := range row {
			w.widths[c] = min(max(w.widths[c], Width(s)), maxWidth)
		}
	}
	if !w.markdown {
		w.rule()
	}
	w.line(w.header())
	if w.markdown {
		for _, n := range w.widths {
			w.w.WriteString("|" + strings.Repeat("-", n+2))
		}
		w.w.WriteString("|\n")
	} else {
		w.rule()
	}
	for _, row := range w.held {
		w.line(row)
	}
	w.held = nil
}

func (w *table) rule() {
	for _, n := range w.widths {
		w.w.WriteString("+" + strings.Repeat("-", n+2))
	}
	w.w.WriteString("+\n")
}

func (w *table) line(row []string) error {
	for c, s := range row {
		if w.markdown {
			s = strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ")
		} else {
			s = Cut(s, w.widths[c])
		}
		w.w.WriteString("| " + strings.Repeat(" ", max(0, w.widths[c]-Width(s))) + s + " ")
	}
	_, err := w.w.WriteString("|\n")
	return err
}

func (w *table) Flush() error {
	if w.begun || len(w.held) > 0 {
		w.begin()
	}
	return w.w.Flush()
}

func (w *table) Close() error {
	w.begin()
	if !w.markdown {
		w.rule()
		w.w.WriteString(plural(w.rows) + " in set\n")
	}
	return w.w.Flush()
}

func plural(n int) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.Itoa(n) + " rows"
}

// Width is the columns of a terminal that s takes: East Asian wide characters
// take two.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
			r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff) {
			n++
		}
	}
	return n
}

// Cut shortens s to the width, with dots.
func Cut(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	for Width(s)+3 > width && s != "" {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s + "..."
}
