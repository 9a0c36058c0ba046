package filesystem

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/millrace/millrace/files"
)

// How many files are opened to learn their rows, and how much of a file of messages
// is read to learn how long one is.
const (
	countedFiles = 32
	countedBytes = 64 << 10
	countingTime = 10 * time.Second
)

// RowCount is how many rows the files have: as they say themselves (Parquet, Avro),
// else by the length of the first lines. Of many files some are looked at.
func (s *source) RowCount() (int64, bool) {
	if s.every > 0 {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), countingTime)
	defer cancel()
	roots, err := s.roots(ctx)
	if err != nil {
		return 0, false
	}
	var all []files.Info
	for _, r := range roots {
		err := s.fs.Walk(ctx, r, hidden, func(f files.Info) error {
			if s.matches(s.fs.URL(f.Path)) {
				all = append(all, f)
			}
			return nil
		})
		if err != nil {
			return 0, false
		}
	}
	rows, looked := 0.0, 0.0
	step := (len(all) + countedFiles - 1) / countedFiles
	for i, f := range all {
		if i%step > 0 {
			continue
		}
		n, ok := s.rowsOf(ctx, f)
		if !ok {
			return 0, false
		}
		rows, looked = rows+n, looked+1
	}
	if looked == 0 {
		return 0, true
	}
	return int64(rows * float64(len(all)) / looked), true
}

func (s *source) rowsOf(ctx context.Context, info files.Info) (float64, bool) {
	f, err := s.fs.Open(ctx, info.Path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	size := f.Info().Size
	if size == 0 {
		return 0, true
	}
	if open := s.t.Format.Format.OpenFile; open != nil {
		in, err := open(s.spec, f, size)
		if err != nil {
			return 0, false
		}
		defer in.Close()
		return float64(in.Rows()), in.Rows() >= 0
	}
	in, done, err := decompress(f)
	if err != nil {
		return 0, false
	}
	defer func() { _ = done() }()
	head := make([]byte, countedBytes)
	n, err := io.ReadFull(in, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, false
	}
	lines := float64(max(bytes.Count(head[:n], []byte{'\n'}), 1))
	if err != nil { // all of it has been read
		return lines, true
	}
	read := float64(n)
	if in != io.Reader(f) { // what it was before it was compressed isn't known
		const usual = 4
		read /= usual
	}
	return lines * float64(size) / read, true
}
