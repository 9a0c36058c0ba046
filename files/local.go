package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Local is the machine's directories. A draft is a hidden file, .NAME.inprogress.
type Local struct{}

// Hidden is the path of a file's draft.
func Hidden(path string) string {
	dir, name := filepath.Split(path)
	return filepath.Join(dir, "."+name+hiddenSuffix)
}

const hiddenSuffix = ".inprogress"

// URL is the path itself.
func (Local) URL(path string) string { return path }

// Open opens a file.
func (Local) Open(_ context.Context, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return localFile{f, Info{Path: path, Size: info.Size(), Modified: info.ModTime()}}, nil
}

type localFile struct {
	*os.File
	info Info
}

func (f localFile) Info() Info { return f.info }

// Walk visits files, with nothing but their paths; one that goes while it is listed is passed over.
func (Local) Walk(ctx context.Context, root string, skip func(name string) bool, visit func(Info) error) error {
	return filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && errors.Is(err, fs.ErrNotExist) && p != root:
			return nil
		case err != nil:
			return err
		}
		hidden := p != root && skip(d.Name())
		switch {
		case d.IsDir() && hidden:
			return filepath.SkipDir
		case d.IsDir() || hidden:
			return nil
		}
		return visit(Info{Path: p})
	})
}

// Glob is filepath.Glob; a path that exists as it is written matches itself alone.
func (Local) Glob(_ context.Context, pattern string) ([]string, error) {
	if _, err := os.Lstat(pattern); err == nil {
		return []string{pattern}, nil
	}
	return filepath.Glob(pattern)
}

// Mkdir makes a directory and those above it.
func (Local) Mkdir(_ context.Context, dir string) error { return os.MkdirAll(dir, 0o777) }

// Create makes the directory and the hidden file, and marks it as this process's.
func (Local) Create(_ context.Context, path string) (Writer, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(Hidden(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	lock(f)
	return &localWriter{f, path}, nil
}

type localWriter struct {
	*os.File
	path string
}

// drafts are the finished ones that this process holds open.
var drafts atomic.Int64

// hold keeps a finished draft open.
type hold struct {
	f    io.Closer
	once sync.Once
}

func (h *hold) Close() (err error) {
	h.once.Do(func() {
		drafts.Add(-1)
		err = h.f.Close()
	})
	return err
}

// Finish leaves the file open, for its mark: another process that begins a job of the
// same name would take it for one that a dead run left. Where that would take more than
// half of the files that a process may have open it's closed: who publishes a draft that
// was taken away is told so.
func (w *localWriter) Finish() (Draft, error) {
	err := w.Sync()
	info, serr := w.Stat()
	if err == nil {
		err = serr
	}
	d := Draft{Path: w.path}
	if err == nil && locks && drafts.Load() < openFiles()/2 {
		drafts.Add(1)
		d.Size, d.Hold = info.Size(), &hold{f: w}
		return d, nil
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Draft{}, err
	}
	d.Size = info.Size()
	return d, nil
}

// Grows is true: a file can be cut to the length it had.
func (Local) Grows() bool { return true }

// Busy says that a running writer has the draft of a file open.
func (Local) Busy(path string) bool { return locks && locked(Hidden(path)) }

// Missing says that a file is neither there nor its draft.
func (Local) Missing(path string) bool {
	_, err := os.Lstat(Hidden(path))
	_, verr := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist) && errors.Is(verr, fs.ErrNotExist)
}

// Publish renames the hidden file.
func (Local) Publish(_ context.Context, d Draft) error {
	from := Hidden(d.Path)
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // renamed before
	}
	if err != nil {
		return err
	}
	if info.Size() < d.Size {
		return fmt.Errorf("%w: %s has %d bytes, %d were durable", ErrLost, from, info.Size(), d.Size)
	}
	if info.Size() > d.Size {
		if err := os.Truncate(from, d.Size); err != nil {
			return err
		}
	}
	return os.Rename(from, d.Path)
}

// Rename gives a file another name; nothing happens when there is none.
func (Local) Rename(_ context.Context, from, to string) error {
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Settle syncs the directory and those above it, up to root.
func (Local) Settle(_ context.Context, root, dir string) error {
	for {
		d, err := os.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // moved since, and nothing was renamed here
		}
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return err
		}
		up := filepath.Dir(dir)
		if filepath.Clean(dir) == filepath.Clean(root) || up == dir {
			return nil
		}
		dir = up
	}
}

// Abandon removes hidden files; those that a process has open are left.
func (Local) Abandon(ctx context.Context, root, prefix string, keep func(path string) bool) error {
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(d.Name(), "."), hiddenSuffix)
		if d.IsDir() || !ok || !strings.HasPrefix(d.Name(), "."+prefix) || keep(filepath.Join(filepath.Dir(p), name)) || locked(p) {
			return nil
		}
		return os.Remove(p)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Put writes a file and syncs it.
func (Local) Put(_ context.Context, path string, content []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Remove removes a file.
func (Local) Remove(_ context.Context, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Writable says why files can't be made in a directory, which needn't be there yet: its
// parents are then made; nil: they can. Nothing is made to find out.
func (Local) Writable(dir string) error {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at):
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is a file, not a directory: files can't be made in it", at)
		}
		if err := mayWrite(at); err != nil {
			return fmt.Errorf("files can't be made in %s: %w", at, err)
		}
		return nil
	}
}
