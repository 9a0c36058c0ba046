package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors"
	"github.com/millrace/millrace/connectors/conntest"
	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/s3/s3test"
	"github.com/millrace/millrace/types"
)

var errDead = errors.New("the process is gone")

// dying is a place whose process dies after some calls: every call from then on fails.
type dying struct {
	files.FS
	left *atomic.Int64
}

func (d dying) dead() error {
	if d.left.Add(-1) < 0 {
		return errDead
	}
	return nil
}

func (d dying) Open(ctx context.Context, p string) (files.File, error) {
	if err := d.dead(); err != nil {
		return nil, err
	}
	return d.FS.Open(ctx, p)
}

func (d dying) Create(ctx context.Context, p string) (files.Writer, error) {
	if err := d.dead(); err != nil {
		return nil, err
	}
	w, err := d.FS.Create(ctx, p)
	return dyingWriter{w, d}, err
}

func (d dying) Publish(ctx context.Context, f files.Draft) error {
	if err := d.dead(); err != nil {
		return err
	}
	return d.FS.Publish(ctx, f)
}

func (d dying) Settle(ctx context.Context, root, dir string) error {
	if err := d.dead(); err != nil {
		return err
	}
	return d.FS.Settle(ctx, root, dir)
}

func (d dying) Abandon(ctx context.Context, root, prefix string, keep func(string) bool) error {
	if err := d.dead(); err != nil {
		return err
	}
	return d.FS.Abandon(ctx, root, prefix, keep)
}

// Put leaves half a file when it dies.
func (d dying) Put(ctx context.Context, p string, content []byte) error {
	if err := d.dead(); err != nil {
		if d.FS.Grows() {
			_ = d.FS.Put(ctx, p, content[:len(content)/2])
		}
		return err
	}
	return d.FS.Put(ctx, p, content)
}

func (d dying) Remove(ctx context.Context, p string) error {
	if err := d.dead(); err != nil {
		return err
	}
	return d.FS.Remove(ctx, p)
}

// dyingLocal can rename too.
type dyingLocal struct{ dying }

func (d dyingLocal) Rename(ctx context.Context, from, to string) error {
	if err := d.dead(); err != nil {
		return err
	}
	return d.FS.(renamer).Rename(ctx, from, to)
}

type dyingWriter struct {
	files.Writer
	d dying
}

