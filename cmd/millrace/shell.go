package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/control"
	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/shell"
	"github.com/millrace/millrace/why"
)

// shellVerb is the interactive shell, which is also what millrace without a verb
// starts on a terminal.
func shellVerb(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "shell",
		Short: "Interactive SQL (the default on a terminal)",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runShell(cmd, f) },
	}
}

// withoutVerb starts the shell on a terminal, executes what is piped in, and else
// shows help.
func withoutVerb(cmd *cobra.Command, f *flags) error {
	if isTerminal(os.Stdin) && isTerminal(os.Stdout) {
		return runShell(cmd, f)
	}
	if st, err := os.Stdin.Stat(); err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 || err == nil && st.Mode().IsRegular() && st.Size() > 0 {
		return runScripts(cmd.Context(), f, []string{"-"})
	}
	return cmd.Help()
}

func runShell(cmd *cobra.Command, f *flags) error {
	s, err := f.session()
	if err != nil {
		return err
	}
	serve := &server{jobs: s.Jobs(), stateDir: f.stateDir, metrics: f.metrics}
	defer serve.close()
	code := shell.Run(cmd.Context(), shell.Config{
		Session: s, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, History: historyFile(), Format: f.format,
		Color:   os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Version: version, Now: time.Now, Signals: interrupts.take, Detach: detach,
		Began: func(j *engine.Job) {
			if !(j.Query && j.Bounded) {
				serve.open(func(string) {}) // who doesn't ask from outside needn't know
			}
		},
		Why: func(ctx context.Context, name string) (*why.Finding, error) {
			c, j, err := control.Find(ctx, f.stateDir, name)
			if err != nil {
				return nil, err
			}
			w, err := c.Why(ctx, j.ID)
			return w.Finding, err
		},
	})
	if code != exitOK {
		return exit{code}
	}
	return nil
}

// stateFolder is where the shell keeps things, as the XDG base directories say.
func stateFolder() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "millrace")
}

func historyFile() string {
	if dir := stateFolder(); dir != "" {
		return filepath.Join(dir, "history")
	}
	return ""
}

// detach runs a script in a process of its own session, so that it outlives ours.
func detach(name, script string) (string, error) {
	dir := filepath.Join(stateFolder(), "jobs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	base := filepath.Join(dir, fmt.Sprintf("%s-%d", filepath.Base(name), time.Now().UnixNano()))
	if err := os.WriteFile(base+".sql", []byte(script), 0o600); err != nil {
		return "", err
	}
	log, err := os.OpenFile(base+".log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	c := exec.Command(self, "run", base+".sql")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return "", err
	}
	return base + ".log", c.Process.Release()
}

// interrupts passes Ctrl-C to whoever has taken it: a query of the shell.
var interrupts interruptTable

type interruptTable struct {
	mu     sync.Mutex
	takers []*func()
}

// take has f called at each Ctrl-C until the result is.
func (t *interruptTable) take(f func()) (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &f
	t.takers = append(t.takers, p)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for i, x := range t.takers {
			if x == p {
				t.takers = append(t.takers[:i], t.takers[i+1:]...)
				return
			}
		}
	}
}

// deliver calls them; false when nobody has taken it.
func (t *interruptTable) deliver() bool {
	t.mu.Lock()
	takers := append([]*func(){}, t.takers...)
	t.mu.Unlock()
	for _, f := range takers {
		(*f)()
	}
	return len(takers) > 0
}
