package exec

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/subprocess"
)

type sink struct{ t connectors.Table }

// Changes are those that the pipe carries.
func (s *sink) Changes(query batch.Changes) batch.Changes {
	can := changes(s.t)
	can.Kinds &= query.Kinds
	return can
}

// Open starts the command.
func (s *sink) Open(_ context.Context, env connectors.WriterEnv) (connectors.Writer, error) {
	w := &writer{}
	var err error
	if f := s.t.Format.Format; f != nil {
		spec := s.t.Format.Spec
		spec.Schema = s.t.Schema
		if w.encoder, err = f.Encoder(spec); err != nil {
			return nil, err
		}
	}
	if w.proc, err = subprocess.Start(s.t.Options.String("command"), os.Stderr, environment(s.t, env.Subtask)...); err != nil {
		return nil, err
	}
	w.read = make(chan struct{})
	go func() { // a sink says nothing; what it prints is passed over
		_, _ = bufio.NewReader(w.proc.Out).WriteTo(discard{})
		close(w.read)
	}()
	w.out = bufio.NewWriterSize(w.proc.In, 64<<10)
	if w.encoder == nil {
		w.arrow = ipc.NewWriter(w.out, s.t.Schema, s.t.Options.Bool("changelog"))
	}
	return w, nil
}

// Commit has nothing to do: the command has what was written.
func (s *sink) Commit(context.Context, connectors.Commit, [][]byte) ([][]byte, error) {
	return nil, nil
}

// Abandon has nothing to do.
func (s *sink) Abandon(context.Context, string, [][]byte) error { return nil }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// writer writes rows to a command's standard input.
type writer struct {
	proc    *subprocess.Process
	out     *bufio.Writer
	encoder formats.Encoder
	arrow   *ipc.Writer
	msgs    []formats.Message
	read    chan struct{} // the command's output has ended
	err     error
}

// Write sends the rows.
func (w *writer) Write(b *batch.Batch) error {
	if w.arrow != nil {
		return w.failed(w.arrow.Write(b))
	}
	var err error
	if w.msgs, err = w.encoder.Encode(b, w.msgs[:0]); err != nil {
		return err
	}
	for _, m := range w.msgs {
		if _, err = w.out.Write(m.Value); err == nil {
			err = w.out.WriteByte('\n')
		}
		if err != nil {
			return w.failed(err)
		}
	}
	return nil
}

// failed says why the pipe broke: the command has ended.
func (w *writer) failed(err error) error {
	if err == nil {
		return nil
	}
	<-w.read
	if w.err = w.proc.Wait(); w.err == nil {
		w.err = fmt.Errorf("command %q ended before it had read all rows: %w", w.proc.Command, err)
	}
	return w.err
}

// Flush sends what is buffered.
func (w *writer) Flush(context.Context) error { return w.failed(w.out.Flush()) }

// Prepare does what Flush does.
func (w *writer) Prepare(ctx context.Context, _ uint64) ([]byte, error) { return nil, w.Flush(ctx) }

// endTime is how long a command may take to end when its input has ended.
const endTime = 5 * time.Minute

// Close ends the input and waits for the command, whose failure is ours.
func (w *writer) Close() error {
	if w.err != nil {
		return nil // it was told
	}
	var err error
	if w.arrow != nil {
		err = w.arrow.Close()
	}
	if ferr := w.out.Flush(); err == nil {
		err = ferr
	}
	_ = w.proc.In.Close()
	timer := time.AfterFunc(endTime, w.proc.Kill)
	defer timer.Stop()
	<-w.read
	if failed := w.proc.Wait(); failed != nil {
		return failed
	}
	return err
}
