// Package files is where tables and checkpoints lie: directories of the machine
// (Local) or buckets of an S3 service (files/s3). files/place finds the one a
// path names.
//
// Paths have slashes and no scheme; URL is a path as people write it. A file that is
// being written is a draft: nobody sees it before Publish, which may come from
// another process than the one that wrote it, and may come twice.
//
// Start with FS.
package files

import (
	"context"
	"errors"
	"io"
	"time"
)

// FS is a place with files. Its methods may be called by several goroutines.
type FS interface {
	// URL is a path as people write it.
	URL(path string) string
	// Open opens a file for reading. The context is that of all its reads.
	Open(ctx context.Context, path string) (File, error)
	// Walk visits the files at and below root in the order of their paths. Below
	// root, files and directories whose name skip refuses are left out.
	// fs.ErrNotExist: there is none. Size and time may be missing.
	Walk(ctx context.Context, root string, skip func(name string) bool, visit func(Info) error) error
	// Glob is the files and directories that match a pattern (* ? [..]).
	Glob(ctx context.Context, pattern string) ([]string, error)
	// Mkdir makes a directory, where there are such.
	Mkdir(ctx context.Context, dir string) error
	// Create begins a draft of a file that isn't there.
	Create(ctx context.Context, path string) (Writer, error)
	// Grows says that a draft that was synced can be published as it was then, also
	// when the process that wrote it has died; else only closed ones can.
	Grows() bool
	// Publish makes a draft a file, as it was at its Size. It does nothing when that
	// was done before. ErrLost: the draft isn't there any more.
	Publish(ctx context.Context, d Draft) error
	// Settle makes the files published in a directory durable, up to root.
	Settle(ctx context.Context, root, dir string) error
	// Abandon removes drafts below root whose file name has a prefix, but for those
	// that keep wants and those that a running process writes.
	Abandon(ctx context.Context, root, prefix string, keep func(path string) bool) error
	// Put writes a small file whole.
	Put(ctx context.Context, path string, content []byte) error
	// Remove removes a file; nothing happens when there is none.
	Remove(ctx context.Context, path string) error
}

// Output is a file that is there, and durable, from Sync on.
type Output interface {
	io.Writer
	Sync() error
	Close() error
}

// Locked says that another process holds a directory.
type Locked struct {
	Path string // of its lock
	By   string // which one, where that is known
}

func (e *Locked) Error() string { return e.Path + " is held by another process " + e.By }

// Info is what is known of a file without reading it.
type Info struct {
	Path     string
	Size     int64 // bytes
	Modified time.Time
}

// File is a file being read.
type File interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
	Info() Info
}

// Writer writes a draft. Write may wait for the network.
type Writer interface {
	io.Writer
	// Sync makes what was written durable, where the place Grows.
	Sync() error
	// Finish ends the draft and says what Publish needs.
	Finish() (Draft, error)
	// Close closes it without; what was synced stays.
	Close() error
}

// Draft is a file that isn't published.
type Draft struct {
	Path   string
	Size   int64
	Upload string // S3: of the multipart upload
	Parts  []Part
	// Hold, of one that Finish returned, keeps Abandon of other processes away until it
	// is closed; nil: nothing need be held.
	Hold io.Closer `json:"-"`
}

// Part is a part of a multipart upload; the first has number 1.
type Part struct {
	ETag string `json:"etag"`
}

// ErrLost says that a draft is gone.
var ErrLost = errors.New("what was written of a file is gone")
