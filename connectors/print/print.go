// Package print is a sink that writes every change as a line: +I[1, a].
package print

import (
	"bufio"
	"context"
	"io"
	"os"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/functions/cast"
	"github.com/millrace/millrace/types"
)

// Connector is print.
var Connector = &connectors.Connector{
	Name: "print", Doc: "Writes every change as a line to standard output or error.",
	Options: []formats.Option{
		{Name: "print-identifier", Doc: "a word put before each line"},
		{Name: "standard-error", Type: formats.BoolOption, Default: "false", Doc: "write to standard error"},
	},
	Sink: func(t connectors.Table) (connectors.Sink, error) { return &sink{t: t}, nil },
}

type sink struct{ t connectors.Table }

func (s *sink) Changes(batch.Changes) batch.Changes { return batch.Changes{Kinds: batch.All} }

func (s *sink) Open(context.Context, connectors.WriterEnv) (connectors.Writer, error) {
	var out io.Writer = os.Stdout
	if s.t.Options.Bool("standard-error") {
		out = os.Stderr
	}
	return &writer{s: s, ts: s.t.Schema.Types(), w: bufio.NewWriter(out)}, nil
}

func (s *sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }

type writer struct {
	s   *sink
	ts  []types.Type
	w   *bufio.Writer
	buf []byte
}

func (w *writer) Write(b *batch.Batch) error {
	for i := 0; i < b.Len; i++ {
		out := w.buf[:0]
		if id := w.s.t.Options.String("print-identifier"); id != "" {
			out = append(append(out, id...), "> "...)
		}
		out = append(append(out, b.Kind(i).String()...), '[')
		for c, t := range w.ts {
			if c > 0 {
				out = append(out, ", "...)
			}
			if b.Cols[c].Null(i) {
				out = append(out, "null"...)
			} else {
				out = cast.AppendText(out, t, &b.Cols[c], i, w.s.t.Session)
			}
		}
		w.buf = append(out, "]\n"...)
		if _, err := w.w.Write(w.buf); err != nil {
			return err
		}
	}
	return w.w.Flush()
}

func (w *writer) Flush(context.Context) error                     { return w.w.Flush() }
func (w *writer) Prepare(context.Context, uint64) ([]byte, error) { return nil, w.w.Flush() }
func (w *writer) Close() error                                    { return w.w.Flush() }
