package checkpoint

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
)

// InMemory is a Dir that lies nowhere but in this process's memory.
func InMemory() *Dir {
	return &Dir{fs: NewDisk(0), path: "memory"}
}

// Pack writes the files of a Dir as a tar archive, to be sent to another process.
func (d *Dir) Pack(w io.Writer) error {
	names, err := d.fs.ReadDir(d.path)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, name := range names {
		content, err := d.read(name)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return t.Close()
}

// Unpack reads what Pack wrote into memory.
func Unpack(r io.Reader) (*Dir, error) {
	d := InMemory()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("a snapshot's archive: %w", err)
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, t); err != nil {
			return nil, fmt.Errorf("a snapshot's archive: %w", err)
		}
		if err := d.write(filepath.Base(h.Name), b.Bytes()); err != nil {
			return nil, err
		}
	}
}
