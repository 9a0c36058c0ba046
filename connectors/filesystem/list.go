package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
)

type source struct {
	t     connectors.Table
	spec  formats.Spec // for the columns that lie in the files
	cols  []column
	fs    files.FS
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
	roots, err := s.roots(ctx)
	if err != nil {
		return nil, err
	}
	var out []connectors.Split
	for _, r := range roots {
		err := s.fs.Walk(ctx, r, hidden, func(f files.Info) error {
			name := s.fs.URL(f.Path)
			if !seen[name] && s.matches(name) {
				seen[name] = true
				out = append(out, connectors.Split{Name: name, Bounded: true})
			}
			return nil
		})
		if s.every > 0 && errors.Is(err, fs.ErrNotExist) {
			continue // not there yet
		}
		if err != nil {
			return nil, connectors.OfTable("table", s.t.Path, err)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// roots are the path, or what it matches when it is a pattern.
func (s *source) roots(ctx context.Context) ([]string, error) {
	if !strings.ContainsAny(s.root, "*?[") {
		return []string{s.root}, nil
	}
	found, err := s.fs.Glob(ctx, s.root)
	if err == nil && len(found) == 0 && s.every == 0 {
		err = fmt.Errorf("no file matches %q", s.fs.URL(s.root))
	}
	if err != nil {
		return nil, connectors.OfTable("table", s.t.Path, err)
	}
	return found, nil
}

// hidden names are those that begin with a dot or an underscore.
func hidden(name string) bool { return strings.IndexAny(name, "._") == 0 }

func (s *source) matches(name string) bool {
	if s.match == nil {
		return true
	}
	abs, err := absolute(name)
	return err == nil && s.match.MatchString(abs)
}

// absolute is the whole path of a file, as metadata columns show it.
func absolute(name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	return filepath.Abs(name)
}
