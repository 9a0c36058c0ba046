package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/millrace/millrace/files/s3/s3test"
	"github.com/millrace/millrace/tests/services"
)

// bucket is one of a service, and a client of it that isn't ours.
type bucket struct {
	c                        *minio.Client
	endpoint, key, name, dir string
}

func open(t *testing.T, endpoint, key string) *bucket {
	t.Helper()
	c, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(key, key, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return &bucket{c: c, endpoint: endpoint, key: key, name: "millrace-crash"}
}

// objects are the keys below the run's directory and a prefix, sorted.
func (b *bucket) objects(t *testing.T, prefix string) (out []string) {
	t.Helper()
	for o := range b.c.ListObjects(context.Background(), b.name, minio.ListObjectsOptions{Prefix: b.dir + "/" + prefix, Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		out = append(out, o.Key)
	}
	sort.Strings(out)
	return out
}

func (b *bucket) read(t *testing.T, key string) []byte {
	t.Helper()
	o, err := b.c.GetObject(context.Background(), b.name, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(o); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func (b *bucket) rows(t *testing.T) (lines []string) {
	for _, k := range b.objects(t, "out/") {
		if strings.Contains(k, "/.") {
			t.Errorf("%s is left", k)
			continue
		}
		for _, l := range strings.Split(strings.TrimSuffix(string(b.read(t, k)), "\n"), "\n") {
			lines = append(lines, l)
		}
	}
	sort.Strings(lines)
	return lines
}

// pending says that the newest manifest names uploads that aren't completed: the
// kill fell between prepare and commit.
func (b *bucket) pending(t *testing.T) bool {
	var newest string
	left := map[string]bool{}
	for _, k := range b.objects(t, "") {
		if strings.HasSuffix(k, ".manifest") && (len(k) > len(newest) || len(k) == len(newest) && k > newest) {
			newest = k
		}
		left[k] = true
	}
	if newest == "" {
		return false
	}
	_, content, _ := bytes.Cut(b.read(t, newest), []byte("\n"))
	var m struct{ Sinks []struct{ Pending [][]byte } }
	if json.Unmarshal(content, &m) != nil {
		return false
	}
	for _, s := range m.Sinks {
		for _, p := range s.Pending {
			var files struct{ Files []struct{ Name string } }
			if json.Unmarshal(p, &files) != nil {
				continue
			}
			for _, f := range files.Files {
				if left[b.dir+"/out/."+f.Name+".inprogress"] {
					return true
				}
			}
		}
	}
	return false
}

// killS3 kills a job whose table and whose checkpoints lie in a bucket.
func killS3(t *testing.T, b *bucket, kills int) {
	seed := number(t, "CRASH_SEED", 1)
	bin := build(t)
	var s shape
	for _, x := range shapes {
		if x.name == "join" {
			s = x
		}
	}
	s.events = 40_000
	whole := newJob(t, bin, s, 2)
	cmd, text := whole.command()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := whole.rows(t)
	r := rand.New(rand.NewSource(int64(seed)))
	took := 4 * time.Second // then what a run takes
	done, between, resumed := 0, 0, 0
	for job := 0; done < kills; job++ {
		b.dir = fmt.Sprintf("run-%d-%d", time.Now().UnixNano(), job)
		script := filepath.Join(t.TempDir(), "job.sql")
		if err := os.WriteFile(script, []byte(s.script("s3://"+b.name+"/"+b.dir+"/out")), 0o666); err != nil {
			t.Fatal(err)
		}
		for {
			cmd := exec.Command(bin, "run", "--state-dir", "s3://"+b.name+"/"+b.dir+"/state", "-p", "2", "-D", "execution.checkpointing.interval=20ms",
				"-D", "s3.endpoint="+b.endpoint, "-D", "s3.access-key="+b.key, "-D", "s3.secret-key="+b.key, script)
			var text bytes.Buffer
			cmd.Stdout, cmd.Stderr = &text, &text
			began := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			wait := time.Duration(r.Int63n(int64(took)))
			if done >= kills {
				wait = 10 * time.Minute
			}
			over := make(chan error, 1)
			go func() { over <- cmd.Wait() }()
			var err error
			select {
			case err = <-over:
			case <-time.After(wait):
				_ = cmd.Process.Signal(syscall.SIGKILL)
				err = <-over
			}
			if strings.Contains(text.String(), "goes on from checkpoint") {
				resumed++
			}
			if err == nil {
				took = time.Since(began)
				break
			}
			if cmd.ProcessState.ExitCode() >= 0 || done >= kills {
				t.Fatalf("%v after %d kills\n%s", err, done, text.String())
			}
			done++
			if b.pending(t) {
				between++
			}
		}
		same(t, want, b.rows(t))
	}
	t.Logf("%d kills, %d of them between prepare and commit, %d runs went on from a checkpoint, %d rows", done, between, resumed, len(want))
	if kills >= 50 && between == 0 {
		t.Errorf("no kill of %d fell between prepare and commit", done)
	}
}

// TestKillS3 uses a service in this process's memory.
func TestKillS3(t *testing.T) {
	srv := s3test.New(t)
	b := open(t, srv.URL, "test")
	killS3(t, b, max(1, number(t, "CRASH_KILLS", 0)))
	if srv.Uploads() != 0 {
		t.Errorf("%d uploads are open", srv.Uploads())
	}
}

// TestRealS3Killed uses MinIO.
func TestRealS3Killed(t *testing.T) {
	b := open(t, "http://"+services.Need(t, "minio"), "minioadmin")
	if err := b.c.MakeBucket(context.Background(), b.name, minio.MakeBucketOptions{}); err != nil && minio.ToErrorResponse(err).StatusCode != 409 {
		t.Fatal(err)
	}
	killS3(t, b, number(t, "CRASH_KILLS", 5))
}

// savepointS3 stops a job whose table and checkpoints lie in a bucket with a savepoint
// there, and goes on from it at another parallelism.
func savepointS3(t *testing.T, b *bucket) {
	bin := build(t)
	v := newVerbs(t, bin)
	s := shapeOf(t, "group")
	s.events = 20_000
	b.dir = fmt.Sprintf("savepoint-%d", time.Now().UnixNano())
	at := "s3://" + b.name + "/" + b.dir
	with := []string{"-D", "s3.endpoint=" + b.endpoint, "-D", "s3.access-key=" + b.key, "-D", "s3.secret-key=" + b.key}
	whole := newJob(t, bin, s, 1)
	v.run("run", whole.script)
	script := filepath.Join(t.TempDir(), "job.sql")
	text := strings.Replace(s.script(at+"/out"), "'connector' = 'nexmark'", "'connector' = 'nexmark', 'emit.rate' = '4000'", 1)
	if err := os.WriteFile(script, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append(with, "run", "--state-dir", at+"/state", "-D", "execution.checkpointing.interval=100ms", script)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	v.await(job{}, &said, func(l jobs) bool { return l.Jobs[0].Checkpoints.Made > 1 && l.Jobs[0].RowsIn > 0 })
	path := v.run("stop", "--savepoint")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if !strings.HasPrefix(path, at+"/state/") {
		t.Fatalf("the savepoint lies in %s", path)
	}
	if out := v.run(append(with, "checkpoint", "verify", path)...); !strings.Contains(out, "whole") {
		t.Fatalf("verify: %s", out)
	}
	if out := v.run(append(with, "run", "-p", "3", "-D", "execution.savepoint.path="+path, script)...); !strings.Contains(out, "goes on from savepoint "+path) {
		t.Fatalf("it began anew\n%s", out)
	}
	same(t, whole.rows(t), b.rows(t))
}

// TestSavepointS3 uses a service in this process's memory.
func TestSavepointS3(t *testing.T) {
	savepointS3(t, open(t, s3test.New(t).URL, "test"))
}

// TestRealS3Savepoint uses MinIO.
func TestRealS3Savepoint(t *testing.T) {
	b := open(t, "http://"+services.Need(t, "minio"), "minioadmin")
	if err := b.c.MakeBucket(context.Background(), b.name, minio.MakeBucketOptions{}); err != nil && minio.ToErrorResponse(err).StatusCode != 409 {
		t.Fatal(err)
	}
	savepointS3(t, b)
}
