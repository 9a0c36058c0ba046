package services

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/connectors/sqldb"
)

// following is a job that keeps a copy of a change stream in another table.
type following struct {
	source, sink *database
	c            sqldb.Conn // of the sink
	state        string
	name, cols   string
}

func follow(t *testing.T, source, sink *database, name, cols, sinkCols string) *following {
	f := &following{source: source, sink: sink, c: sink.open(t), state: t.TempDir(), name: name, cols: cols}
	t.Cleanup(func() { f.c.Close() })
	sink.exec(t, f.c, "CREATE TABLE "+name+" ("+sinkCols+")")
	return f
}

func (f *following) start(t *testing.T, kind, more string) *stream {
	sink := fmt.Sprintf("CREATE TABLE copy_of_it (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/%s', 'table-name' = '%s', 'username' = '%s', 'password' = '');\n",
		f.cols, f.sink.Name(), f.sink.at.Host, f.sink.at.Port, f.sink.name, f.name, f.sink.at.User)
	return run(t, "SET 'execution.checkpointing.interval' = '100ms';\nSET 'pipeline.name' = '"+f.name+"';\n"+f.source.source(kind, "_?"+f.name+".*", f.cols, more)+sink+"INSERT INTO copy_of_it SELECT * FROM s;\n", "--state-dir", f.state)
}

// holds waits for the copy's rows.
func (f *following) holds(t *testing.T, s *stream, want string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := strings.Join(f.sink.rows(t, f.c, f.name, "id"), " ")
		if got == want {
			return
		}
		select {
		case err := <-s.done:
			t.Fatalf("ended: %v\n%s", err, s.out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the copy holds %q, want %q\n%s", got, want, s.out.String())
		}
	}
}

// TestRealStructureChanges: rows are read with the structure of their time, also when
// the log is read later and doesn't hold the columns' names.
func TestRealStructureChanges(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb"} {
		t.Run(kind, func(t *testing.T) {
			d, to := connect(t, kind, "cdc_shape"), connect(t, kind, "cdc_shape_copy")
			c := d.open(t)
			defer c.Close()
			d.exec(t, c, "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
			defer d.exec(t, c, "SET GLOBAL binlog_row_metadata = 'FULL'")
			d.exec(t, c, "CREATE TABLE shape (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), e ENUM('x','y'))", "INSERT INTO shape VALUES (1, 'a1', 'b1', 'y')")
			f := follow(t, d, to, "shape", "id BIGINT, a STRING, b STRING, e STRING, PRIMARY KEY (id) NOT ENFORCED", "id BIGINT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), e VARCHAR(9)")
			const widen = "'scan.schema-change' = 'widen'"
			s := f.start(t, "mysql", widen)
			f.holds(t, s, "1|a1|b1|y|")
			time.Sleep(500 * time.Millisecond)
			s.stop(t)
			steps := []string{
				"INSERT INTO shape VALUES (2, 'a2', 'b2', 'x')",
				"ALTER TABLE shape MODIFY b VARCHAR(20) AFTER id", // places change, the number of columns doesn't
				"INSERT INTO shape VALUES (3, 'b3', 'a3', 'y')",
				"ALTER TABLE shape MODIFY e ENUM('w','x','y')", // numbers of labels change
				"INSERT INTO shape VALUES (4, 'b4', 'a4', 'y'), (5, 'b5', 'a5', 'w')",
				"ALTER TABLE shape ADD COLUMN extra INT FIRST, MODIFY id BIGINT",
				"INSERT INTO shape VALUES (9, 6, 'b6', 'a6', 'x')",
				"ALTER TABLE shape CHANGE extra extra BIGINT AFTER b, ADD UNIQUE KEY (extra)",
				"UPDATE shape SET a = 'A6' WHERE id = 6",
			}
			if kind == "mariadb" { // which TiDB's parser can't read
				steps = append(steps, "ALTER ONLINE TABLE shape ADD COLUMN u UUID", "INSERT INTO shape (id, a) VALUES (7, 'a7')")
			} else {
				steps = append(steps, "ALTER TABLE shape ADD COLUMN u INT INVISIBLE", "INSERT INTO shape (id, a) VALUES (7, 'a7')")
			}
			d.exec(t, c, steps...)
			s = f.start(t, "mysql", widen)
			want := "1|a1|b1|y| 2|a2|b2|x| 3|a3|b3|y| 4|a4|b4|y| 5|a5|b5|w| 6|A6|b6|x| 7|a7|NULL|NULL|"
			f.holds(t, s, want)
			s.shows(t, "can't be read")
			// What gh-ost does.
			d.exec(t, c, "CREATE TABLE _shape_gho LIKE shape", "ALTER TABLE _shape_gho ADD COLUMN more INT")
			time.Sleep(300 * time.Millisecond)
			d.exec(t, c, "INSERT INTO _shape_gho (id, b, a, e) SELECT id, b, a, e FROM shape")
			select { // table-name matches the shadow
			case <-s.done:
			case <-time.After(30 * time.Second):
				t.Fatalf("the shadow's rows were taken:\n%s", s.out.String())
			}
			s.shows(t, "is the table that gh-ost fills")
			d.exec(t, c, "RENAME TABLE shape TO _shape_del, _shape_gho TO shape", "DROP TABLE _shape_del", "INSERT INTO shape (id, a, more) VALUES (8, 'a8', 1)")
			s = f.start(t, "mysql", widen+", 'scan.parse.online.schema.changes.enabled' = 'true'")
			f.holds(t, s, want+" 8|a8|NULL|NULL|")
			d.exec(t, c, "CREATE TABLE other LIKE shape", "RENAME TABLE shape TO before_it, other TO shape")
			s.fails(t, "was replaced by cdc_shape.other")
		})
	}
}

