package services

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (d *database) url() string {
	return fmt.Sprintf("%s://%s@%s:%d/%s", map[string]string{"mysql": "mysql", "postgresql": "postgres"}[d.Name()], d.at.User, d.at.Host, d.at.Port, d.name)
}

// TestRealCopyVerb: millrace copy makes the target's tables, copies between kinds of
// databases, follows changes over a kill, and writes files and topics that can be
// read.
func TestRealCopyVerb(t *testing.T) {
	from, pg, back := connect(t, "mysql", "verb_src"), connect(t, "postgres", "verb_dst"), connect(t, "mariadb", "verb_back")
	c, cp, cb := from.open(t), pg.open(t), back.open(t)
	defer c.Close()
	defer cp.Close()
	defer cb.Close()
	from.exec(t, c, "CREATE TABLE orders (id BIGINT PRIMARY KEY, who VARCHAR(20) NOT NULL, paid DECIMAL(10,2), at DATETIME(3), kind ENUM('x','y'), raw VARBINARY(9), ok TINYINT(1))",
		"INSERT INTO orders VALUES (1, 'ann', 10.50, '2024-05-01 10:00:00.125', 'y', x'00ff', 1), (2, 'it''s', NULL, NULL, NULL, NULL, NULL)",
		"CREATE TABLE items (k VARCHAR(20), n INT, PRIMARY KEY (k, n))", "INSERT INTO items VALUES ('a', 1), ('B', 2)",
		"CREATE TABLE notes (line TEXT)", "INSERT INTO notes VALUES ('one'), (NULL)")
	copy := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(millrace(t), append([]string{"copy"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("copy %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	equal := func(got []string, want ...string) {
		t.Helper()
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if out := copy(from.url(), "--to", pg.url()); !strings.Contains(out, "orders: 2 rows\n") || !strings.Contains(out, "notes: 2 rows\n") {
		t.Errorf("counts:\n%s", out)
	}
	orders := []string{"1|ann|10.50|2024-05-01 10:00:00.125|y|\\x00ff|t|", "2|it's|NULL|NULL|NULL|NULL|NULL|"}
	equal(pg.rows(t, cp, "orders", "id"), orders...)
	copy(pg.url(), "--to", back.url(), "--tables", "orders,it.*")
	equal(back.rows(t, cb, "items", "n"), "a|1|", "B|2|")
	equal(back.rows(t, cb, "orders", "id"), "1|ann|10.50|2024-05-01 10:00:00.125|y|\x00\xff|1|", orders[1])

	dir := t.TempDir()
	copy(from.url(), "--to", dir, "--tables", "orders")
	out, err := exec.Command(millrace(t), "run", "-e", "CREATE TABLE f (id BIGINT, who STRING, paid DECIMAL(10,2)) WITH ('connector' = 'filesystem', 'path' = '"+dir+"/orders', 'format' = 'parquet'); SELECT * FROM f").CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"who":"it's"`) || !strings.Contains(string(out), "10.5") {
		t.Errorf("the folder reads as %v\n%s", err, out)
	}

	script := copy(from.url(), "--to", back.url(), "--tables", "orders,items", "--follow", "--sql")
	if !strings.Contains(script, "'connector' = 'mysql-cdc'") {
		t.Errorf("--sql says\n%s", script)
	}
	back.exec(t, cb, "DROP TABLE orders", "DROP TABLE items")
	state := filepath.Join(dir, "state")
	follow := func(source, to *database) *stream {
		s := &stream{cmd: exec.Command(millrace(t), "copy", source.url(), "--to", to.url(), "--tables", "orders,items", "--follow", "--state-dir", state, "-D", "execution.checkpointing.interval=100ms"), done: make(chan error, 1)}
		s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { s.done <- s.cmd.Wait() }()
		t.Cleanup(func() { _ = s.cmd.Process.Kill() })
		return s
	}
	arrives := func(s *stream, to *database, want ...string) {
		t.Helper()
		conn := to.open(t)
		defer conn.Close()
		for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			var got []string
			exists := false
			count := "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'orders' AND table_schema IN ('public', '" + to.name + "')"
			exists = strings.HasPrefix(to.rows(t, conn, "("+count+") x", "1")[0], "1")
			if exists {
				got = to.rows(t, conn, "(SELECT id, who FROM orders) x", "id")
			}
			if strings.Join(got, " ") == strings.Join(want, " ") {
				return
			}
			select {
			case err := <-s.done:
				t.Fatalf("ended: %v\n%s", err, s.out.String())
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("%q, want %q\n%s", got, want, s.out.String())
			}
		}
	}
	s := follow(from, back)
	arrives(s, back, "1|ann|", "2|it's|")
	time.Sleep(500 * time.Millisecond)
	_ = s.cmd.Process.Kill()
	<-s.done
	from.exec(t, c, "UPDATE orders SET who = 'bob' WHERE id = 2", "DELETE FROM orders WHERE id = 1", "INSERT INTO orders (id, who) VALUES (3, 'eve')")
	s = follow(from, back)
	arrives(s, back, "2|bob|", "3|eve|")
	s.stop(t)
	// PostgreSQL's changes, without REPLICA IDENTITY FULL.
	back.exec(t, cb, "DROP TABLE orders", "DROP TABLE items")
	s = follow(pg, back)
	arrives(s, back, "1|ann|", "2|it's|")
	pg.exec(t, cp, "UPDATE orders SET who = 'joe' WHERE id = 2", "DELETE FROM orders WHERE id = 1")
	arrives(s, back, "2|joe|")
	s.stop(t)

	if at := Address("kafka"); at != "" {
		copy(from.url(), "--to", "kafka://"+at+fmt.Sprintf("/verb%d.", time.Now().UnixNano()), "--tables", "orders")
	}
}
