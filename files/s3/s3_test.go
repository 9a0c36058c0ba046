package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/s3"
	"github.com/millrace/millrace/files/s3/s3test"
)

var ctx = context.Background()

func service(t *testing.T) (*s3test.Server, *s3.FS) {
	t.Helper()
	srv := s3test.New(t)
	f, err := s3.New(s3.Settings(srv.Option))
	if err != nil {
		t.Fatal(err)
	}
	return srv, f
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

func draft(t *testing.T, f *s3.FS, path string, content []byte) files.Draft {
	t.Helper()
	w, err := f.Create(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	for len(content) > 0 {
		n := min(len(content), 1<<20+7)
		if _, err := w.Write(content[:n]); err != nil {
			t.Fatal(err)
		}
		content = content[n:]
	}
	d, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A draft is seen by nobody, published once however often it is asked for, and
// leaves nothing behind.
func TestDraft(t *testing.T) {
	for _, size := range []int{0, 1, 8 << 20, 20<<20 + 3} {
		srv, f := service(t)
		want := bytesOf(size)
		d := draft(t, f, "bkt/dir/part-1", want)
		if _, err := f.Open(ctx, "bkt/dir/part-1"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%d bytes: open before publication: %v", size, err)
		}
		for i := 0; i < 2; i++ {
			if err := f.Publish(ctx, d); err != nil {
				t.Fatalf("%d bytes, time %d: %v", size, i, err)
			}
		}
		in, err := f.Open(ctx, "bkt/dir/part-1")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
		}
		if srv.Uploads() != 0 || fmt.Sprint(srv.Keys()) != "[bkt/dir/part-1]" {
			t.Fatalf("left: %v, %d uploads", srv.Keys(), srv.Uploads())
		}
		if err := f.Remove(ctx, "bkt/dir/part-1"); err != nil { // a reader may take files away
			t.Fatal(err)
		}
		if err := f.Publish(ctx, d); err != nil {
			t.Fatalf("publishing again what was taken away: %v", err)
		}
	}
}

// TestCompletedLate: a process was killed while the service completed its upload, which the
// service no longer knows, and whose object it doesn't show at once.
func TestCompletedLate(t *testing.T) {
	s3.Hasten()
	srv, f := service(t)
	rows := bytesOf(9 << 20)
	d := draft(t, f, "bkt/part-1", rows)
	marker := srv.Object(files.Hidden(d.Path))
	if err := f.Publish(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(ctx, d.Path); err != nil {
		t.Fatal(err)
	}
	srv.Set(files.Hidden(d.Path), marker)
	var looks atomic.Int64
	srv.Fault = func(r *http.Request) s3test.Fault {
		if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/part-1") && looks.Add(1) == 3 {
			srv.Set(d.Path, string(rows))
		}
		return s3test.None
	}
	if err := f.Publish(ctx, d); err != nil || looks.Load() != 3 || srv.Object(files.Hidden(d.Path)) != "" {
		t.Errorf("%v after %d looks", err, looks.Load())
	}
}

func TestDraftLost(t *testing.T) {
	s3.Hasten()
	_, f := service(t)
	d := draft(t, f, "bkt/part-1", []byte("x"))
	bad := d
	bad.Upload = "another"
	if err := f.Publish(ctx, bad); !errors.Is(err, files.ErrLost) {
		t.Fatalf("an upload that isn't there: %v", err)
	}
	bad = d
	bad.Size++
	if err := f.Publish(ctx, bad); !errors.Is(err, files.ErrLost) {
		t.Fatalf("a draft that is too short: %v", err)
	}
}

// An answer that is lost after the upload was completed, a failing service, and
// connections that break change nothing.
func TestFaults(t *testing.T) {
	srv, f := service(t)
	want := bytesOf(9 << 20)
	var n atomic.Int64
	srv.Fault = func(r *http.Request) s3test.Fault {
		k := n.Add(1)
		switch {
		case r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && k%2 == 0:
			return s3test.Lost
		case r.Method == http.MethodPut && k%3 == 0:
			return s3test.Error
		case r.Method == http.MethodGet && k%2 == 0:
			return s3test.Cut
		}
		return s3test.None
	}
	for i := 0; i < 3; i++ {
		path := fmt.Sprint("bkt/part-", i)
		d := draft(t, f, path, want)
		if err := f.Publish(ctx, d); err != nil {
			t.Fatal(err)
		}
		in, err := f.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		some := make([]byte, 1000)
		if _, err := in.ReadAt(some, 700_000); err != nil || !bytes.Equal(some, want[700_000:701_000]) {
			t.Fatal("ReadAt", err)
		}
		if _, err := in.Seek(5<<20, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(in, some); err != nil || !bytes.Equal(some, want[5<<20:5<<20+1000]) {
			t.Fatal("after Seek", err)
		}
	}
}

func TestReplacedWhileRead(t *testing.T) {
	srv, f := service(t)
	srv.Set("bkt/x", strings.Repeat("a", 3<<20))
	in, err := f.Open(ctx, "bkt/x")
	if err != nil {
		t.Fatal(err)
	}
	srv.Set("bkt/x", strings.Repeat("b", 3<<20))
	if _, err := io.ReadAll(in); err == nil || !strings.Contains(err.Error(), "was replaced") {
		t.Fatal(err)
	}
}

func TestWalkAndGlob(t *testing.T) {
	srv, f := service(t)
	for _, k := range []string{"a", "d/.x", "d/_y/z", "d/p=1/1", "d/p=1/2", "d/p=2/1", "d/p=2/3", "d/p=3/q/4", "d/p=3/q/5", "dd/1", "e/"} {
		srv.Set("bkt/"+k, k)
	}
	skip := func(name string) bool { return strings.IndexAny(name, "._") == 0 }
	walk := func(root string) string {
		var out []string
		if err := f.Walk(ctx, root, skip, func(i files.Info) error { out = append(out, i.Path); return nil }); err != nil {
			return err.Error()
		}
		return strings.Join(out, " ")
	}
	glob := func(p string) string {
		out, err := f.Glob(ctx, p)
		if err != nil {
			return err.Error()
		}
		return strings.Join(out, " ")
	}
	for _, x := range [][2]string{
		{walk("bkt/d"), "bkt/d/p=1/1 bkt/d/p=1/2 bkt/d/p=2/1 bkt/d/p=2/3 bkt/d/p=3/q/4 bkt/d/p=3/q/5"},
		{walk("bkt/a"), "bkt/a"},
		{walk("bkt/none"), "open s3://bkt/none: file does not exist"},
		{walk("missing/x"), "s3://missing/x: there is no bucket \"missing\" at " + strings.TrimPrefix(srv.URL, "http://") + ": make it, or mend the path"},
		{glob("bkt/d/p=*"), "bkt/d/p=1 bkt/d/p=2 bkt/d/p=3"},
		{glob("bkt/d/p=[12]/1"), "bkt/d/p=1/1 bkt/d/p=2/1"},
		{glob("bkt/zz*"), ""},
		{glob("*/x"), "s3://*/x: the name of the bucket can't be a pattern"},
	} {
		if x[0] != x[1] {
			t.Errorf("got  %s\nwant %s", x[0], x[1])
		}
	}
}

// Abandon removes drafts of dead processes, large and small, but for those that are wanted.
func TestAbandon(t *testing.T) {
	srv, f := service(t)
	keep := draft(t, f, "bkt/t/part-1-keep", []byte("keep"))
	draft(t, f, "bkt/t/part-1-drop", bytesOf(9<<20))
	draft(t, f, "bkt/t/part-1-small", []byte("drop"))
	draft(t, f, "bkt/t/part-2-other", []byte("other job"))
	live := exec.Command("sleep", "100")
	if err := live.Start(); err != nil {
		t.Fatal(err)
	}
	draft(t, f, "bkt/t/part-1-live", bytesOf(9<<20))
	srv.Set("bkt/t/.part-1-live.inprogress", s3.Rewrite(srv.Object("bkt/t/.part-1-live.inprogress"), live.Process.Pid))
	abandon := func() {
		t.Helper()
		if err := f.Abandon(ctx, "bkt/t", "part-1-", func(p string) bool { return p == "bkt/t/part-1-keep" }); err != nil {
			t.Fatal(err)
		}
	}
	abandon()
	if got := fmt.Sprint(srv.Keys(), srv.Uploads()); got != "[bkt/t/.part-1-keep.inprogress bkt/t/.part-1-live.inprogress bkt/t/.part-2-other.inprogress] 1" {
		t.Fatal(got)
	}
	_ = live.Process.Kill()
	_ = live.Wait()
	abandon()
	if err := f.Publish(ctx, keep); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(srv.Keys(), srv.Uploads()); got != "[bkt/t/.part-2-other.inprogress bkt/t/part-1-keep] 0" {
		t.Fatal(got)
	}
}

// Two can't hold a directory; one that has lost it can't write.
func TestLease(t *testing.T) {
	srv, f := service(t)
	a := s3.NewState(f, nil)
	held, err := a.Lock("bkt/d/lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Put("bkt/d/commits", []byte("1")); err != nil {
		t.Fatal(err)
	}
	var locked *files.Locked
	if _, err := s3.NewState(f, nil).Lock("bkt/d/lock"); !errors.As(err, &locked) || !strings.Contains(locked.By, "process") {
		t.Fatalf("locked twice: %v", err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	srv.Set("bkt/d/lock", s3.Rewrite(srv.Object("bkt/d/lock"), dead.Process.Pid)) // as if its holder had died
	b := s3.NewState(f, nil)
	next, err := b.Lock("bkt/d/lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put("bkt/d/commits", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := b.Put("bkt/d/7.manifest", []byte("b's")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"commits", "7.manifest"} {
		if err := a.Put("bkt/d/"+name, []byte("a's")); err == nil || !strings.Contains(err.Error(), "was written by another process") {
			t.Errorf("%s was written by a process that had lost the directory: %v", name, err)
		}
	}
	if err := held.Close(); err != nil || srv.Object("bkt/d/lock") == "" {
		t.Fatalf("the loser took its follower's lock away: %v", err)
	}
	if err := next.Close(); err != nil || srv.Object("bkt/d/lock") != "" {
		t.Fatalf("a closed lock stays: %v", err)
	}
	if _, err := b.Create("bkt/d/8-00.state"); err == nil {
		t.Error("a closed directory can be written")
	}
}

// Answers that are lost don't look like another's writes.
func TestStateFaults(t *testing.T) {
	srv, f := service(t)
	var n atomic.Int64
	srv.Fault = func(r *http.Request) s3test.Fault {
		if r.Method == http.MethodPut && n.Add(1)%2 == 1 {
			return s3test.Lost
		}
		return s3test.None
	}
	s := s3.NewState(f, nil)
	held, err := s.Lock("bkt/d/lock")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3; i++ {
		if err := s.Put("bkt/d/commits", []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	w, err := s.Create("bkt/d/1-00.state")
	if err != nil {
		t.Fatal(err)
	}
	want := bytesOf(10 << 20)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	if names, _ := s.ReadDir("bkt/d"); strings.Contains(fmt.Sprint(names), "state") {
		t.Fatal("half a state file is there")
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if srv.Object("bkt/d/1-00.state") != string(want) {
		t.Fatal("another content")
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDeaf(t *testing.T) {
	srv, f := service(t)
	srv.Deaf()
	if _, err := s3.NewState(f, nil).Lock("bkt/d/lock"); err == nil || !strings.Contains(err.Error(), "doesn't heed If-None-Match") {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	for _, x := range []struct {
		c    s3.Config
		want string
	}{
		{s3.Config{Endpoint: "ftp://x"}, "begins with http"},
		{s3.Config{AccessKey: "a"}, "set both or not at all"},
	} {
		if _, err := s3.New(x.c); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v", x.c, err)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://h:1")
	t.Setenv("AWS_REGION", "r")
	c := s3.Settings(func(key, def string) string {
		return map[string]string{"s3.access.key": "a", "s3.secret-key": "s", "s3.path.style.access": "TRUE"}[key]
	})
	if c != (s3.Config{Endpoint: "http://h:1", Region: "r", AccessKey: "a", SecretKey: "s", PathStyle: true}) {
		t.Errorf("%+v", c)
	}
}
