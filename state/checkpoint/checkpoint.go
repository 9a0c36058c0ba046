// Package checkpoint keeps a job's checkpoints in a directory: state files written
// by its tasks, and a manifest that names them.
//
//	D/<job>/lock               held while a process runs the job
//	D/<job>/12-03.state        what task 3 froze at checkpoint 12 (file.go)
//	D/<job>/12.manifest        checkpoint 12 (manifest.go)
//	D/<job>/commits            up to which checkpoint sinks may have committed
//
// A checkpoint exists from the moment its manifest has its name: everything it
// names is written and synced before, and the manifest appears in one step: synced,
// then renamed, or by one PUT. Every file begins with its kind and version and carries a checksum;
// one flipped byte anywhere is found. A manifest names all the files it needs: a
// base per task and the deltas since, so that it can be read without another.
//
// Start with Dir, then Manifest.
package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/millrace/millrace/files"
)

// FS is what a Dir needs of a file system; tests fail it.
type FS interface {
	MkdirAll(path string) error
	// Create makes or empties a file.
	Create(path string) (File, error)
	Open(path string) (io.ReadCloser, error)
	// Put puts a file in place in one step: it is all there, and durable, or what was
	// there before is.
	Put(path string, content []byte) error
	Remove(path string) error
	ReadDir(path string) ([]string, error)
	// Lock takes a lock file for this process; *files.Locked: another has it.
	Lock(path string) (io.Closer, error)
}

// File is a file being written.
type File = files.Output

// renaming is what putByRename needs.
type renaming interface {
	Create(path string) (File, error)
	Rename(from, to string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(path string) error
}

// putByRename puts a file in place: temporary, synced, renamed, the name synced.
func putByRename(fs renaming, path string, content []byte) error {
	f, err := fs.Create(path + tempSuffix)
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
	if err == nil {
		err = fs.Rename(path+tempSuffix, path)
	}
	if err == nil {
		err = fs.SyncDir(filepath.Dir(path))
	}
	return err
}

// OS is the machine's file system.
type OS struct{}

// MkdirAll makes a directory and those above it.
func (OS) MkdirAll(path string) error { return os.MkdirAll(path, 0o777) }

// Create makes or empties a file.
func (OS) Create(path string) (File, error) { return os.Create(path) }

// Open opens a file for reading.
func (OS) Open(path string) (io.ReadCloser, error) { return os.Open(path) }

// Put puts a file in place by renaming it.
func (o OS) Put(path string, content []byte) error { return putByRename(o, path, content) }

// Lock locks a file; the system lets go of it when the process dies.
func (OS) Lock(path string) (io.Closer, error) { return lock(path) }

// Rename renames a file.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (OS) Remove(path string) error { return os.Remove(path) }

// ReadDir lists the names in a directory.
func (OS) ReadDir(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, err
}

// SyncDir makes the names in a directory durable.
func (OS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Dir is the directory of one job.
type Dir struct {
	fs   FS
	path string
	lock io.Closer
}

// Open makes the directory of a job and locks it: two processes can't run one job.
func Open(fs FS, path string) (*Dir, error) {
	d, err := At(fs, path)
	if err != nil {
		return nil, err
	}
	d.lock, err = fs.Lock(filepath.Join(path, "lock"))
	var held *files.Locked
	if errors.As(err, &held) {
		return nil, &ErrLocked{Path: held.Path, By: held.By}
	}
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return d, nil
}

// At is a Dir without a lock, for reading, and for tests.
func At(fs FS, path string) (*Dir, error) {
	if err := fs.MkdirAll(path); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return &Dir{fs: fs, path: path}, nil
}

// ErrLocked says that another process runs the job.
type ErrLocked struct{ Path, By string }

func (e *ErrLocked) Error() string {
	by := ""
	if e.By != "" {
		by = " (" + e.By + ")"
	}
	return fmt.Sprintf("another process%s runs a job on the state directory %s; stop it, or give this one another pipeline.name or directory", by, strings.TrimSuffix(e.Path, "/lock"))
}

// Path is where it lies, as people write it.
func (d *Dir) Path() string {
	if u, ok := d.fs.(interface{ URL(string) string }); ok {
		return u.URL(d.path)
	}
	return d.path
}

// Close lets go of the lock.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

const manifestSuffix = ".manifest"

// List is the numbers of the checkpoints that exist, newest first.
func (d *Dir) List() ([]uint64, error) {
	names, err := d.fs.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var out []uint64
	for _, name := range names {
		stem, ok := strings.CutSuffix(name, manifestSuffix)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(stem, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] > out[j] })
	return out, nil
}

// Retain removes all but the newest keep checkpoints, and every state file that no
// manifest left needs. A manifest that can't be read keeps all files.
func (d *Dir) Retain(keep int) error {
	list, err := d.List()
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for i, n := range list {
		if i >= max(keep, 1) {
			if err := d.remove(fmt.Sprint(n, manifestSuffix)); err != nil {
				return err
			}
			continue
		}
		m, err := d.Read(n)
		if err != nil {
			return nil
		}
		for _, f := range m.Files {
			needed[f.Name] = true
		}
	}
	return d.sweep(func(name string) bool {
		return strings.HasSuffix(name, stateSuffix) && !needed[name] && len(list) > 0 && number(name) <= list[0]
	})
}

// number is the checkpoint a state file was written for.
func number(name string) uint64 {
	n, _, _ := strings.Cut(name, "-")
	x, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		return ^uint64(0)
	}
	return x
}

