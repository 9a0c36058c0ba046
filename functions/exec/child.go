package exec

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/subprocess"
	"github.com/millrace/millrace/types"
)

const (
	resultColumn = "result"
	rowColumn    = "row"
)

// child is a running command.
type child struct {
	*subprocess.Process
	w *ipc.Writer
	r *ipc.Reader
	n int // requests made
}

// start runs f's command for requests of in and answers of out.
func start(f *Function, in, out *types.Schema) (*child, error) {
	p, err := subprocess.Start(f.Command, f.Log)
	if err != nil {
		return nil, err
	}
	return &child{Process: p, w: ipc.NewWriter(p.In, in, false), r: ipc.NewReader(p.Out, out, false)}, nil
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
	timer := time.AfterFunc(timeout, func() { close(late); c.Kill() })
	err := c.answer(number, take)
	if !timer.Stop() {
		select {
		case <-late:
			err = fmt.Errorf("no answer within %s", timeout)
		default:
		}
	}
	if err != nil {
		c.Kill() // so that the writer ends, too
		<-wrote
		return err
	}
	if err = <-wrote; err != nil {
		c.Kill()
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

// stop ends the stream and waits a moment for the command to end by itself.
func (c *child) stop() {
	_ = c.w.Close()
	_ = c.In.Close()
	timer := time.AfterFunc(5*time.Second, c.Kill)
	_ = c.Wait()
	timer.Stop()
}
