package checkpoint_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// write makes checkpoint n with one state file.
func write(t *testing.T, d *checkpoint.Dir, n uint64) *checkpoint.Manifest {
	t.Helper()
	w, err := d.Create(n, 0, n > 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for g := 0; g < 3; g++ {
		b := state.Block{Identity: state.Identity{Relation: "r", Role: "Join", Ordinal: 2}, Name: "rows", Group: g, Delta: n > 1, Data: []byte(fmt.Sprint("block ", n, g))}
		if err := w.Block(b); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	m := &checkpoint.Manifest{N: n, Job: "j", Files: []checkpoint.StateFile{f},
		Sinks: []checkpoint.Sink{{Table: "out", Pending: [][]byte{[]byte("part-1")}}}}
	if err := d.Write(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	d, err := checkpoint.Open(checkpoint.OS{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write(t, d, 1)
	write(t, d, 2)
	list, err := d.List()
	if err != nil || fmt.Sprint(list) != "[2 1]" {
		t.Fatal(list, err)
	}
	m, err := d.Read(2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = d.Blocks(m.Files[0], func(b state.Block) error {
		got = append(got, fmt.Sprintf("%v %s %d %v %s", b.Identity, b.Name, b.Group, b.Delta, b.Data))
		return nil
	})
	if err != nil || len(got) != 3 || got[1] != "{r Join 2} rows 1 true block 2 1" || string(m.Sinks[0].Pending[0]) != "part-1" {
		t.Fatal(got, err)
	}
}

// One flipped byte anywhere in any file of a checkpoint is found, also where recovery
// leaves state on disk until its table is opened.
func TestFlippedByte(t *testing.T) {
	was := checkpoint.SetApart(0)
	t.Cleanup(func() { checkpoint.SetApart(was) })
	path := t.TempDir()
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, 1)
	if err := d.MarkCommits(1); err != nil {
		t.Fatal(err)
	}
	files, flips := 0, 0
	for _, name := range []string{"1.manifest", "1-00.state", "commits"} {
		file := filepath.Join(path, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files++
		for i := range whole {
			for _, bit := range []byte{1, 0x80} {
				bad := append([]byte(nil), whole...)
				bad[i] ^= bit
				if err := os.WriteFile(file, bad, 0o666); err != nil {
					t.Fatal(err)
				}
				flips++
				m, err := d.Check(1)
				if err == nil {
					t.Fatalf("%s: bit %x of byte %d flipped, and nobody saw", name, bit, i)
				}
				if err != nil && !errors.Is(err, checkpoint.ErrDamaged) {
					t.Fatalf("%s: byte %d: %v isn't ErrDamaged", name, i, err)
				}
				if m == nil || name != "1-00.state" {
					continue
				}
				if _, err := d.Load(m.Files); !errors.Is(err, checkpoint.ErrDamaged) {
					t.Fatalf("%s: byte %d: recovery says %v", name, i, err)
				}
			}
		}
		for cut := 0; cut < len(whole); cut++ { // a torn write
			if err := os.WriteFile(file, whole[:cut], 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Check(1); err == nil {
				t.Fatalf("%s cut at %d: nobody saw", name, cut)
			}
		}
		if err := os.WriteFile(file, whole, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d flips in %d files", flips, files)
}

// Retention never removes a file that a manifest left needs.
func TestRetain(t *testing.T) {
	path := t.TempDir()
	d, err := checkpoint.At(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	base := write(t, d, 1)
	for n := uint64(2); n <= 5; n++ {
		m := write(t, d, n)
		if n <= 4 { // a delta upon the base
			m.Files = append(append([]checkpoint.StateFile(nil), base.Files...), m.Files...)
			if err := d.Write(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Retain(2); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); got != "1-00.state 4-00.state 4.manifest 5-00.state 5.manifest" {
		t.Fatal(got)
	}
	if err := d.Retain(1); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); got != "5-00.state 5.manifest" {
		t.Fatal(got)
	}
	if _, err := d.Create(6, 0, false, nil); err != nil { // a crash before the manifest
		t.Fatal(err)
	}
	if err := d.Sweep(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); got != "5-00.state 5.manifest" {
		t.Fatal(got)
	}
}

func names(t *testing.T, path string) string {
	t.Helper()
	out, err := checkpoint.OS{}.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestLock(t *testing.T) {
	path := t.TempDir()
	a, err := checkpoint.Open(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	var locked *checkpoint.ErrLocked
	if _, err := checkpoint.Open(checkpoint.OS{}, path); !errors.As(err, &locked) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := checkpoint.Open(checkpoint.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}
