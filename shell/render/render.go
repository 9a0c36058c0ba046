// Package render writes a query's rows for people and programs: jsonl, csv, tsv,
// table, tableau, vertical, markdown and json, and arrow and parquet (binary.go). A Writer is given the schema
// once, then batches, and closed. Start with New.
package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/formats/changelogjson"
	"github.com/millrace/millrace/formats/jsonscan"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// Formats are the names New takes.
var Formats = []string{"table", "tableau", "vertical", "csv", "tsv", "json", "jsonl", "markdown", "arrow", "parquet"}

// Writer writes rows.
type Writer interface {
	// Write writes the live rows of b; it keeps nothing of it.
	Write(b *batch.Batch) error
	// Flush sends what is buffered.
	Flush() error
	// Close ends the output: the footer of a table.
	Close() error
}

// New makes a Writer of the named format. With changelog each row carries its
// kind.
func New(format string, w io.Writer, schema *types.Schema, changelog bool, session *types.Session) (Writer, error) {
	base := base{w: bufio.NewWriterSize(w, 1<<16), schema: schema, ts: schema.Types(), changelog: changelog, session: session}
	switch format {
	case "jsonl", "json":
		return &jsonWriter{base: base, array: format == "json"}, nil
	case "csv":
		return &separated{base: base, sep: ','}, nil
	case "tsv":
		return &separated{base: base, sep: '\t'}, nil
	case "arrow":
		return newArrow(w, schema, changelog), nil
	case "parquet":
		return newParquet(base.w, schema, changelog, session)
	case "vertical":
		return &vertical{base: base}, nil
	case "table", "tableau", "markdown":
		return &table{base: base, markdown: format == "markdown"}, nil
	}
	return nil, fmt.Errorf("unknown format %q; it is one of %s", format, strings.Join(Formats, ", "))
}

type base struct {
	w         *bufio.Writer
	schema    *types.Schema
	ts        []types.Type
	changelog bool
	session   *types.Session
	buf       []byte
	rows      int
}

func (b *base) Flush() error { return b.w.Flush() }
func (b *base) Close() error { return b.w.Flush() }

// each calls f for the live rows.
func each(b *batch.Batch, f func(i int) error) error {
	if b.Sel != nil {
		for _, i := range b.Sel {
			if err := f(int(i)); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < b.Len; i++ {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// text is the printed form of a cell, and whether it is NULL.
func (b *base) text(cells *batch.Batch, c, i int) (string, bool) {
	if cells.Cols[c].Null(i) {
		return "", true
	}
	return string(cast.AppendText(nil, b.ts[c], &cells.Cols[c], i, b.session)), false
}

// jsonWriter writes a line per row, or one array.
type jsonWriter struct {
	base
	array bool
}

func (w *jsonWriter) Write(b *batch.Batch) error {
	return each(b, func(i int) error {
		out := w.buf[:0]
		if w.array {
			out = append(out, map[bool]string{true: "[", false: ",\n"}[w.rows == 0]...)
		}
		if w.changelog {
			out = append(out, `{"op":"`...)
			out = append(out, b.Kind(i).String()...)
			out = append(out, `","row":`...)
		}
		out = append(out, '{')
		for c, f := range w.schema.Fields {
			if c > 0 {
				out = append(out, ',')
			}
			out = jsonscan.AppendString(out, f.Name)
			out = append(out, ':')
			out = changelogjson.AppendJSON(out, f.Type, &b.Cols[c], i, w.session)
		}
		out = append(out, '}')
		if w.changelog {
			out = append(out, '}')
		}
		if !w.array {
			out = append(out, '\n')
		}
		w.buf, w.rows = out, w.rows+1
		_, err := w.w.Write(out)
		return err
	})
}

func (w *jsonWriter) Close() error {
	if w.array {
		if w.rows == 0 {
			w.w.WriteString("[")
		}
		w.w.WriteString("]\n")
	}
	return w.w.Flush()
}

// separated writes CSV (RFC 4180) or tab-separated values with a header.
type separated struct {
	base
	sep byte
}

func (w *separated) Write(b *batch.Batch) error {
	if w.rows == 0 {
		w.header()
	}
	return each(b, func(i int) error {
		w.rows++
		if w.changelog {
			w.w.WriteString(b.Kind(i).String())
			w.w.WriteByte(w.sep)
		}
		for c := range w.ts {
			if c > 0 {
				w.w.WriteByte(w.sep)
			}
			if s, null := w.text(b, c, i); !null {
				w.field(s)
			}
		}
		return w.w.WriteByte('\n')
	})
}

func (w *separated) header() {
	names := w.schema.Names()
	if w.changelog {
		names = append([]string{"op"}, names...)
	}
	for i, n := range names {
		if i > 0 {
			w.w.WriteByte(w.sep)
		}
		w.field(n)
	}
	w.w.WriteByte('\n')
	w.rows = 1
}

func (w *separated) field(s string) {
	switch {
	case w.sep == '\t':
		w.w.WriteString(strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r").Replace(s))
	case s == "" || strings.ContainsAny(s, ",\"\r\n"):
		w.w.WriteString(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
	default:
		w.w.WriteString(s)
	}
}

func (w *separated) Close() error {
	if w.rows == 0 {
		w.header()
	}
	return w.w.Flush()
}

// vertical writes a line per column.
type vertical struct{ base }

func (w *vertical) Write(b *batch.Batch) error {
	width := 0
	for _, n := range w.schema.Names() {
		width = max(width, len(n))
	}
	return each(b, func(i int) error {
		w.rows++
		fmt.Fprintf(w.w, "*** row %d", w.rows)
		if w.changelog {
			fmt.Fprintf(w.w, " %s", b.Kind(i))
		}
		w.w.WriteString(" ***\n")
		for c, f := range w.schema.Fields {
			s, null := w.text(b, c, i)
			if null {
				s = "<NULL>"
			}
			fmt.Fprintf(w.w, "%*s: %s\n", width, f.Name, s)
		}
		return nil
	})
}
