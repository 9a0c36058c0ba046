//go:build unix

package files

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// TestManyDrafts: finished drafts take half of the files that a process may have open,
// and are held no longer than until they are closed.
func TestManyDrafts(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := old
	few.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	dir := t.TempDir()
	var held, all []Draft
	for i := range 200 {
		w, err := Local{}.Create(context.Background(), filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("row\n")); err != nil {
			t.Fatal(err)
		}
		d, err := w.Finish()
		if err != nil || d.Size != 4 {
			t.Fatal(d, err)
		}
		if all = append(all, d); d.Hold != nil {
			held = append(held, d)
		}
	}
	if len(held) != 50 {
		t.Errorf("%d of 200 are held", len(held))
	}
	for _, d := range all {
		if got := (Local{}).Busy(d.Path); got != (d.Hold != nil) {
			t.Errorf("%s: busy %v", d.Path, got)
		}
		if err := (Local{}).Publish(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range held {
		if d.Hold.Close() != nil || d.Hold.Close() != nil {
			t.Error("it can't be closed, or not twice")
		}
	}
	if n := drafts.Load(); n != 0 {
		t.Errorf("%d are said to be held", n)
	}
}