// TestRealEarliest: a log that begins with a table's CREATE is read with the
// structures it had, and under the declaration of what it is now.
func TestRealEarliest(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb"} {
		t.Run(kind, func(t *testing.T) {
			d := connect(t, kind, fmt.Sprintf("cdc_early_%d", time.Now().UnixNano())) // the log may know another one
			c := d.open(t)
			defer c.Close()
			defer d.exec(t, c, "DROP DATABASE "+d.name)
			d.exec(t, c, "CREATE TABLE early (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20))", "INSERT INTO early VALUES (1, 'a1', 'b1')",
				"ALTER TABLE early ADD c INT AFTER id, MODIFY b VARCHAR(40) AFTER id", "INSERT INTO early VALUES (2, 'b2', 2, 'a2')")
			s := run(t, d.source("mysql", "early", "id INT, a STRING, b STRING, PRIMARY KEY (id) NOT ENFORCED", "'scan.startup.mode' = 'earliest-offset'")+"SELECT * FROM s;\n", "--changelog")
			s.shows(t, `"id":1,"a":"a1","b":"b1"`)
			s.shows(t, `"id":2,"a":"a2","b":"b2"`)
			d.exec(t, c, "ALTER TABLE early ADD d INT")
			s.fails(t, `column "d" int`)
		})
	}
}

// TestRealNewTables: tables made later are read too, those that are found at a
// restart and those found while the job runs.
func TestRealNewTables(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d, to := connect(t, kind, "cdc_new"), connect(t, kind, "cdc_new_copy")
			c := d.open(t)
			defer c.Close()
			make := func(name string, id int) {
				d.exec(t, c, "CREATE TABLE "+name+" (id INT PRIMARY KEY, name VARCHAR(20))", fmt.Sprintf("INSERT INTO %s VALUES (%d, 'first')", name, id))
				if kind == "postgres" {
					d.exec(t, c, "ALTER TABLE "+name+" REPLICA IDENTITY FULL")
				}
			}
			make("grow_a", 1)
			f := follow(t, d, to, "grow", "id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED", "id INT PRIMARY KEY, name VARCHAR(20)")
			more := "'scan.newly-added-table.enabled' = 'true'"
			if kind == "postgres" {
				more += ", 'slot.name' = 'grow_slot'"
			}
			s := f.start(t, kind, more)
			f.holds(t, s, "1|first|")
			time.Sleep(500 * time.Millisecond)
			s.stop(t)
			make("grow_b", 2)
			s = f.start(t, kind, more)
			f.holds(t, s, "1|first| 2|first|")
			make("hidden", 3) // its name doesn't match
			d.exec(t, c, "INSERT INTO grow_a VALUES (4, 'while')")
			if kind == "postgres" {
				d.exec(t, c, "ALTER TABLE hidden RENAME TO grow_c")
			} else {
				d.exec(t, c, "RENAME TABLE hidden TO grow_c")
			}
			f.holds(t, s, "1|first| 2|first| 3|first| 4|while|")
			d.exec(t, c, "UPDATE grow_c SET name = 'then' WHERE id = 3", "DELETE FROM grow_b WHERE id = 2")
			f.holds(t, s, "1|first| 3|then| 4|while|")
			make("grow_d", 5)
			d.exec(t, c, "UPDATE grow_d SET name = 'late' WHERE id = 5")
			f.holds(t, s, "1|first| 3|then| 4|while| 5|late|")
			s.stop(t)
		})
	}
}

// unfollow makes the second server of a kind nobody's replica: that of an earlier run
// would do what the first is told.
func unfollow(t *testing.T, kind string) {
	t.Helper()
	host, port, err := net.SplitHostPort(Need(t, kind+"2"))
	if err != nil {
		t.Fatal(err)
	}
	d := &database{Dialect: sqldb.MySQL{}, at: sqldb.Server{Host: host, User: "root", Timeout: 10 * time.Second}}
	d.at.Port, _ = strconv.Atoi(port)
	c := d.open(t)
	defer c.Close()
	word := map[string]string{"mysql": "REPLICA", "mariadb": "SLAVE"}[kind]
	d.exec(t, c, "STOP "+word, "RESET "+word+" ALL")
}

