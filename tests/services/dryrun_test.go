package services

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sqlerr"
)

// dry runs a script dry and gives a line per finding: "TABLE USE ok|unknown|fault TEXT".
func dry(t *testing.T, script string) string {
	t.Helper()
	found, err := engine.New(engine.Config{}).DryRun(context.Background(), &sqlerr.Source{Name: "job.sql", Text: script})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, x := range found {
		name := x.Table[strings.LastIndex(x.Table, ".")+1:]
		for _, s := range x.Seen {
			fmt.Fprintf(&b, "%s %s ok %s\n", name, x.Use, s)
		}
		for _, s := range x.Unknown {
			fmt.Fprintf(&b, "%s %s unknown %s\n", name, x.Use, s)
		}
		for _, err := range x.Faults {
			fmt.Fprintf(&b, "%s %s fault %s\n", name, x.Use, err)
		}
	}
	return b.String()
}

func holds(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is missing in\n%s", w, got)
		}
	}
}

func lacks(t *testing.T, got string, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(got, w) {
			t.Errorf("%q is in\n%s", w, got)
		}
	}
}

// TestRealDryRun: what a dry run finds of databases: columns, keys, rights, the log's
// settings; it neither writes rows nor makes slots and publications.
func TestRealDryRun(t *testing.T) {
	for _, kind := range []string{"mysql", "mariadb", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d := connect(t, kind, "dry_run")
			c := d.open(t)
			defer c.Close()
			d.exec(t, c, "CREATE TABLE good (id INT PRIMARY KEY, name VARCHAR(20))", "CREATE TABLE other (id INT PRIMARY KEY, name INT, must INT NOT NULL)", "CREATE TABLE keyless (id INT, name VARCHAR(20))")
			if kind == "postgres" {
				d.exec(t, c, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN", "GRANT SELECT ON good, other, keyless TO reader")
			} else {
				d.exec(t, c, "DROP USER IF EXISTS reader@'127.0.0.1'", "CREATE USER reader@'127.0.0.1'", "GRANT SELECT ON dry_run.* TO reader@'127.0.0.1'")
			}
			jdbc := func(name, user, table, cols string) string {
				scheme := map[string]string{"postgres": "postgresql"}[kind]
				if scheme == "" {
					scheme = "mysql"
				}
				return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'jdbc', 'url' = 'jdbc:%s://%s:%d/%s', 'table-name' = '%s', 'username' = '%s', 'password' = '');\n", name, cols, scheme, d.at.Host, d.at.Port, d.at.Database, table, user)
			}
			const row = "id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED"
			got := dry(t, jdbc("a", d.at.User, "good", row)+jdbc("b", d.at.User, "other", row)+jdbc("k", d.at.User, "keyless", row)+jdbc("n", d.at.User, "nosuch", row)+jdbc("r", "reader", "good", row)+
				jdbc("w", d.at.User, "good", "id INT, name DATE, more INT, nom STRING")+
				"CREATE TABLE gen (id INT, name STRING, p AS PROCTIME()) WITH ('connector' = 'datagen');"+
				"INSERT INTO a SELECT id, name FROM r; INSERT INTO b SELECT id, name FROM gen; INSERT INTO k SELECT id, name FROM gen; INSERT INTO n SELECT id, name FROM gen; INSERT INTO r SELECT id, name FROM a;"+
				"INSERT INTO a SELECT g.id, l.name FROM gen AS g JOIN r FOR SYSTEM_TIME AS OF g.p AS l ON g.id = l.id; SELECT * FROM w;")
			holds(t, got, "a written ok "+d.at.Host, "good has 2 columns, primary key (id)", "a written ok this user may write it", "r read ok this user may read it", "r looked up ok this user may read it",
				`b written fault jdbc: table default_catalog.default_database.b: other has column "must", NOT NULL`, "k written fault jdbc: table default_catalog.default_database.k: the PRIMARY KEY (id) isn't a unique key of keyless, which has none",
				"no such table: \"nosuch\"", "r written fault jdbc: table default_catalog.default_database.r: this user can't write good: ", `w read fault jdbc: table default_catalog.default_database.w: good has no column "more"`, `good has no column "nom"`)
			lacks(t, got, "a written fault", "r read fault", "r written ok this user may write")

			stream := func(name, user, table, more string) string {
				if kind == "postgres" {
					return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'postgres-cdc', 'hostname' = '%s', 'port' = '%d', 'username' = '%s', 'password' = '', 'database-name' = '%s', 'schema-name' = 'public', 'table-name' = '%s', 'slot.name' = 'dry_slot'%s);\n",
						name, row, d.at.Host, d.at.Port, user, d.at.Database, table, more)
				}
				return fmt.Sprintf("CREATE TABLE %s (%s) WITH ('connector' = 'mysql-cdc', 'hostname' = '%s', 'port' = '%d', 'username' = '%s', 'password' = '', 'database-name' = '%s', 'table-name' = '%s'%s);\n",
					name, row, d.at.Host, d.at.Port, user, d.at.Database, table, more)
			}
			got = dry(t, stream("a", d.at.User, "good", "")+stream("k", d.at.User, "keyless", "")+stream("n", d.at.User, "nosuch", "")+stream("r", "reader", "good", "")+stream("s", "reader", "good", ", 'scan.startup.mode' = 'snapshot'")+
				"SELECT id, name FROM a; SELECT id, name FROM k; SELECT id, name FROM n; SELECT id, name FROM r; SELECT id, name FROM s;")
			holds(t, got, "good: 2 columns, key (id)", "keyless has no primary key and no unique key of NOT NULL columns", "none matches", "s read ok "+d.at.Host)
			lacks(t, got, "s read fault", "a read fault mysql")
			if kind == "postgres" {
				holds(t, got, "a read ok wal_level is logical", `a read ok slot "dry_slot" isn't there yet: it will be made`, `a read ok publication "millrace_dry_slot" will be made`, "a read fault postgres-cdc: table default_catalog.default_database.a: public.good has no REPLICA IDENTITY FULL",
					`r read fault postgres-cdc: table default_catalog.default_database.r: `+d.at.String()+`: the user has no right to do this: "reader" may not replicate`, `doesn't own "public"."good"`)
				for _, what := range []string{"pg_replication_slots WHERE slot_name = 'dry_slot'", "pg_publication WHERE pubname = 'millrace_dry_slot'"} {
					if n := d.rows(t, c, "(SELECT count(*) AS n FROM "+what+") AS x", "n"); len(n) != 1 || !strings.Contains(n[0], "0") {
						t.Errorf("a dry run has made %s: %v", what, n)
					}
				}
			} else {
				holds(t, got, "a read ok binary log on, binlog_format ROW", "a read ok the log ends at ", "a read ok this user may read the log", `r read fault mysql-cdc: table default_catalog.default_database.r: `, `"reader" lacks REPLICATION SLAVE`)
			}
			for _, table := range []string{"good", "other", "keyless"} {
				if rows := d.rows(t, c, table, "id"); len(rows) > 0 {
					t.Errorf("a dry run has written %v into %s", rows, table)
				}
			}
		})
	}
}

// TestRealDryRunRedis: a user who may only read can't write.
func TestRealDryRunRedis(t *testing.T) {
	at := Need(t, "redis")
	table := func(name, more string) string {
		return fmt.Sprintf("CREATE TABLE %s (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'redis', 'url' = 'redis://%s/9'%s);\n", name, at, more)
	}
	got := dry(t, table("a", "")+table("wrong", ", 'username' = 'nobody', 'password' = 'x'")+"CREATE TABLE gen (id INT, name STRING, p AS PROCTIME()) WITH ('connector' = 'datagen');"+
		"INSERT INTO a SELECT g.id, l.name FROM gen AS g JOIN a FOR SYSTEM_TIME AS OF g.p AS l ON g.id = l.id; INSERT INTO wrong SELECT id, name FROM gen;")
	holds(t, got, "a looked up ok this user may read", "a written ok this user may write", "wrong written fault redis: table default_catalog.default_database.wrong: "+at)
}
