package services

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors/sqldb"
)

// number is a setting from the environment: COPY_ROWS, COPY_CHANGES, COPY_KILLS.
func number(t *testing.T, name string, def int) int {
	v := os.Getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s is %q, not a number", name, v)
	}
	return n
}

// database is a server with an empty database of the test's own.
type database struct {
	sqldb.Dialect
	at   sqldb.Server
	name string
}

func connect(t *testing.T, kind, name string) *database {
	t.Helper()
	host, port, err := net.SplitHostPort(Need(t, kind))
	if err != nil {
		t.Fatal(err)
	}
	d := &database{Dialect: sqldb.MySQL{}, name: name, at: sqldb.Server{Host: host, User: "root", Timeout: 10 * time.Second}}
	if kind == "postgres" {
		d.Dialect, d.at.User, d.at.Database = sqldb.Postgres{}, "postgres", "postgres"
	}
	d.at.Port, _ = strconv.Atoi(port)
	c := d.open(t)
	defer c.Close()
	if kind == "postgres" {
		_ = c.Query(context.Background(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '"+name+"'", func([]sqldb.Cell) error { return nil })
		d.exec(t, c, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", "CREATE DATABASE "+name)
	} else {
		d.exec(t, c, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	}
	d.at.Database = name
	return d
}

func (d *database) open(t *testing.T) sqldb.Conn {
	t.Helper()
	c, err := d.Open(context.Background(), d.at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d *database) exec(t *testing.T, c sqldb.Conn, stmts ...string) {
	t.Helper()
	for _, s := range stmts {
		if err := c.Exec(context.Background(), s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
}

// rows is a table's rows as text, in order of the columns.
func (d *database) rows(t *testing.T, c sqldb.Conn, table, order string) (out []string) {
	t.Helper()
	err := c.Query(context.Background(), "SELECT * FROM "+table+" ORDER BY "+order, func(r []sqldb.Cell) error {
		var b bytes.Buffer
		for _, x := range r {
			if x.Kind == sqldb.Null {
				b.WriteString("NULL|")
			} else {
				b.WriteString(x.String() + "|")
			}
		}
		out = append(out, b.String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// millrace is the binary that make test-services built.
func millrace(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../bin/millrace")
	if err == nil {
		_, err = os.Stat(bin)
	}
	if err != nil {
		t.Fatalf("make build first: %v", err)
	}
	return bin
}

// copied is a table that is copied: its key may be a number, a text that is ordered
// by a collation, or several columns.
type copied struct {
	name, columns, key string
	declared           string // in the job
	insert             func(n int, r *rand.Rand) string
	where              func(n int) string
}

func word(n int) string { return fmt.Sprintf("%c%c%d", "aBcDeéÄ"[n%5], "xYzé"[n%3], n*7919%1000003) }

var tables = []copied{
	{name: "items", columns: "id BIGINT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2), ts TIMESTAMP(3) NULL", key: "id",
		declared: "id BIGINT, name STRING, price DECIMAL(12,2), ts TIMESTAMP(3), PRIMARY KEY (id) NOT ENFORCED",
		insert: func(n int, r *rand.Rand) string {
			return fmt.Sprintf("(%d, 'it''s %d', %d.%02d, '2024-02-%02d 10:00:00.%03d')", n, r.Intn(1e6), r.Intn(1e6), r.Intn(100), 1+r.Intn(28), r.Intn(1000))
		},
		where: func(n int) string { return fmt.Sprintf("id = %d", n) }},
	{name: "words", columns: "w VARCHAR(40) PRIMARY KEY, n INT", key: "w",
		declared: "w STRING, n INT, PRIMARY KEY (w) NOT ENFORCED",
		insert:   func(n int, r *rand.Rand) string { return fmt.Sprintf("('%s', %d)", word(n), r.Intn(1e6)) },
		where:    func(n int) string { return "w = '" + word(n) + "'" }},
	{name: "pairs", columns: "a INT, b VARCHAR(10), n INT, PRIMARY KEY (a, b)", key: "a, b",
		declared: "a INT, b STRING, n INT, PRIMARY KEY (a, b) NOT ENFORCED",
		insert:   func(n int, r *rand.Rand) string { return fmt.Sprintf("(%d, 'b%d', %d)", n/50-10, n%50, r.Intn(1e6)) },
		where:    func(n int) string { return fmt.Sprintf("a = %d AND b = 'b%d'", n/50-10, n%50) }},
}

var set = map[string]string{"items": "price = price + 1", "words": "n = n + 1", "pairs": "n = n + 1"}

// TestRealCopy: tables are copied from a change stream while they change, and the job
// is killed again and again; in the end the copy equals the source row for row.
func TestRealCopy(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb", "postgres"} {
		t.Run(kind, func(t *testing.T) { copyTables(t, kind) })
	}
}

func copyTables(t *testing.T, kind string) {
	src, dst := connect(t, kind, "copy_src"), connect(t, kind, "copy_dst") // skips where there is no server
	bin := millrace(t)
	rows, changes, kills := number(t, "COPY_ROWS", 60_000), number(t, "COPY_CHANGES", 6_000), number(t, "COPY_KILLS", 6)
	cs, cd := src.open(t), dst.open(t)
	defer cs.Close()
	defer cd.Close()
	r := rand.New(rand.NewSource(1))
	var job strings.Builder
	job.WriteString("SET 'execution.checkpointing.interval' = '300ms';\n")
	share := map[string]int{"items": rows * 8 / 10, "words": rows / 10, "pairs": rows / 10}
	for i, tb := range tables {
		if kind == "postgres" {
			tb.columns = strings.Replace(tb.columns, " NULL", "", 1)
		}
		src.exec(t, cs, "CREATE TABLE "+tb.name+" ("+tb.columns+")")
		dst.exec(t, cd, "CREATE TABLE "+tb.name+" ("+tb.columns+")")
		if kind == "postgres" {
			src.exec(t, cs, "ALTER TABLE "+tb.name+" REPLICA IDENTITY FULL")
		}
		for n := 0; n < share[tb.name]; {
			var b strings.Builder
			b.WriteString("INSERT INTO " + tb.name + " VALUES ")
			for k := 0; k < 1000 && n < share[tb.name]; k, n = k+1, n+1 {
				if k > 0 {
					b.WriteByte(',')
				}
				b.WriteString(tb.insert(2*n, r))
			}
			src.exec(t, cs, b.String())
		}
		more := fmt.Sprintf("'connector' = 'mysql-cdc', 'server-id' = '%d', 'database-name' = 'copy_src', 'scan.incremental.snapshot.chunk.size' = '1000'", 7000+i)
		if kind == "postgres" {
			more = fmt.Sprintf("'connector' = 'postgres-cdc', 'slot.name' = 'copy_%s', 'database-name' = 'copy_src', 'schema-name' = 'public', 'scan.incremental.snapshot.chunk.size' = '1000'", tb.name)
		}
		fmt.Fprintf(&job, "CREATE TABLE s_%s (%s) WITH (%s, 'hostname' = '%s', 'port' = '%d', 'username' = '%s', 'password' = '', 'table-name' = '%s');\n", tb.name, tb.declared, more, src.at.Host, src.at.Port, src.at.User, tb.name)
		fmt.Fprintf(&job, "CREATE TABLE d_%s (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/copy_dst', 'username' = '%s', 'password' = '', 'table-name' = '%s');\n", tb.name, tb.declared, src.Name(), src.at.Host, src.at.Port, src.at.User, tb.name)
	}
	job.WriteString("EXECUTE STATEMENT SET BEGIN\n")
	for _, tb := range tables {
		fmt.Fprintf(&job, "INSERT INTO d_%s SELECT * FROM s_%s;\n", tb.name, tb.name)
	}
	job.WriteString("END;\n")
	dir := t.TempDir()
	script := filepath.Join(dir, "job.sql")
	if err := os.WriteFile(script, []byte(job.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	start := func() *exec.Cmd {
		text.Reset()
		cmd := exec.Command(bin, "run", "--state-dir", filepath.Join(dir, "state"), script)
		cmd.Stdout, cmd.Stderr = &text, &text
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}

	var load sync.WaitGroup
	load.Add(1)
	done := make(chan struct{})
	go func() {
		defer load.Done()
		defer close(done)
		c, err := src.Open(context.Background(), src.at)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		r := rand.New(rand.NewSource(2))
		began := time.Now()
		for i := 0; i < changes; i++ {
			tb := tables[map[int]int{8: 1, 9: 2}[r.Intn(10)]]
			n := r.Intn(2*share[tb.name] + 100)
			var s string
			switch r.Intn(6) {
			case 0, 1:
				s = "INSERT INTO " + tb.name + " VALUES " + tb.insert(n, r)
				if kind == "postgres" {
					s += " ON CONFLICT DO NOTHING"
				} else {
					s = strings.Replace(s, "INSERT", "INSERT IGNORE", 1)
				}
			case 2:
				s = "DELETE FROM " + tb.name + " WHERE " + tb.where(n)
			default:
				s = "UPDATE " + tb.name + " SET " + set[tb.name] + " WHERE " + tb.where(n)
			}
			if tb.name == "items" && r.Intn(10) == 0 { // the key moves
				s = fmt.Sprintf("UPDATE items SET id = %d WHERE id = %d", 10_000_000+i, n)
			}
			switch r.Intn(20) { // a transaction of several rows, one rolled back
			case 0:
				s = "BEGIN; " + s + "; UPDATE " + tb.name + " SET " + set[tb.name] + " WHERE " + tb.where(n+1) + "; DELETE FROM " + tb.name + " WHERE " + tb.where(n+2) + "; COMMIT"
			case 1:
				s = "BEGIN; " + s + "; ROLLBACK"
			}
			if err := c.Exec(context.Background(), s); err != nil {
				t.Errorf("%s: %v", s, err)
				return
			}
			if want := time.Duration(i) * time.Duration(kills) * 1500 * time.Millisecond / time.Duration(changes); time.Since(began) < want {
				time.Sleep(want - time.Since(began))
			}
		}
	}()

	for k := range kills {
		cmd := start()
		for k == 0 { // a run that leaves no checkpoint would be a new job to the next one
			if m, _ := filepath.Glob(filepath.Join(dir, "state", "*", "*")); len(m) > 2 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Duration(300+r.Intn(1500)) * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("run %d ended by itself: %v\n%s", k, err, text.String())
		}
	}
	cmd := start()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	load.Wait()
	deadline := time.Now().Add(time.Duration(number(t, "COPY_WAIT", 300)) * time.Second)
	var wrong string
	for time.Now().Before(deadline) {
		select {
		case err := <-ended:
			t.Fatalf("the job ended: %v\n%s", err, text.String())
		case <-time.After(time.Second):
		}
		wrong = ""
		for _, tb := range tables {
			a, b := src.rows(t, cs, tb.name, tb.key), dst.rows(t, cd, tb.name, tb.key)
			if diff := difference(a, b); diff != "" {
				wrong += tb.name + ": " + diff + "\n"
			}
		}
		if wrong == "" {
			break
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		t.Error("the job doesn't stop on SIGINT")
	}
	if wrong != "" {
		t.Fatalf("the copy differs:\n%s\n%s", wrong, text.String())
	}
	t.Logf("%d rows, %d changes, %d kills: equal", rows, changes, kills)
}

func difference(a, b []string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) && n == len(b) {
		return ""
	}
	at := func(s []string) string {
		if n < len(s) {
			return s[n]
		}
		return "(end)"
	}
	return fmt.Sprintf("%d rows, the copy has %d; first difference at %d: %s / %s", len(a), len(b), n, at(a), at(b))
}
