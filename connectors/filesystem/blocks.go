package filesystem

import (
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
)

// blocks reads a file that its format reads whole; the position is a row number.
type blocks struct {
	f    files.File
	in   formats.FileReader
	rows int
	at   int64
}

func openBlocks(s *source, f files.File, split string, from []byte, env connectors.ReadEnv) (rows, error) {
	in, err := s.t.Format.Format.OpenFile(s.spec, f, f.Info().Size)
	if err != nil {
		return nil, err
	}
	b := &blocks{f: f, in: in, rows: min(max(env.Rows, 1), batch.MaxRows)}
	if from != nil {
		if b.at, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			in.Close()
			return nil, badPosition(split, err)
		}
		if err := in.Skip(b.at); err != nil {
			in.Close()
			return nil, err
		}
	}
	return b, nil
}

func (b *blocks) next() (*batch.Batch, error) {
	out, err := b.in.Next(b.rows)
	if err == nil {
		b.at += int64(out.Len)
	}
	return out, err
}

func (b *blocks) position() []byte { return strconv.AppendInt(nil, b.at, 10) }

func (b *blocks) close() error {
	err := b.in.Close()
	if cerr := b.f.Close(); err == nil {
		err = cerr
	}
	return err
}
