package services

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors/sqldb"
)

// stream is a running SELECT from a change stream.
type stream struct {
	cmd  *exec.Cmd
	out  safeBuffer
	done chan error
}

// safeBuffer may be read while a command writes.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// run starts a script; args come before it.
func run(t *testing.T, script string, args ...string) *stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(file, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	s := &stream{cmd: exec.Command(millrace(t), append(append([]string{"run"}, args...), file)...), done: make(chan error, 1)}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

// shows waits for a text.
func (s *stream) shows(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if strings.Contains(s.out.String(), want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q in\n%s", want, s.out.String())
		}
	}
}

// fails waits for its end, which says a text.
func (s *stream) fails(t *testing.T, want string) {
	t.Helper()
	select {
	case err := <-s.done:
		if err == nil || !strings.Contains(s.out.String(), want) {
			t.Fatalf("ended with %v; no %q in\n%s", err, want, s.out.String())
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("doesn't end; wanted %q; says\n%s", want, s.out.String())
	}
}

func (s *stream) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Fatal("doesn't stop on SIGINT")
	}
}

// source is a CREATE TABLE of a change stream.
func (d *database) source(kind, table, columns, more string) string {
	if more != "" {
		more = ", " + more
	}
	at := fmt.Sprintf("'hostname' = '%s', 'port' = '%d', 'table-name' = '%s'", d.at.Host, d.at.Port, table)
	if !strings.Contains(more, "'username'") {
		at += fmt.Sprintf(", 'username' = '%s', 'password' = ''", d.at.User)
	}
	if kind == "postgres" {
		at += ", 'schema-name' = 'public'"
		if !strings.Contains(more, "slot.name") {
			at += fmt.Sprintf(", 'slot.name' = 'faults_%s'", table)
		}
		return fmt.Sprintf("CREATE TABLE s (%s) WITH ('connector' = 'postgres-cdc', 'database-name' = '%s', %s%s);\n", columns, d.name, at, more)
	}
	return fmt.Sprintf("CREATE TABLE s (%s) WITH ('connector' = 'mysql-cdc', 'database-name' = '%s', %s%s);\n", columns, d.name, at, more)
}

