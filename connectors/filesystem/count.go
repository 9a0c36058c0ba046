package filesystem

import (
	"bytes"
	"context"
	"io"
	"os"
)

// How many files are opened to learn their rows, and how much of a file of messages
// is read to learn how long one is.
const (
	countedFiles = 32
	countedBytes = 64 << 10
)

// RowCount is how many rows the files have: as they say themselves (Parquet, Avro),
// else by the length of the first lines. Of many files some are looked at.
func (s *source) RowCount() (int64, bool) {
	if s.every > 0 {
		return 0, false
	}
	splits, err := s.Splits(context.Background(), nil, 1)
	if err != nil {
		return 0, false
	}
	rows, bytes, all := 0.0, 0.0, 0.0
	for i, x := range splits {
		info, err := os.Stat(x.Name)
		if err != nil {
			return 0, false
		}
		all += float64(info.Size())
		if step := (len(splits) + countedFiles - 1) / countedFiles; i%step > 0 || info.Size() == 0 {
			continue
		}
		n, ok := s.rowsOf(x.Name, info.Size())
		if !ok {
			return 0, false
		}
		rows, bytes = rows+n, bytes+float64(info.Size())
	}
	if bytes == 0 {
		return 0, true
	}
	return int64(rows * all / bytes), true
}

func (s *source) rowsOf(path string, size int64) (float64, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
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
