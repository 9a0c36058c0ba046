package exec

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/batch/ipc"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/subprocess"
	"github.com/millrace/millrace/types"
)

type source struct{ t connectors.Table }

// Changes are those of the format.
func (s *source) Changes() batch.Changes { return changes(s.t) }

// Bounded is the option.
func (s *source) Bounded() bool { return s.t.Options.Bool("bounded") }

// Splits is one: the command's output.
func (s *source) Splits(_ context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	if len(known) > 0 {
		return known, nil
	}
	return []connectors.Split{{Name: s.t.Options.String("command"), Bounded: s.Bounded()}}, nil
}

// Read starts the command.
func (s *source) Read(ctx context.Context, split connectors.Split, from []byte, env connectors.ReadEnv) (connectors.Reader, error) {
	r := &reader{env: env, split: split.Name, ready: make(chan part, 1), more: make(chan struct{}, 1), done: make(chan struct{})}
	if from != nil {
		var err error
		if r.skip, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return nil, fmt.Errorf("position of split %s: %w", split.Name, err)
		}
		r.at = r.skip
	}
	f := s.t.Format.Format
	r.types = s.t.Schema.Types()
	var err error
	if f != nil {
		spec := s.t.Format.Spec
		spec.Schema, spec.Full, spec.Meta = s.t.Schema, s.t.Full, nil
		if r.decoder, err = f.Decoder(spec); err != nil {
			return nil, err
		}
	}
	if r.proc, err = subprocess.Start(s.t.Options.String("command"), os.Stderr, environment(s.t, env.Subtask)...); err != nil {
		return nil, err
	}
	r.proc.In.Close()
	if f != nil {
		go r.lines(r.proc.Out)
	} else {
		go r.arrow(ipc.NewReader(r.proc.Out, s.t.Schema, s.t.Options.Bool("changelog")))
	}
	r.more <- struct{}{}
	return r, nil
}

// part is what the reading goroutine hands over: rows or lines, or the end.
type part struct {
	rows  *batch.Batch
	block []byte
	ends  []int
	err   error
}

// reader reads a command's output. A goroutine of its own blocks on the pipe; it
// hands over one part at a time and goes on when that has been read.
type reader struct {
	env     connectors.ReadEnv
	split   string
	proc    *subprocess.Process
	decoder formats.Decoder
	types   []types.Type
	ready   chan part
	more    chan struct{} // the last part has been read
	done    chan struct{} // Close
	held    bool
	ended   bool
	skip    int64 // rows or lines to pass over
	at      int64 // rows or lines read
	offset  int64 // bytes read
	out     batch.Batch
	msgs    []formats.Message
}

// wait waits until the last part has been read; false: nobody reads on.
func (r *reader) wait() bool {
	select {
	case <-r.more:
		return true
	case <-r.done:
		return false
	}
}

// give hands over a part; the last one has been taken.
func (r *reader) give(p part) {
	r.ready <- p
	r.env.Wake()
}

func (r *reader) arrow(in *ipc.Reader) {
	for r.wait() { // rows are borrowed until they have been read
		b, err := in.Next()
		if r.give(part{rows: b, err: err}); err != nil {
			return
		}
	}
}

const (
	blockBytes = 256 << 10
	blockLines = batch.MaxRows
)

// lines gathers lines: as many as there are, up to a batch.
func (r *reader) lines(out io.Reader) {
	in := bufio.NewReaderSize(out, blockBytes)
	for {
		var p part
		for len(p.ends) < blockLines && len(p.block) < blockBytes {
			line, err := in.ReadSlice('\n')
			p.block = append(p.block, line...)
			if errors.Is(err, bufio.ErrBufferFull) {
				if len(p.block) > batch.MaxViewLen {
					p.err = fmt.Errorf("a line is longer than %d bytes", batch.MaxViewLen)
					break
				}
				continue
			}
			if len(line) > 0 || len(p.ends) > 0 && p.ends[len(p.ends)-1] < len(p.block) {
				p.ends = append(p.ends, len(p.block))
			}
			if err != nil {
				p.err = err
				break
			}
			if in.Buffered() == 0 {
				break // what is there is sent at once
			}
		}
		if !r.wait() {
			return
		}
		if r.give(p); p.err != nil {
			return
		}
	}
}

// Next returns rows of the part in hand.
func (r *reader) Next() (*batch.Batch, error) {
	if r.ended {
		return nil, r.end(io.EOF)
	}
	if r.held {
		r.held = false
		r.more <- struct{}{}
	}
	var p part
	select {
	case p = <-r.ready:
	default:
		return nil, connectors.ErrNotReady
	}
	r.held = true
	if p.rows != nil {
		return r.rows(p.rows), nil
	}
	if len(p.ends) == 0 {
		r.ended = p.err != nil
		return nil, r.end(p.err)
	}
	if p.err != nil {
		r.ended = true
		if !errors.Is(p.err, io.EOF) {
			return nil, r.end(p.err)
		}
	}
	return r.decode(p)
}

// rows passes over what was read before a restart.
func (r *reader) rows(b *batch.Batch) *batch.Batch {
	if r.skip == 0 {
		r.at += int64(b.Len)
		return b
	}
	r.out.Reset(r.types)
	for i := range b.Len {
		if r.skip > 0 {
			r.skip--
			continue
		}
		r.out.AppendRow(r.types, b.Kind(i), b, i)
		r.at++
	}
	return &r.out
}

func (r *reader) decode(p part) (*batch.Batch, error) {
	r.msgs = r.msgs[:0]
	from := 0
	for _, end := range p.ends {
		if r.skip > 0 {
			r.skip--
		} else {
			line := bytes.TrimSuffix(bytes.TrimSuffix(p.block[from:end], []byte{'\n'}), []byte{'\r'})
			r.msgs = append(r.msgs, formats.Message{Value: line, At: from, Offset: r.offset + int64(from)})
			r.at++
		}
		from = end
	}
	r.offset += int64(from)
	r.out.Reset(r.types)
	err := r.decoder.Decode(formats.Input{Messages: r.msgs, Block: p.block}, &r.out, func(m formats.Message, reason error) error {
		return r.env.Bad(connectors.BadRow{Split: r.split, Offset: m.Offset, Raw: m.Value, Reason: reason})
	})
	return &r.out, err
}

// end is how the output ended: with the command's failure, if it failed.
func (r *reader) end(err error) error {
	failed := r.proc.Wait()
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return err
}

// Position is the number of rows or lines read.
func (r *reader) Position() []byte { return strconv.AppendInt(nil, r.at, 10) }

// Close ends the command.
func (r *reader) Close() error {
	close(r.done)
	r.proc.Kill()
	_ = r.proc.Wait()
	return nil
}
