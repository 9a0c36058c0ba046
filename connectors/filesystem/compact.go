package filesystem

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/formats"
)

// Compaction: the files of one checkpoint have hidden names, and Commit merges those
// of a partition, up to a size, before anybody sees them.
//
// A merge must be repeatable at any step, so it has one moment at which it counts:
// the record .TARGET.ready, which is written when the merged file is durable as a
// draft. Before it, the sources are whole and merging begins anew; from it on they
// are removed, the draft is published, and the record goes last. Neither record nor
// source: it was done before.
const (
	uncompacted = ".uncompacted-"
	compacted   = "compacted-"
)

// merge is what a pending says of the files that are to be merged.
type merge struct {
	Target int64  `json:"target"` // bytes
	Form   string `json:"form"`   // format and columns of the writer
}

// unit is files that become one.
type unit struct {
	merge
	dir     string
	sources []entry
	size    int64
}

// target is the unit's file below the root, named after its first source.
func (u *unit) target() string {
	return path.Join(u.dir, compacted+strings.TrimPrefix(u.sources[0].Name, uncompacted))
}

// form tells whether files can be merged: they were written with the same columns.
func form(format string, spec formats.Spec) string {
	h := fnv.New64a()
	io.WriteString(h, format)
	for _, f := range spec.Schema.Fields {
		fmt.Fprintf(h, "\x00%s\x00%s", f.Name, f.Type)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// units packs files in their order. The result hangs on the list alone, not on the
// table's options: a repeated Commit must come to the same.
func units(list []entry) (out []*unit) {
	open := map[string]*unit{}
	for _, e := range list {
		u := open[e.Dir]
		if u == nil || u.merge != e.merge || u.size+e.Size > u.Target {
			u = &unit{merge: e.merge, dir: e.Dir}
			open[e.Dir] = u
			out = append(out, u)
		}
		u.sources = append(u.sources, e)
		u.size += e.Size
	}
	return out
}

// compact merges files and publishes them.
func (s *sink) compact(ctx context.Context, list []entry) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.mergers())
	for _, u := range units(list) {
		g.Go(func() error {
			if err := s.compactUnit(ctx, u); err != nil {
				return fmt.Errorf("compaction into %s: %w", s.fs.URL(path.Join(s.root, u.target())), err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (s *sink) mergers() int {
	if n := int(s.t.Options.Int("compaction.parallelism")); n > 0 {
		return n
	}
	return max(1, int(s.writers.Load()))
}

// renamer is a place in which a file can be renamed.
type renamer interface {
	Rename(ctx context.Context, from, to string) error
}

func (s *sink) compactUnit(ctx context.Context, u *unit) error {
	dir, to := path.Join(s.root, u.dir), path.Join(s.root, u.target())
	record := path.Join(dir, "."+path.Base(to)+".ready")
	d, ready, err := s.readyDraft(ctx, record)
	if err != nil {
		return err
	}
	if !ready && u.Form != s.form && len(u.sources) > 1 {
		// the query was edited in between: the files have other columns than the table
		for _, e := range u.sources {
			if err := s.compactUnit(ctx, &unit{merge: u.merge, dir: u.dir, sources: []entry{e}, size: e.Size}); err != nil {
				return err
			}
		}
		return nil
	}
	if !ready {
		there, err := s.publishSources(ctx, u)
		if err != nil || !there {
			return err
		}
		if r, ok := s.fs.(renamer); ok && len(u.sources) == 1 {
			return r.Rename(ctx, path.Join(dir, u.sources[0].Name), to)
		}
		if err := s.fs.Abandon(ctx, dir, path.Base(to), func(p string) bool { return p != to }); err != nil {
			return err
		}
		if d, err = s.merge(ctx, u, to); err != nil {
			return err
		}
		if d.Hold != nil {
			defer d.Hold.Close()
		}
		text, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if err := s.fs.Put(ctx, record, text); err != nil {
			return err
		}
		if err := s.fs.Settle(ctx, s.root, dir); err != nil {
			return err
		}
	}
	for _, e := range u.sources {
		if err := s.fs.Remove(ctx, path.Join(dir, e.Name)); err != nil {
			return err
		}
	}
	d.Path = to
	if err := s.fs.Publish(ctx, d); err != nil {
		return lost(err)
	}
	if err := s.fs.Settle(ctx, s.root, dir); err != nil {
		return err
	}
	return s.fs.Remove(ctx, record)
}

// readyDraft reads a record. One that is cut short is none: the sources are still there.
func (s *sink) readyDraft(ctx context.Context, record string) (d files.Draft, ok bool, err error) {
	f, err := s.fs.Open(ctx, record)
	if errors.Is(err, fs.ErrNotExist) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return d, false, err
	}
	return d, json.Unmarshal(text, &d) == nil, nil
}

// publishSources gives the sources their hidden names, and says whether they are there:
// all, or none when they were merged before.
func (s *sink) publishSources(ctx context.Context, u *unit) (bool, error) {
	n, missing := 0, ""
	for _, e := range u.sources {
		p := path.Join(s.root, u.dir, e.Name)
		if err := s.fs.Publish(ctx, files.Draft{Path: p, Size: e.Size, Upload: e.Upload, Parts: e.Parts}); err != nil {
			return false, lost(err)
		}
		f, err := s.fs.Open(ctx, p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = p
			continue
		case err != nil:
			return false, err
		}
		f.Close()
		n++
	}
	if n > 0 && missing != "" {
		return false, fmt.Errorf("%w: %s isn't there any more", connectors.ErrLost, s.fs.URL(missing))
	}
	return n > 0, nil
}

// merge writes the sources' rows, in order, into one draft.
func (s *sink) merge(ctx context.Context, u *unit, to string) (files.Draft, error) {
	w, err := s.fs.Create(ctx, to)
	if err != nil {
		return files.Draft{}, err
	}
	out := bufio.NewWriterSize(w, 1<<17)
	if s.t.Format.Format.CreateFile != nil {
		err = s.mergeBlocks(ctx, u, out)
	} else {
		err = s.each(ctx, u, func(f files.File) error { _, err := io.Copy(out, f); return err })
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		w.Close()
		return files.Draft{}, err
	}
	return w.Finish()
}

// each opens the sources one after the other.
func (s *sink) each(ctx context.Context, u *unit, do func(files.File) error) error {
	for _, e := range u.sources {
		f, err := s.fs.Open(ctx, path.Join(s.root, u.dir, e.Name))
		if err != nil {
			return err
		}
		err = do(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", s.fs.URL(path.Join(s.root, u.dir, e.Name)), err)
		}
	}
	return nil
}

// mergeBlocks reads the rows of files of blocks and writes them again. A single file is
// copied as it is.
func (s *sink) mergeBlocks(ctx context.Context, u *unit, out io.Writer) error {
	if len(u.sources) == 1 {
		return s.each(ctx, u, func(f files.File) error { _, err := io.Copy(out, f); return err })
	}
	format := s.t.Format.Format
	w, err := format.CreateFile(s.spec, out)
	if err != nil {
		return err
	}
	err = s.each(ctx, u, func(f files.File) error {
		r, err := format.OpenFile(s.spec, f, f.Info().Size)
		if err != nil {
			return err
		}
		defer r.Close()
		for {
			b, err := r.Next(batch.MaxRows)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = w.Write(b)
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	return w.Close()
}
