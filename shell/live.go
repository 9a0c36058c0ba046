//go:build unix

package shell

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/job"
	"github.com/millrace/millrace/operators"
	"github.com/millrace/millrace/shell/render"
	"github.com/millrace/millrace/types"
)

// live is a table on the whole screen that follows its query: rows change in place,
// keys turn pages, a line below tells how the query gets on. Two goroutines serve
// it from open until finish: one draws, one listens to the keyboard. A query that
// may end soon is given a moment before the screen is taken.
type live struct {
	s       *Shell
	schema  *types.Schema
	ts      []types.Type
	session *types.Session
	log     bool
	cancel  context.CancelFunc
	modes   *term.State
	stop    chan struct{}
	left    chan struct{} // closed when the user leaves
	wake    chan struct{}
	wg      sync.WaitGroup
	once    sync.Once

	mu      sync.Mutex
	rows    *rowStore
	changes int64
	first   int  // of the page
	tail    bool // the page follows the last row
	every   time.Duration
	prog    job.Progress
	rate    rate
	status  string
	note    string
	began   time.Time
	done    bool
	opened  bool
	soon    *time.Timer // opens the screen
}

// refreshes are the intervals that + and - choose from.
var refreshes = []time.Duration{100 * time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second, 10 * time.Second}

func newLive(s *Shell, schema *types.Schema, log bool, keep int, after time.Duration, cancel context.CancelFunc) (*live, error) {
	if log {
		keep = min(keep, 1000)
	}
	l := &live{s: s, schema: schema, ts: schema.Types(), session: types.NewSession(s.Now), log: log, cancel: cancel,
		stop: make(chan struct{}), left: make(chan struct{}), wake: make(chan struct{}, 1),
		rows: newRows(schema, log, keep), tail: log, every: refreshes[1], began: s.Now(), prog: job.Progress{Watermark: operators.MinWatermark}}
	if after == 0 {
		return l, l.open()
	}
	l.soon = time.AfterFunc(after, func() { _ = l.open() })
	return l, nil
}

// open takes the screen, unless the query is over.
func (l *live) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return nil
	}
	modes, err := term.MakeRaw(int(l.s.In.Fd()))
	if err != nil {
		return err
	}
	l.modes, l.opened = modes, true
	fmt.Fprint(l.s.Err, "\r\x1b[K")
	fmt.Fprint(l.s.Out, "\x1b[?1049h\x1b[?25l")
	l.wg.Add(2)
	go l.drawing()
	go l.listening()
	return nil
}

// onScreen says that the screen is taken.
func (l *live) onScreen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// take is the query's output: it is called by the job.
func (l *live) take(b *batch.Batch) error {
	if b == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows.apply(b)
	l.changes += int64(b.Rows())
	return nil
}

func (l *live) progress(p job.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prog = p
	l.status = l.rate.line(p, l.began, l.s.Now())
}

func (l *live) remark(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note = text
}

func (l *live) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.len()
}

// finish gives the screen back; with stays only when the user leaves.
func (l *live) finish(stays bool) {
	if l.soon != nil {
		l.soon.Stop()
	}
	l.mu.Lock()
	l.done = true
	opened := l.opened
	l.mu.Unlock()
	if !opened {
		return
	}
	l.redraw()
	if stays {
		select {
		case <-l.left:
		case <-l.s.ctx.Done():
		}
	}
	close(l.stop)
	l.wg.Wait()
	fmt.Fprint(l.s.Out, "\x1b[?25h\x1b[?1049l")
	_ = term.Restore(int(l.s.In.Fd()), l.modes)
}

