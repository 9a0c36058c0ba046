package shell

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/types"
)

// tableau prints changes as they come, in columns whose widths follow from the
// types, as Flink's client does in tableau mode over a stream.
type tableau struct {
	w         *bufio.Writer
	schema    *types.Schema
	ts        []types.Type
	session   *types.Session
	changelog bool
	widths    []int
	rows      int
	begun     bool
}

const maxColumn = 30

func newTableau(w io.Writer, schema *types.Schema, changelog bool, session *types.Session) *tableau {
	t := &tableau{w: bufio.NewWriter(w), schema: schema, ts: schema.Types(), session: session, changelog: changelog}
	if changelog {
		t.widths = append(t.widths, 2)
	}
	for _, f := range schema.Fields {
		t.widths = append(t.widths, max(render.Width(f.Name), widthOf(f.Type), len("<NULL>")))
	}
	return t
}

// widthOf is the widest value of a type, at most maxColumn.
func widthOf(t types.Type) int {
	n := maxColumn
	switch t.Kind {
	case types.TinyInt:
		n = 4
	case types.SmallInt:
		n = 6
	case types.Int:
		n = 11
	case types.BigInt:
		n = 20
	case types.Decimal:
		n = t.Precision() + 3
	case types.Boolean:
		n = 7
	case types.Date:
		n = 10
	case types.Time:
		n = 8
	case types.Timestamp, types.TimestampLTZ:
		if n = 19; t.Precision() > 0 {
			n = 20 + t.Precision()
		}
	}
	return min(n, maxColumn)
}

func (t *tableau) rule() {
	for _, n := range t.widths {
		t.w.WriteString("+" + strings.Repeat("-", n+2))
	}
	t.w.WriteString("+\n")
}

func (t *tableau) line(cells []string) {
	for i, s := range cells {
		s = render.Cut(strings.ReplaceAll(s, "\n", " "), t.widths[i])
		t.w.WriteString("| " + strings.Repeat(" ", max(0, t.widths[i]-render.Width(s))) + s + " ")
	}
	t.w.WriteString("|\n")
}

func (t *tableau) begin() {
	if t.begun {
		return
	}
	t.begun = true
	t.rule()
	names := t.schema.Names()
	if t.changelog {
		names = append([]string{"op"}, names...)
	}
	t.line(names)
	t.rule()
}

func (t *tableau) Write(b *batch.Batch) error {
	t.begin()
	for i := 0; i < b.Len; i++ {
		if b.Sel != nil && i >= len(b.Sel) {
			break
		}
		row := i
		if b.Sel != nil {
			row = int(b.Sel[i])
		}
		t.line(cells(b, row, t.ts, t.session, t.changelog))
		t.rows++
	}
	return nil
}

// cells are a row as text.
func cells(b *batch.Batch, row int, ts []types.Type, session *types.Session, changelog bool) []string {
	var out []string
	if changelog {
		out = append(out, b.Kind(row).String())
	}
	for c := range ts {
		if b.Cols[c].Null(row) {
			out = append(out, "<NULL>")
		} else {
			out = append(out, string(cast.AppendText(nil, ts[c], &b.Cols[c], row, session)))
		}
	}
	return out
}

func (t *tableau) Flush() error { t.begin(); return t.w.Flush() }

func (t *tableau) Close() error {
	t.begin()
	t.rule()
	fmt.Fprintf(t.w, "Received a total of %s\n", rows(t.rows))
	return t.w.Flush()
}
