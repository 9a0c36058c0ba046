// Package print is a sink that writes every change as a line: +I[1, a].
package print

import (
	"context"
	"fmt"
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
	Name: "print", Doc: "Writes every change as a line to standard output or error.", Inner: true,
	Options: []formats.Option{
		{Name: "print-identifier", Doc: "a word put before each line"},
		{Name: "standard-error", Type: formats.BoolOption, Default: "false", Doc: "write to standard error"},
	},
	Sink: func(t connectors.Table) (connectors.Sink, error) { return &sink{t: t}, nil },
}

type sink struct{ t connectors.Table }

// Changes are the query's.
func (s *sink) Changes(query batch.Changes) batch.Changes { return query }

func (s *sink) Open(_ context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	var out io.Writer = os.Stdout
	if s.t.Options.Bool("standard-error") {
		out = os.Stderr
	}
	return &writer{s: s, ts: s.t.Schema.Types(), w: out, prefix: prefix(s.t.Options.String("print-identifier"), env)}, nil
}

// prefix is what stands before each line: the identifier, and with several
// subtasks the writer's number, as Flink counts it.
func prefix(id string, env connectors.WriterEnv) string {
	switch {
	case env.Of > 1 && id != "":
		return fmt.Sprintf("%s:%d> ", id, env.Subtask+1)
	case env.Of > 1:
		return fmt.Sprintf("%d> ", env.Subtask+1)
	case id != "":
		return id + "> "
	}
	return ""
}

func (s *sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }

type writer struct {
	s      *sink
	ts     []types.Type
	w      io.Writer
	prefix string
	buf    []byte
}

// Write writes the batch in one piece: lines of several writers don't mix.
func (w *writer) Write(b *batch.Batch) error {
	out := w.buf[:0]
	for i := 0; i < b.Len; i++ {
		out = append(out, w.prefix...)
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
		out = append(out, "]\n"...)
	}
	w.buf = out
	_, err := w.w.Write(out)
	return err
}

func (w *writer) Flush(context.Context) error                     { return nil }
func (w *writer) Prepare(context.Context, uint64) ([]byte, error) { return nil, nil }
func (w *writer) Close() error                                    { return nil }
