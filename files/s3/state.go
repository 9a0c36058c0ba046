package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/files"
)

// State is a directory in a bucket that one process at a time writes: it is what
// package checkpoint needs of a file system. There is no rename: an object appears
// whole, by one PUT or by the end of its upload.
//
// Every write is conditional: on there being no such object, or on it being the one
// that this process has read or written. A process whose lease was taken, because it
// was stopped for long, can therefore not write over what its follower has written.
type State struct {
	fs   *FS
	tell func(string)

	mu    sync.Mutex
	etags map[string]string // what this process knows of objects; one that isn't here doesn't exist
	lost  error             // the lease is gone
}

// NewState is a State; tell hears of waiting, nil: nobody.
func NewState(f *FS, tell func(string)) *State {
	return &State{fs: f, tell: tell, etags: map[string]string{}}
}

// MkdirAll does nothing: directories are beginnings of keys.
func (s *State) MkdirAll(string) error { return nil }

// URL is a path as people write it.
func (s *State) URL(p string) string { return s.fs.URL(p) }

// ReadDir lists the names right below a directory.
func (s *State) ReadDir(p string) ([]string, error) { return s.fs.Children(context.Background(), p) }

// Open reads an object whole.
func (s *State) Open(p string) (io.ReadCloser, error) {
	f, err := s.fs.Open(context.Background(), p)
	if err != nil {
		return nil, err
	}
	s.know(p, f.(*object).etag)
	return f, nil
}

func (s *State) know(p, etag string) {
	s.mu.Lock()
	s.etags[p] = etag
	s.mu.Unlock()
}

// condition is what a write of p hangs on.
func (s *State) condition(p string) (o minio.PutObjectOptions, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if etag := s.etags[p]; etag != "" {
		o.SetMatchETag(etag)
	} else {
		o.SetMatchETagExcept("*")
	}
	return o, s.lost
}

// Put writes an object in one step.
func (s *State) Put(p string, content []byte) error {
	o, err := s.condition(p)
	if err != nil {
		return err
	}
	etag, err := s.fs.put(context.Background(), p, content, o)
	if err != nil {
		if etag, err = s.settle(p, content, err); err != nil {
			return err
		}
	}
	s.know(p, etag)
	return nil
}

// settle looks what became of a write that failed: when its answer alone was lost, it
// was done, and its repetition refused.
func (s *State) settle(p string, content []byte, failed error) (etag string, err error) {
	if !refused(failed) {
		return "", s.fs.explain(failed, p)
	}
	have, etag, err := s.fs.get(context.Background(), p)
	if err == nil && bytes.Equal(have, content) {
		return etag, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return "", fmt.Errorf("%s was written by another process: this one doesn't hold the state directory any more", s.fs.URL(p))
}

// get reads a small object.
func (f *FS) get(ctx context.Context, p string) ([]byte, string, error) {
	in, err := f.Open(ctx, p)
	if err != nil {
		return nil, "", err
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	return b, in.(*object).etag, err
}

// Remove removes an object.
func (s *State) Remove(p string) error {
	s.mu.Lock()
	err := s.lost
	delete(s.etags, p)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.fs.Remove(context.Background(), p)
}

// Create begins an object, which appears at Sync.
func (s *State) Create(p string) (files.Output, error) {
	if _, err := s.condition(p); err != nil {
		return nil, err
	}
	return &output{s: s, up: s.fs.upload(context.Background(), p)}, nil
}

// output is an object being written.
type output struct {
	s    *State
	up   *upload
	done bool
}

func (w *output) Write(b []byte) (int, error) { return w.up.write(b) }

// Sync sends what is left: all of a small object in one PUT, of a large one the rest
// of its parts. Nothing can be written after it.
func (w *output) Sync() error {
	if w.done {
		return nil
	}
	p := w.up.path()
	if w.up.id == "" {
		w.done = true
		return w.s.Put(p, w.up.buf)
	}
	if err := w.up.finish(); err != nil {
		return err
	}
	o, err := w.s.condition(p)
	if err != nil {
		return err
	}
	info, err := w.s.fs.core.CompleteMultipartUpload(context.Background(), w.up.bucket, w.up.key, w.up.id, complete(w.up.parts), o)
	if r := minio.ToErrorResponse(err); r.Code == minio.NoSuchUpload || refused(err) {
		// Done, if the answer was lost; its state file's checksum is looked at before it is used.
		if st, serr := w.s.fs.core.StatObject(context.Background(), w.up.bucket, w.up.key, minio.StatObjectOptions{}); serr == nil && r.Code == minio.NoSuchUpload && st.Size == w.up.size {
			info.ETag, err = st.ETag, nil
		}
	}
	if err != nil {
		return w.s.fs.explain(err, p)
	}
	w.done = true
	w.s.know(p, info.ETag)
	return nil
}

// Close gives up what wasn't synced.
func (w *output) Close() error {
	if !w.done {
		w.up.abort()
	}
	return nil
}

// Lock takes the lease of a directory (lease.go), learns what lies in it, and aborts
// the uploads that a dead run left there, where the service lists them.
func (s *State) Lock(p string) (io.Closer, error) {
	l, err := s.lease(p)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(p)
	bucket, prefix := split(dir)
	err = s.fs.list(context.Background(), dir, "/", func(key string, o minio.ObjectInfo) error {
		if o.ETag != "" && bucket+"/"+key != p {
			s.know(bucket+"/"+key, trimETag(o.ETag))
		}
		return nil
	})
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	for u := range s.fs.core.ListIncompleteUploads(context.Background(), bucket, prefix+"/", false) {
		if u.Err == nil && path.Dir(u.Key) == prefix {
			_ = s.fs.core.AbortMultipartUpload(context.Background(), bucket, u.Key, u.UploadID)
		}
	}
	return l, nil
}
