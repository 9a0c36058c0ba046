package lineedit

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// History is the statements of this and earlier sessions, oldest first. Each is on
// disk before it is executed, a quoted string per line, so that a kill loses none.
type History struct {
	path  string
	items []string
}

// kept is how many statements are read back; the file is cut to them when it is
// opened with more than twice as many.
const kept = 5000

// OpenHistory reads the history at path, which needn't exist; "" keeps none.
func OpenHistory(path string) (*History, error) {
	h := &History{path: path}
	if path == "" {
		return h, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	lines := 0
	for s.Scan() {
		lines++
		if text, err := strconv.Unquote(s.Text()); err == nil {
			h.items = append(h.items, text)
		}
	}
	h.items = h.items[max(0, len(h.items)-kept):]
	if lines > 2*kept {
		return h, h.rewrite()
	}
	return h, s.Err()
}

func (h *History) rewrite() error {
	var b strings.Builder
	for _, x := range h.items {
		fmt.Fprintln(&b, strconv.Quote(x))
	}
	tmp := h.path + ".new"
	if err := os.WriteFile(tmp, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, h.path)
}

// Add keeps a statement, unless it is the last one again.
func (h *History) Add(text string) error {
	text = strings.TrimSpace(text)
	if text == "" || len(h.items) > 0 && h.items[len(h.items)-1] == text {
		return nil
	}
	h.items = append(h.items, text)
	if h.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(h.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, strconv.Quote(text))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Items are the statements, oldest first.
func (h *History) Items() []string { return h.items }

// Search is the latest statement before index at that contains text, in any case,
// and its index; -1 when there is none.
func (h *History) Search(text string, at int) (string, int) {
	text = strings.ToLower(text)
	for i := min(at, len(h.items)) - 1; i >= 0; i-- {
		if strings.Contains(strings.ToLower(h.items[i]), text) {
			return h.items[i], i
		}
	}
	return "", -1
}
