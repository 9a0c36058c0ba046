package filesystem

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
	"github.com/millrace/millrace/types"
)

// lines cuts a file into messages and decodes a batch of them at a time. The
// buffer holds whole messages only ever moved between two batches, so columns
// view it. A position is the offset of the next message in the decompressed file.
type lines struct {
	f       files.File
	in      io.Reader
	closeIn func() error
	split   string
	env     connectors.ReadEnv
	dec     formats.Decoder
	ts      []types.Type
	frame   func(b []byte, most int, ends []int) []int
	delim   []byte

	buf        []byte
	start, end int   // unread bytes of buf
	at         int64 // offset of buf[start]
	eof        bool
	ends       []int // ends of the batch's messages, from start
	msgs       []formats.Message
	out        batch.Batch
}

const bufferSize = 512 << 10

func openLines(s *source, f files.File, split string, from []byte, env connectors.ReadEnv) (_ rows, err error) {
	l := &lines{f: f, split: split, env: env, ts: s.spec.Schema.Types(), delim: []byte{'\n'}}
	format := s.t.Format.Format
	if l.in, l.closeIn, err = decompress(f); err != nil {
		return nil, fmt.Errorf("%s: %w", split, err)
	}
	if format.Delimiter != nil {
		if d := format.Delimiter(s.spec.Options); d != nil {
			l.delim = d
		}
	}
	if format.Framer != nil {
		l.frame = format.Framer(s.spec.Options)
	}
	if from != nil {
		if l.at, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return nil, badPosition(split, err)
		}
		if err := l.seek(l.at); err != nil {
			return nil, err
		}
	}
	if l.dec, err = format.Decoder(s.spec); err != nil {
		return nil, err
	}
	l.buf = make([]byte, bufferSize)
	return l, nil
}

func (l *lines) seek(at int64) error {
	if l.in == io.Reader(l.f) {
		_, err := l.f.Seek(at, io.SeekStart)
		return err
	}
	if n, err := io.CopyN(io.Discard, l.in, at); err != nil && !errors.Is(err, io.EOF) || n < at {
		return fmt.Errorf("%s is shorter than when it was read before: %d of %d bytes", l.split, n, at)
	}
	return nil
}

func (l *lines) next() (*batch.Batch, error) {
	for {
		if err := l.cut(max(1, min(l.env.Rows, batch.MaxRows))); err != nil {
			return nil, err
		}
		if len(l.ends) == 0 {
			return nil, io.EOF
		}
		block := l.buf[l.start : l.start+l.ends[len(l.ends)-1]]
		block = block[:len(block):len(block)]
		from := 0
		for _, end := range l.ends {
			l.msgs = append(l.msgs, formats.Message{Value: l.trim(block[from:end:end]), Offset: l.at + int64(from), At: from})
			from = end
		}
		l.start += from
		l.at += int64(from)
		l.out.Reset(l.ts)
		bad := false
		err := l.dec.Decode(formats.Input{Messages: l.msgs, Block: block}, &l.out, func(m formats.Message, reason error) error {
			bad = true
			return l.env.Bad(connectors.BadRow{Split: l.split, Offset: m.Offset, Raw: m.Value, Reason: reason})
		})
		if err != nil || l.out.Len > 0 || bad { // bad rows too are bound to a position
			return &l.out, err
		}
	}
}

// cut finds the ends of the next messages, reading as needed.
func (l *lines) cut(most int) error {
	l.ends, l.msgs = l.ends[:0], l.msgs[:0]
	scan := 0
	for len(l.ends) < most {
		rest := l.buf[l.start+scan : l.end]
		n := 0
		switch {
		case len(rest) == 0 && l.eof:
			return nil
		case len(rest) == 0:
		case l.frame != nil:
			known := len(l.ends)
			l.ends = l.frame(rest, most-known, l.ends)
			if added := l.ends[known:]; len(added) > 0 {
				for i := range added {
					added[i] += scan
				}
				scan = added[len(added)-1]
				continue
			}
		case len(l.delim) == 1:
			n = bytes.IndexByte(rest, l.delim[0]) + 1
		default:
			if k := bytes.Index(rest, l.delim); k >= 0 {
				n = k + len(l.delim)
			}
		}
		if n == 0 && l.eof {
			n = len(rest)
		}
		if n > 0 {
			scan += n
			l.ends = append(l.ends, scan)
			continue
		}
		if err := l.read(); err != nil {
			return err
		}
	}
	return nil
}

// read gets more bytes behind those that are there.
func (l *lines) read() error {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	if l.end == len(l.buf) {
		if len(l.buf) > batch.MaxViewLen {
			return fmt.Errorf("%s: the message at offset %d is longer than %d bytes", l.split, l.at, batch.MaxViewLen)
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.in.Read(l.buf[l.end:])
	l.end += n
	if errors.Is(err, io.EOF) {
		l.eof, err = true, nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.split, err)
	}
	return nil
}

// trim takes the delimiter off, and the \r before a line break.
func (l *lines) trim(m []byte) []byte {
	m, ok := bytes.CutSuffix(m, l.delim)
	if ok && len(l.delim) == 1 && l.delim[0] == '\n' {
		m = bytes.TrimSuffix(m, []byte{'\r'})
	}
	return m
}

func (l *lines) position() []byte { return strconv.AppendInt(nil, l.at, 10) }

func (l *lines) close() error {
	err := l.closeIn()
	if cerr := l.f.Close(); err == nil {
		err = cerr
	}
	return err
}
