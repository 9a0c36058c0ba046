package shell

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestQuickstart follows docs/quickstart.md: files are written, commands run, what
// is typed into the shell typed, and what is shown compared.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, run := t.TempDir(), runtimeDir(t)
	var caches []string // of the real home: the page's `make build` needn't build everything again
	for _, key := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.Command("go", "env", key).Output()
		if err != nil {
			t.Fatal(err)
		}
		caches = append(caches, key+"="+strings.TrimSpace(string(value)))
	}
	ran := 0
	last := func() string { return "" } // what the last command shows
	for _, b := range blocks(string(text)) {
		kind, file, _ := strings.Cut(b.info, " ")
		switch {
		case kind == "sh":
			ran++
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, "bash", "-c", b.text)
			if cmd.Dir = dir; file == "root" {
				cmd.Dir = root
			}
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+dir, "TZ=UTC", "XDG_RUNTIME_DIR="+run)
			cmd.Env = append(cmd.Env, caches...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", b.text, err, out)
			}
			last = func() string { return string(out) }
		case kind == "sql" && file == "shell":
			x := start(t, dir, 100, 30)
			x.prompt()
			lines := strings.Split(strings.TrimSpace(b.text), "\n")
			for i, l := range lines {
				ran++
				if i < len(lines)-1 {
					x.line(l)
				} else {
					x.send(l + "\r")
				}
			}
			last = x.screen
		case file != "":
			if err := os.WriteFile(filepath.Join(dir, file), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
		case kind == "text":
			until := time.Now().Add(patience) // a shell needs a moment
			for missing(last(), b.text) != "" && time.Now().Before(until) {
				time.Sleep(20 * time.Millisecond)
				if !strings.Contains(last(), "millrace>") && !strings.Contains(last(), "Q quit") {
					break
				}
			}
			if line := missing(last(), b.text); line != "" {
				t.Errorf("line %d of the page: no %q in\n%s", b.line, line, last())
			}
		default:
			t.Errorf("line %d: a block of kind %q", b.line, b.info)
		}
	}
	if ran < 9 {
		t.Errorf("%d commands", ran)
	}
}

type block struct {
	info, text string
	line       int
}

// blocks are the fenced blocks of a page.
func blocks(page string) (out []block) {
	var b *block
	for i, l := range strings.Split(page, "\n") {
		switch {
		case b == nil && strings.HasPrefix(l, "```"):
			b = &block{info: strings.TrimPrefix(l, "```"), line: i + 1}
		case b != nil && l == "```":
			out = append(out, *b)
			b = nil
		case b != nil:
			b.text += l + "\n"
		}
	}
	return out
}

// missing is the first line of want that doesn't follow in got; "..." is any lines.
func missing(got, want string) string {
	for _, l := range strings.Split(strings.TrimSpace(want), "\n") {
		if l == "..." {
			continue
		}
		i := strings.Index(got, strings.TrimSpace(l))
		if i < 0 {
			return l
		}
		got = got[i+len(strings.TrimSpace(l)):]
	}
	return ""
}
