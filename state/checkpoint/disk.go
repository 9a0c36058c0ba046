package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// Disk is a file system in memory that fails as disks do, from a seed: what wasn't
// synced is lost or torn by a crash, writes find it full, and it makes others wait.
// It is for simulations and tests.
type Disk struct {
	// Pause is called at every operation: a place where others may go first. nil:
	// nobody else is there.
	Pause func()
	// Full is how likely a write fails for want of room.
	Full float64

	mu    sync.Mutex
	rand  *rand.Rand
	files map[string]*diskFile
	gone  bool // the process that used it is dead
}

// diskFile is content, how much of it is durable, and what name it has on the
// platter.
type diskFile struct {
	data   []byte
	synced int
	names  map[string]bool // names that a crash may leave it with; nil: its own is durable
}

// ErrFull says that there is no room; ErrGone that the process is dead already.
var (
	ErrFull = errors.New("no space left on the simulated disk")
	ErrGone = errors.New("the simulated process is dead")
)

// NewDisk makes an empty one.
func NewDisk(seed int64) *Disk {
	return &Disk{rand: rand.New(rand.NewSource(seed)), files: map[string]*diskFile{}}
}

func (d *Disk) begin() error {
	if d.Pause != nil {
		d.Pause()
	}
	d.mu.Lock()
	if d.gone {
		d.mu.Unlock()
		return ErrGone
	}
	return nil
}

// Kill makes every later operation fail, as if the process had died here.
func (d *Disk) Kill() {
	d.mu.Lock()
	d.gone = true
	d.mu.Unlock()
}

// Restart is the power coming back: bytes that weren't synced are torn off
// somewhere, and a name that wasn't made durable is the old or the new one.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = false
	var names []string
	for name := range d.files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f := d.files[name]
		if n := len(f.data) - f.synced; n > 0 {
			f.data = f.data[:f.synced+d.rand.Intn(n+1)]
			f.synced = len(f.data)
		}
		for old := range f.names {
			if d.rand.Intn(2) == 0 {
				delete(d.files, name)
				if old != "" && d.files[old] == nil {
					d.files[old] = f
				}
			}
		}
		f.names = nil
	}
}

// MkdirAll does nothing: directories are names.
func (d *Disk) MkdirAll(string) error { return nil }

// Create makes or empties a file; its name isn't durable yet.
func (d *Disk) Create(path string) (File, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	f := &diskFile{names: map[string]bool{"": true}}
	d.files[path] = f
	return &diskWriter{d, f}, nil
}

// Open opens a file for reading.
func (d *Disk) Open(path string) (io.ReadCloser, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	f := d.files[path]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(append([]byte(nil), f.data...))), nil
}

// Put puts a file in place by renaming it.
func (d *Disk) Put(path string, content []byte) error { return putByRename(d, path, content) }

// Lock does nothing: the simulation runs one process at a time.
func (d *Disk) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Rename renames a file; the name isn't durable before SyncDir.
func (d *Disk) Rename(from, to string) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.mu.Unlock()
	f := d.files[from]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(d.files, from)
	d.files[to] = f
	f.names = map[string]bool{from: true}
	return nil
}

// Remove removes a file.
func (d *Disk) Remove(path string) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.mu.Unlock()
	if d.files[path] == nil {
		return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	delete(d.files, path)
	return nil
}

// ReadDir lists the names in a directory.
func (d *Disk) ReadDir(path string) ([]string, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	var out []string
	for name := range d.files {
		if filepath.Dir(name) == filepath.Clean(path) {
			out = append(out, filepath.Base(name))
		}
	}
	sort.Strings(out)
	return out, nil
}

// SyncDir makes the names in a directory durable.
func (d *Disk) SyncDir(path string) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.mu.Unlock()
	for name, f := range d.files {
		if strings.HasPrefix(name, filepath.Clean(path)+string(filepath.Separator)) {
			f.names = nil
		}
	}
	return nil
}

// diskWriter writes a file.
type diskWriter struct {
	d *Disk
	f *diskFile
}

func (w *diskWriter) Write(b []byte) (int, error) {
	if err := w.d.begin(); err != nil {
		return 0, err
	}
	defer w.d.mu.Unlock()
	if w.d.Full > 0 && w.d.rand.Float64() < w.d.Full {
		n := w.d.rand.Intn(len(b) + 1)
		w.f.data = append(w.f.data, b[:n]...)
		return n, ErrFull
	}
	w.f.data = append(w.f.data, b...)
	return len(b), nil
}

// Sync makes the bytes durable, and the name of a new file, as file systems do that
// keep a journal.
func (w *diskWriter) Sync() error {
	if err := w.d.begin(); err != nil {
		return err
	}
	defer w.d.mu.Unlock()
	w.f.synced = len(w.f.data)
	if w.f.names[""] {
		w.f.names = nil
	}
	return nil
}

func (w *diskWriter) Close() error { return nil }