func (l *live) redraw() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *live) drawing() {
	defer l.wg.Done()
	for {
		l.draw()
		l.mu.Lock()
		every := l.every
		l.mu.Unlock()
		timer := time.NewTimer(every)
		select {
		case <-l.stop:
			timer.Stop()
			return
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// listening reads keys.
func (l *live) listening() {
	defer l.wg.Done()
	var buf [64]byte
	fd := int(l.s.In.Fd())
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 50); n == 0 || err != nil {
			continue
		}
		n, err := unix.Read(fd, buf[:])
		if err != nil || n == 0 {
			l.leave()
			return
		}
		for _, key := range liveKeys(buf[:n]) {
			l.key(key)
		}
	}
}

// liveKeys cuts what was read into keys: an escape sequence is one.
func liveKeys(b []byte) (out []string) {
	for len(b) > 0 {
		n := 1
		if b[0] == 0x1b && len(b) > 2 && (b[1] == '[' || b[1] == 'O') {
			for n = 2; n < len(b) && (b[n] < '@' || b[n] > '~'); n++ {
			}
			n = min(n+1, len(b))
		}
		out = append(out, string(b[:n]))
		b = b[n:]
	}
	return out
}

// leave ends the query and the view.
func (l *live) leave() {
	l.once.Do(func() { close(l.left) })
	l.cancel()
}

func (l *live) key(k string) {
	page := l.pageRows()
	l.mu.Lock()
	switch k {
	case "q", "Q", "\x03", "\x04", "\x1b":
		l.mu.Unlock()
		l.leave()
		return
	case "n", "N", " ", "\x1b[6~":
		l.first, l.tail = l.first+page, false
	case "p", "P", "\x1b[5~":
		l.first, l.tail = l.first-page, false
	case "\x1b[B", "\x1bOB", "j":
		l.first, l.tail = l.first+1, false
	case "\x1b[A", "\x1bOA", "k":
		l.first, l.tail = l.first-1, false
	case "g", "\x1b[H", "\x1b[1~":
		l.first, l.tail = 0, false
	case "l", "L", "G", "\x1b[F", "\x1b[4~":
		l.tail = true
	case "+":
		l.every = step(l.every, -1)
	case "-":
		l.every = step(l.every, +1)
	}
	l.mu.Unlock()
	l.redraw()
}

func step(d time.Duration, by int) time.Duration {
	for i, x := range refreshes {
		if x == d {
			return refreshes[min(max(i+by, 0), len(refreshes)-1)]
		}
	}
	return d
}

// pageRows is how many rows fit below the header and above the two lines at the
// bottom.
func (l *live) pageRows() int {
	_, h := l.s.size()
	return max(h-5, 1)
}

// draw writes the whole screen at once.
func (l *live) draw() {
	width, height := l.s.size()
	page := max(height-5, 1)
	l.mu.Lock()
	n := l.rows.len()
	if last := max(n-page, 0); l.tail || l.first > last {
		l.first = last
	}
	l.first = max(l.first, 0)
	first := l.first
	b := l.rows.page(first, first+page)
	var lines [][]string
	for i := 0; i < b.Len; i++ {
		lines = append(lines, cells(b, i, l.ts, l.session, l.log))
	}
	status, note, done, every := l.status, l.note, l.done, l.every
	l.mu.Unlock()

	names := l.schema.Names()
	if l.log {
		names = append([]string{"op"}, names...)
	}
	var f strings.Builder
	f.WriteString("\x1b[H")
	line := func(s string) { f.WriteString(render.Cut(s, width) + "\x1b[K\r\n") }
	widths := columnWidths(names, lines, width)
	rule := ""
	for _, w := range widths {
		rule += "+" + strings.Repeat("-", w+2)
	}
	row := func(cells []string) string {
		var r strings.Builder
		for i, w := range widths {
			c := render.Cut(strings.Map(func(r rune) rune {
				if r < ' ' {
					return ' '
				}
				return r
			}, cells[i]), w)
			r.WriteString("| " + strings.Repeat(" ", max(0, w-render.Width(c))) + c + " ")
		}
		return r.String() + "|"
	}
	line(row(names))
	line(rule + "+")
	for _, c := range lines {
		line(row(c))
	}
	for i := len(lines); i < page; i++ {
		line("")
	}
	to := min(first+page, n)
	where := fmt.Sprintf("rows %d-%d of %s", min(first+1, to), to, grouped(int64(n)))
	if n == 0 {
		where = "no rows yet"
	}
	if done {
		where += ", finished"
	}
	if note != "" {
		line("note: " + strings.ReplaceAll(note, "\n ", ";"))
	} else {
		line("")
	}
	line(where + "  " + status)
	f.WriteString(render.Cut(fmt.Sprintf("Q quit  N/P page  G first  L last  +/- refresh (%s)", every), width-1) + "\x1b[K\x1b[J")
	_, _ = io.WriteString(l.s.Out, f.String())
}

// columnWidths fits the columns to what is shown, and to the screen.
func columnWidths(names []string, lines [][]string, width int) []int {
	w := make([]int, len(names))
	for i, n := range names {
		w[i] = render.Width(n)
		for _, l := range lines {
			w[i] = max(w[i], render.Width(l[i]))
		}
		w[i] = min(w[i], 60)
	}
	for total(w) > width { // the widest gives way
		at := 0
		for i := range w {
			if w[i] > w[at] {
				at = i
			}
		}
		if w[at] <= 4 {
			break
		}
		w[at]--
	}
	return w
}

func total(w []int) int {
	n := 1
	for _, x := range w {
		n += x + 3
	}
	return n
}

// write hands the rows there are to a writer.
func (l *live) write(w render.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.write(w)
}
