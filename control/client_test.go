package control

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestProcesses: a process counts once, though those that were killed on its state
// directory have left links to its socket; what nobody listens at doesn't count.
func TestProcesses(t *testing.T) {
	dir, err := os.MkdirTemp("", "mr") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	run := RuntimeDir()
	if err := os.MkdirAll(run, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		l, err := net.Listen("unix", filepath.Join(dir, name+".sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	for link, to := range map[string]string{"1": "a", "2": "a", "3": "b", "4": "none"} {
		if err := os.Symlink(filepath.Join(dir, to+".sock"), filepath.Join(run, link+".sock")); err != nil {
			t.Fatal(err)
		}
	}
	if got := Processes(""); len(got) != 2 || filepath.Base(got[0].Socket) != "1.sock" || filepath.Base(got[1].Socket) != "3.sock" {
		t.Errorf("%d processes", len(got))
	}
}
