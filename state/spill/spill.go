// Package spill is where rows of state lie when memory has no room for them: runs,
// each a file of rows that is written once, in the order of key group and hash.
//
// A run is found into by hash. A filter in memory says of most hashes that the run
// doesn't have them; for the others a sparse index names the block of the file to
// read. A row that is wanted is taken out: whoever asks for it holds it from then
// on, and the run has a bit that says that it's gone. So a row is in one place
// only, in memory or in one run, and nothing on disk is ever out of date.
//
// Files are removed from their directory as soon as they're open: what is left of
// them goes with the process, however it ends.
//
// Rows are bytes here; state/arena knows what is in them. Start with Run, then Take.
package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Groups is how many key groups there are.
const Groups = 128

// Dir is a directory for runs, made when the first one is.
type Dir struct {
	Path  string
	bytes atomic.Int64
	made  bool
}

// Bytes is what lies on disk.
func (d *Dir) Bytes() int64 { return d.bytes.Load() }

// create makes a file that has no name any more.
func (d *Dir) create() (*os.File, error) {
	if !d.made {
		if err := os.MkdirAll(d.Path, 0o755); err != nil {
			return nil, fmt.Errorf("spill: %w", err)
		}
		d.made = true
	}
	f, err := os.CreateTemp(d.Path, "millrace-*")
	if err != nil {
		return nil, fmt.Errorf("spill: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("spill: %s can't be removed while it is open: %w", filepath.Base(f.Name()), err)
	}
	return f, nil
}

// unwritten says that a file couldn't be written, and what to do about it.
func (d *Dir) unwritten(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) { // its name is gone already
		err = path.Err
	}
	return fmt.Errorf("spill: what memory has no room for can't be written to %s: %w; free some space there, set io.tmp.dirs to another directory, or allow more with --memory", d.Path, err)
}

// Failure is what a store panics with when rows can't be read back: no call of
// state has an error to return, and going on without the rows would be wrong.
type Failure struct{ Err error }

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }
