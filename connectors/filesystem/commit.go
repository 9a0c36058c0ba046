package filesystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/formats"
)

type sink struct {
	t     connectors.Table
	spec  formats.Spec // for the columns that lie in the files
	root  string
	parts []int // partition columns of the table's schema
	data  []int // the others
	done  *partitionCommit

	mu        *sync.Mutex
	live      map[string]bool // files a writer of this process has open, by path below the root
	overwrite bool
	committed map[string]bool // directories whose old files are gone, when overwriting
	names     map[string]bool // files of this run
}

func (s *sink) Changes(batch.Changes) batch.Changes { return changes(s.t) }

func (s *sink) hold(name string, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if open {
		s.live[name] = true
	} else {
		delete(s.live, name)
	}
}

func (s *sink) held(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[name]
}

// Overwrite makes Commit replace the files that are there: all of them, or those of
// the partitions that are written.
func (s *sink) Overwrite(context.Context) error {
	s.overwrite, s.committed, s.names = true, map[string]bool{}, map[string]bool{}
	return nil
}

// Commit makes finished files visible by renaming them; one that was renamed is
// done. A file listed as open comes back until its writer has finished it; when no
// writer has it, because the run that wrote it died, it is cut to the length that
// was durable at its checkpoint and committed.
func (s *sink) Commit(_ context.Context, c connectors.Commit, pendings [][]byte) (keep [][]byte, err error) {
	var rest pending
	last := map[string]entry{} // the newest word on each file
	var order []string
	for _, raw := range pendings {
		var p pending
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("a pending commit can't be read: %w", err)
		}
		for _, e := range p.Files {
			k := filepath.Join(e.Dir, e.Name)
			if old, ok := last[k]; !ok {
				order = append(order, k)
			} else if !old.Open {
				continue
			}
			last[k] = e
		}
		rest.Partitions = append(rest.Partitions, p.Partitions...)
	}
	dirs := map[string]bool{}
	if s.overwrite && c.Final && len(s.parts) == 0 {
		if err := s.clear(""); err != nil {
			return nil, err
		}
	}
	for _, k := range order {
		e := last[k]
		if e.Open && !c.Final && !c.Closing && s.held(k) {
			rest.Files = append(rest.Files, e)
			continue
		}
		if err := s.publish(e); err != nil {
			return nil, err
		}
		s.hold(k, false)
		dirs[e.Dir] = true
		rest.Partitions = s.done.add(rest.Partitions, e)
	}
	for _, d := range sortedDirs(dirs) {
		if err := s.syncDirs(d); err != nil {
			return nil, err
		}
	}
	if rest.Partitions, err = s.done.commit(s.root, c, rest.Partitions); err != nil {
		return nil, err
	}
	if len(rest.Files) == 0 && len(rest.Partitions) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(rest)
	return [][]byte{raw}, err
}

// publish renames a file to its visible name.
func (s *sink) publish(e entry) error {
	dir := filepath.Join(s.root, filepath.FromSlash(e.Dir))
	if s.overwrite {
		s.names[filepath.Join(dir, e.Name)] = true
		if err := s.clear(e.Dir); err != nil {
			return err
		}
	}
	from := filepath.Join(dir, hidden(e.Name))
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // renamed by an earlier Commit
	}
	if err != nil {
		return err
	}
	if info.Size() < e.Size {
		return fmt.Errorf("%w: %s has %d bytes, %d were durable", connectors.ErrLost, from, info.Size(), e.Size)
	}
	if info.Size() > e.Size {
		if err := os.Truncate(from, e.Size); err != nil {
			return err
		}
	}
	return os.Rename(from, filepath.Join(dir, e.Name))
}

// clear removes the visible files of a directory that aren't of this run.
func (s *sink) clear(dir string) error {
	if s.committed[dir] {
		return nil
	}
	s.committed[dir] = true
	full := filepath.Join(s.root, filepath.FromSlash(dir))
	list, err := os.ReadDir(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, d := range list {
		p := filepath.Join(full, d.Name())
		if d.IsDir() || strings.HasPrefix(d.Name(), ".") || s.names[p] {
			continue
		}
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	return err
}

// syncDirs makes renames in a directory, and the directory itself, durable.
func (s *sink) syncDirs(dir string) error {
	for {
		d, err := os.Open(filepath.Join(s.root, filepath.FromSlash(dir)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the table was moved since, and nothing was renamed here
		}
		if err != nil {
			return err
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return err
		}
		if dir == "" || dir == "." {
			return nil
		}
		if dir = filepath.Dir(dir); dir == "." {
			dir = ""
		}
	}
}

// Abandon removes the hidden files that dead runs of the job left, but for those in
// keep, which the next Commit takes.
func (s *sink) Abandon(ctx context.Context, job string, keep [][]byte) error {
	kept := map[string]bool{}
	for _, raw := range keep {
		var p pending
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("a pending commit can't be read: %w", err)
		}
		for _, e := range p.Files {
			kept[filepath.Join(s.root, filepath.FromSlash(e.Dir), hidden(e.Name))] = true
		}
	}
	prefix := ".part-" + jobMark(job) + "-"
	err := filepath.WalkDir(s.root, func(p string, d os.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() || kept[p] || !strings.HasPrefix(d.Name(), prefix) || !strings.HasSuffix(d.Name(), ".inprogress") || locked(p) {
			return nil
		}
		return os.Remove(p)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func sortedDirs[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for d := range m {
		out = append(out, d)
	}
	sort.Strings(out)
	return out
}

// Guarantee is exactly once: a file is published with the checkpoint it belongs to.
func (s *sink) Guarantee() string { return "exactly once by transaction" }
