package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// TestSQLInDocs reads every ```sql block of the pages with the parser: what a page shows
// can be written.
func TestSQLInDocs(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "../examples/*/*.md", "../python/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	n := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range sqlBlocks(string(text)) {
			n++
			// The lines before keep the numbers right.
			src := &sqlerr.Source{Name: page, Text: strings.Repeat("\n", b.line) + b.text}
			if _, err := engine.New(engine.Config{}).Parse(src); err != nil {
				t.Errorf("%s", sqlerr.Render(err))
			}
		}
	}
	if n < 30 {
		t.Errorf("%d blocks in %d pages", n, len(pages))
	}
}

type sqlBlock struct {
	text string
	line int // of the fence
}

// sqlBlocks are the blocks of a page whose fence begins with ```sql; one may be indented
// as a list's item is.
func sqlBlocks(page string) (out []sqlBlock) {
	var b *sqlBlock
	fenced := false
	for i, line := range strings.Split(page, "\n") {
		l := strings.TrimSpace(line)
		switch {
		case !fenced && strings.HasPrefix(l, "```"):
			fenced = true
			if info := strings.Fields(strings.TrimPrefix(l, "```")); len(info) > 0 && strings.EqualFold(info[0], "sql") {
				b = &sqlBlock{line: i + 1}
			}
		case fenced && l == "```":
			if b != nil {
				out = append(out, *b)
			}
			fenced, b = false, nil
		case b != nil:
			b.text += line + "\n"
		}
	}
	return out
}
