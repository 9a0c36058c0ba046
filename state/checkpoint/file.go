package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/state"
)

// A state file is blocks behind a header, and a checksum at its end:
//
//	file  = "MRSTATE1", block..., uvarint 0, CRC-32C (4 bytes, little-endian) of all before
//	block = uvarint length of the rest, relation, role, uvarint ordinal, name,
//	        uvarint group, flags (1 byte: 1 delta, 2 more of the block before), data
//
// Strings have an uvarint length before them; data is the rest of its block.
const fileHeader = "MRSTATE1"

const (
	isDelta = 1
	isMore  = 2
)

const stateSuffix = ".state"

// Writer writes a state file.
type Writer struct {
	dir   *Dir
	f     File
	out   []byte // not yet written
	file  StateFile
	buf   []byte
	pause func(bytes int)
	err   error
}

// Create begins the state file of a task for checkpoint n. pause is called after
// each block with its size, to write slower than the disk can; nil: never.
func (d *Dir) Create(n uint64, task int, delta bool, pause func(bytes int)) (*Writer, error) {
	w := &Writer{dir: d, file: StateFile{Name: fmt.Sprintf("%d-%02d%s", n, task, stateSuffix), Delta: delta}, pause: pause}
	f, err := d.fs.Create(filepath.Join(d.path, w.file.Name))
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	w.f, w.out = f, make([]byte, 0, writeBytes)
	w.write([]byte(fileHeader))
	return w, nil
}

// writeBytes is how many bytes are written at once: whole pages, from the beginning of
// one. Writes that end within a page cost the system more than twice as much.
const writeBytes = 256 << 10

func (w *Writer) write(b []byte) {
	w.file.Sum = crc32.Update(w.file.Sum, castagnoli, b)
	w.file.Bytes += int64(len(b))
	for len(b) > 0 && w.err == nil {
		n := copy(w.out[len(w.out):writeBytes], b)
		w.out, b = w.out[:len(w.out)+n], b[n:]
		if len(w.out) == writeBytes {
			w.flush()
		}
	}
}

func (w *Writer) flush() {
	if w.err == nil {
		_, w.err = w.f.Write(w.out)
	}
	w.out = w.out[:0]
}

// Block writes one.
func (w *Writer) Block(b state.Block) error {
	h := w.buf[:0]
	for _, s := range []string{b.Identity.Relation, b.Identity.Role} {
		h = append(binary.AppendUvarint(h, uint64(len(s))), s...)
	}
	h = binary.AppendUvarint(h, uint64(b.Identity.Ordinal))
	h = append(binary.AppendUvarint(h, uint64(len(b.Name))), b.Name...)
	h = binary.AppendUvarint(h, uint64(b.Group))
	flags := byte(0)
	if b.Delta {
		flags |= isDelta
	}
	if b.More {
		flags |= isMore
	}
	h = append(h, flags)
	w.buf = h
	w.write(binary.AppendUvarint(nil, uint64(len(h)+len(b.Data))))
	w.write(h)
	w.write(b.Data)
	if w.pause != nil {
		w.pause(len(b.Data))
	}
	return w.err
}

// Close ends the file and syncs it; then it may be named in a manifest.
func (w *Writer) Close() (StateFile, error) {
	w.write([]byte{0})
	sum := w.file.Sum // a checksum over itself would be the same for every file
	w.write(binary.LittleEndian.AppendUint32(nil, sum))
	w.file.Sum = sum
	w.flush()
	if w.err == nil {
		w.err = w.f.Sync()
	}
	if err := w.f.Close(); w.err == nil {
		w.err = err
	}
	if w.err != nil {
		return StateFile{}, fmt.Errorf("state directory: %s: %w", w.file.Name, w.err)
	}
	return w.file, nil
}

// Discard gives the file up: nobody will name it.
func (w *Writer) Discard() {
	_ = w.f.Close() // what is in it doesn't matter
	_ = w.dir.remove(w.file.Name)
}

// Blocks reads a state file that a manifest names, after it has checked all of it.
func (d *Dir) Blocks(file StateFile, f func(state.Block) error) error {
	b, err := d.whole(file)
	if err != nil {
		return err
	}
	return blocks(file, b, f)
}