// TestRealChangeStreamFaults: what goes wrong has a message of its own.
func TestRealChangeStreamFaults(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d := connect(t, kind, "cdc_faults")
			c := d.open(t)
			defer c.Close()
			identity := func(table string) {
				if kind == "postgres" {
					d.exec(t, c, "ALTER TABLE "+table+" REPLICA IDENTITY FULL")
				}
			}
			make := func(table string) {
				d.exec(t, c, "CREATE TABLE "+table+" (id INT PRIMARY KEY, name VARCHAR(20))", "INSERT INTO "+table+" VALUES (1, 'one')")
				identity(table)
			}
			const cols = "id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED"
			free := func() { // slots that earlier cases left
				if kind == "postgres" {
					_ = c.Query(context.Background(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'cdc_faults' AND NOT active", func([]sqldb.Cell) error { return nil })
				}
			}
			query := func(table, columns, more string, args ...string) *stream {
				free()
				return run(t, d.source(kind, table, columns, more)+"SELECT * FROM s;\n", append(args, "--changelog")...)
			}
			make("t")
			t.Run("down", func(t *testing.T) {
				at := *d
				at.at.Port = 1
				run(t, at.source(kind, "t", cols, "'connect.max-retries' = '1'")+"SELECT * FROM s;\n", "--changelog").fails(t, "given up after 2 tries: 127.0.0.1:1")
			})
			t.Run("no table", func(t *testing.T) { query("nothing", cols, "").fails(t, "no such table: none matches") })
			if kind != "postgres" { // which trusts everybody here
				t.Run("denied", func(t *testing.T) {
					query("t", cols, "'username' = 'nobody', 'password' = 'x'").fails(t, "user or password refused")
				})
				t.Run("no right", func(t *testing.T) {
					d.exec(t, c, "DROP USER IF EXISTS 'looker'@'%'", "CREATE USER 'looker'@'%' IDENTIFIED BY 'x'", "GRANT SELECT ON cdc_faults.* TO 'looker'@'%'")
					query("t", cols, "'username' = 'looker', 'password' = 'x'").fails(t, "the user has no right to do this")
				})
			}
			if kind == "postgres" {
				t.Run("no right", func(t *testing.T) {
					_ = c.Exec(context.Background(), "DROP OWNED BY looker; DROP ROLE looker")
					d.exec(t, c, "CREATE ROLE looker LOGIN", "GRANT SELECT ON t TO looker")
					query("t", cols, "'username' = 'looker', 'password' = ''").fails(t, "the user has no right to do this")
				})
			} else {
				t.Run("one server-id twice", func(t *testing.T) {
					make("twice")
					first := query("twice", cols, "'server-id' = '5577'")
					first.shows(t, `"id":1`)
					for deadline, there := time.Now().Add(30*time.Second), false; !there; time.Sleep(50 * time.Millisecond) { // until it hangs on the log
						_ = c.Query(context.Background(), "SHOW SLAVE HOSTS", func(r []sqldb.Cell) error { there = there || r[0].String() == "5577"; return nil })
						if time.Now().After(deadline) {
							t.Fatal("the reader doesn't come to the log")
						}
					}
					second := query("twice", cols, "'server-id' = '5577'")
					second.shows(t, `"id":1`)
					if kind == "mariadb" { // ends the older of two
						first.fails(t, "has come with the same server-id 5577: give each its own with 'server-id'")
					}
					d.exec(t, c, "INSERT INTO twice VALUES (2, 'two')")
					second.shows(t, `"id":2`)
					if kind == "mysql" { // knows readers by a UUID, which each has of its own
						first.shows(t, `"id":2`)
						first.stop(t)
					}
					second.stop(t)
				})
				t.Run("XA", func(t *testing.T) {
					make("parts")
					s := query("parts", cols, "")
					s.shows(t, `"id":1`)
					d.exec(t, c, "XA START 'x'; INSERT INTO parts VALUES (2, 'two'); XA END 'x'; XA PREPARE 'x'")
					defer d.exec(t, c, "XA ROLLBACK 'x'")
					s.fails(t, "not supported yet: XA transactions")
				})
				t.Run("XA elsewhere", func(t *testing.T) {
					make("here")
					make("there")
					state := t.TempDir()
					d.exec(t, c, "CREATE TABLE here_copied (id INT PRIMARY KEY, name VARCHAR(20))")
					sink := fmt.Sprintf("CREATE TABLE copy_of_it (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/%s', 'table-name' = 'here_copied', 'username' = '%s', 'password' = '');\n", cols, d.Name(), d.at.Host, d.at.Port, d.name, d.at.User)
					job := func() *stream {
						return run(t, "SET 'execution.checkpointing.interval' = '100ms';\nSET 'pipeline.name' = 'here';\n"+d.source(kind, "here", cols, "")+sink+"INSERT INTO copy_of_it SELECT * FROM s;\n", "--state-dir", state)
					}
					arrives := func(want string) {
						t.Helper()
						for deadline := time.Now().Add(30 * time.Second); strings.Join(d.rows(t, c, "here_copied", "id"), " ") != want; time.Sleep(50 * time.Millisecond) {
							if time.Now().After(deadline) {
								t.Fatalf("the copy holds %q, want %q", d.rows(t, c, "here_copied", "id"), want)
							}
						}
					}
					s := job()
					arrives("1|one|")
					other := d.open(t) // MariaDB's connection that prepared one does nothing else until it has ended
					d.exec(t, other, "XA START 'a'; INSERT INTO there VALUES (2, 'two'); XA END 'a'; XA PREPARE 'a'; XA COMMIT 'a'",
						"XA START 'b', 'x', 7; INSERT INTO there VALUES (3, 'three'); XA END 'b', 'x', 7; XA COMMIT 'b', 'x', 7 ONE PHASE",
						"XA START 'c', 'x', 7; INSERT INTO there VALUES (4, 'four'); XA END 'c', 'x', 7; XA PREPARE 'c', 'x', 7")
					other.Close()
					d.exec(t, c, "INSERT INTO here VALUES (2, 'two')")
					arrives("1|one| 2|two|")
					s.stop(t)
					s = job()                 // knows of c from its state
					end := func(sql string) { // the server needs a moment to let the other connection's go
						t.Helper()
						var err error
						for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
							if err = c.Exec(context.Background(), sql); err == nil {
								return
							}
						}
						t.Fatal(err)
					}
					end("XA COMMIT 'c', 'x', 7")
					d.exec(t, c, "INSERT INTO here VALUES (3, 'three')")
					arrives("1|one| 2|two| 3|three|")
					s.stop(t)
					// one that was prepared before the first look at the log
					other = d.open(t)
					d.exec(t, other, "XA START 'd'; INSERT INTO here VALUES (4, 'four'); XA END 'd'; XA PREPARE 'd'")
					other.Close()
					s = query("here", cols, "")
					s.shows(t, `"id":3`)
					d.exec(t, c, "INSERT INTO here VALUES (5, 'five')")
					s.shows(t, `"id":5`)
					end("XA COMMIT 'd'")
					s.fails(t, "prepared before this reader came to the log")
				})
			}
			t.Run("no key", func(t *testing.T) {
				d.exec(t, c, "CREATE TABLE keyless (id INT, name VARCHAR(20))", "INSERT INTO keyless VALUES (1, 'one'), (1, 'one')")
				identity("keyless")
				query("keyless", "id INT, name STRING", "'scan.incremental.snapshot.chunk.key-column' = 'id'").fails(t, "keyless has no primary key and no unique key of NOT NULL columns")
				s := query("keyless", "id INT, name STRING", "'scan.startup.mode' = 'latest-offset'")
				for i := 2; !strings.Contains(s.out.String(), "zwei"); i++ { // it may not have begun to listen
					d.exec(t, c, fmt.Sprintf("INSERT INTO keyless VALUES (%d, 'zwei')", i), fmt.Sprintf("DELETE FROM keyless WHERE id = %d", i))
					time.Sleep(100 * time.Millisecond)
					if i > 300 {
						t.Fatal(s.out.String())
					}
				}
				s.shows(t, `"op":"-D"`)
				if strings.Contains(s.out.String(), "one") {
					t.Errorf("rows of a snapshot:\n%s", s.out.String())
				}
				s.stop(t)
			})
			t.Run("no column", func(t *testing.T) {
				query("t", "id INT, amount INT, PRIMARY KEY (id) NOT ENFORCED", "").fails(t, `no column "amount"; it has id, name`)
			})
			t.Run("wrong type", func(t *testing.T) {
				query("t", "id DATE, name STRING, PRIMARY KEY (id) NOT ENFORCED", "").fails(t, "which can't be read or written as DATE")
			})
			t.Run("value doesn't fit", func(t *testing.T) {
				d.exec(t, c, "CREATE TABLE big (id INT PRIMARY KEY, n BIGINT)", "INSERT INTO big VALUES (1, 1)")
				identity("big")
				s := query("big", "id INT, n INT, PRIMARY KEY (id) NOT ENFORCED", "")
				s.shows(t, `"id":1`)
				d.exec(t, c, "INSERT INTO big VALUES (2, 5000000000)")
				s.fails(t, `column "n": "5000000000" doesn't fit INT`)
			})
			t.Run("structure", func(t *testing.T) {
				make("shape")
				s := query("shape", cols, "")
				s.shows(t, `"id":1`)
				d.exec(t, c, "ALTER TABLE shape ADD COLUMN extra INT", "INSERT INTO shape VALUES (2, 'two', 2)")
				s.fails(t, `column "extra" int`)
			})
			t.Run("structure widened", func(t *testing.T) {
				make("wide")
				s := query("wide", cols, "'scan.schema-change' = 'widen'")
				s.shows(t, `"id":1`)
				d.exec(t, c, "ALTER TABLE wide ADD COLUMN extra INT", "INSERT INTO wide VALUES (2, 'two', 2)")
				s.shows(t, `"name":"two"`)
				d.exec(t, c, "ALTER TABLE wide DROP COLUMN name", "INSERT INTO wide VALUES (3, 3)")
				s.fails(t, `column "name" was dropped or renamed`)
			})
			t.Run("structure ignored", func(t *testing.T) {
				make("loose")
				s := query("loose", cols, "'scan.schema-change' = 'ignore'")
				s.shows(t, `"id":1`)
				d.exec(t, c, "ALTER TABLE loose DROP COLUMN name", "INSERT INTO loose VALUES (3)")
				s.shows(t, `"id":3,"name":null`)
				s.stop(t)
			})
			t.Run("truncate", func(t *testing.T) {
				make("gone")
				s := query("gone", cols, "")
				s.shows(t, `"id":1`)
				if kind == "postgres" { // the log speaks of a table after its first row
					d.exec(t, c, "INSERT INTO gone VALUES (2, 'two')")
					s.shows(t, `"id":2`)
				}
				d.exec(t, c, "TRUNCATE TABLE gone")
				s.fails(t, "'scan.truncate' = 'ignore'")
			})
			t.Run("lost connection", func(t *testing.T) {
				make("lost")
				free()
				p := proxy(t, fmt.Sprintf("%s:%d", d.at.Host, d.at.Port))
				at := *d
				at.at.Port = p.port
				s := run(t, at.source(kind, "lost", cols, "")+"SELECT * FROM s;\n", "--changelog")
				s.shows(t, `"id":1`)
				p.cut()
				d.exec(t, c, "INSERT INTO lost VALUES (2, 'two')", "UPDATE lost SET name = 'deux' WHERE id = 2")
				s.shows(t, `"name":"deux"`)
				if n := strings.Count(s.out.String(), `"+I","row":{"id":2`); n != 1 {
					t.Errorf("row 2 came %d times:\n%s", n, s.out.String())
				}
				p.close()
				s.fails(t, "given up after")
			})
			t.Run("purged log", func(t *testing.T) {
				make("old")
				free()
				state := t.TempDir()
				sink := fmt.Sprintf("CREATE TABLE copy_of_it (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/%s', 'table-name' = 'copied', 'username' = '%s', 'password' = '');\n", cols, d.Name(), d.at.Host, d.at.Port, d.name, d.at.User)
				d.exec(t, c, "CREATE TABLE copied (id INT PRIMARY KEY, name VARCHAR(20))")
				job := func(more string) *stream {
					return run(t, "SET 'execution.checkpointing.interval' = '100ms';\nSET 'pipeline.name' = 'old';\n"+d.source(kind, "old", cols, more)+sink+"INSERT INTO copy_of_it SELECT * FROM s;\n", "--state-dir", state)
				}
				arrives := func(want string) {
					t.Helper()
					for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
						got := strings.Join(d.rows(t, c, "copied", "id"), " ")
						if got == want {
							return
						}
						if time.Now().After(deadline) {
							t.Fatalf("the copy holds %q, want %q", got, want)
						}
					}
				}
				purge := func() {
					for files := 0; files != 1; time.Sleep(200 * time.Millisecond) { // a file that a dying reader holds stays
						d.exec(t, c, "FLUSH BINARY LOGS")
						last := ""
						list := func(r []sqldb.Cell) error { last = r[0].String(); files++; return nil }
						_ = c.Query(context.Background(), "SHOW BINARY LOGS", list)
						d.exec(t, c, "PURGE BINARY LOGS TO '"+last+"'")
						files = 0
						_ = c.Query(context.Background(), "SHOW BINARY LOGS", list)
					}
				}
				s := job("")
				arrives("1|one|")
				time.Sleep(500 * time.Millisecond)
				s.stop(t)
				d.exec(t, c, "INSERT INTO old VALUES (2, 'two')")
				if kind == "postgres" {
					for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the server may not have noticed yet that its reader has left
						err := c.Exec(context.Background(), "SELECT pg_drop_replication_slot('faults_old')")
						if err == nil {
							break
						}
						if time.Now().After(deadline) {
							t.Fatal(err)
						}
					}
				} else {
					purge()
				}
				s = job("")
				s.fails(t, "'re-snapshot' reads the tables again")
				if kind == "postgres" { // a slot that is gone has to be made first: re-snapshot does
					s = job("'scan.purged-log' = 're-snapshot'")
					arrives("1|one| 2|two|")
					s.stop(t)
					return
				}
				s = job("'scan.purged-log' = 'skip'")
				time.Sleep(time.Second)
				d.exec(t, c, "INSERT INTO old VALUES (3, 'three')")
				arrives("1|one| 3|three|")
				s.stop(t)
				purge()
				s = job("'scan.purged-log' = 're-snapshot'")
				arrives("1|one| 2|two| 3|three|")
				s.stop(t)
			})
		})
	}
}

// relay passes connections on, and can cut them.
type relay struct {
	port int
	l    net.Listener
	mu   sync.Mutex
	to   string
	open []net.Conn
}

// turn passes connections on to another address from now on, and cuts those there are.
func (r *relay) turn(to string) {
	r.mu.Lock()
	r.to = to
	r.mu.Unlock()
	r.cut()
}

func proxy(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, to: to, port: l.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			to := r.to
			r.mu.Unlock()
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			r.mu.Lock()
			r.open = append(r.open, a, b)
			r.mu.Unlock()
			pipe := func(x, y net.Conn) {
				buf := make([]byte, 32<<10)
				for {
					n, err := x.Read(buf)
					if n > 0 {
						if _, werr := y.Write(buf[:n]); werr != nil {
							err = werr
						}
					}
					if err != nil {
						x.Close()
						y.Close()
						return
					}
				}
			}
			go pipe(a, b)
			go pipe(b, a)
		}
	}()
	t.Cleanup(r.close)
	return r
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		c.Close()
	}
	r.open = nil
}

func (r *relay) close() {
	r.l.Close()
	r.cut()
}
