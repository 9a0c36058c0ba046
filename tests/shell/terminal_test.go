// Package shell drives the real binary on a pseudo-terminal, through a terminal
// emulator: what is tested is what a person would see.
package shell

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "millrace-shell")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "millrace")
	if out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "../../cmd/millrace").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// terminal is a shell on a pseudo-terminal.
type terminal struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	vt   vt10x.Terminal
	home string

	mu  sync.Mutex
	raw strings.Builder
}

// start runs the binary in a home of its own.
func start(t *testing.T, home string, cols, rows int, args ...string) *terminal {
	t.Helper()
	if home == "" {
		home = t.TempDir()
	}
	return startWith(t, home, append(os.Environ(), "XDG_RUNTIME_DIR="+runtimeDir(t)), cols, rows, args...)
}

// startWith is start in an environment.
func startWith(t *testing.T, home string, env []string, cols, rows int, args ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, home: home, vt: vt10x.New(vt10x.WithSize(cols, rows))}
	x.cmd = exec.Command(binary, args...)
	x.cmd.Dir = home
	x.cmd.Env = append(env[:len(env):len(env)], "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"), "TERM=xterm-256color", "PAGER=cat", "TZ=UTC", "EDITOR=true")
	var err error
	if x.pty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := x.pty.Read(buf)
			if n > 0 {
				x.mu.Lock()
				x.raw.Write(buf[:n])
				x.mu.Unlock()
				_, _ = x.vt.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_, _ = x.cmd.Process.Wait()
		x.pty.Close()
	})
	return x
}

// patience is how long something is waited for before the test has failed: long, for
// machines are busy.
const patience = 90 * time.Second

// runtimeDir is where a process has its socket, so that nobody else's jobs are seen. A
// socket's path must be short.
func runtimeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// screen is what is visible, without trailing blanks.
func (x *terminal) screen() string {
	var out []string
	for _, l := range strings.Split(x.vt.String(), "\n") {
		out = append(out, strings.TrimRight(l, " "))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// output is all that was written so far.
func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

func (x *terminal) send(s string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(s); err != nil {
		x.t.Fatal(err)
	}
}

// sees waits until the screen holds each of the texts.
func (x *terminal) sees(texts ...string) {
	x.t.Helper()
	x.waits(fmt.Sprintf("%q", texts), func(screen string) bool {
		for _, s := range texts {
			if !strings.Contains(screen, s) {
				return false
			}
		}
		return true
	})
}

func (x *terminal) waits(what string, ok func(screen string) bool) {
	x.t.Helper()
	until := time.Now().Add(patience)
	for !ok(x.screen()) {
		if time.Now().After(until) {
			x.t.Fatalf("waited for %s; the screen:\n%s", what, x.screen())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// prompt waits for an empty prompt at the end of the screen.
func (x *terminal) prompt() {
	x.t.Helper()
	x.waits("a prompt", func(s string) bool { return strings.HasSuffix(s, "millrace>") })
}

// line types a line and waits for the next prompt: the line's own end must have been
// seen first, for until then the screen still ends with the prompt before it.
func (x *terminal) line(s string) {
	x.t.Helper()
	before := len(x.output())
	x.send(s + "\r")
	x.waits("the end of the line", func(string) bool { return strings.Contains(x.output()[before:], "\n") })
	x.prompt()
}

// ends waits for the process and answers its exit code.
func (x *terminal) ends() int {
	x.t.Helper()
	done := make(chan struct{})
	go func() { _ = x.cmd.Wait(); close(done) }()
	select {
	case <-done:
		return x.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		x.t.Fatalf("it doesn't end; the screen:\n%s", x.screen())
		return -1
	}
}

// cooked says that the terminal is as it was: echoing, by lines, with signals.
func (x *terminal) cooked() bool {
	out, err := exec.Command("stty", "-a", "-F", x.tty()).CombinedOutput()
	if err != nil {
		x.t.Logf("stty: %v %s", err, out)
		return false
	}
	for _, f := range []string{" echo ", " icanon ", " isig "} {
		if !strings.Contains(strings.ReplaceAll(string(out), "\n", " "), f) {
			x.t.Logf("%s", out)
			return false
		}
	}
	return true
}

func (x *terminal) tty() string {
	var n uint32
	if err := ioctl(x.pty.Fd(), syscall.TIOCGPTN, &n); err != nil {
		x.t.Fatal(err)
	}
	return fmt.Sprintf("/dev/pts/%d", n)
}