// Load reads the blocks of state files in their order, some files at a time, and checks
// every byte. What large bases on a local disk hold stays there: their blocks lie apart.
func (d *Dir) Load(files []StateFile) ([]state.Block, error) {
	content, errs := make([][]state.Block, len(files)), make([]error, len(files))
	next, n := atomic.Int64{}, runtime.GOMAXPROCS(0)
	if _, ok := d.fs.(*Disk); ok {
		n = 1 // where one goroutine runs at a time
	}
	read := func() {
		for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
			if content[i], errs[i] = d.load(files[i]); errs[i] != nil {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for ; n > 1 && len(files) > 1; n-- {
		wg.Go(read)
	}
	read()
	wg.Wait()
	var all []state.Block
	for i := range files {
		if errs[i] != nil {
			return nil, errs[i]
		}
		all = append(all, content[i]...)
	}
	return all, nil
}

// apartBytes is when a base isn't read into memory.
var apartBytes = int64(4 << 20)

func (d *Dir) load(file StateFile) (all []state.Block, err error) {
	if _, ok := d.fs.(OS); ok && !file.Delta && file.Bytes >= apartBytes {
		// The file is open until nobody has a block of it.
		if f, err := os.Open(filepath.Join(d.path, file.Name)); err == nil {
			if all, ok := scan(file, f, f); ok {
				return all, nil
			}
			f.Close()
		}
	}
	b, err := d.whole(file)
	if err != nil {
		return nil, err
	}
	err = blocks(file, b, func(b state.Block) error { all = append(all, b); return nil })
	return all, err
}

// whole reads a state file and checks it.
func (d *Dir) whole(file StateFile) ([]byte, error) {
	f, err := d.fs.Open(filepath.Join(d.path, file.Name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %v", file.Name, ErrDamaged, err)
	}
	defer f.Close()
	to := bytes.NewBuffer(make([]byte, 0, int(file.Bytes)+bytes.MinRead))
	if _, err := to.ReadFrom(f); err != nil {
		return nil, fmt.Errorf("%s: %w: %v", file.Name, ErrDamaged, err)
	}
	b := to.Bytes()
	n := len(b) - 4
	if int64(len(b)) != file.Bytes || n < len(fileHeader) || !bytes.HasPrefix(b, []byte(fileHeader)) ||
		crc32.Checksum(b[:n], castagnoli) != file.Sum || binary.LittleEndian.Uint32(b[n:]) != file.Sum {
		return nil, fmt.Errorf("%s: %w: its checksum doesn't hold", file.Name, ErrDamaged)
	}
	return b, nil
}

// blocks cuts the content of a state file that is whole.
func blocks(file StateFile, b []byte, f func(state.Block) error) error {
	r := reader{b: b[len(fileHeader) : len(b)-4]}
	for {
		size := r.uvarint()
		if size == 0 || r.bad {
			break
		}
		block, content, ok := header(r.take(size))
		if !ok {
			r.bad = true
			break
		}
		block.Data = content
		if err := f(block); err != nil {
			return err
		}
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%s: %w: its blocks don't fit", file.Name, ErrDamaged)
	}
	return nil
}

// header reads what comes before a block's content.
func header(b []byte) (_ state.Block, content []byte, ok bool) {
	r := reader{b: b}
	block := state.Block{Identity: state.Identity{Relation: r.text(), Role: r.text(), Ordinal: int(r.uvarint())}}
	block.Name, block.Group = r.text(), int(r.uvarint())
	if flags := r.take(1); len(flags) > 0 {
		block.Delta, block.More = flags[0]&isDelta != 0, flags[0]&isMore != 0
	}
	return block, r.b, !r.bad
}

// reader reads the numbers and strings of a block.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

// Verify reads everything a manifest names.
func (d *Dir) Verify(m *Manifest) error {
	for _, f := range m.Files {
		if err := d.Blocks(f, func(state.Block) error { return nil }); err != nil {
			return fmt.Errorf("checkpoint %d: %w", m.N, err)
		}
	}
	return nil
}

// Check reads all that recovery would read to go on from checkpoint n: its manifest,
// the state files that it names, and the mark of what sinks have committed.
func (d *Dir) Check(n uint64) (*Manifest, error) {
	m, err := d.Read(n)
	if err == nil {
		err = d.Verify(m)
	}
	if err == nil {
		err = d.CheckCommits()
	}
	return m, err
}
