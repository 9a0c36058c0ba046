//go:build unix

package lineedit

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	prompt "github.com/c-bata/go-prompt"
	"golang.org/x/term"
)

// terminal is the Editor on go-prompt.
type terminal struct {
	config Config
	screen *screen
	p      *prompt.Prompt
	prefix string

	// How the line ended: go-prompt's Input answers "" for several endings.
	ended  ending
	leave  atomic.Bool  // the exit checker lets go-prompt return
	reason atomic.Int32 // an ending that no key has caused
	resize atomic.Bool
	ctx    context.Context

	history   int    // where Up stands; len: at the line being typed
	draft     string // that line
	query     string // of Ctrl-R
	found     int    // where the search stands
	shown     string // what the search put into the line; else it is over
	searching bool
	selecting bool // Tab has chosen a suggestion; the reader's own
	winch     chan os.Signal
	once      sync.Once
}

type ending uint8

const (
	endOfInput ending = iota // Ctrl-D calls no binding
	enter
	interrupt
	resized
	cancelled
)

func newTerminal(c Config, in, out *os.File) (Editor, error) {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil, errors.New("not a terminal")
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0) // go-prompt opens it and panics when it can't
	if err != nil {
		return nil, err
	}
	tty.Close()
	if c.History == nil {
		c.History = &History{}
	}
	t := &terminal{config: c, winch: make(chan os.Signal, 1), found: -1}
	if t.screen, err = newScreen(t, in, out); err != nil {
		return nil, err
	}
	t.p = prompt.New(func(string) {}, t.complete,
		prompt.OptionParser(t.screen), prompt.OptionWriter(&writer{ConsoleWriter: prompt.NewStdoutWriter(), t: t}),
		prompt.OptionLivePrefix(func() (string, bool) { return t.label(), true }),
		prompt.OptionPrefixTextColor(prompt.Cyan), prompt.OptionInputTextColor(inputColor),
		prompt.OptionPreviewSuggestionTextColor(prompt.Green),
		prompt.OptionSuggestionBGColor(prompt.DarkGray), prompt.OptionSuggestionTextColor(prompt.White),
		prompt.OptionDescriptionBGColor(prompt.LightGray), prompt.OptionDescriptionTextColor(prompt.Black),
		prompt.OptionSelectedSuggestionBGColor(prompt.Cyan), prompt.OptionSelectedSuggestionTextColor(prompt.Black),
		prompt.OptionSelectedDescriptionBGColor(prompt.Cyan), prompt.OptionSelectedDescriptionTextColor(prompt.Black),
		prompt.OptionMaxSuggestion(6), prompt.OptionCompletionWordSeparator(Separators),
		prompt.OptionSetExitCheckerOnInput(func(string, bool) bool { return t.leave.Load() }),
		prompt.OptionAddKeyBind(
			prompt.KeyBind{Key: prompt.Enter, Fn: func(*prompt.Buffer) { t.ended = enter }},
			prompt.KeyBind{Key: prompt.ControlM, Fn: func(*prompt.Buffer) { t.ended = enter }},
			prompt.KeyBind{Key: prompt.ControlC, Fn: func(*prompt.Buffer) { t.end(interrupt) }},
			prompt.KeyBind{Key: prompt.ControlD, Fn: func(*prompt.Buffer) { t.screen.held.Store(false) }}, // the line goes on
			prompt.KeyBind{Key: prompt.Ignore, Fn: func(*prompt.Buffer) { t.end(ending(t.reason.Load())) }},
			prompt.KeyBind{Key: prompt.ControlR, Fn: t.search}),
		prompt.OptionAddASCIICodeBind(
			prompt.ASCIICodeBind{ASCIICode: keyOlder, Fn: func(b *prompt.Buffer) { t.step(b, -1) }},
			prompt.ASCIICodeBind{ASCIICode: keyNewer, Fn: func(b *prompt.Buffer) { t.step(b, +1) }}),
	)
	signal.Notify(t.winch, syscall.SIGWINCH)
	go func() {
		for range t.winch {
			t.resize.Store(true)
		}
	}()
	return t, nil
}

