package exec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/types"
)

const (
	resultColumn = "result"
	rowColumn    = "row"
)

// child is a running command.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *os.File // our end of its standard output
	w   *ipc.Writer
	r   *ipc.Reader
	n   int // requests made
	log *lines
}

// start runs f's command for requests of in and answers of out.
func start(f *Function, in, out *types.Schema) (*child, error) {
	c := &child{cmd: exec.Command("/bin/sh", "-c", f.Command), log: &lines{to: f.Log, prefix: "function " + f.Name + ": "}}
	c.cmd.Stderr = c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours; and all it starts ends with it
	c.cmd.WaitDelay = time.Second
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Stdout = theirs
	err = c.cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, err
	}
	c.out, c.w, c.r = ours, ipc.NewWriter(c.in, in, false), ipc.NewReader(ours, out, false)
	return c, nil
}

// refusal is an error that the function reports for a row: it isn't tried again.
type refusal struct {
	row int
	msg string
}

func (r *refusal) Error() string { return r.msg }

// ask makes a request and gives each batch of its answer to take, which borrows it.
func (c *child) ask(b *batch.Batch, timeout time.Duration, take func(*batch.Batch) error) error {
	c.n++
	number := strconv.Itoa(c.n)
	wrote := make(chan error, 1)
	go func() { wrote <- c.w.WriteWith(b, []string{"request", number}) }()
	late := make(chan struct{})
	timer := time.AfterFunc(timeout, func() { close(late); c.kill() })
	err := c.answer(number, take)
	if !timer.Stop() {
		select {
		case <-late:
			err = fmt.Errorf("no answer within %s", timeout)
		default:
		}
	}
	if err != nil {
		c.kill() // so that the writer ends, too
		<-wrote
		return err
	}
	if err = <-wrote; err != nil {
		c.kill()
	}
	return err
}

func (c *child) answer(number string, take func(*batch.Batch) error) error {
	for {
		b, err := c.r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the command ended without an answer")
		}
		if err != nil {
			return err
		}
		if miss := c.r.Missing(); len(miss) > 0 {
			return fmt.Errorf("the answer has no column %q", miss[0])
		}
		if msg := c.r.Meta("error"); msg != "" {
			row, _ := strconv.Atoi(c.r.Meta(rowColumn))
			return &refusal{row, msg}
		}
		if got := c.r.Meta("request"); got != "" && got != number {
			return fmt.Errorf("the answer is for request %s, not %s", got, number)
		}
		if err := take(b); err != nil || !c.r.More() {
			return err
		}
	}
}

// kill ends the command and what it started, at once.
func (c *child) kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
}

// stop ends the stream and waits a moment for the command to end by itself.
func (c *child) stop() {
	_ = c.w.Close()
	_ = c.in.Close()
	timer := time.AfterFunc(5*time.Second, c.kill)
	_ = c.cmd.Wait()
	timer.Stop()
	c.close()
}

// abandon ends a child that failed.
func (c *child) abandon() error {
	c.kill()
	err := c.cmd.Wait()
	c.close()
	return err
}

func (c *child) close() {
	_ = c.in.Close()
	_ = c.out.Close()
	c.log.flush()
}

// lines writes whole lines with a prefix; the last ones are kept for messages.
type lines struct {
	to     io.Writer
	prefix string
	rest   []byte
	last   string
}

// Write takes what the command wrote; os/exec calls it from one goroutine, and
// waits for it.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		at := bytes.IndexByte(l.rest, '\n')
		if at < 0 {
			return len(b), nil
		}
		l.line(string(l.rest[:at]))
		l.rest = l.rest[at+1:]
	}
}

func (l *lines) line(s string) {
	if strings.TrimSpace(s) != "" {
		l.last = s
	}
	if l.to != nil {
		fmt.Fprintf(l.to, "%s%s\n", l.prefix, s)
	}
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.line(string(l.rest))
		l.rest = nil
	}
}
