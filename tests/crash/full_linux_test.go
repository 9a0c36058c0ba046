package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk lets the disk of a sink fill up: the job says so, and when there is
// room again it goes on; in the end every row is there once. Mounting a small file
// system needs root on Linux; elsewhere the test is skipped.
func TestFullDisk(t *testing.T) {
	bin := build(t)
	for _, s := range shapes {
		if s.name != "stateless" && s.name != "group" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			whole := newJob(t, bin, s, 1)
			cmd, text := whole.command()
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			small := t.TempDir()
			if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=256k"); err != nil {
				t.Skipf("mounting a small file system: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
			j := newJob(t, bin, s, 1)
			j.out = filepath.Join(small, "out")
			if err := os.WriteFile(j.script, []byte(s.script(j.out)), 0o666); err != nil {
				t.Fatal(err)
			}
			cmd, text = j.command()
			if err := cmd.Run(); err == nil {
				t.Fatalf("%s into 256 kB", fmt.Sprint(len(whole.rows(t)), " rows fit"))
			}
			for _, want := range []string{"results", j.out + "/.part-", "no space left on device"} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("says nothing of %q:\n%s", want, text)
				}
			}
			if err := syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=256m"); err != nil {
				t.Fatal(err)
			}
			cmd, text = j.command()
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			same(t, whole.rows(t), j.rows(t))
		})
	}
}
