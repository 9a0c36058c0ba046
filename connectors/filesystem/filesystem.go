// Package filesystem reads and writes files of messages: a file, or a directory of
// files. A split is a file; a position is a byte offset. A sink writes hidden
// files and renames them at Commit, so that a reader never sees half of one.
package filesystem

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// Connector is filesystem.
var Connector = &connectors.Connector{
	Name: "filesystem", Doc: "Files of a local directory.",
	Options: []formats.Option{
		{Name: "path", Required: true, Doc: "a file or directory; a file:// prefix is allowed"},
		{Name: "source.path.regex-pattern", Doc: "only files whose path matches"},
	},
	Source: func(t connectors.Table) (connectors.Source, error) {
		if t.Format.Format == nil || t.Format.Format.Decoder == nil {
			return nil, fmt.Errorf("table %s needs a 'format' that can be read", t.Path)
		}
		if len(t.Parts) > 0 {
			return nil, errors.New("not supported yet: reading PARTITIONED BY files")
		}
		if t.Options.Has("source.path.regex-pattern") {
			return nil, errors.New("not supported yet: source.path.regex-pattern")
		}
		return &source{t: t}, nil
	},
	Sink: func(t connectors.Table) (connectors.Sink, error) {
		if t.Format.Format == nil || t.Format.Format.Encoder == nil {
			return nil, fmt.Errorf("table %s needs a 'format' that can be written", t.Path)
		}
		if len(t.Parts) > 0 {
			return nil, errors.New("not supported yet: writing PARTITIONED BY files")
		}
		return &sink{t: t}, nil
	},
}

func path(t connectors.Table) string {
	return strings.TrimPrefix(t.Options.String("path"), "file://")
}

type source struct{ t connectors.Table }

func (s *source) Changes() batch.Changes {
	if f := s.t.Format.Format.Changes; f != nil {
		return f(s.t.Format.Spec.Options)
	}
	return batch.Changes{Kinds: batch.InsertOnly}
}

func (s *source) Bounded() bool { return true }

// Splits are the files, sorted; names that begin with a dot or underscore are left
// out.
func (s *source) Splits(context.Context, []connectors.Split, int) ([]connectors.Split, error) {
	var out []connectors.Split
	err := filepath.WalkDir(path(s.t), func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := p != path(s.t) && strings.IndexAny(d.Name(), "._") == 0
		switch {
		case d.IsDir() && hidden:
			return filepath.SkipDir
		case !d.IsDir() && !hidden:
			out = append(out, connectors.Split{Name: p, Bounded: true})
		}
		return nil
	})
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, err
}

func (s *source) Read(_ context.Context, split connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	f, err := os.Open(split.Name)
	if err != nil {
		return nil, err
	}
	r := &reader{f: f, split: split.Name, env: env, ts: s.t.Schema.Types()}
	if from != nil {
		if r.at, err = strconv.ParseInt(string(from), 10, 64); err == nil {
			_, err = f.Seek(r.at, io.SeekStart)
		}
	}
	if err == nil {
		r.dec, err = s.t.Format.Format.Decoder(s.t.Format.Spec)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r.in = bufio.NewReaderSize(f, 1<<20)
	return r, nil
}

// reader cuts a file into lines and decodes a batch of them at a time.
type reader struct {
	f     *os.File
	in    *bufio.Reader
	split string
	env   connectors.ReadEnv
	dec   formats.Decoder
	ts    []types.Type
	at    int64
	out   batch.Batch
	buf   []byte
	msgs  []formats.Message
}

func (r *reader) Next() (*batch.Batch, error) {
	for {
		r.msgs, r.buf = r.msgs[:0], r.buf[:0]
		var ends []int
		for len(ends) < min(r.env.Rows, batch.MaxRows) {
			before := len(r.buf)
			line, err := r.in.ReadSlice('\n')
			r.buf = append(r.buf, line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = r.in.ReadSlice('\n')
				r.buf = append(r.buf, line...)
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if len(r.buf) > before {
				ends = append(ends, len(r.buf))
			}
			if err != nil {
				break
			}
		}
		if len(ends) == 0 {
			return nil, io.EOF
		}
		from := 0
		for _, end := range ends {
			r.msgs = append(r.msgs, formats.Message{Value: r.buf[from:end], Offset: r.at})
			r.at += int64(end - from)
			from = end
		}
		r.out.Reset(r.ts)
		err := r.dec.Decode(r.msgs, &r.out, func(m formats.Message, reason error) error {
			return r.env.Bad(connectors.BadRow{Split: r.split, Offset: m.Offset, Raw: m.Value, Reason: reason})
		})
		if err != nil || r.out.Len > 0 {
			return &r.out, err
		}
	}
}

func (r *reader) Position() []byte { return strconv.AppendInt(nil, r.at, 10) }
func (r *reader) Close() error     { return r.f.Close() }

type sink struct{ t connectors.Table }

func (s *sink) Changes(batch.Changes) batch.Changes {
	if f := s.t.Format.Format.Changes; f != nil {
		return f(s.t.Format.Spec.Options)
	}
	return batch.Changes{Kinds: batch.InsertOnly}
}

func (s *sink) Open(_ context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	enc, err := s.t.Format.Format.Encoder(s.t.Format.Spec)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path(s.t), 0o777); err != nil {
		return nil, err
	}
	return &writer{s: s, enc: enc, env: env, began: env.Now()}, nil
}

// Commit makes written files visible by renaming them. One that is renamed
// already is done.
func (s *sink) Commit(_ context.Context, _ connectors.Commit, pending [][]byte) ([][]byte, error) {
	for _, p := range pending {
		hidden := string(p)
		visible := filepath.Join(filepath.Dir(hidden), strings.TrimPrefix(filepath.Base(hidden), "."))
		if err := os.Rename(hidden, visible); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}

// Abandon has nothing to end: files never renamed stay hidden.
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }

// Overwrite removes the visible files.
func (s *sink) Overwrite(context.Context) error {
	files, err := (&source{t: s.t}).Splits(context.Background(), nil, 1)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if err := os.Remove(f.Name); err != nil {
			return err
		}
	}
	return err
}

type writer struct {
	s     *sink
	enc   formats.Encoder
	env   connectors.WriterEnv
	began time.Time
	f     *os.File
	out   *bufio.Writer
	msgs  []formats.Message
	files int
}

func (w *writer) Write(b *batch.Batch) (err error) {
	if w.f == nil {
		name := fmt.Sprintf(".part-%d-%d-%d", w.env.Subtask, w.began.UnixNano(), w.files)
		w.files++
		if w.f, err = os.Create(filepath.Join(path(w.s.t), name)); err != nil {
			return err
		}
		w.out = bufio.NewWriterSize(w.f, 1<<16)
	}
	if w.msgs, err = w.enc.Encode(b, w.msgs[:0]); err != nil {
		return err
	}
	for _, m := range w.msgs {
		if _, err = w.out.Write(m.Value); err == nil {
			err = w.out.WriteByte('\n')
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) Flush(context.Context) error {
	if w.f == nil {
		return nil
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.f.Sync()
}

func (w *writer) Prepare(ctx context.Context, _ uint64) ([]byte, error) {
	if w.f == nil {
		return nil, nil
	}
	if err := w.Flush(ctx); err != nil {
		return nil, err
	}
	name := w.f.Name()
	err := w.f.Close()
	w.f = nil
	return []byte(name), err
}

func (w *writer) Close() error {
	if w.f == nil {
		return nil
	}
	return w.f.Close()
}
