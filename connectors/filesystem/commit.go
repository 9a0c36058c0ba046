package filesystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
)

type sink struct {
	t     connectors.Table
	spec  formats.Spec // for the columns that lie in the files
	fs    files.FS
	root  string
	parts []int // partition columns of the table's schema
	data  []int // the others
	done  *partitionCommit

	compacting bool
	form       string       // of the files it writes
	writers    atomic.Int64 // as many as were opened

	mu        *sync.Mutex
	live      map[string]io.Closer // files of this process's writers that aren't published, by path below the root; closed when they are
	told      []string
	overwrite bool
	committed map[string]bool // directories whose old files are gone, when overwriting
	names     map[string]bool // files of this run
}

func (s *sink) Changes(batch.Changes) batch.Changes { return changes(s.t) }

// hold says that a file is a writer's of this process; what holds its finished draft
// may be given later.
func (s *sink) hold(name string, draft io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[name] = draft
}

// letGo says that a file is nobody's any more.
func (s *sink) letGo(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if draft := s.live[name]; draft != nil {
		draft.Close()
	}
	delete(s.live, name)
}

func (s *sink) held(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.live[name]
	return ok
}

// Overwrite makes Commit replace the files that are there: all of them, or those of
// the partitions that are written.
func (s *sink) Overwrite(context.Context) error {
	s.overwrite, s.committed, s.names = true, map[string]bool{}, map[string]bool{}
	return nil
}

// Commit makes finished files visible; one that is already is
// done. A file listed as open comes back until its writer has finished it; when no
// writer has it, because the run that wrote it died, it is cut to the length that
// was durable at its checkpoint and committed.
func (s *sink) Commit(ctx context.Context, c connectors.Commit, pendings [][]byte) (keep [][]byte, err error) {
	var rest pending
	last := map[string]entry{} // the newest word on each file
	var order []string
	for _, raw := range pendings {
		var p pending
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("a pending commit can't be read: %w", err)
		}
		for _, e := range p.Files {
			if p.Merge != nil {
				e.merge = *p.Merge
			}
			k := path.Join(e.Dir, e.Name)
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
		if err := s.clear(ctx, ""); err != nil {
			return nil, err
		}
	}
	var raw []entry
	for _, k := range order {
		e := last[k]
		if strings.HasPrefix(e.Name, uncompacted) {
			raw = append(raw, e)
			continue
		}
		if e.Open && !c.Final && !c.Closing && s.held(k) {
			rest.Files = append(rest.Files, e)
			continue
		}
		if err := s.publish(ctx, e); err != nil {
			return nil, err
		}
		s.letGo(k)
		dirs[e.Dir] = true
		rest.Partitions = s.done.add(rest.Partitions, e)
	}
	if err := s.compact(ctx, raw); err != nil {
		return nil, err
	}
	for _, e := range raw {
		s.letGo(path.Join(e.Dir, e.Name))
		dirs[e.Dir] = true
		rest.Partitions = s.done.add(rest.Partitions, e)
	}
	for _, d := range sortedDirs(dirs) {
		if err := s.fs.Settle(ctx, s.root, path.Join(s.root, d)); err != nil {
			return nil, err
		}
	}
	if rest.Partitions, err = s.done.commit(ctx, s.fs, s.root, c, rest.Partitions); err != nil {
		return nil, err
	}
	if len(rest.Files) == 0 && len(rest.Partitions) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(rest)
	return [][]byte{text}, err
}

// local is what can be asked about drafts in a directory of the machine.
type local interface {
	Busy(path string) bool
	Missing(path string) bool
}

// publish makes a file visible. One that this process hasn't written is named by a
// checkpoint: another process may be writing it still, when that is a savepoint of a job
// that runs on; or it was published, and somebody has moved or removed it since.
func (s *sink) publish(ctx context.Context, e entry) error {
	to, k := path.Join(s.root, e.Dir, e.Name), path.Join(e.Dir, e.Name)
	if fs, ok := s.fs.(local); ok {
		switch ours := s.held(k); {
		case !ours && fs.Busy(to):
			return fmt.Errorf("%w: %s is being written by another process, whose job must be stopped first", connectors.ErrLost, files.Hidden(to))
		case ours && fs.Missing(to):
			return fmt.Errorf("%w: somebody has removed %s", connectors.ErrLost, files.Hidden(to))
		case fs.Missing(to):
			s.told = append(s.told, fmt.Sprintf("%s, of %d bytes, isn't there: it was published and has been moved or removed since, or its rows are lost", to, e.Size))
		}
	}
	if s.overwrite {
		s.names[to] = true
		if err := s.clear(ctx, e.Dir); err != nil {
			return err
		}
	}
	return lost(s.fs.Publish(ctx, files.Draft{Path: to, Size: e.Size, Upload: e.Upload, Parts: e.Parts}))
}

func lost(err error) error {
	if errors.Is(err, files.ErrLost) {
		return fmt.Errorf("%w: %w", connectors.ErrLost, err)
	}
	return err
}

// clear removes the visible files of a directory that aren't of this run.
func (s *sink) clear(ctx context.Context, dir string) error {
	if s.committed[dir] {
		return nil
	}
	s.committed[dir] = true
	full := path.Join(s.root, dir)
	var old []string
	err := s.fs.Walk(ctx, full, func(name string) bool { return strings.HasPrefix(name, ".") }, func(f files.Info) error {
		if path.Dir(f.Path) == path.Clean(full) && !s.names[f.Path] {
			old = append(old, f.Path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range old {
		if err := s.fs.Remove(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Abandon removes the unfinished files that dead runs of the job left, but for those in
// keep, which the next Commit takes.
func (s *sink) Abandon(ctx context.Context, job string, keep [][]byte) error {
	kept := map[string]bool{}
	for _, raw := range keep {
		var p pending
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("a pending commit can't be read: %w", err)
		}
		for _, e := range p.Files {
			kept[path.Join(s.root, e.Dir, e.Name)] = true
		}
	}
	mark := "part-" + jobMark(job) + "-"
	return s.fs.Abandon(ctx, s.root, "", func(p string) bool {
		name := path.Base(p)
		name = strings.TrimPrefix(strings.TrimPrefix(name, uncompacted), compacted)
		return kept[p] || !strings.HasPrefix(name, mark)
	})
}

func sortedDirs[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for d := range m {
		out = append(out, d)
	}
	sort.Strings(out)
	return out
}

// Told is what was found amiss since it was last asked.
func (s *sink) Told() (told []string) {
	told, s.told = s.told, nil
	return told
}

// Guarantee is exactly once: a file is published with the checkpoint it belongs to.
func (s *sink) Guarantee() string { return "exactly once by transaction" }
