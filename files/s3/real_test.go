package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/millrace/millrace/files"
	"github.com/millrace/millrace/files/s3"
	"github.com/millrace/millrace/tests/services"
)

// real is MinIO with a bucket, and a directory in it that is this run's.
func real(t *testing.T) (f *s3.FS, c *minio.Client, endpoint, dir string) {
	t.Helper()
	at := services.Need(t, "minio")
	c, err := minio.New(at, &minio.Options{Creds: credentials.NewStaticV4("minioadmin", "minioadmin", ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MakeBucket(ctx, "millrace-files", minio.MakeBucketOptions{}); err != nil && minio.ToErrorResponse(err).StatusCode != 409 {
		t.Fatal(err)
	}
	if f, err = s3.New(s3.Config{Endpoint: "http://" + at, AccessKey: "minioadmin", SecretKey: "minioadmin"}); err != nil {
		t.Fatal(err)
	}
	return f, c, "http://" + at, fmt.Sprintf("millrace-files/%d", time.Now().UnixNano())
}

// TestRealS3 does what the tests in memory do where the answers are the service's.
func TestRealS3(t *testing.T) {
	f, c, endpoint, dir := real(t)
	want := bytesOf(20<<20 + 3)
	d := draft(t, f, dir+"/t/part-1", want)
	if _, err := f.Open(ctx, d.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open before publication: %v", err)
	}
	for i := 0; i < 2; i++ {
		if err := f.Publish(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	in, err := f.Open(ctx, d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	some := make([]byte, 2<<20)
	if _, err := in.ReadAt(some, 7_000_001); err != nil || !bytes.Equal(some, want[7_000_001:7_000_001+2<<20]) {
		t.Fatal(err)
	}
	if err := f.Remove(ctx, d.Path); err != nil {
		t.Fatal(err)
	}
	if err := f.Publish(ctx, d); err != nil {
		t.Fatalf("publishing again what was taken away: %v", err)
	}

	keep, drop := draft(t, f, dir+"/t/part-1-keep", []byte("keep")), draft(t, f, dir+"/t/p=1/part-1-drop", []byte("drop"))
	if err := f.Abandon(ctx, dir+"/t", "part-1-", func(p string) bool { return p == keep.Path }); err != nil {
		t.Fatal(err)
	}
	bucket, key, _ := strings.Cut(drop.Path, "/")
	for u := range c.ListIncompleteUploads(ctx, bucket, key, true) {
		t.Errorf("open still: %s %v", u.Key, u.Err)
	}
	if err := f.Publish(ctx, keep); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := f.Walk(ctx, dir, func(string) bool { return false }, func(i files.Info) error { left = append(left, i.Path[len(dir):]); return nil }); err != nil || fmt.Sprint(left) != "[/t/part-1-keep]" {
		t.Fatal(left, err)
	}

	a := s3.NewState(f, nil)
	held, err := a.Lock(dir + "/s/lock")
	if err != nil {
		t.Fatal(err)
	}
	var locked *files.Locked
	if _, err := s3.NewState(f, nil).Lock(dir + "/s/lock"); !errors.As(err, &locked) {
		t.Fatalf("locked twice: %v", err)
	}
	if err := a.Put(dir+"/s/commits", []byte("1")); err != nil {
		t.Fatal(err)
	}
	big, err := a.Create(dir + "/s/1-00.state") // a's, to be completed when it has lost the directory
	if err == nil {
		_, err = big.Write(want)
	}
	if err != nil {
		t.Fatal(err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	text, err := a.Open(dir + "/s/lock")
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := io.ReadAll(text)
	if err := f.Put(ctx, dir+"/s/lock", []byte(s3.Rewrite(string(lock), dead.Process.Pid))); err != nil {
		t.Fatal(err)
	}
	b := s3.NewState(f, nil)
	next, err := b.Lock(dir + "/s/lock")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"commits", "2.manifest", "1-00.state"} {
		if err := b.Put(dir+"/s/"+name, []byte("b's")); err != nil {
			t.Fatal(err)
		}
		if err := a.Put(dir+"/s/"+name, []byte("a's")); err == nil {
			t.Errorf("%s was written by a process that had lost the directory", name)
		}
	}
	if err := big.Sync(); err == nil {
		t.Error("a large state file was written over another's")
	}
	_ = big.Close()
	if err := errors.Join(held.Close(), next.Close()); err != nil {
		t.Fatal(err)
	}

	for _, x := range []struct {
		c          s3.Config
		path, want string
	}{
		{s3.Config{Endpoint: endpoint, AccessKey: "minioadmin", SecretKey: "wrong"}, dir, "refuses the keys (SignatureDoesNotMatch)"},
		{s3.Config{Endpoint: endpoint, AccessKey: "nobody", SecretKey: "wrong"}, dir, "refuses the keys (InvalidAccessKeyId)"},
		{s3.Config{Endpoint: endpoint}, dir, "access denied"},
		{s3.Config{Endpoint: endpoint, AccessKey: "minioadmin", SecretKey: "minioadmin"}, "no-such-bucket/x", `there is no bucket "no-such-bucket"`},
		{s3.Config{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "b"}, dir, "no answer from the S3 service 127.0.0.1:1"},
	} {
		f, err := s3.New(x.c)
		if err != nil {
			t.Fatal(err)
		}
		one, cancel := context.WithTimeout(ctx, time.Minute)
		err = f.Walk(one, x.path, func(string) bool { return false }, func(files.Info) error { return nil })
		cancel()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v; want %q", x.c, err, x.want)
		}
		if err := f.Put(ctx, x.path+"/y", nil); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: put: %v; want %q", x.c, err, x.want)
		}
	}
}

// TestRealFaults: what the service refuses has a message that says what to do, and keys
// aren't part of it.
func TestRealFaults(t *testing.T) {
	_, _, endpoint, dir := real(t)
	for _, x := range []struct {
		c          s3.Config
		path, want string
	}{
		{s3.Config{Endpoint: endpoint, AccessKey: "nobody", SecretKey: "geheim123"}, dir, "refuses the keys (InvalidAccessKeyId): set s3.access-key and s3.secret-key"},
		{s3.Config{Endpoint: endpoint, AccessKey: "minioadmin", SecretKey: "geheim123"}, dir, "refuses the keys (SignatureDoesNotMatch)"},
		{s3.Config{Endpoint: endpoint, AccessKey: "minioadmin", SecretKey: "minioadmin"}, "no-such-bucket/x", `there is no bucket "no-such-bucket"`},
	} {
		f, err := s3.New(x.c)
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"listing": f.Walk(ctx, x.path, func(string) bool { return false }, func(files.Info) error { return nil }),
			"writing": f.Put(ctx, x.path+"/p", []byte("x")),
		} {
			if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%s %s: %v, want %q", what, x.path, err, x.want)
			}
		}
	}
}
