package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

type source struct {
	t     connectors.Table
	spec  formats.Spec // for the columns that lie in the files
	cols  []column
	root  string
	match *regexp.Regexp
	every time.Duration // 0: read once
}

func (s *source) Changes() batch.Changes { return changes(s.t) }
func (s *source) Bounded() bool          { return s.every == 0 }

// Interval is how often to look for new files.
func (s *source) Interval() time.Duration { return s.every }

// Splits are the files not known yet, sorted by path; names that begin with a dot
// or an underscore are left out, and so are directories of such names.
func (s *source) Splits(ctx context.Context, known []connectors.Split, _ int) ([]connectors.Split, error) {
	seen := make(map[string]bool, len(known))
	for _, k := range known {
		seen[k.Name] = true
	}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	var out []connectors.Split
	for _, r := range roots {
		err := filepath.WalkDir(r, func(p string, d os.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && errors.Is(err, fs.ErrNotExist) && (p != r || s.every > 0):
				return nil // gone since it was listed, or not there yet
			case err != nil:
				return err
			}
			hidden := p != r && strings.IndexAny(d.Name(), "._") == 0
			switch {
			case d.IsDir() && hidden:
				return filepath.SkipDir
			case d.IsDir() || hidden || seen[p] || !s.matches(p):
				return nil
			}
			seen[p] = true
			out = append(out, connectors.Split{Name: p, Bounded: true})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", s.t.Path, err)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// roots are the path, or what it matches when it is a pattern.
func (s *source) roots() ([]string, error) {
	if !strings.ContainsAny(s.root, "*?[") {
		return []string{s.root}, nil
	}
	if _, err := os.Lstat(s.root); err == nil {
		return []string{s.root}, nil
	}
	found, err := filepath.Glob(s.root)
	if err == nil && len(found) == 0 && s.every == 0 {
		err = fmt.Errorf("no file matches %q", s.root)
	}
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", s.t.Path, err)
	}
	return found, nil
}

func (s *source) matches(p string) bool {
	if s.match == nil {
		return true
	}
	abs, err := filepath.Abs(p)
	return err == nil && s.match.MatchString(abs)
}
