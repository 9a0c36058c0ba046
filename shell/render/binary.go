package render

import (
	"bufio"
	"io"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/formats/parquet"
	"github.com/millrace/millrace/types"
)

// Binary says that a format isn't for a terminal.
func Binary(format string) bool { return format == "arrow" || format == "parquet" }

// arrow writes an Arrow IPC stream. Several results are several streams, one after
// the other.
type arrow struct {
	w *bufio.Writer
	*ipc.Writer
}

func (a *arrow) Flush() error { return a.w.Flush() }

func (a *arrow) Close() error {
	if err := a.Writer.Close(); err != nil {
		return err
	}
	return a.w.Flush()
}

// parquetWriter writes one Parquet file. The kinds of a changelog are its first
// column.
type parquetWriter struct {
	w     *bufio.Writer
	f     formats.FileWriter
	ts    []types.Type
	kinds bool
	dense batch.Batch
	op    batch.Vector
}

func newParquet(w *bufio.Writer, schema *types.Schema, kinds bool, session *types.Session) (Writer, error) {
	s := schema
	if kinds {
		s = types.NewSchema(append([]types.Field{{Name: "op", Type: types.StringType.NotNullable()}}, schema.Fields...)...)
	}
	declared := parquet.Format.Options
	set := map[string]string{"utc-timezone": "true", "write.int64.timestamp": "true"}
	f, err := parquet.Format.CreateFile(formats.Spec{Schema: s, Full: s, Session: session, Options: formats.Values{Set: set, Declared: declared}}, w)
	if err != nil {
		return nil, err
	}
	return &parquetWriter{w: w, f: f, ts: schema.Types(), kinds: kinds}, nil
}

func (p *parquetWriter) Write(b *batch.Batch) error {
	d := b.Compact(p.ts, &p.dense)
	if !p.kinds {
		return p.f.Write(d)
	}
	p.op.Prepare(types.StringType, d.Len)
	for i := range d.Len {
		p.op.SetString(i, d.Kind(i).String())
	}
	return p.f.Write(&batch.Batch{Len: d.Len, Cols: append([]batch.Vector{p.op}, d.Cols...)})
}

// Flush keeps what is buffered: a file is whole at its end.
func (p *parquetWriter) Flush() error { return nil }

func (p *parquetWriter) Close() error {
	if err := p.f.Close(); err != nil {
		return err
	}
	return p.w.Flush()
}

func newArrow(w io.Writer, schema *types.Schema, kinds bool) Writer {
	buf := bufio.NewWriterSize(w, 1<<16)
	return &arrow{w: buf, Writer: ipc.NewWriter(buf, schema, kinds)}
}
