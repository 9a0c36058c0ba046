package exec

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

// process is a running command.
type process struct {
	in      io.WriteCloser
	out     io.ReadCloser
	command string
	cmd     *exec.Cmd
	tail    *tail
	once    sync.Once
	err     error
	done    chan struct{}
}

// start runs a command line by the shell, with further variables "NAME=value".
func start(command string, env ...string) (*process, error) {
	p := &process{command: command, tail: &tail{to: os.Stderr}, done: make(chan struct{})}
	p.cmd = shell(command)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.tail
	var err error
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		if p.out, err = p.cmd.StdoutPipe(); err == nil {
			err = p.cmd.Start()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("command %q: %w", command, err)
	}
	return p, nil
}

// kill ends the process and those it has started.
func (p *process) kill() { killGroup(p.cmd) }

// wait waits for the end, after all of out has been read, and says how the command
// failed, with the last it wrote to its standard error.
func (p *process) wait() error {
	p.once.Do(func() {
		defer close(p.done)
		err := p.cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit):
			p.err = fmt.Errorf("command %q: %s%s", p.command, exit, p.tail)
		default:
			p.err = fmt.Errorf("command %q: %w%s", p.command, err, p.tail)
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