func (w dyingWriter) Write(b []byte) (int, error) {
	if err := w.d.dead(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

func (w dyingWriter) Finish() (files.Draft, error) {
	if err := w.d.dead(); err != nil {
		_ = w.Writer.Close()
		return files.Draft{}, err
	}
	return w.Writer.Finish()
}

// compacting is a table of two partitions, files of three rows and merged ones of up to nine.
func compacting(path string) connectors.Table {
	return table(path, []string{"day"}, map[string]string{"auto-compaction": "true", "sink.rolling-policy.file-size": "18b", "compaction.file-size": "60b",
		"sink.partition-commit.policy.kind": "success-file"}, line, day)
}

// prepared are the pendings of a checkpoint with 14 rows of two subtasks in two
// partitions, and the rows.
func prepared(t *testing.T, tab connectors.Table) (pending [][]byte, rows []string) {
	t.Helper()
	s := sinkOf(t, tab)
	for sub, of := range []int{10, 4} {
		w, err := s.Open(context.Background(), connectors.WriterEnv{Job: "j", Subtask: sub, Of: 2, Now: func() time.Time { return time.UnixMilli(0) }})
		if err != nil {
			t.Fatal(err)
		}
		for n := range of {
			b := lineBatch(fmt.Sprintf("row %d", sub*10+n), int64(n%2))
			rows = append(rows, conntest.Text(tab.Schema.Types(), b, 0))
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		p, err := w.Prepare(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	sort.Strings(rows)
	return pending, rows
}

func sinkOf(t *testing.T, tab connectors.Table) *sink {
	t.Helper()
	s, err := Connector.Sink(tab)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*sink)
}

// everything is the files of a directory, hidden ones too.
func everything(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readSorted(t *testing.T, tab connectors.Table) []string {
	t.Helper()
	got := read(t, tab, nil)
	sort.Strings(got)
	return got
}

func TestCompactingSink(t *testing.T) {
	conntest.Sink(t, sinkHarness(t, compacting(t.TempDir()), 2))
}

// The files of a checkpoint become few, and the partition's success file comes after them.
func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	tab := compacting(dir)
	pending, rows := prepared(t, tab)
	if got := everything(t, dir); len(got) != 6 {
		t.Errorf("before the commit: %q, want 6 drafts", got)
	}
	for _, f := range everything(t, dir) {
		if !strings.HasPrefix(filepath.Base(f), ".") {
			t.Errorf("%s can be seen before the commit", f)
		}
	}
	s := sinkOf(t, tab)
	if keep, err := s.Commit(context.Background(), connectors.Commit{N: 1, Now: time.UnixMilli(1)}, pending); err != nil || len(keep) > 0 {
		t.Fatal(keep, err)
	}
	if got := readSorted(t, tab); !slices.Equal(got, rows) {
		t.Errorf("%q, want %q", got, rows)
	}
	n := map[string]int{}
	for _, f := range everything(t, dir) {
		base, _, _ := strings.Cut(filepath.Base(f), "-")
		n[base]++
	}
	// five and two rows of six and seven bytes in each partition: 18+12+14
	if n["compacted"] != 2 || n["_SUCCESS"] != 2 || len(n) != 2 {
		t.Errorf("files are %q", everything(t, dir))
	}
}

// Whatever step of a merge the process dies at, and however often, the next one that
// commits the same ends with each row once and nothing hidden.
func TestCompactionDies(t *testing.T) {
	local := func(t *testing.T) (connectors.Table, func() []string) {
		dir := t.TempDir()
		return compacting(dir), func() []string { return everything(t, dir) }
	}
	bucket := func(t *testing.T) (connectors.Table, func() []string) {
		srv := s3test.New(t)
		tab := compacting("s3://bkt/t")
		tab.Session = types.NewSession(func() time.Time { return time.UnixMilli(0) })
		tab.Session.Options = map[string]string{}
		for _, k := range []string{"s3.endpoint", "s3.access-key", "s3.secret-key", "s3.path.style.access", "s3.region"} {
			if v := srv.Option(k, ""); v != "" {
				tab.Session.Options[k] = v
			}
		}
		return tab, srv.Keys
	}
	for name, place := range map[string]func(*testing.T) (connectors.Table, func() []string){"local": local, "s3": bucket} {
		deaths := 0
		for n := 0; ; n++ {
			tab, all := place(t)
			pending, rows := prepared(t, tab)
			died := false
			for k, steps := range []int{n, n * (n % 3) / 2} /* the second process dies at another step */ {
				s := sinkOf(t, tab)
				left := new(atomic.Int64)
				left.Store(int64(steps))
				d := dying{s.fs, left}
				if s.fs.Grows() {
					s.fs = dyingLocal{d}
				} else {
					s.fs = d
				}
				if _, err := s.Commit(context.Background(), connectors.Commit{N: 1, Now: time.UnixMilli(1)}, pending); err != nil {
					if !errors.Is(err, errDead) {
						t.Fatalf("%s, death after %d calls: %v", name, n, err)
					}
					died = died || k == 0
				}
				// what a reader sees meanwhile is never more than there is
				for _, r := range doubles(readIfThere(t, tab, all)) {
					t.Errorf("%s, death after %d calls: %s can be read twice", name, n, r)
				}
			}
			s := sinkOf(t, tab)
			for range 2 {
				keep, err := s.Commit(context.Background(), connectors.Commit{N: 1, Now: time.UnixMilli(1)}, pending)
				if err != nil {
					t.Fatalf("%s, after a death after %d calls: %v", name, n, err)
				}
				if err := s.Abandon(context.Background(), "j", keep); err != nil {
					t.Fatal(err)
				}
			}
			if got := readSorted(t, tab); !slices.Equal(got, rows) {
				t.Errorf("%s, after a death after %d calls: %q, want %q", name, n, got, rows)
			}
			for _, f := range all() {
				if strings.HasPrefix(filepath.Base(f), ".") {
					t.Errorf("%s, after a death after %d calls: %s is left", name, n, f)
				}
			}
			if t.Failed() {
				return
			}
			if !died {
				break
			}
			deaths++
		}
		if deaths < 10 {
			t.Errorf("%s: only %d calls can fail", name, deaths)
		}
	}
}

func readIfThere(t *testing.T, tab connectors.Table, all func() []string) []string {
	for _, f := range all() {
		if b := filepath.Base(f); strings.HasPrefix(b, compacted) {
			return readSorted(t, tab)
		}
	}
	return nil
}

func doubles(sorted []string) (out []string) {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			out = append(out, sorted[i])
		}
	}
	return out
}

// A file that has gone before it was merged is a loss, which is said.
func TestCompactionWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	tab := compacting(dir)
	pending, _ := prepared(t, tab)
	if err := os.Remove(filepath.Join(dir, everything(t, dir)[0])); err != nil {
		t.Fatal(err)
	}
	_, err := sinkOf(t, tab).Commit(context.Background(), connectors.Commit{N: 1, Now: time.UnixMilli(1)}, pending)
	if !errors.Is(err, connectors.ErrLost) {
		t.Errorf("the error is %v", err)
	}
}

// When the table's columns are others than those of the files that wait, each file is
// published as it is.
func TestCompactionOfOtherColumns(t *testing.T) {
	dir := t.TempDir()
	tab := compacting(dir)
	pending, rows := prepared(t, tab)
	other := compacting(dir)
	other.Schema = types.NewSchema(types.Field{Name: "text", Type: types.StringType}, day)
	other.Full = other.Schema
	if _, err := sinkOf(t, other).Commit(context.Background(), connectors.Commit{N: 1, Now: time.UnixMilli(1)}, pending); err != nil {
		t.Fatal(err)
	}
	if got := readSorted(t, tab); !slices.Equal(got, rows) {
		t.Errorf("%q, want %q", got, rows)
	}
	if got := everything(t, dir); len(got) != 8 {
		t.Errorf("files are %q, want six and two success files", got)
	}
}
