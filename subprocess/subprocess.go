// Package subprocess runs the commands of users: connectors and functions that are
// another program. A command runs in the system's shell, in a process group of its
// own, so that it and all it starts end together; what it writes to its standard
// error is passed on, and the last of it is told when it fails.
//
// Start with Start.
package subprocess

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// Process is a running command.
type Process struct {
	In      io.WriteCloser // its standard input
	Out     io.ReadCloser  // its standard output; Wait closes it
	Command string
	cmd     *exec.Cmd
	tail    *tail
	once    sync.Once
	err     error
	done    chan struct{}
}

// Start runs a command line by the shell, with further variables "NAME=value". log
// takes its standard error.
func Start(command string, log io.Writer, env ...string) (*Process, error) {
	p := &Process{Command: command, tail: &tail{to: log}, done: make(chan struct{})}
	p.cmd = shell(command)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.tail
	var err error
	if p.In, err = p.cmd.StdinPipe(); err == nil {
		if p.Out, err = p.cmd.StdoutPipe(); err == nil {
			err = p.cmd.Start()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("command %q: %w", command, err)
	}
	return p, nil
}

// Kill ends the process and those it has started.
func (p *Process) Kill() { killGroup(p.cmd) }

// Wait waits for the end, after all of Out has been read, and says how the command
// failed, with the last it wrote to its standard error.
func (p *Process) Wait() error {
	p.once.Do(func() {
		defer close(p.done)
		err := p.cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit):
			p.err = fmt.Errorf("command %q: %s%s", p.Command, exit, p.tail)
		default:
			p.err = fmt.Errorf("command %q: %w%s", p.Command, err, p.tail)
		}
	})
	<-p.done
	return p.err
}

// tail passes bytes on and keeps the last of them.
type tail struct {
	to   io.Writer
	mu   sync.Mutex
	last []byte
}

const tailBytes = 2000

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.last = append(t.last, b...)
	if n := len(t.last) - tailBytes; n > 0 {
		t.last = append(t.last[:0], t.last[n:]...)
	}
	t.mu.Unlock()
	_, _ = t.to.Write(b)
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(bytes.ToValidUTF8(t.last, nil))); text != "" {
		return "; it wrote: " + text
	}
	return ""
}