// Sweep removes what a dead run left unfinished: temporary files, and state files
// newer than every checkpoint.
func (d *Dir) Sweep() error {
	list, err := d.List()
	if err != nil {
		return err
	}
	return d.sweep(func(name string) bool {
		return strings.HasSuffix(name, tempSuffix) || strings.HasSuffix(name, stateSuffix) && (len(list) == 0 || number(name) > list[0])
	})
}

func (d *Dir) sweep(gone func(name string) bool) error {
	names, err := d.fs.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	for _, name := range names {
		if gone(name) {
			if err := d.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Dir) remove(name string) error {
	if err := d.fs.Remove(filepath.Join(d.path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state directory: %w", err)
	}
	return nil
}

const (
	tempSuffix  = ".tmp"
	commitsName = "commits"
)

// write puts a file in place in one step.
func (d *Dir) write(name string, content []byte) error {
	if err := d.fs.Put(filepath.Join(d.path, name), content); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	return nil
}

func (d *Dir) read(name string) ([]byte, error) {
	f, err := d.fs.Open(filepath.Join(d.path, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// MarkCommits says, before any sink is asked to commit, that the transactions of
// checkpoint n may become visible: falling back behind it would write rows twice.
func (d *Dir) MarkCommits(n uint64) error {
	return d.write(commitsName, seal(commitsKind, Version, []byte(strconv.FormatUint(n, 10)+"\n")))
}

// MarkPublished says that they all have: nothing of checkpoint n is left to do.
func (d *Dir) MarkPublished(n uint64) error {
	return d.write(commitsName, seal(commitsKind, Version, []byte(strconv.FormatUint(n, 10)+" published\n")))
}

// Committed is the last checkpoint whose transactions may be visible; 0 is none.
// When the mark itself can't be read it answers the greatest number.
func (d *Dir) Committed() uint64 {
	n, _, err := d.commits()
	if err != nil {
		return ^uint64(0)
	}
	return n
}

// Published says that all transactions of checkpoint n are visible. Only the last
// checkpoint of a run that was stopped is marked so.
func (d *Dir) Published(n uint64) bool {
	m, published, err := d.commits()
	return err == nil && published && m == n
}

// CheckCommits says what is wrong with the mark of what sinks have committed; nil
// when it is whole, or when there is none.
func (d *Dir) CheckCommits() error {
	if _, _, err := d.commits(); err != nil {
		return fmt.Errorf("%s: %w", commitsName, err)
	}
	return nil
}

func (d *Dir) commits() (n uint64, published bool, err error) {
	b, err := d.read(commitsName)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err == nil {
		b, err = unseal(commitsKind, b)
	}
	if err != nil {
		return 0, false, err
	}
	text, published := strings.CutSuffix(strings.TrimSpace(string(b)), " published")
	if n, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, false, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return n, published, nil
}