// Separators end the word that a completion replaces.
const Separators = " \t\n(),=;'`.<>+-*/%|⏎"

// Keys of our own, which no terminal sends: go-prompt's history stays empty.
var keyOlder, keyNewer = []byte("\x1b[older"), []byte("\x1b[newer")

// end lets go-prompt return.
func (t *terminal) end(why ending) {
	t.ended = why
	t.leave.Store(true)
}

func (t *terminal) label() string {
	if t.searching {
		return "search '" + encode(t.query) + "'> "
	}
	return t.prefix
}

func (t *terminal) ReadLine(ctx context.Context, label string) (string, error) {
	t.prefix, t.ctx = label, ctx
	t.history, t.draft, t.searching = len(t.config.History.Items()), "", false
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		t.ended = endOfInput
		t.leave.Store(false)
		t.screen.held.Store(false)
		line := t.input()
		t.searching = false
		switch t.ended {
		case endOfInput:
			return "", io.EOF
		case interrupt:
			return "", ErrInterrupt
		case cancelled:
			return "", ctx.Err()
		case resized: // Input again, with what was typed
			continue
		}
		return decode(line), nil
	}
}

// input runs go-prompt for a line; a panic leaves the terminal as it was.
func (t *terminal) input() string {
	defer t.screen.restore()
	return t.p.Input()
}

func (t *terminal) Close() error {
	t.once.Do(func() {
		signal.Stop(t.winch)
		close(t.winch)
		t.screen.restore()
	})
	return nil
}

// key is told of each key before go-prompt is; it answers the one to pass on. The
// reader's goroutine calls it.
func (t *terminal) key(b []byte) []byte {
	selecting := t.selecting
	t.selecting = false
	switch string(b) {
	case "\t", "\x1b[Z":
		t.selecting = true
	case "\x1b[A", "\x1bOA", "\x10":
		if t.selecting = selecting; !selecting {
			return keyOlder
		}
	case "\x1b[B", "\x1bOB", "\x0e":
		if t.selecting = selecting; !selecting {
			return keyNewer
		}
	case "\r", "\n", "\x03", "\x04":
		t.screen.held.Store(true) // what follows is for the next line
	}
	return b
}

// step replaces the line by an older or newer statement.
func (t *terminal) step(b *prompt.Buffer, by int) {
	items := t.config.History.Items()
	to := t.history + by
	if to < 0 || to > len(items) {
		return
	}
	if t.history == len(items) {
		t.draft = b.Text()
	}
	t.history = to
	text := t.draft
	if to < len(items) {
		text = encode(items[to])
	}
	replace(b, text)
}

// search is Ctrl-R: the latest statement that contains what was typed; again: the
// one before.
func (t *terminal) search(b *prompt.Buffer) {
	if !t.searching || b.Text() != t.shown {
		t.query, t.found, t.searching = decode(b.Text()), len(t.config.History.Items()), true
	}
	if text, i := t.config.History.Search(t.query, t.found); i >= 0 {
		t.found = i
		t.shown = encode(text)
		replace(b, t.shown)
	} else {
		t.shown = b.Text()
	}
}

func replace(b *prompt.Buffer, text string) {
	prompt.GoLineEnd(b)
	b.DeleteBeforeCursor(len([]rune(b.Text())))
	b.InsertText(text, false, true)
}

func (t *terminal) complete(d prompt.Document) []prompt.Suggest {
	t.searching = t.searching && d.Text == t.shown
	if t.config.Complete == nil || t.searching {
		return nil
	}
	var out []prompt.Suggest
	for _, s := range t.config.Complete(decode(d.TextBeforeCursor()), decode(d.TextAfterCursor())) {
		out = append(out, prompt.Suggest{Text: s.Text, Description: s.Doc})
	}
	return out
}
