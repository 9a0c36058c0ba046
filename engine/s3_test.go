package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/files/s3/s3test"
	"github.com/millrace/millrace/sqlerr"
)

// s3Session is a session whose settings name the service.
func s3Session(srv *s3test.Server, stateDir string, options ...string) *engine.Session {
	c := engine.Config{StateDir: stateDir, Options: map[string]string{}}
	for _, k := range []string{"s3.endpoint", "s3.access-key", "s3.secret-key"} {
		c.Options[k] = srv.Option(k, "")
	}
	for i := 0; i < len(options); i += 2 {
		c.Options[options[i]] = options[i+1]
	}
	return engine.New(c)
}

func s3Run(s *engine.Session, text string) (string, error) {
	out := &lines{}
	err := s.Run(context.Background(), &sqlerr.Source{Name: "s3", Text: text}, out)
	sort.Strings(out.rows)
	return strings.Join(out.rows, "\n"), err
}

const s3Tables = `
CREATE TABLE src (id INT, k STRING) WITH ('connector' = 'filesystem', 'path' = 's3://bkt/in', 'format' = 'json');
CREATE TABLE dst (id INT, k STRING) PARTITIONED BY (k) WITH ('connector' = 'filesystem', 'path' = 's3://bkt/out/', 'format' = '$F',
  'sink.partition-commit.policy.kind' = 'success-file');
CREATE TABLE back (id INT, k STRING, f STRING METADATA FROM 'file.path', n BIGINT METADATA FROM 'file.size') PARTITIONED BY (k) WITH ('connector' = 'filesystem', 'path' = 's3://bkt/out/k=*', 'format' = '$F');
`

// Tables in a bucket: written by partition, read by pattern, in formats of messages
// and of blocks, with and without checkpoints in the bucket, also when the service
// fails now and then.
func TestS3Tables(t *testing.T) {
	for _, format := range []string{"json", "parquet"} {
		for _, state := range []string{"", "s3://bkt/state"} {
			srv := s3test.New(t)
			var n atomic.Int64
			srv.Fault = func(r *http.Request) s3test.Fault {
				switch k := n.Add(1); {
				case k%11 == 0:
					return s3test.Error
				case k%13 == 0 && !(r.Method == http.MethodPost && r.URL.Query().Has("uploads")): // a begun upload that nobody hears of stays, until the service's own rule ends it
					return s3test.Lost
				}
				return s3test.None
			}
			var want []string
			for f := 0; f < 3; f++ {
				var b strings.Builder
				for i := 0; i < 100; i++ {
					id := f*100 + i
					fmt.Fprintf(&b, "{\"id\":%d,\"k\":\"%c\"}\n", id, 'a'+id%3)
					want = append(want, fmt.Sprintf("%d|%c", id, 'a'+id%3))
				}
				srv.Set(fmt.Sprintf("bkt/in/%d.json", f), b.String())
			}
			sort.Strings(want)
			tables := strings.ReplaceAll(s3Tables, "$F", format)
			if _, err := s3Run(s3Session(srv, state, "execution.checkpointing.interval", "5 ms"), tables+"INSERT INTO dst SELECT id, k FROM src;"); err != nil {
				t.Fatalf("%s %s: %s", format, state, sqlerr.Render(err))
			}
			got, err := s3Run(s3Session(srv, ""), tables+"SELECT id, k FROM back;")
			if err != nil {
				t.Fatal(sqlerr.Render(err))
			}
			if got != strings.Join(want, "\n") {
				t.Fatalf("%s %s: %d rows", format, state, strings.Count(got, "\n")+1)
			}
			success := 0
			for _, k := range srv.Keys() {
				if strings.HasSuffix(k, "/_SUCCESS") {
					success++
				}
				if strings.Contains(k, ".inprogress") || strings.HasSuffix(k, "/lock") {
					t.Errorf("%s is left", k)
				}
			}
			if success != 3 || srv.Uploads() != 0 {
				t.Errorf("%d partitions are marked, %d uploads open", success, srv.Uploads())
			}
			if state == "" {
				continue
			}
			// The job has ended: its checkpoint says so.
			if _, err := s3Run(s3Session(srv, state), tables+"INSERT INTO dst SELECT id, k FROM src;"); err != nil {
				t.Fatal(sqlerr.Render(err))
			}
			if again, err := s3Run(s3Session(srv, ""), tables+"SELECT id, k FROM back;"); err != nil || again != got {
				t.Fatalf("run again: %d rows, %v", strings.Count(again, "\n")+1, err)
			}
		}
	}
}

func TestS3Overwrite(t *testing.T) {
	srv := s3test.New(t)
	const table = "CREATE TABLE o (i INT) WITH ('connector' = 'filesystem', 'path' = 's3://bkt/o', 'format' = 'csv');"
	s := s3Session(srv, "", "execution.runtime-mode", "batch")
	if _, err := s3Run(s, table+"INSERT INTO o VALUES (1), (2);"); err != nil {
		t.Fatal(sqlerr.Render(err))
	}
	got, err := s3Run(s, "INSERT OVERWRITE o VALUES (3); SELECT * FROM o;")
	if err != nil || got != "3" {
		t.Fatal(got, err)
	}
}

// Faults that a user meets say what is wrong and what to do.
func TestS3Refusals(t *testing.T) {
	srv := s3test.New(t)
	read := func(path string) string {
		return "CREATE TABLE x (i INT) WITH ('connector' = 'filesystem', 'path' = '" + path + "', 'format' = 'csv'); SELECT * FROM x;"
	}
	for _, x := range []struct{ text, want string }{
		{read("s3://missing/x"), `there is no bucket "missing"`},
		{read("s3://bkt/none"), "s3://bkt/none: file does not exist"},
		{read("s3://bkt/none*"), `no file matches "s3://bkt/none*"`},
		{read("s3://"), "names no bucket"},
		{read("hdfs://h/x"), "not supported yet: hdfs://"},
	} {
		if _, err := s3Run(s3Session(srv, ""), x.text); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", x.text, err, x.want)
		}
	}
	if _, err := s3Run(s3Session(srv, "gs://x/y"), "CREATE TABLE x (i INT) WITH ('connector' = 'blackhole'); INSERT INTO x VALUES (1);"); err == nil || !strings.Contains(err.Error(), "not supported yet: gs://") {
		t.Error(err)
	}
}
