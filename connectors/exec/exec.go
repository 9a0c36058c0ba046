// Package exec is a source or sink that is a command: a subprocess that writes rows
// to its standard output, or reads them from its standard input. It is the door for
// any system and language that Millrace has no connector for.
//
// Without a 'format' the pipe carries an Arrow IPC stream, whose columns are found by
// name and whose column "op", if there is one, is the row's kind. With a format it
// carries that format's messages, a line each. A source ends when its command does;
// after a restart the command runs again and the rows that were read before are
// passed over, so it must write them again in the same order. A sink's command gets
// what is written, has read it all when it ends, and must then exit with 0. What a
// command writes to its standard error goes to ours.
//
// Start with Connector; source.go and sink.go are the
// two ends.
package exec

import (
	"fmt"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

// Connector is exec.
var Connector = &connectors.Connector{
	Name: "exec", Doc: "A command that writes rows, or reads them, as Arrow IPC or as lines of a format.", Own: true,
	Options: []formats.Option{
		{Name: "command", Required: true, Doc: "What the shell runs. MILLRACE_TABLE and MILLRACE_SUBTASK tell it where it is."},
		{Name: "format", Doc: "Encoding of the lines; without it the pipe carries an Arrow IPC stream."},
		{Name: "bounded", Type: formats.BoolOption, Default: "true", Doc: "Reading: false for a command that runs on for ever."},
		{Name: "changelog", Type: formats.BoolOption, Default: "false", Doc: "Arrow: rows have their kind in the column op; else all are insertions."},
	},
	Source: func(t connectors.Table) (connectors.Source, error) {
		if f := t.Format.Format; f != nil && (f.Decoder == nil || !f.Lines) {
			return nil, fmt.Errorf("table %s: format %q isn't lines that can be read from a command", t.Path, f.Name)
		}
		if len(t.Meta) > 0 {
			return nil, fmt.Errorf("table %s: connector exec has no metadata column '%s'", t.Path, t.Meta[0].Key)
		}
		return &source{t: t}, nil
	},
	Sink: func(t connectors.Table) (connectors.Sink, error) {
		if f := t.Format.Format; f != nil && (f.Encoder == nil || !f.Lines) {
			return nil, fmt.Errorf("table %s: format %q isn't lines that can be written to a command", t.Path, f.Name)
		}
		return &sink{t: t}, nil
	},
}

// changes are the kinds that the pipe can carry.
func changes(t connectors.Table) batch.Changes {
	f := t.Format.Format
	switch {
	case f != nil && f.Changes != nil:
		return f.Changes(t.Format.Spec.Options)
	case f == nil && t.Options.Bool("changelog"):
		return batch.Changes{Kinds: batch.All}
	}
	return batch.Changes{Kinds: batch.InsertOnly}
}

func environment(t connectors.Table, subtask int) []string {
	return []string{"MILLRACE_TABLE=" + t.Path, fmt.Sprint("MILLRACE_SUBTASK=", subtask)}
}