// TestRealFailover: a job goes on at a replica by its transactions' names, while it
// runs and after it was stopped.
func TestRealFailover(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb"} {
		t.Run(kind, func(t *testing.T) {
			other := map[string]string{"mysql": "mariadb", "mariadb": "mysql"}[kind]
			unfollow(t, kind)
			t.Cleanup(func() { unfollow(t, kind) })
			first, second, to := connect(t, kind, "failover"), connect(t, kind+"2", "failover"), connect(t, other, "failover_copy")
			c, c2 := first.open(t), second.open(t)
			defer c.Close()
			defer c2.Close()
			one := func(d *database, c sqldb.Conn, query string) (s string) {
				if err := c.Query(context.Background(), query, func(r []sqldb.Cell) error { s = strings.ReplaceAll(r[0].String(), "\n", ""); return nil }); err != nil {
					t.Fatalf("%s: %v", query, err)
				}
				return s
			}
			executed := "SELECT @@global.gtid_executed"
			if kind == "mysql" {
				second.exec(t, c2, "STOP REPLICA", "RESET REPLICA ALL", "RESET MASTER")
				second.exec(t, c2, "SET GLOBAL gtid_purged = '"+one(first, c, executed)+"'", "CHANGE REPLICATION FILTER REPLICATE_DO_DB = (failover)",
					fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = %d, SOURCE_USER = 'repl', SOURCE_PASSWORD = 'x', SOURCE_AUTO_POSITION = 1", first.at.Port), "START REPLICA")
			} else {
				executed = "SELECT @@gtid_binlog_pos"
				second.exec(t, c2, "STOP SLAVE", "RESET SLAVE ALL", "RESET MASTER", "SET GLOBAL gtid_slave_pos = '"+one(first, c, executed)+"'", "SET GLOBAL replicate_do_db = 'failover'",
					fmt.Sprintf("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %d, MASTER_USER = 'repl', MASTER_PASSWORD = 'x', MASTER_USE_GTID = slave_pos", first.at.Port), "START SLAVE")
			}
			caught := func() {
				t.Helper()
				first.exec(t, c, "INSERT INTO failover.mark VALUES ()")
				want := one(first, c, "SELECT COUNT(*) FROM failover.mark")
				for deadline := time.Now().Add(30 * time.Second); one(second, c2, "SELECT COUNT(*) FROM failover.mark") != want; time.Sleep(50 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("the replica doesn't follow")
					}
				}
			}
			first.exec(t, c, "CREATE TABLE mark (n INT AUTO_INCREMENT PRIMARY KEY)", "CREATE TABLE moved (id INT PRIMARY KEY, name VARCHAR(20))", "INSERT INTO moved VALUES (1, 'one')")
			for deadline := time.Now().Add(30 * time.Second); one(second, c2, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'failover' AND TABLE_NAME = 'moved'") != "1"; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the replica doesn't follow")
				}
			}
			p := proxy(t, fmt.Sprintf("127.0.0.1:%d", first.at.Port))
			at := *first
			at.at.Port = p.port
			f := follow(t, &at, to, "moved", "id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED", "id INT PRIMARY KEY, name VARCHAR(20)")
			s := f.start(t, "mysql", "")
			f.holds(t, s, "1|one|")
			first.exec(t, c, "INSERT INTO moved VALUES (2, 'two')", "UPDATE moved SET name = 'eins' WHERE id = 1")
			f.holds(t, s, "1|eins| 2|two|")
			first.exec(t, c, "INSERT INTO moved VALUES (3, 'three')", "DELETE FROM moved WHERE id = 2")
			caught()
			p.turn(fmt.Sprintf("127.0.0.1:%d", second.at.Port)) // the first is lost
			second.exec(t, c2, map[string]string{"mysql": "STOP REPLICA", "mariadb": "STOP SLAVE"}[kind])
			f.holds(t, s, "1|eins| 3|three|")
			second.exec(t, c2, "INSERT INTO moved VALUES (4, 'four')", "UPDATE moved SET name = 'drei' WHERE id = 3")
			f.holds(t, s, "1|eins| 3|drei| 4|four|")
			time.Sleep(500 * time.Millisecond)
			s.stop(t)
			second.exec(t, c2, "INSERT INTO moved VALUES (5, 'five')")
			p.turn(fmt.Sprintf("127.0.0.1:%d", first.at.Port)) // which lacks what the second has done
			f.start(t, "mysql", "").fails(t, "it lacks transactions that were read from the other")
			p.turn(fmt.Sprintf("127.0.0.1:%d", second.at.Port))
			s = f.start(t, "mysql", "")
			f.holds(t, s, "1|eins| 3|drei| 4|four| 5|five|")
			set := one(second, c2, executed)
			second.exec(t, c2, "INSERT INTO moved VALUES (6, 'six')")
			f.holds(t, s, "1|eins| 3|drei| 4|four| 5|five| 6|six|")
			s.stop(t)
			s = run(t, at.source("mysql", "moved", f.cols, "'scan.startup.mode' = 'specific-offset', 'scan.startup.specific-offset.gtid-set' = '"+set+"'")+"SELECT * FROM s;\n", "--changelog")
			s.shows(t, `"name":"six"`)
			if strings.Contains(s.out.String(), "five") {
				t.Errorf("began before the set:\n%s", s.out.String())
			}
			s.stop(t)
		})
	}
}
