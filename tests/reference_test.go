package tests

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/engine/reference"
)

var writeDocs = flag.Bool("write-docs", false, "write docs/reference")

// TestReference: docs/reference is what the code declares. make docs writes it.
func TestReference(t *testing.T) {
	const dir = "../docs/reference"
	pages := reference.Pages()
	if *writeDocs {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, text := range pages {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	stale := 0
	for name, text := range pages {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			if stale++; stale < 5 {
				t.Errorf("docs/reference/%s is stale: make docs", name)
			}
		}
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if rel, _ := filepath.Rel(dir, path); pages[filepath.ToSlash(rel)] == "" {
				t.Errorf("docs/reference/%s is about something that isn't there any more: make docs", rel)
			}
		}
		return nil
	})
	if len(pages) < 200 {
		t.Errorf("%d pages", len(pages))
	}
}
