package spill

import (
	"fmt"
	"os"
)

// Spool is a file of pieces that are read back by their places.
type Spool struct {
	dir *Dir
	f   *os.File
	n   int64
}

// Spool makes one.
func (d *Dir) Spool() (*Spool, error) {
	f, err := d.create()
	if err != nil {
		return nil, err
	}
	return &Spool{dir: d, f: f}, nil
}

// Put adds a piece and returns its place.
func (s *Spool) Put(b []byte) (int64, error) {
	at := s.n
	if _, err := s.f.WriteAt(b, at); err != nil {
		return 0, s.dir.unwritten(err)
	}
	s.n += int64(len(b))
	s.dir.bytes.Add(int64(len(b)))
	return at, nil
}

// Get reads the n bytes at a place.
func (s *Spool) Get(at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, s.Read(at, b)
}

// Read fills b with the bytes at a place.
func (s *Spool) Read(at int64, b []byte) error {
	if _, err := s.f.ReadAt(b, at); err != nil {
		return fmt.Errorf("spill: reading back: %w", err)
	}
	return nil
}

// Len is the bytes that were put.
func (s *Spool) Len() int64 { return s.n }

// Close gives the file back.
func (s *Spool) Close() {
	s.dir.bytes.Add(-s.n)
	_ = s.f.Close() // nothing is left to be written
}
