//go:build unix

package lineedit

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"

	prompt "github.com/c-bata/go-prompt"
	"github.com/pkg/term/termios"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// screen is the terminal as go-prompt's ConsoleParser: it sets the modes, and hands
// out one key at a time.
type screen struct {
	t       *terminal
	in, out *os.File
	keys    keys
	buf     [4096]byte
	held    atomic.Bool // the line has ended: no more keys until the next

	mu    sync.Mutex
	saved *unix.Termios // nil: the modes are as we found them
}

func newScreen(t *terminal, in, out *os.File) (*screen, error) {
	return &screen{t: t, in: in, out: out}, nil
}

// active is the screen whose modes are changed, for Restore.
var active struct {
	sync.Mutex
	*screen
}

// Restore sets the terminal's modes back, if they are changed: for who ends the
// process without coming back. It may be called from any goroutine.
func Restore() {
	active.Lock()
	s := active.screen
	active.Unlock()
	if s != nil {
		s.restore()
	}
}

// Setup sets the modes: keys come at once and unechoed, Ctrl-C is a key, output is
// processed as before, pastes are bracketed.
func (s *screen) Setup() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved != nil {
		return nil
	}
	modes, err := termios.Tcgetattr(s.in.Fd())
	if err != nil {
		return err
	}
	saved := *modes
	modes.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	modes.Lflag &^= unix.ECHO | unix.ICANON | unix.IEXTEN | unix.ISIG | unix.ECHONL
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	if err := termios.Tcsetattr(s.in.Fd(), termios.TCSANOW, modes); err != nil {
		return err
	}
	s.saved = &saved
	active.Lock()
	active.screen = s
	active.Unlock()
	_, err = s.out.WriteString("\x1b[?2004h")
	return err
}

// TearDown sets the modes back.
func (s *screen) TearDown() error { s.restore(); return nil }

func (s *screen) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved == nil {
		return
	}
	_, _ = s.out.WriteString("\x1b[?2004l\x1b[?25h")
	_ = termios.Tcsetattr(s.in.Fd(), termios.TCSANOW, s.saved)
	s.saved = nil
}

// GetWinSize is the size; 80 by 24 when the terminal doesn't know.
func (s *screen) GetWinSize() *prompt.WinSize {
	w, h, err := term.GetSize(int(s.out.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		w, h = 80, 24
	}
	return &prompt.WinSize{Row: uint16(h), Col: uint16(w)}
}

// keyIgnore is a key that go-prompt knows and that does nothing but ask the exit
// checker.
var keyIgnore = []byte{0x1b, 0x5b, 0x45}

// Read is the next key; nothing at all is a single 0, which go-prompt drops.
func (s *screen) Read() ([]byte, error) {
	nothing := []byte{0}
	t := s.t
	if s.held.Load() {
		return nothing, nil
	}
	switch {
	case t.ctx.Err() != nil:
		return s.give(cancelled), nil
	case t.resize.Swap(false):
		return s.give(resized), nil
	}
	if k, ok := s.keys.pop(); ok {
		return t.key(k), nil
	}
	n, err := s.poll(10)
	if err != nil {
		return s.give(endOfInput), nil
	}
	s.keys.feed(s.buf[:n], n == 0)
	if k, ok := s.keys.pop(); ok {
		return t.key(k), nil
	}
	return nothing, nil
}

// give ends the line for a reason that isn't a key.
func (s *screen) give(why ending) []byte {
	s.t.reason.Store(int32(why))
	s.held.Store(true)
	return keyIgnore
}

// poll reads what comes within ms; 0 bytes when nothing does.
func (s *screen) poll(ms int) (int, error) {
	fds := []unix.PollFd{{Fd: int32(s.in.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, ms)
	if err == unix.EINTR || n == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err = unix.Read(int(s.in.Fd()), s.buf[:])
	if err == unix.EINTR || err == unix.EAGAIN {
		return 0, nil
	}
	if err == nil && n == 0 {
		return 0, os.ErrClosed // the terminal has hung up
	}
	return n, err
}

// inputColor marks the line among what go-prompt writes; no terminal sees it.
const inputColor = prompt.Color(1 << 20)

// writer colours the line, and leaves out what go-prompt draws when a line ends
// without being done with.
type writer struct {
	prompt.ConsoleWriter
	t     *terminal
	input bool
}

func (w *writer) muted() bool {
	return w.t.leave.Load() && (w.t.ended == resized || w.t.ended == interrupt)
}

func (w *writer) SetColor(fg, bg prompt.Color, bold bool) {
	if w.input = fg == inputColor; w.input {
		fg = prompt.DefaultColor
	}
	w.ConsoleWriter.SetColor(fg, bg, bold)
}

func (w *writer) WriteStr(s string) {
	if w.muted() {
		return
	}
	if !w.input || w.t.config.Highlight == nil {
		w.ConsoleWriter.WriteStr(s)
		return
	}
	text, brk := strings.CutSuffix(s, "\n")
	w.ConsoleWriter.WriteRawStr(w.t.config.Highlight(encode(text)))
	if brk {
		w.ConsoleWriter.WriteStr("\n")
	}
}
