package filesystem

import (
	"context"
	"fmt"
	"path"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/place"
	"github.com/millrace/millrace/types"
)

// metadata are the metadata columns by key.
var metadata = map[string]types.Type{
	"file.path": types.StringType, "file.name": types.StringType, "file.size": types.BigIntType, "file.modification-time": types.TimestampLTZType(3),
}

// rows is what reads a file: its format's columns.
type rows interface {
	next() (*batch.Batch, error)
	position() []byte
	close() error
}

func (s *source) Read(ctx context.Context, split connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	f, err := s.fs.Open(ctx, place.Path(split.Name))
	if err != nil {
		return nil, err
	}
	info := f.Info()
	r := &reader{source: s, fixed: make([]batch.Vector, len(s.cols))}
	for c, col := range s.cols {
		if col.decoded >= 0 {
			continue
		}
		if err := r.constant(&r.fixed[c], col, split.Name, info); err != nil {
			f.Close()
			return nil, err
		}
	}
	if s.t.Format.Format.OpenFile != nil {
		r.rows, err = openBlocks(s, f, split.Name, from, env)
	} else {
		r.rows, err = openLines(s, f, split.Name, from, env)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// reader puts partition and metadata columns beside those of the file.
type reader struct {
	*source
	rows  rows
	fixed []batch.Vector // by column of the table; filled for n rows
	n     int
	out   batch.Batch
}

// constant makes a column of one value, as its row 0.
func (r *reader) constant(v *batch.Vector, c column, name string, info files.Info) error {
	v.Prepare(c.t, 0)
	switch c.meta {
	case "":
		return r.partitionValue(v, c, name)
	case "file.path":
		abs, err := absolute(name)
		if err != nil {
			return err
		}
		return appendText(v, abs)
	case "file.name":
		return appendText(v, path.Base(name))
	case "file.size":
		v.I64 = append(v.I64, info.Size)
	case "file.modification-time":
		if v.I64 = append(v.I64, info.Modified.UnixMilli()*1000); c.t.Layout() == types.LayoutWide {
			v.Hi = append(v.Hi, 0)
		}
	}
	return nil
}

func appendText(v *batch.Vector, s string) error {
	v.Str = append(v.Str, 0)
	v.SetString(0, s)
	return nil
}

func (r *reader) Next() (*batch.Batch, error) {
	b, err := r.rows.next()
	if err != nil {
		return nil, err
	}
	if b.Len > r.n {
		r.repeat(b.Len)
	}
	r.out = batch.Batch{Len: b.Len, Kinds: b.Kinds, Sel: b.Sel, Cols: append(r.out.Cols[:0], r.fixed...)}
	for c, col := range r.cols {
		if col.decoded >= 0 {
			r.out.Cols[c] = b.Cols[col.decoded]
		}
	}
	return &r.out, nil
}

// repeat makes every constant column n rows long.
func (r *reader) repeat(n int) {
	n = max(n, batch.MaxRows)
	idx := make([]int32, n)
	for c, col := range r.cols {
		if col.decoded < 0 {
			one := r.fixed[c]
			r.fixed[c] = batch.Vector{}
			r.fixed[c].Take(col.t, &one, idx)
		}
	}
	r.n = n
}

func (r *reader) Position() []byte { return r.rows.position() }
func (r *reader) Close() error     { return r.rows.close() }

func badPosition(split string, err error) error {
	return fmt.Errorf("position of split %s: %w", split, err)
}
