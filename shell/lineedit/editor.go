// Package lineedit reads what a user types: lines, with history, completion and
// colours on a terminal, and plainly elsewhere.
//
// Editor is the interface; terminal.go stands on go-prompt, plain.go on a
// bufio.Reader. Around go-prompt stand four guards:
//
//   - the terminal's modes are saved before a line is read and set back after it,
//     whatever ends it (screen.go),
//   - without a terminal go-prompt isn't touched (New),
//   - what is typed is cut into keys here, so that text and Enter that arrive
//     together are both seen, and a bracketed paste is one insertion (keys.go),
//   - history holds whole statements, kept by History, not by go-prompt.
//
// A line break inside a line, from a paste or the history, is shown as ⏎ and
// handed out as a line break. Start with Editor.
package lineedit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
)

// ErrInterrupt is Ctrl-C: what was typed is to be forgotten.
var ErrInterrupt = errors.New("interrupted")

// Editor reads lines. It belongs to one goroutine.
type Editor interface {
	// ReadLine shows the prompt and reads a line, or a pasted block of them. io.EOF
	// at the end, ErrInterrupt, or the context's error.
	ReadLine(ctx context.Context, prompt string) (string, error)
	// Close sets the terminal back.
	Close() error
}

// Suggestion is one completion: Text replaces the word before the cursor.
type Suggestion struct{ Text, Doc string }

// Config is what an Editor asks of its user.
type Config struct {
	History *History
	// Complete answers what may stand for the word at the end of before, the line up
	// to the cursor; after is the rest. It is called at each key.
	Complete func(before, after string) []Suggestion
	// Highlight adds colours to a line; it changes nothing else. nil: none.
	Highlight func(line string) string
}

// New is an Editor on standard input: on the terminal when input and output both
// are one, else a plain one.
func New(c Config, in, out *os.File) Editor {
	if e, err := newTerminal(c, in, out); err == nil {
		return e
	}
	return NewPlain(in)
}

// plain reads lines without showing anything.
type plain struct{ r *bufio.Reader }

// NewPlain reads lines from r.
func NewPlain(r io.Reader) Editor { return &plain{bufio.NewReader(r)} }

func (p *plain) ReadLine(ctx context.Context, _ string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	line, err := p.r.ReadString('\n')
	if err != nil && line != "" && errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (p *plain) Close() error { return nil }
